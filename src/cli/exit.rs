//! Classes of endings and their exit codes: the one table, also printed into `docs/exit-codes.md`.

use crate::base::error::Class;

/// Everything was done.
pub const DONE: u8 = 0;

/// The exit code of a class.
pub fn code(class: Class) -> u8 {
    match class {
        Class::Failed => 1,
        Class::Usage => 2,
        Class::NoMatch => 3,
        Class::Partial => 4,
        Class::Refused => 5,
        Class::Manager => 6,
        Class::Found => 7,
        Class::Locked => 75,
        Class::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(130),
    }
}

/// The word for a class in `farm.error/1`.
pub fn word(class: Class) -> &'static str {
    match class {
        Class::Failed => "failed",
        Class::Usage => "usage",
        Class::NoMatch => "no-match",
        Class::Partial => "partial",
        Class::Refused => "refused",
        Class::Manager => "manager",
        Class::Found => "found",
        Class::Locked => "locked",
        Class::Interrupted(_) => "interrupted",
    }
}

/// A row of the table of exit codes.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// The code, as text.
    pub code: &'static str,
    /// What it means.
    pub means: &'static str,
    /// What ends so.
    pub example: &'static str,
}

const fn row(code: &'static str, means: &'static str, example: &'static str) -> Row {
    Row { code, means, example }
}

/// All exit codes, for `docs/exit-codes.md`.
pub const TABLE: &[Row] = &[
    row("0", "done", "also when there was nothing left to do"),
    row("1", "failed", "a disk error, a renderer that fails, a file that is no scene"),
    row("2", "usage", "an unknown option, a name that is no name, no volume anywhere"),
    row("3", "nothing matched", "no release or job of that name; no Manager that answers `farm setup find`"),
    row("4", "partly done", "some items were done, others not; the report says which"),
    row(
        "5",
        "refused by a guard",
        "consent is missing (`--yes`), a file is in the way, the world changed since the plan was made",
    ),
    row("6", "Manager unreachable or incompatible", "Flamenco is down, or too old"),
    row(
        "7",
        "a check found something wrong",
        "missing, bad or suspect frames; a failed check of `farm doctor`; `farm setup manager` while the job type is \
         not served yet",
    ),
    row("75", "locked by another run", "somebody else is at work on this release; the message says who and since when"),
    row("129", "its terminal was closed", "the same as 130; `nohup`, `tmux` and `screen` keep a farm running"),
    row("130", "interrupted by Ctrl-C", "what was done is kept; run it again or run `farm recover`"),
    row("143", "ended by `kill`", "the same"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_code() {
        let classes = [
            Class::Failed,
            Class::Usage,
            Class::NoMatch,
            Class::Partial,
            Class::Refused,
            Class::Manager,
            Class::Found,
            Class::Locked,
            Class::Interrupted(1),
            Class::Interrupted(2),
            Class::Interrupted(15),
        ];
        let codes: Vec<String> = classes.iter().map(|class| code(*class).to_string()).collect();
        let listed: Vec<&str> = TABLE.iter().skip(1).map(|row| row.code).collect();
        assert_eq!(codes, listed);
        assert_eq!(TABLE[0].code, DONE.to_string());
    }
}
