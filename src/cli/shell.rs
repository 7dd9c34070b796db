//! A command line as a shell reads it: what is written down of one can be pasted again.

/// Words as one line.
pub fn line(words: impl IntoIterator<Item = String>) -> String {
    words.into_iter().map(|text| word(&text)).collect::<Vec<_>>().join(" ")
}

/// In quotes where a shell would make something else of it.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./:=@%+,".contains(c);
    match !text.is_empty() && !text.starts_with('=') && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::process::Command;

    #[test]
    fn what_needs_no_quotes_has_none() {
        let line = |words: &[&str]| line(words.iter().map(ToString::to_string));
        assert_eq!(line(&["kill", "r1.jobs", "status:active,queued"]), "kill r1.jobs status:active,queued");
        assert_eq!(line(&["jobs", "name:A*", ""]), "jobs 'name:A*' ''");
        assert_eq!(line(&["--reason", "it's over", "=x"]), r"--reason 'it'\''s over' '=x'");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_shell_reads_the_same_words(words in prop::collection::vec("[^\\x00]{0,12}", 1..5)) {
            let script = format!("printf '%s\\0' {}", line(words.clone()));
            let told = Command::new("sh").arg("-c").arg(script).output().expect("a shell").stdout;
            let told = String::from_utf8(told).expect("text");
            prop_assert_eq!(told.split_terminator('\0').collect::<Vec<_>>(), words);
        }
    }
}
