//! Makes foreign text harmless for a terminal: names, paths, logs and replies may hold control sequences.

use std::fmt::Write;

/// `text` on one line: every control, C1 and bidirectional character is shown, not sent.
pub fn line(text: &str) -> String {
    escaped(text, |c| c == '\t')
}

/// `text` of several lines: newlines and tabs stay.
pub fn lines(text: &str) -> String {
    escaped(text, |c| c == '\n' || c == '\t')
}

fn escaped(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if keep(c) || !is_dangerous(c) {
            safe.push(c);
        } else {
            let _infallible = write!(safe, "\\u{{{:x}}}", c as u32);
        }
    }
    safe
}

/// Controls (C0, DEL, C1), and what reorders or hides text.
fn is_dangerous(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_the_cursor_survives() {
        let hostile = "a\u{1b}[2J\u{9b}31m\r\u{7}\u{202e}b\u{200b}\tc\nd\u{7f}";
        assert_eq!(lines(hostile), "a\\u{1b}[2J\\u{9b}31m\\u{d}\\u{7}\\u{202e}b\\u{200b}\tc\nd\\u{7f}");
        assert!(!line(hostile).contains('\n'));
    }
}
