//! Blender and ffmpeg on this machine, and whether the scenes in the queue are too new for this Blender.

use super::{Asked, Check, Found, Subject};
use crate::base::counted::few;
use crate::base::error::Explain;
use crate::blend::BlenderVersion;
use crate::ops::release;
use crate::ops::renderer::Renderer;
use crate::sys::process::probe;
use crate::volume::Volume;
use std::time::Duration;

/// How long a program may take to say its version.
const LIMIT: Duration = Duration::from_secs(30);
/// The oldest Blender whose scenes and options farm knows.
const OLDEST: BlenderVersion = BlenderVersion { major: 2, minor: 80 };
/// Scenes named in one message.
const NAMED: usize = 5;

pub(super) fn blender(subject: &Subject<'_>) -> (Check, Option<BlenderVersion>) {
    let renders_here = matches!(subject.manager, Asked::Local(_));
    match Renderer::new(subject.blender).ask() {
        Ok(version) if version < OLDEST => {
            let message = format!("{} is Blender {version}, older than {OLDEST}", subject.blender);
            (
                Check::fail("blender", message, "Install a newer Blender and name it with blender.executable."),
                Some(version),
            )
        }
        Ok(version) => (Check::ok("blender", format!("{} is Blender {version}", subject.blender)), Some(version)),
        Err(error) => {
            let remedy = error.hint().unwrap_or_default();
            let check = match renders_here {
                true => Check::fail("blender", error.to_string(), remedy),
                false => Check::warn("blender", format!("{error}; the workers use their own"), remedy),
            };
            (check, None)
        }
    }
}

pub(super) fn scenes(subject: &Subject<'_>, here: Option<BlenderVersion>) -> Check {
    const NAME: &str = "scenes";
    match (&subject.volume, &subject.manager, here) {
        (_, Asked::Flamenco(_), _) => Check::skip(NAME, "not looked at: the workers render with Blenders of their own"),
        (Found::Open(volume), _, Some(here)) => newer_than(here, &saved_by(volume)),
        (Found::Open(_), _, None) => Check::skip(NAME, "not looked at: the version of Blender is not known"),
        _ => Check::skip(NAME, "not looked at: no volume is open"),
    }
}

/// Each job's full name and the Blender that saved its scene. Releases that cannot be read are another check's.
fn saved_by(volume: &Volume) -> Vec<(String, BlenderVersion)> {
    let names = volume.homes().map(|releases| releases.names).unwrap_or_default();
    let files = names.iter().filter_map(|name| release::load(volume, name).ok().flatten());
    let jobs = files.flat_map(|file| {
        let saved = |job: &crate::volume::release_file::JobRecord| {
            Some((format!("{}/{}", file.name, job.name), job.current().blender.parse().ok()?))
        };
        file.jobs.iter().filter_map(saved).collect::<Vec<_>>()
    });
    jobs.collect()
}

fn newer_than(here: BlenderVersion, scenes: &[(String, BlenderVersion)]) -> Check {
    let newer: Vec<String> =
        scenes.iter().filter(|(_, by)| *by > here).map(|(job, by)| format!("{job} ({by})")).collect();
    if newer.is_empty() {
        return Check::ok(
            "scenes",
            format!("none of the {} planned scenes is newer than Blender {here}", scenes.len()),
        );
    }
    let named = few(&newer, NAMED, "");
    let message = format!("saved by a Blender newer than {here}, which may crash or lose parts of them: {named}");
    Check::warn("scenes", message, "Render them with a newer Blender (blender.executable), or save them with this one.")
}

pub(super) fn ffmpeg(executable: &str) -> Check {
    const REMEDY: &str =
        "Install it (on Debian: apt install ffmpeg), or name it with FARM_FFMPEG or ffmpeg.executable.";
    let trouble = match probe::ask(executable, &["-version"], LIMIT) {
        Ok(said) => match said.out.lines().next().and_then(|line| line.strip_prefix("ffmpeg version ")) {
            Some(rest) => {
                let version = rest.split_whitespace().next().unwrap_or_default();
                return Check::ok("ffmpeg", format!("{executable} is ffmpeg {version}"));
            }
            None => format!("{executable:?} does not answer like ffmpeg"),
        },
        Err(error) => format!("ffmpeg cannot be started as {executable:?}: {error}"),
    };
    Check::warn("ffmpeg", format!("{trouble}; there will be no preview videos"), REMEDY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Status;

    #[test]
    fn newer_scenes_are_named_and_counted() {
        let here = "3.4".parse().unwrap();
        let scene = |n: usize, version: &str| (format!("r1/S{n}"), version.parse().unwrap());
        assert_eq!(newer_than(here, &[scene(1, "3.4"), scene(2, "2.93")]).status, Status::Ok);
        let many: Vec<_> = (1..=7).map(|n| scene(n, "5.0")).collect();
        let check = newer_than(here, &many);
        assert_eq!(check.status, Status::Warn);
        assert!(check.message.contains("r1/S1 (5.0)") && check.message.ends_with("and 2 more"), "{}", check.message);
    }

    #[test]
    fn a_missing_ffmpeg_is_no_failure() {
        assert_eq!(ffmpeg("/nowhere/ffmpeg").status, Status::Warn);
        assert_eq!(ffmpeg("echo").status, Status::Warn);
    }
}
