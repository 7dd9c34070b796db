//! What could keep a Flamenco Manager and its workers from rendering what farm submits.

use super::{Check, Found, Subject, scripts};
use crate::base::error::{Class, Failure};
use crate::base::status::WorkerStatus;
use crate::manager::compile::farm_type;
use crate::manager::{FarmType, Flamenco, Manager, ManagerError, ManagerWorker};
use crate::ops::storage::{self, Storage};
use crate::sys::http::{self, IpAddr};
use crate::sys::outside;
use crate::volume::Volume;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const ADDRESS: &str =
    "Check the address (--manager, FARM_MANAGER, or manager in config.yaml) and that the Manager runs.";
/// What a worker may take; the first is what renders.
const TASK_TYPES: [&str; 4] = ["blender", "ffmpeg", "file-management", "misc"];
/// What tasks of both job types name.
const VARIABLES: [&str; 2] = ["blender", "blenderArgs"];

/// What a Manager is asked about, beside whether it is there.
const ASKED: [&str; 8] = ["job-type", "storage", "shaman", "exposure", "workers", "task-types", "variables", "scripts"];

/// The Manager that the settings name, as far as it can be spoken to.
pub struct Remote<'a> {
    /// The client, or why there is none.
    pub client: Result<&'a Flamenco, &'a Failure>,
    /// The same for somebody who has no credentials; `None` where none are set.
    pub stranger: Option<&'a Flamenco>,
}

pub(super) fn checks(remote: &Remote<'_>, subject: &Subject<'_>) -> Vec<Check> {
    let client = match remote.client {
        Ok(client) => client,
        Err(failure) => return alone(Check::failure("manager", failure)),
    };
    let version = match client.version() {
        Ok(version) => version,
        Err(error) => return alone(unreachable(error)),
    };
    let found = Check::ok("manager", format!("{} is {} {}", client.address(), version.name, version.version));
    let workers = client.workers();
    vec![
        found,
        job_type(client),
        storage(client, &subject.volume),
        shaman(client, &subject.volume),
        exposure(client, remote.stranger),
        match &workers {
            Ok(workers) => states(workers),
            Err(error) => Check::fail("workers", error.to_string(), ADDRESS),
        },
        of_workers("task-types", &workers, task_types),
        of_workers("variables", &workers, |workers| variables(client, workers)),
        of_workers("scripts", &workers, |workers| scripts::of_manager(client, workers, subject.autoexec)),
    ]
}

/// What keeps the Manager from being asked, and what it is not asked then: each check keeps its name.
fn alone(found: Check) -> Vec<Check> {
    let skipped = ASKED.map(|name| Check::skip(name, "not looked at: the Manager cannot be asked"));
    std::iter::once(found).chain(skipped).collect()
}

fn unreachable(error: ManagerError) -> Check {
    let failure = Failure::from(error);
    match failure.class() {
        // Errors elsewhere send people here: they must not be sent in a circle.
        Class::Manager if failure.hint().is_none_or(|hint| hint.contains("farm doctor")) => {
            Check::fail("manager", failure.message(), ADDRESS)
        }
        // Its address is in the message.
        _ => Check::failure("manager", &failure),
    }
}

pub(super) fn troubled(name: &'static str, error: ManagerError) -> Check {
    Check::fail(name, error.to_string(), "Look at what the message names; the Manager's own log may say more.")
}

fn job_type(client: &Flamenco) -> Check {
    const NAME: &str = "job-type";
    const INSTALL: &str = "`farm setup manager` installs this farm's; plain renders need none.";
    const UPDATE: &str = "Update farm here: a newer one set this Manager up; plain renders need no job type of farm's.";
    match (client.has_built_in_type(), client.farm_type()) {
        (Err(error), _) | (_, Err(error)) => troubled(NAME, error),
        (Ok(false), _) => Check::fail(
            NAME,
            "Flamenco's own job type simple-blender-render is not served",
            "Look for a script of that name in the Manager's scripts/ folder that is in its place or broken.",
        ),
        (Ok(true), Ok(FarmType::Current)) => {
            Check::ok(NAME, format!("farm's job type ({}) is served", farm_type::LABEL))
        }
        (Ok(true), Ok(FarmType::Absent)) => Check::warn(
            NAME,
            "farm's own job type is not there: --device, --blender, --env, --samples and frames below 0 need it",
            INSTALL,
        ),
        (Ok(true), Ok(FarmType::Other(label))) => Check::warn(
            NAME,
            format!("farm's own job type is {label:?}, this farm's is {:?}", farm_type::LABEL),
            if farm_type::edition(&label) > farm_type::edition(farm_type::LABEL) { UPDATE } else { INSTALL },
        ),
    }
}

fn storage(client: &Flamenco, volume: &Found<'_>) -> Check {
    const NAME: &str = "storage";
    let Found::Open(volume) = volume else { return Check::skip(NAME, "not looked at: no volume is open") };
    match storage::prove(volume, client) {
        Ok(Storage::Same) => {
            Check::ok(NAME, "the volume is the Manager's shared storage: it saw a folder made on the one")
        }
        Ok(Storage::Other { storage, cause }) => Check::fail(
            NAME,
            format!("the volume is not the Manager's shared storage {storage}, or it may not write there: {cause}"),
            "Name the volume that is the root of its shared storage with --volume, or mount that storage here.",
        ),
        Err(failure) => Check::failure(NAME, &failure),
    }
}

/// Shaman compares paths with their links followed to paths without: where the root's path has a link, its clean-up takes
/// every file for unused (Flamenco 3.8.3 and newer, `pkg/shaman/cleanup.go`).
fn shaman(client: &Flamenco, volume: &Found<'_>) -> Check {
    const NAME: &str = "shaman";
    let arrangement = match client.arrangement() {
        Ok(arrangement) => arrangement,
        Err(error) => return troubled(NAME, error),
    };
    if !arrangement.shaman {
        return Check::ok(NAME, "Shaman is off");
    }
    let Some(root) = arrangement.configured_storage.map(PathBuf::from) else {
        return Check::skip(NAME, "Shaman is on; the Manager does not say where its storage is");
    };
    match (outside::resolve(&root), volume) {
        (Ok(resolved), Found::Open(volume)) if is_volume(&resolved, volume) && resolved != root => Check::fail(
            NAME,
            format!(
                "Shaman is on and the path of its storage, {}, leads over a link to {}",
                root.display(),
                resolved.display()
            ),
            "Set shared_storage_path in flamenco-manager.yaml to the path without links: Shaman's clean-up deletes files \
             that are in use otherwise.",
        ),
        (Ok(resolved), Found::Open(volume)) if is_volume(&resolved, volume) => {
            Check::ok(NAME, "Shaman is on, and no link is in the path of its storage")
        }
        _ => Check::skip(NAME, "Shaman is on; whether a link is in the path of its storage cannot be seen from here"),
    }
}

fn is_volume(path: &Path, volume: &Volume) -> bool {
    outside::resolve(&volume.path()).is_ok_and(|root| root == path)
}

/// Flamenco has no accounts: who reaches a Manager can do anything on it.
fn exposure(client: &Flamenco, stranger: Option<&Flamenco>) -> Check {
    const NAME: &str = "exposure";
    let addresses = match http::addresses(&client.address()) {
        Ok(addresses) if !addresses.is_empty() => addresses,
        // Behind a proxy that resolves names for this machine, say.
        _ => {
            let words = format!("not known: the name in {} is not one that this machine resolves", client.address());
            return Check::skip(NAME, words);
        }
    };
    let Some(public) = addresses.iter().find(|address| is_public(**address)) else {
        return Check::ok(NAME, "its address is one of this machine or of a private network");
    };
    match stranger.map(Flamenco::version) {
        Some(Err(ManagerError::Unauthorized { .. })) => {
            Check::ok(NAME, format!("its address {public} is a public one, and it lets nobody in without credentials"))
        }
        Some(Err(error)) => {
            let words =
                format!("its address {public} is a public one; who gets in without credentials is not known: {error}");
            Check::skip(NAME, words)
        }
        None | Some(Ok(_)) => Check::warn(
            NAME,
            format!(
                "its address {public} is a public one, and it asks for no credentials: whoever reaches it can do anything"
            ),
            "Put it behind a VPN, or behind a proxy that asks for credentials (access.user, access.token_file, access.client_certificate).",
        ),
    }
}

/// Beyond this machine, the local network and what VPNs use.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let shared = v4.octets()[0] == 100 && (64..128).contains(&v4.octets()[1]);
            !(v4.is_loopback() || v4.is_private() || v4.is_link_local() || v4.is_unspecified() || shared)
        }
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => is_public(IpAddr::V4(v4)),
            None => !(v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_unspecified()),
        },
    }
}

/// What the workers are asked for. Why they are not known is told once, by the check of that name.
fn of_workers(
    name: &'static str,
    workers: &Result<Vec<ManagerWorker>, ManagerError>,
    check: impl FnOnce(&[ManagerWorker]) -> Check,
) -> Check {
    match workers {
        Ok(workers) => check(workers),
        Err(_) => Check::skip(name, "not looked at: the workers cannot be listed"),
    }
}

fn names<'w>(workers: impl Iterator<Item = &'w ManagerWorker>) -> Vec<&'w str> {
    workers.map(|worker| worker.name.as_str()).collect()
}

fn states(workers: &[ManagerWorker]) -> Check {
    const NAME: &str = "workers";
    let in_error = names(workers.iter().filter(|worker| worker.status == WorkerStatus::Error));
    let awake = workers.iter().filter(|worker| worker.status == WorkerStatus::Awake).count();
    if !in_error.is_empty() {
        return Check::warn(
            NAME,
            format!("in error: {}; {awake} of {} awake", in_error.join(", "), workers.len()),
            "Look at those machines: a renderer may live on there. Start the worker again, or set it awake in Flamenco.",
        );
    }
    match awake {
        0 => Check::warn(
            NAME,
            format!("none of {} awake: nothing will be rendered", workers.len()),
            "Start a Worker, or wake one in Flamenco.",
        ),
        _ => Check::ok(NAME, format!("{awake} of {} awake", workers.len())),
    }
}

fn is_at_hand(worker: &&ManagerWorker) -> bool {
    !matches!(worker.status, WorkerStatus::Error | WorkerStatus::Offline)
}

fn task_types(workers: &[ManagerWorker]) -> Check {
    const NAME: &str = "task-types";
    const REMEDY: &str = "Add it to task_types in flamenco-worker.yaml of a worker, and start that anew.";
    let taken: BTreeSet<&str> =
        workers.iter().filter(is_at_hand).flat_map(|worker| &worker.task_types).map(String::as_str).collect();
    let lacking: Vec<&str> = TASK_TYPES.into_iter().filter(|kind| !taken.contains(kind)).collect();
    match lacking.as_slice() {
        _ if workers.is_empty() => Check::skip(NAME, "not looked at: no worker is known"),
        [] => Check::ok(NAME, "each has a worker that takes it"),
        [first, ..] if *first == TASK_TYPES[0] => Check::fail(NAME, "no worker at hand takes blender tasks", REMEDY),
        lacking => Check::warn(NAME, format!("no worker at hand takes {}", lacking.join(", ")), REMEDY),
    }
}

/// What the workers at hand run on, as Go names it. One that left long ago needs nothing.
pub(super) fn platforms(workers: &[ManagerWorker]) -> BTreeSet<&str> {
    let names = workers.iter().filter(is_at_hand).map(|worker| worker.platform.as_str());
    let mut platforms: BTreeSet<&str> = names.filter(|platform| !platform.is_empty()).collect();
    if platforms.is_empty() {
        platforms.insert("linux");
    }
    platforms
}

fn variables(client: &Flamenco, workers: &[ManagerWorker]) -> Check {
    const NAME: &str = "variables";
    let platforms = platforms(workers);
    let mut lacking = Vec::new();
    for platform in &platforms {
        let known = match client.variables(platform) {
            Ok(known) => known,
            Err(error) => return troubled(NAME, error),
        };
        let is_lacking = |name: &&str| known.get(*name).is_none_or(String::is_empty);
        lacking.extend(VARIABLES.into_iter().filter(is_lacking).map(|name| format!("{name} for {platform}")));
    }
    match lacking.is_empty() {
        true => {
            let platforms: Vec<&str> = platforms.into_iter().collect();
            Check::ok(NAME, format!("blender and blenderArgs are set for {}", platforms.join(", ")))
        }
        false => Check::fail(
            NAME,
            format!("not set: {}", lacking.join(", ")),
            "Set it under variables in flamenco-manager.yaml, then start the Manager anew.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::WorkerId;
    use crate::ops::doctor::Status;

    fn worker(name: &str, status: WorkerStatus, types: &[&str]) -> ManagerWorker {
        ManagerWorker {
            id: WorkerId(name.into()),
            name: name.into(),
            status,
            requested: None,
            version: String::new(),
            last_seen: None,
            task_types: types.iter().map(ToString::to_string).collect(),
            tags: Vec::new(),
            platform: "linux".into(),
            task: None,
            job: None,
            last_task: None,
        }
    }

    #[test]
    fn workers_are_judged() {
        let all = worker("w1", WorkerStatus::Awake, &TASK_TYPES);
        assert_eq!(states(std::slice::from_ref(&all)).status, Status::Ok);
        assert_eq!(states(&[]).status, Status::Warn);
        let lost = worker("w2", WorkerStatus::Error, &TASK_TYPES);
        let check = states(&[all.clone(), lost.clone()]);
        assert!(check.status == Status::Warn && check.message.contains("w2"), "{check:?}");
        assert_eq!(task_types(&[all.clone(), lost.clone()]).status, Status::Ok);
        assert_eq!(task_types(&[lost]).status, Status::Fail, "one in error takes nothing");
        assert_eq!(task_types(&[worker("w", WorkerStatus::Asleep, &["blender"])]).status, Status::Warn);
        assert_eq!(task_types(&[]).status, Status::Skip);
        let gone = ManagerWorker { platform: "windows".into(), ..worker("w3", WorkerStatus::Offline, &TASK_TYPES) };
        assert_eq!(platforms(&[all, gone]), ["linux"].into());
    }

    #[test]
    fn public_addresses_are_told_from_private_ones() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "172.16.9.9",
            "100.101.1.1",
            "169.254.1.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(private.parse().expect("an address")), "{private}");
        }
        for public in ["8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:4860::1", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().expect("an address")), "{public}");
        }
    }
}
