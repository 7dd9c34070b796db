//! Putting farm's part onto a Manager and onto its volume: the job type's script, and farm itself for the nodes.

use crate::base::digest::Digest;
use crate::base::error::{Class, Failure};
use crate::base::rel_path::RelPath;
use crate::manager::compile::farm_type::{self, FILE, LABEL, SCRIPT};
use crate::sys::disk::OpenFile;
use crate::sys::{files, outside, platform, process};
use crate::volume::{Volume, layout};
use std::path::{Path, PathBuf};

mod program;

/// The largest script that is read, in bytes.
const MAX_SCRIPT: u64 = 1 << 20;
/// The first line of farm's script, whatever its edition.
const SIGN: &str = "// farm's own job type";
/// As other programs have them.
const FOLDER_MODE: u32 = 0o777;
/// How much of a program is looked at to see what it is.
const HEAD: u64 = 64 << 10;

/// What became of the script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// It was written.
    Written,
    /// Another copy of farm's, which was not newer, was replaced.
    Replaced,
    /// It was there.
    Same,
}

/// What was done in the Manager's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scripts {
    /// The script's path.
    pub path: PathBuf,
    /// What became of it.
    pub script: Script,
    /// Whether the folder was made now: a Manager looks for it when it starts, and not again.
    pub new_folder: bool,
}

/// Writes farm's job type into the Manager's folder. A file of the same name that is not farm's is left, and so is a newer
/// one: jobs of whoever has the newer farm need it.
pub fn write_script(folder: &Path) -> Result<Scripts, Failure> {
    let new_folder = outside::stat(folder)?.is_none();
    if new_folder {
        files::make_folders(folder, FOLDER_MODE).map_err(|error| {
            Failure::new(Class::Failed, format!("{}: the folder cannot be made: {error}", folder.display()))
                .with_hint("Name the folder scripts/ beside the Manager's program, as a user who may write there.")
        })?;
    }
    let path = folder.join(FILE);
    let script = match outside::read(&path, MAX_SCRIPT)? {
        Some(there) if there == SCRIPT.as_bytes() => Script::Same,
        Some(there) if there.starts_with(SIGN.as_bytes()) => {
            refuse_newer(&path, &String::from_utf8_lossy(&there))?;
            Script::Replaced
        }
        Some(_) => {
            let words = format!("{}: it is there and is not farm's; it was left as it is", path.display());
            return Err(Failure::new(Class::Refused, words).with_hint("Move it away, then run this again."));
        }
        None => Script::Written,
    };
    if script != Script::Same {
        files::write(&path, SCRIPT.as_bytes())?;
    }
    Ok(Scripts { path, script, new_folder })
}

fn refuse_newer(path: &Path, there: &str) -> Result<(), Failure> {
    match farm_type::edition_of_script(there) {
        Some(edition) if Some(edition) > farm_type::edition(LABEL) => {
            let words = format!(
                "{}: a newer farm wrote it (\"farm {edition}\", this farm's is {LABEL:?}); it was left as it is",
                path.display()
            );
            Err(Failure::new(Class::Refused, words).with_hint(
                "Update farm here. To go back to this farm's all the same, move the file away, then run this again.",
            ))
        }
        _ => Ok(()),
    }
}

/// The platform of this build: `linux-x86_64`.
pub fn this_platform() -> String {
    format!("{}-{}", platform::SYSTEM, platform::PROCESSOR)
}

/// A build of farm that is to be put onto the volume.
pub struct Build {
    /// The platform, `linux-x86_64`.
    pub platform: String,
    program: OpenFile,
    is_dynamic: bool,
}

impl Build {
    /// The program at `path`, which has to be one for `platform`. Reads its head only, and writes nothing.
    pub fn of(platform: &str, path: &Path) -> Result<Build, Failure> {
        if !program::PLATFORMS.contains(&platform) {
            let words = format!("farm knows no platform {platform:?}");
            return Err(
                Failure::new(Class::Usage, words).with_hint(format!("Name one of {}.", program::PLATFORMS.join(", ")))
            );
        }
        let (program, head) = open(path)?;
        let platforms = program::platforms_of(&head);
        if !platforms.contains(&platform) {
            let what = match platforms.is_empty() {
                true => "it is no program that farm knows".to_owned(),
                false => format!("it is one for {}", platforms.join(" and ")),
            };
            let words = format!("{}: no program for {platform}: {what}; nothing was written", path.display());
            return Err(Failure::new(Class::Usage, words)
                .with_hint(format!("Name the file `farm` of a release of farm for {platform}.")));
        }
        let is_dynamic = program::is_dynamic_elf(&head);
        Ok(Build { platform: platform.to_owned(), program, is_dynamic })
    }

    /// This very program.
    pub fn own() -> Result<Build, Failure> {
        let (program, head) = open(&process::identity::this_program())?;
        Ok(Build { platform: this_platform(), program, is_dynamic: program::is_dynamic_elf(&head) })
    }
}

fn open(path: &Path) -> Result<(OpenFile, Vec<u8>), Failure> {
    let missing = || {
        Failure::new(Class::Usage, format!("{}: there is no such file", path.display())).with_hint("Check the path.")
    };
    let program = outside::open(path)?.ok_or_else(missing)?;
    let mut head = vec![0; HEAD as usize];
    let length = program.read_at(&mut head, 0)?;
    head.truncate(length);
    Ok((program, head))
}

/// What became of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// Nothing lay there.
    New,
    /// Those very bytes lay there already.
    Same,
    /// Another build, which had this digest, is gone.
    InPlaceOf(Digest),
}

/// A build of farm that lies on the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The platform, `linux-x86_64`.
    pub platform: String,
    /// Where it lies, beneath the volume.
    pub path: RelPath,
    /// What became of it.
    pub placed: Placed,
    /// Whether it needs libraries of the machine it runs on.
    pub is_dynamic: bool,
}

/// Puts a build onto the volume, for nodes of its platform.
pub fn install(volume: &Volume, build: &Build) -> Result<Installed, Failure> {
    let folder = layout::lib_dir().join(&build.platform)?;
    let path = folder.join("farm")?;
    let dir = volume.make_dir(&folder)?;
    let (digest, _) = build.program.digest()?;
    let there: Option<Digest> = dir.open_read("farm")?.map(|file| file.digest()).transpose()?.map(|(digest, _)| digest);
    let placed = match there {
        Some(there) if there == digest => Placed::Same,
        Some(there) => Placed::InPlaceOf(there),
        None => Placed::New,
    };
    if placed != Placed::Same {
        dir.copy_program(&build.program, digest, "farm")?;
    }
    Ok(Installed { platform: build.platform.clone(), path, placed, is_dynamic: build.is_dynamic })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn the_script_is_written_once_and_never_over_another() {
        let temp = tempfile::tempdir().expect("temp");
        let folder = temp.path().join("scripts");
        let first = write_script(&folder).expect("written");
        assert_eq!((first.script, first.new_folder), (Script::Written, true));
        let again = write_script(&folder).expect("there");
        assert_eq!((again.script, again.new_folder), (Script::Same, false));
        std::fs::write(&first.path, format!("{SIGN}, older\n")).expect("temp");
        assert_eq!(write_script(&folder).expect("replaced").script, Script::Replaced);
        assert_eq!(std::fs::read(&first.path).expect("read"), SCRIPT.as_bytes());
        let newer = SCRIPT.replace(&format!("label: {LABEL:?}"), "label: \"farm 99\"");
        std::fs::write(&first.path, &newer).expect("temp");
        let refused = write_script(&folder).expect_err("a newer one");
        assert_eq!(refused.class(), Class::Refused);
        assert!(refused.message().contains("farm 99") && refused.message().contains(LABEL), "{refused}");
        assert_eq!(std::fs::read(&first.path).expect("read"), newer.as_bytes());
        std::fs::write(&first.path, "const JOB_TYPE = {}").expect("temp");
        assert_eq!(write_script(&folder).expect_err("not farm's").class(), Class::Refused);
        assert_eq!(std::fs::read(&first.path).expect("read"), b"const JOB_TYPE = {}");
    }

    #[test]
    fn a_program_is_put_onto_the_volume_and_may_be_run() {
        let room = Room::new(&[("A", "1")]);
        let platform = this_platform();
        let program = Build::of(&platform, &std::env::current_exe().expect("this test")).expect("a program");
        let installed = install(&room.volume, &program).expect("installed");
        assert_eq!(installed.path.as_str(), format!(".farm/lib/{platform}/farm"));
        assert!(installed.placed == Placed::New && installed.is_dynamic);
        let placed = room.path(installed.path.as_str());
        assert_ne!(std::fs::metadata(&placed).expect("stat").permissions().mode() & 0o111, 0);
        assert_eq!(install(&room.volume, &program).expect("again").placed, Placed::Same);
        std::fs::write(&placed, "an older build").expect("temp");
        let replaced = install(&room.volume, &program).expect("replaced").placed;
        assert_eq!(replaced, Placed::InPlaceOf(Digest::of(b"an older build")));
    }

    #[test]
    fn what_is_no_program_for_the_platform_is_refused() {
        let temp = tempfile::tempdir().expect("temp");
        let text = temp.path().join("README.md");
        std::fs::write(&text, "# farm").expect("temp");
        let own = std::env::current_exe().expect("this test");
        for (platform, path, words) in [
            ("lulu", own.as_path(), "no platform \"lulu\""),
            ("../x", &own, "no platform"),
            ("windows-x86_64", &own, "it is one for"),
            ("linux-x86_64", &text, "it is no program"),
            ("linux-x86_64", Path::new("/nonexistent"), "no such file"),
        ] {
            let Err(failure) = Build::of(platform, path) else { panic!("{platform}") };
            assert_eq!(failure.class(), Class::Usage);
            assert!(failure.message().contains(words) && failure.hint().is_some(), "{failure}");
        }
    }
}
