//! What is known about one file: whole, broken, or not for farm to say.

use super::inventory::Kind;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest piece of foreign text (a chunk's or channel's name) that a verdict repeats, in characters.
const MAX_FOREIGN: usize = 64;

/// The image formats that farm can check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Portable Network Graphics.
    Png,
    /// OpenEXR: scan lines, tiles, several parts.
    Exr,
    /// JPEG in its plain file form.
    Jpeg,
    /// Classic TIFF (not BigTIFF).
    Tiff,
    /// WebP.
    Webp,
}

impl Format {
    /// The format that a file of this extension (without the dot, any case) should have; `None` if farm does not know it.
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Format::Png),
            "exr" => Some(Format::Exr),
            "jpg" | "jpeg" => Some(Format::Jpeg),
            "tif" | "tiff" => Some(Format::Tiff),
            "webp" => Some(Format::Webp),
            _ => None,
        }
    }

    /// The format whose signature these first bytes (at least twelve, if the file has them) show.
    pub fn of_signature(head: &[u8]) -> Option<Self> {
        let begins = |signature: &[u8]| head.starts_with(signature);
        if begins(b"\x89PNG\r\n\x1a\n") {
            Some(Format::Png)
        } else if begins(b"\x76\x2f\x31\x01") {
            Some(Format::Exr)
        } else if begins(b"\xff\xd8\xff") {
            Some(Format::Jpeg)
        } else if begins(b"II\x2a\0") || begins(b"MM\0\x2a") || begins(b"II\x2b\0") || begins(b"MM\0\x2b") {
            Some(Format::Tiff)
        } else if begins(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            Some(Format::Webp)
        } else {
            None
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Format::Png => "PNG",
            Format::Exr => "OpenEXR",
            Format::Jpeg => "JPEG",
            Format::Tiff => "TIFF",
            Format::Webp => "WebP",
        })
    }
}

/// How one sample of a channel is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sample {
    /// Unsigned integers of up to 8 bits.
    U8,
    /// Unsigned integers of 9 to 16 bits.
    U16,
    /// Unsigned integers of 32 bits.
    U32,
    /// Half precision.
    F16,
    /// Single precision.
    F32,
    /// Channels of different kinds in one file (a half-float image with a full-float depth pass).
    Mixed,
    /// A kind that farm does not name.
    Unknown,
}

/// What a whole file says about its image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageFacts {
    /// The format found in the bytes.
    pub format: Format,
    /// Pixels per line; for OpenEXR of the first part's data window.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Names of the channels in file order: `R G B A`, `Y`, or what OpenEXR says (with `part/` before it where a file has
    /// several parts).
    pub channels: Vec<String>,
    /// How samples are stored.
    pub sample: Sample,
}

/// Why a file is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Flaw {
    /// No bytes at all: Blender's placeholder, or a file that was created and never written.
    #[error("it is empty (0 bytes)")]
    Empty,
    /// The name belongs to something other than a file.
    #[error("it is not a regular file but {found}")]
    NotRegular {
        /// What lies there.
        found: Kind,
    },
    /// The first bytes are not those of the format.
    #[error("it does not begin as {expected} files do{}", found.map_or(String::new(), |f| format!(" but as {f}")))]
    WrongSignature {
        /// What the extension promised.
        expected: Format,
        /// What the bytes are, if farm knows.
        found: Option<Format>,
    },
    /// The file ends too early.
    #[error("it is cut off in {part}, which begins at byte {offset}")]
    Truncated {
        /// Where it ends: a chunk, segment or table.
        part: String,
        /// Where that part begins, in bytes.
        offset: u64,
    },
    /// A checksum does not fit the bytes: they have changed since they were written.
    #[error("the checksum of {part} at byte {offset} is wrong")]
    Checksum {
        /// The chunk.
        part: String,
        /// Where it begins, in bytes.
        offset: u64,
    },
    /// The renderer died before it could enter where the pixels lie; the file was never finished.
    #[error(
        "its offset table was never filled in ({zeros} of {total} entries are zero): the renderer died while writing it"
    )]
    ZeroOffsets {
        /// Entries that are zero.
        zeros: u64,
        /// All entries.
        total: u64,
    },
    /// Parts of the file contradict each other or the format.
    #[error("{part} at byte {offset} is wrong: {cause}")]
    Inconsistent {
        /// The part.
        part: String,
        /// Where it begins, in bytes.
        offset: u64,
        /// What is wrong, as a clause.
        cause: String,
    },
    /// Bytes follow the end of the image.
    #[error("{count} bytes follow the end of the image at byte {offset}")]
    TrailingBytes {
        /// How many.
        count: u64,
        /// Where the image ends, in bytes.
        offset: u64,
    },
    /// The image has another size than its job asks for.
    #[error("it has {width}x{height} pixels, expected are {expected_width}x{expected_height}")]
    WrongSize {
        /// Pixels per line found.
        width: u32,
        /// Lines found.
        height: u32,
        /// Pixels per line expected.
        expected_width: u32,
        /// Lines expected.
        expected_height: u32,
    },
    /// The image has other channels than the other frames of its job.
    #[error("its channels ({}) differ from the other frames' ({})", found.join(" "), expected.join(" "))]
    WrongChannels {
        /// The channels found.
        found: Vec<String>,
        /// The channels of most frames.
        expected: Vec<String>,
    },
    /// The structure is whole, the pixels are not.
    #[error("its pixels cannot be decoded: {cause}")]
    DecodeFailed {
        /// What the decoder says.
        cause: String,
    },
}

/// The judgement on one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Whole as far as it was checked.
    Ok(ImageFacts),
    /// Broken.
    Bad(Flaw),
    /// Farm cannot tell: a format it does not know, a file that changed while it was read.
    Unknown {
        /// Why, as a sentence.
        reason: String,
    },
}

impl Verdict {
    /// An unknown verdict with its reason.
    pub fn unknown(reason: impl Into<String>) -> Self {
        Verdict::Unknown { reason: reason.into() }
    }

    /// The facts of a whole file.
    pub fn facts(&self) -> Option<&ImageFacts> {
        match self {
            Verdict::Ok(facts) => Some(facts),
            Verdict::Bad(_) | Verdict::Unknown { .. } => None,
        }
    }

    /// The flaw of a broken file.
    pub fn flaw(&self) -> Option<&Flaw> {
        match self {
            Verdict::Bad(flaw) => Some(flaw),
            Verdict::Ok(_) | Verdict::Unknown { .. } => None,
        }
    }
}

/// Text from a file as a verdict may repeat it: printable, short.
pub(crate) fn foreign(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut clean: String = text.chars().take(MAX_FOREIGN).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.chars().nth(MAX_FOREIGN).is_some() {
        clean.push('…');
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_and_signatures_name_the_format() {
        for (extension, format) in [
            ("png", Some(Format::Png)),
            ("EXR", Some(Format::Exr)),
            ("jpg", Some(Format::Jpeg)),
            ("Jpeg", Some(Format::Jpeg)),
            ("tif", Some(Format::Tiff)),
            ("tiff", Some(Format::Tiff)),
            ("webp", Some(Format::Webp)),
            ("hdr", None),
            ("", None),
        ] {
            assert_eq!(Format::of_extension(extension), format, "{extension}");
        }
        assert_eq!(Format::of_signature(b"RIFF\0\0\0\0WEBPVP8 "), Some(Format::Webp));
        assert_eq!(Format::of_signature(b"RIFF\0\0\0\0WAVEfmt "), None);
        assert_eq!(Format::of_signature(b""), None);
    }

    #[test]
    fn verdicts_are_sentences_and_survive_json() {
        let flaw = Flaw::ZeroOffsets { zeros: 2, total: 4 };
        assert!(flaw.to_string().contains("2 of 4"));
        let facts =
            ImageFacts { format: Format::Png, width: 4, height: 2, channels: vec!["R".into()], sample: Sample::U8 };
        for verdict in [Verdict::Ok(facts), Verdict::Bad(flaw), Verdict::unknown("it is a film.")] {
            let json = serde_json::to_string(&verdict).expect("plain data");
            assert_eq!(serde_json::from_str::<Verdict>(&json).expect("the same type"), verdict, "{json}");
        }
    }

    #[test]
    fn foreign_text_is_short_and_printable() {
        assert_eq!(foreign(b"a\x1b[2Jb"), "a?[2Jb");
        assert_eq!(foreign(&[b'x'; 500]).chars().count(), MAX_FOREIGN + 1);
    }
}
