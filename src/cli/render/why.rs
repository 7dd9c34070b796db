//! Why a job is not rendering, for people.

use crate::ops::why::Answer;
use std::fmt::Write;

/// How the job stands, then each cause with what shows it and what helps, the most likely first.
pub fn text(answer: &Answer) -> String {
    let mut text = format!("{}: {}\n", answer.name, answer.summary);
    for cause in &answer.causes {
        let _infallible = writeln!(text, "\n{}: {}\n  next: {}", cause.name, cause.evidence, cause.remedy);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::why::Cause;

    #[test]
    fn each_cause_has_its_evidence_and_its_remedy() {
        let cause = Cause { name: "gone", evidence: "it is not there".into(), remedy: "`farm retry r1/A`.".into() };
        let answer = Answer {
            reference: Some("r1/A".parse().expect("a name")),
            name: "r1/A".into(),
            id: None,
            status: "gone".into(),
            summary: "it is gone: 0 of 3 frames are ready".into(),
            frames: None,
            causes: vec![cause],
            is_manager_away: false,
        };
        let expected =
            "r1/A: it is gone: 0 of 3 frames are ready\n\ngone: it is not there\n  next: `farm retry r1/A`.\n";
        assert_eq!(text(&answer), expected);
    }
}
