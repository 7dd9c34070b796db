//! What can go wrong with one request.

use super::Answer;
use std::time::Duration;

/// What goes wrong with one request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// The line is reset before the request was read.
    Reset,
    /// Hangs up before the request was carried out.
    CutBefore,
    /// Hangs up after it, without an answer.
    CutAfter,
    /// Hangs up after it, in the middle of the answer's head.
    CutInHead,
    /// Hangs up after it, in the middle of the answer's body.
    CutInBody,
    /// Hangs up after a whole answer that did not say so.
    CutAfterAnswer,
    /// Answers after a while.
    Delay(Duration),
    /// Carries out, and says nothing.
    Silent,
    /// Does not carry out, and says nothing.
    SilentBefore,
    /// Sends half of the answer's body, and then nothing.
    Stall,
    /// An answer that never ends: its beginning, then spaces, one now and then.
    Drip,
    /// An answer that never ends: its beginning, then this again and again, as fast as the line takes it.
    Endless(&'static str),
    /// Says that the body is this long, and sends that much.
    Huge(u64),
    /// Carries out, and then gives another answer.
    Instead(Answer),
    /// Gives another answer, and carries out nothing.
    Refuse(Answer),
    /// Half of the JSON, in a whole answer.
    HalfJson,
    /// The answer with one text put in place of another: unknown words, wrong types.
    Replace(&'static str, &'static str),
    /// What is no HTTP.
    Garbage,
}

impl Fault {
    /// A proxy's page for people.
    pub(crate) fn page(status: u16) -> Self {
        let page = "<!DOCTYPE html><html><title>Sign in</title><form action=/login></form></html>";
        Fault::Refuse(Answer::text(status, "text/html; charset=utf-8", page))
    }

    /// An answer that sends to another place.
    pub(crate) fn redirect(to: &str) -> Self {
        let headers = vec![("Location".to_owned(), to.to_owned())];
        Fault::Refuse(Answer { headers, ..Answer::text(302, "", "") })
    }

    /// An error as Flamenco's own code shapes it.
    pub(crate) fn coded(status: u16, message: &str) -> Self {
        Fault::Refuse(Answer::json(status, &serde_json::json!({"code": status, "message": message})))
    }

    /// An error as it is shaped by what stands before that.
    pub(crate) fn plain(status: u16, message: &str) -> Self {
        Fault::Refuse(Answer::json(status, &serde_json::json!({"message": message})))
    }

    /// The same, after the request was carried out.
    pub(crate) fn after_success(self) -> Self {
        match self {
            Fault::Refuse(answer) => Fault::Instead(answer),
            other => other,
        }
    }

    /// Whether the request is carried out all the same.
    pub(super) fn carries_out(&self) -> bool {
        !matches!(
            self,
            Fault::Reset | Fault::CutBefore | Fault::SilentBefore | Fault::Refuse(_) | Fault::Garbage | Fault::Huge(_)
        )
    }
}
