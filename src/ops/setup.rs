//! Putting farm's part onto a Manager and onto its volume: the job type's script, and farm itself for the nodes.

use crate::base::digest::Digest;
use crate::base::error::{Class, Failure};
use crate::base::rel_path::RelPath;
use crate::manager::compile::farm_type::{self, FILE, LABEL, SCRIPT};
use crate::sys::{files, outside, platform};
use crate::volume::{Volume, layout};
use std::path::{Path, PathBuf};

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

/// A build of farm that was put onto the volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// The platform, `linux-x86_64`.
    pub platform: String,
    /// Where it lies, beneath the volume.
    pub path: RelPath,
    /// Whether those very bytes lay there already.
    pub same: bool,
    /// Whether it needs libraries of the machine it runs on.
    pub is_dynamic: bool,
}

/// Puts the program at `from` onto the volume, for nodes of `platform`.
pub fn install(volume: &Volume, platform: &str, from: &Path) -> Result<Installed, Failure> {
    let folder = layout::lib_dir().join(platform)?;
    let path = folder.join("farm")?;
    let missing = || {
        Failure::new(Class::Usage, format!("{}: there is no such file", from.display())).with_hint("Check the path.")
    };
    let source = outside::open(from)?.ok_or_else(missing)?;
    let mut head = vec![0; HEAD as usize];
    let length = source.read_at(&mut head, 0)?;
    let is_dynamic = is_dynamic_elf(&head[..length]);
    let dir = volume.make_dir(&folder)?;
    let (digest, _) = source.digest()?;
    let there: Option<Digest> = dir.open_read("farm")?.map(|file| file.digest()).transpose()?.map(|(digest, _)| digest);
    let same = there == Some(digest);
    if !same {
        dir.copy_program(&source, digest, "farm")?;
    }
    Ok(Installed { platform: platform.to_owned(), path, same, is_dynamic })
}

/// Whether an ELF program asks for an interpreter, which is what loads libraries. Others are not known to.
fn is_dynamic_elf(head: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let word = |at: usize| Some(u16::from_le_bytes(head.get(at..at + 2)?.try_into().ok()?));
    let long = |at: usize| Some(u64::from_le_bytes(head.get(at..at + 8)?.try_into().ok()?));
    let parse = || {
        // 64 bits, little endian: every platform that farm is built for.
        if !head.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let table = usize::try_from(long(32)?).ok()?;
        let (size, count) = (usize::from(word(54)?), usize::from(word(56)?));
        (0..count).find_map(|at| {
            let entry = table.checked_add(at.checked_mul(size)?)?;
            let kind = u32::from_le_bytes(head.get(entry..entry.checked_add(4)?)?.try_into().ok()?);
            (kind == INTERPRETER).then_some(())
        })
    };
    parse().is_some()
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
        let program = std::env::current_exe().expect("this test");
        let installed = install(&room.volume, "linux-x86_64", &program).expect("installed");
        assert_eq!(installed.path.as_str(), ".farm/lib/linux-x86_64/farm");
        assert!(!installed.same && installed.is_dynamic);
        let placed = room.path(installed.path.as_str());
        assert_ne!(std::fs::metadata(&placed).expect("stat").permissions().mode() & 0o111, 0);
        assert!(install(&room.volume, "linux-x86_64", &program).expect("again").same);
        assert!(install(&room.volume, "../x", &program).is_err());
        assert_eq!(install(&room.volume, "x", Path::new("/nonexistent")).expect_err("gone").class(), Class::Usage);
    }

    proptest::proptest! {
        #[test]
        fn any_head_is_read_without_panic(bytes: Vec<u8>) {
            let _ = is_dynamic_elf(&bytes);
            let _ = is_dynamic_elf(&[b"\x7fELF\x02\x01", bytes.as_slice()].concat());
        }
    }
}
