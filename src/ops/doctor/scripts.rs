//! Whether scripts inside scenes run where they are rendered.

use super::Check;
use super::flamenco::{platforms, troubled};
use crate::manager::{Flamenco, ManagerWorker};

const NAME: &str = "scripts";
/// Blender's words for it, of which the last one counts.
const ON: [&str; 2] = ["-y", "--enable-autoexec"];
const OFF: [&str; 2] = ["-Y", "--disable-autoexec"];

/// On this machine. Shown, not judged: both are right for somebody.
pub(super) fn here(autoexec: bool) -> Check {
    Check::ok(
        NAME,
        match autoexec {
            true => {
                "scripts inside scenes may run, as in Flamenco; set blender.autoexec: false for scenes of strangers"
            }
            false => "scripts inside scenes do not run (blender.autoexec: false); rigs that need theirs render wrongly",
        },
    )
}

/// On a Manager's workers, where its variable says it and not the setting of this machine.
pub(super) fn of_manager(client: &Flamenco, workers: &[ManagerWorker], autoexec: bool) -> Check {
    let mut told = Vec::new();
    for platform in platforms(workers) {
        match client.variables(platform) {
            Ok(mut known) => told.push((platform, known.remove("blenderArgs").unwrap_or_default())),
            Err(error) => return troubled(NAME, error),
        }
    }
    judge(&told, autoexec)
}

/// `told`: blenderArgs for each platform.
fn judge(told: &[(&str, String)], autoexec: bool) -> Check {
    let shown: Vec<String> = told.iter().map(|(platform, args)| format!("{args:?} for {platform}")).collect();
    let shown = format!("the Manager's blenderArgs are {}", shown.join(", "));
    match (told.iter().any(|(_, args)| lets_scripts_run(args)), autoexec) {
        (true, true) => Check::ok(NAME, format!("scripts inside scenes may run: {shown}")),
        (true, false) => Check::warn(
            NAME,
            format!("scripts inside scenes run, and blender.autoexec: false does not change that: {shown}"),
            "Put -Y in place of -y into the variable blenderArgs in flamenco-manager.yaml, then start the Manager anew.",
        ),
        (false, _) => {
            Check::ok(NAME, format!("scripts inside scenes run only where a worker's own Blender lets them: {shown}"))
        }
    }
}

fn lets_scripts_run(args: &str) -> bool {
    let last = args.split_whitespace().rfind(|word| ON.contains(word) || OFF.contains(word));
    last.is_some_and(|word| ON.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::doctor::Status;

    #[test]
    fn the_last_word_counts() {
        for on in ["-b -y", "-y", "-b -Y -y", "--enable-autoexec -b"] {
            assert!(lets_scripts_run(on), "{on}");
        }
        for off in ["", "-b", "-b -Y", "-y -Y", "-b --disable-autoexec", "--python-y"] {
            assert!(!lets_scripts_run(off), "{off}");
        }
    }

    #[test]
    fn a_setting_without_effect_is_told_of() {
        let told = |args: &str, autoexec| judge(&[("linux", args.into()), ("windows", "-b -Y".into())], autoexec);
        let warned = told("-b -y", false);
        assert_eq!(warned.status, Status::Warn);
        assert!(warned.message.contains("\"-b -y\" for linux"), "{}", warned.message);
        assert!(warned.remedy.is_some_and(|remedy| remedy.contains("flamenco-manager.yaml")));
        assert_eq!(told("-b -y", true).status, Status::Ok);
        assert_eq!(told("-b -Y", false).status, Status::Ok);
    }
}
