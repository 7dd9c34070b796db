//! The volume: there, writable, roomy, and nothing left lying about on it.

use super::{Asked, Check, Found, Subject};
use crate::base::counted::counted;
use crate::base::error::{Explain, Failure};
use crate::base::name::{Home, JobRef};
use crate::base::size::Bytes;
use crate::ops::harvest::manifest::{self, Manifest};
use crate::ops::harvest::unfinished;
use crate::ops::recover;
use crate::ops::release;
use crate::ops::status::interrupted;
use crate::sys::disk::space::{self, FileSystem, Space};
use crate::volume::journal::{self, Account};
use crate::volume::lock::{self, Standing};
use crate::volume::release_file::ReleaseFile;
use crate::volume::{Volume, VolumeError, layout};

/// Below this nothing can be rendered: less than a few frames.
const TOO_LITTLE: u64 = 64 << 20;
/// Below this share of the whole, or this amount, somebody should know.
const LITTLE_SHARE: u64 = 20;
const LITTLE: u64 = 5 << 30;
/// Fewer files than this, and a release does not fit.
const FEW_FILES: u64 = 10_000;
const RECOVER: &str = "Run `farm recover`.";

/// All checks of the volume, whether or not it is open.
pub(super) fn checks(subject: &Subject<'_>) -> Vec<Check> {
    const OTHERS: [&str; 7] =
        ["marker", "free-space", "file-system", "releases", "locks", "journals", "half-written-files"];
    let skipped = |why: &str| OTHERS.map(|name| Check::skip(name, why)).into_iter();
    match subject.volume {
        Found::Open(volume) => opened(subject, volume),
        Found::Refused(error) => {
            refused(error).into_iter().chain(skipped("not looked at: no volume is open").skip(1)).collect()
        }
        Found::Nowhere => {
            let none = Check::fail(
                "volume",
                "none is named, and the working directory lies on none",
                "Make one with `farm init DIR`, or name one with --volume DIR or FARM_VOLUME.",
            );
            std::iter::once(none).chain(skipped("not looked at: no volume is named")).collect()
        }
    }
}

/// A folder that is there but bears no good marker is another trouble than one that is not there.
fn refused(error: &VolumeError) -> [Check; 2] {
    let remedy = error.hint().unwrap_or_default();
    match error {
        VolumeError::NoMarker { path, .. } | VolumeError::Newer { path, .. } | VolumeError::Damaged { path, .. } => [
            Check::ok("volume", format!("the folder {} is there", path.display())),
            Check::fail("marker", error.to_string(), remedy),
        ],
        _ => [
            Check::fail("volume", error.to_string(), remedy),
            Check::skip("marker", "not looked at: no volume is open"),
        ],
    }
}

fn opened(subject: &Subject<'_>, volume: &Volume) -> Vec<Check> {
    vec![
        place(subject, volume),
        marker(volume),
        free_space(volume),
        file_system(volume),
        releases(volume),
        locks(volume),
        journals(volume),
        half_written(volume),
    ]
}

/// Where it is, and whether farm may write there.
fn place(subject: &Subject<'_>, volume: &Volume) -> Check {
    const NAME: &str = "volume";
    let path = volume.path();
    if let Err(error) = volume.root().try_write() {
        return Check::failure(NAME, &Failure::from(error).context("the volume cannot be written to"));
    }
    let resolved = volume.root().resolved_path();
    match (&subject.manager, resolved) {
        (Asked::Flamenco(_), Some(real)) if real != path => Check::warn(
            NAME,
            format!("{} is behind a symbolic link; it is {}", path.display(), real.display()),
            // Shaman compares unresolved with resolved paths and so takes every file for unused (pkg/shaman/cleanup.go).
            "Name it by its real path here and in Flamenco: Flamenco's file store deletes files that it reaches through a link.",
        ),
        _ => Check::ok(NAME, format!("{:?} at {}, writable", volume.marker().name, path.display())),
    }
}

fn marker(volume: &Volume) -> Check {
    let marker = volume.marker();
    Check::ok("marker", format!("id {}, made {} by farm {}", marker.id, marker.created, marker.farm))
}

fn free_space(volume: &Volume) -> Check {
    const NAME: &str = "free-space";
    let roots = std::iter::once((volume.path(), volume.root()));
    let roots = roots.chain(volume.mounts().iter().map(|(_, root)| (root.path(), root)));
    let mut worst: Option<Check> = None;
    for (path, root) in roots {
        let check = match space::space(root) {
            Ok(space) => room(&path.display().to_string(), space),
            Err(error) => Check::failure(NAME, &error.into()),
        };
        let is_worse = worst.as_ref().is_none_or(|worst| severity(&check) > severity(worst));
        if is_worse {
            worst = Some(check);
        }
    }
    worst.unwrap_or_else(|| Check::skip(NAME, "not known"))
}

fn severity(check: &Check) -> u8 {
    match check.status {
        super::Status::Ok | super::Status::Skip => 0,
        super::Status::Warn => 1,
        super::Status::Fail => 2,
    }
}

fn room(path: &str, space: Space) -> Check {
    const NAME: &str = "free-space";
    const REMEDY: &str = "Free some space, or move the volume to a larger disk.";
    let found = format!("{} of {} free at {path}", Bytes(space.free), Bytes(space.total));
    match space {
        Space { read_only: true, .. } => {
            Check::fail(NAME, format!("{path} is mounted read-only"), "Mount it writable, then look again.")
        }
        Space { free, .. } if free < TOO_LITTLE => Check::fail(NAME, found, REMEDY),
        Space { free_files: Some(files), .. } if files < FEW_FILES => {
            Check::warn(NAME, format!("{found}, and room for no more than {files} files"), REMEDY)
        }
        Space { free, total, .. } if free < LITTLE || free < total / LITTLE_SHARE => Check::warn(NAME, found, REMEDY),
        _ => Check::ok(NAME, found),
    }
}

fn file_system(volume: &Volume) -> Check {
    const NAME: &str = "file-system";
    let kind = match space::file_system(volume.root()) {
        Ok(kind) => kind,
        Err(error) => return Check::failure(NAME, &error.into()),
    };
    match kind {
        FileSystem::Nfs => Check::ok(NAME, "NFS, shared with other machines"),
        FileSystem::Smb => Check::ok(NAME, "SMB (Windows share), shared with other machines"),
        FileSystem::Fuse => Check::ok(NAME, "FUSE; farm takes it for shared with other machines"),
        FileSystem::Memory => Check::warn(
            NAME,
            "in memory: everything on it is gone after a restart",
            "Move the volume to a disk, unless it is for trials only.",
        ),
        FileSystem::Local => Check::ok(NAME, "on a disk of this machine"),
        FileSystem::Other(kind) => Check::ok(NAME, format!("of a kind that farm does not tell apart ({kind:#x})")),
    }
}

/// Every release file and every manifest can be read, and nothing odd lies beside them.
fn releases(volume: &Volume) -> Check {
    const NAME: &str = "releases";
    let found = match volume.homes() {
        Ok(found) => found,
        Err(error) => return Check::failure(NAME, &error.into()),
    };
    let unreadable: Vec<Failure> = found.names.iter().filter_map(|name| unreadable(volume, name)).collect();
    if let Some(first) = unreadable.first() {
        let words: Vec<String> = unreadable.iter().map(Failure::message).collect();
        let message = format!("{} of {} cannot be read: {}", unreadable.len(), found.names.len(), words.join("; "));
        return Check::fail(NAME, message, first.hint().unwrap_or("Restore the file from a backup."));
    }
    let lost: Vec<&Home> = found.names.iter().filter(|name| unfinished::lacks_manifest(volume, name)).collect();
    if let Some(first) = lost.first() {
        let message = format!(
            "dist/{first} holds files and no {} that tells what was harvested: frames of it count as missing ({} in all)",
            manifest::NAME,
            counted(lost.len(), "release")
        );
        return Check::warn(NAME, message, "Restore the manifest from a backup, or move the files elsewhere.");
    }
    if let Some(odd) = found.odd.first() {
        let message = format!("in releases/ lies {:?}, which is no release (and {} more)", odd, found.odd.len() - 1);
        return Check::warn(NAME, message, "farm leaves it alone: move it elsewhere.");
    }
    Check::ok(NAME, format!("{} on the volume", found.names.len()))
}

/// What keeps a release from being looked at.
fn unreadable(volume: &Volume, name: &Home) -> Option<Failure> {
    let manifest = || Manifest::load(volume, name).map(drop);
    release::load(volume, name).and_then(|file| frame_folders(volume, file.as_ref())).and_then(|()| manifest()).err()
}

/// Fails where a job's folder of frames is a link, or no folder at all.
fn frame_folders(volume: &Volume, file: Option<&ReleaseFile>) -> Result<(), Failure> {
    for (file, job) in file.into_iter().flat_map(|file| file.jobs.iter().map(move |job| (file, job))) {
        volume.dir(&layout::out_dir(&JobRef::within(&file.name, &job.name)))?;
    }
    Ok(())
}

fn locks(volume: &Volume) -> Check {
    const NAME: &str = "locks";
    let standing = match lock::standing(volume) {
        Ok(standing) => standing,
        Err(error) => return Check::failure(NAME, &error.into()),
    };
    if let Some(unreadable) = standing.iter().find(|lock| lock.holder.is_none()) {
        let message = format!("the lock {} cannot be read, and counts as held", unreadable.path.display());
        return Check::warn(NAME, message, "If no farm runs on this volume, move that file away.");
    }
    let (stale, held): (Vec<&Standing>, Vec<&Standing>) = standing.iter().partition(|lock| lock.is_stale());
    let words = |locks: &[&Standing]| locks.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    match (stale.is_empty(), held.is_empty()) {
        (false, _) => Check::warn(NAME, format!("left by a process that is gone: {}", words(&stale)), RECOVER),
        (true, false) => Check::ok(NAME, format!("held: {}", words(&held))),
        (true, true) => Check::ok(NAME, "none held"),
    }
}

fn journals(volume: &Volume) -> Check {
    const NAME: &str = "journals";
    match journal::survey(volume) {
        Ok(found) if !found.unreadable.is_empty() => {
            let words: Vec<String> = found.unreadable.iter().map(|one| one.error.to_string()).collect();
            let remedy = found.unreadable[0].error.hint().unwrap_or_default();
            Check::fail(NAME, words.join("; "), remedy)
        }
        Ok(found) if found.unfinished.is_empty() => Check::ok(NAME, "nothing is half done"),
        Ok(found) => match interrupted::left(volume, &found.unfinished) {
            Ok(left) => half_done(&found.unfinished, &left),
            Err(failure) => Check::failure(NAME, &failure),
        },
        Err(error) => Check::failure(NAME, &error.into()),
    }
}

fn half_written(volume: &Volume) -> Check {
    const NAME: &str = "half-written-files";
    match recover::half_written(volume) {
        Err(failure) => Check::failure(NAME, &failure),
        Ok(found) => match found.as_slice() {
            [] => Check::ok(NAME, "none"),
            [first, others @ ..] => {
                let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
                Check::warn(NAME, format!("left by a process that is gone: {first}{more}"), RECOVER)
            }
        },
    }
}

/// What somebody is doing right now is half done too, and no reason to worry.
fn half_done(unfinished: &[Account], left: &[&Account]) -> Check {
    const NAME: &str = "journals";
    let words = |account: &&Account| {
        let Account { intent, owner, .. } = *account;
        format!("{} of {} since {}, process {} on {}", intent.kind, intent.scope, intent.at, owner.pid, owner.host)
    };
    let is_left = |account: &&Account| left.iter().any(|one| one.intent.id == account.intent.id);
    let running: Vec<&Account> = unfinished.iter().filter(|account| !is_left(account)).collect();
    let list = |accounts: &[&Account]| accounts.iter().map(words).collect::<Vec<_>>().join("; ");
    match left.is_empty() {
        true => Check::ok(NAME, format!("under way: {}", list(&running))),
        false => Check::warn(NAME, format!("left half done: {}", list(left)), RECOVER),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Status;

    #[test]
    fn room_is_judged() {
        const GIB: u64 = 1 << 30;
        let space = |free, free_files| Space { total: 1000 * GIB, free, free_files, read_only: false };
        let judge = |space| room("/v", space).status;
        assert_eq!(judge(space(500 * GIB, Some(1 << 20))), Status::Ok);
        assert_eq!(judge(space(500 * GIB, None)), Status::Ok);
        assert_eq!(judge(space(40 * GIB, None)), Status::Warn);
        assert_eq!(judge(space(500 * GIB, Some(3))), Status::Warn);
        assert_eq!(judge(space(GIB / 100, None)), Status::Fail);
        assert_eq!(judge(Space { read_only: true, ..space(500 * GIB, None) }), Status::Fail);
    }
}
