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

/// Text that comes in pieces, as the bytes of a log do: a piece may end in the middle of a letter or of an end of line.
#[derive(Debug, Default)]
pub struct Stream {
    /// The bytes of a letter that is not whole yet: three at most.
    begun: Vec<u8>,
    /// Whether a carriage return waits for what follows it.
    held: bool,
}

impl Stream {
    /// What the next bytes add, as [`lines`] shows it. Ends of lines of Windows are ends of lines; what is no UTF-8 shows as
    /// replacement characters.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.begun);
        all.extend_from_slice(bytes);
        let whole = whole_letters(&all);
        self.begun = all[whole..].to_vec();
        let mut text = String::from_utf8_lossy(&all[..whole]).into_owned();
        if self.held && !text.is_empty() {
            text.insert(0, '\r');
            self.held = false;
        }
        if text.ends_with('\r') {
            text.pop();
            self.held = true;
        }
        lines(&text.replace("\r\n", "\n"))
    }

    /// What is left of it at its end.
    pub fn end(&mut self) -> String {
        let mut text = if std::mem::take(&mut self.held) { "\r".to_owned() } else { String::new() };
        text.push_str(&String::from_utf8_lossy(&std::mem::take(&mut self.begun)));
        lines(&text)
    }
}

/// How many bytes hold whole letters, or none: the rest may become one.
fn whole_letters(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    let begins = bytes[from..].iter().rposition(|byte| byte & 0xc0 != 0x80);
    match begins.map(|at| from + at) {
        Some(at) => match std::str::from_utf8(&bytes[at..]) {
            Err(error) if error.error_len().is_none() => at,
            _ => bytes.len(),
        },
        None => bytes.len(),
    }
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
pub(super) fn is_dangerous(c: char) -> bool {
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

    #[test]
    fn text_in_pieces_is_as_the_whole() {
        let whole = "é\r\nä\u{1b}[2J\ra\u{202e}😀\r\n\u{9b}x\r".as_bytes();
        let expected = "é\nä\\u{1b}[2J\\u{d}a\\u{202e}😀\n\\u{9b}x\\u{d}";
        for size in 1..whole.len() {
            let mut stream = Stream::default();
            let mut text: String = whole.chunks(size).map(|piece| stream.push(piece)).collect();
            text.push_str(&stream.end());
            assert_eq!(text, expected, "pieces of {size}");
        }
        let mut stream = Stream::default();
        assert_eq!(stream.push(b"a\xff\xc3") + &stream.push(b"(") + &stream.end(), "a\u{fffd}\u{fffd}(");
    }
}
