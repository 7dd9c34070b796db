//! The findings of `farm doctor`, for people.

use crate::ops::doctor::{Check, Status};
use std::fmt::Write;

/// A line per check, what to do beneath those that need it, and a last line that sums up.
pub fn human(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let mark = match check.status {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail => "FAIL",
            Status::Skip => "-",
        };
        let _infallible = writeln!(text, "{mark:<5} {:<13} {}", check.name, check.message);
        if let Some(remedy) = &check.remedy {
            let _infallible = writeln!(text, "{:<19} next: {remedy}", "");
        }
    }
    text + &summary(checks)
}

fn summary(checks: &[Check]) -> String {
    let count = |status| checks.iter().filter(|check| check.status == status).count();
    match (count(Status::Fail), count(Status::Warn)) {
        (0, 0) => "all is well\n".to_owned(),
        (0, warnings) => format!("farm works; things to know: {warnings}\n"),
        (failed, warnings) => format!("checks that failed: {failed}; things to know: {warnings}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_has_its_line_and_remedy() {
        let check = |name, status, remedy: Option<&str>| Check {
            name,
            status,
            message: "found".into(),
            remedy: remedy.map(str::to_owned),
        };
        let checks = [
            check("volume", Status::Ok, None),
            check("ffmpeg", Status::Warn, Some("Install it.")),
            check("blender", Status::Fail, Some("Install that.")),
            check("scenes", Status::Skip, None),
        ];
        assert_eq!(
            human(&checks),
            "ok    volume        found\n\
             warn  ffmpeg        found\n                    next: Install it.\n\
             FAIL  blender       found\n                    next: Install that.\n\
             -     scenes        found\n\
             checks that failed: 1; things to know: 1\n"
        );
        assert_eq!(human(&checks[..1]), "ok    volume        found\nall is well\n");
    }
}
