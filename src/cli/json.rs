//! JSON that is as harmless on a terminal as everything else: what would do something there is written as an escape of
//! JSON's own, which means the same to whoever reads the document.

use super::escape::is_dangerous;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};
use std::io::{self, Write};

/// Writes `document` to `out` while it is made, on several lines.
pub fn write(out: &mut impl Write, document: &impl Serialize) -> serde_json::Result<()> {
    document.serialize(&mut Serializer::with_formatter(out, Harmless(PrettyFormatter::new())))
}

/// The usual layout; JSON itself escapes no more than the first 32 characters.
struct Harmless(PrettyFormatter<'static>);

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| is_dangerous(*c)) {
            out.write_all(&rest.as_bytes()[..at])?;
            // All of them lie in the plane that one escape reaches.
            write!(out, "\\u{:04x}", c as u32)?;
            rest = &rest[at + c.len_utf8()..];
        }
        out.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_array(out)
    }
    fn end_array<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array(out)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(out, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_array_value(out)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object(out)
    }
    fn end_object<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object(out)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(out, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.begin_object_value(out)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, out: &mut W) -> io::Result<()> {
        self.0.end_object_value(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn it_means_the_same_and_does_nothing_to_a_terminal() {
        let hostile = "a\u{1b}[2J\u{9b}31m\r\u{7}\u{202e}b\u{200b}\tc\nd\u{7f}\"\\ é 🙂 \u{feff}";
        let document = json!({"schema": "x", hostile: [hostile, 1, null, {"a": []}], "empty": {}});
        let mut bytes = Vec::new();
        write(&mut bytes, &document).expect("memory is there");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(!text.contains(|c| is_dangerous(c) && c != '\n'), "{text:?}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), document);
        assert!(text.contains("é 🙂"), "{text}");
    }

    #[test]
    fn it_is_laid_out_as_ever() {
        let document = json!({"schema": "x", "list": [1, {"a": "b"}], "empty": []});
        let mut bytes = Vec::new();
        write(&mut bytes, &document).expect("memory is there");
        assert_eq!(bytes, serde_json::to_vec_pretty(&document).expect("JSON"));
    }
}
