//! WebP: the RIFF size is the file's, every chunk in bounds, an image in it (RFC 9649).

use super::piece::{Gather, Piece, le_u32};
use super::{Stop, Walk, wrong_signature};
use crate::frames::verdict::{Flaw, Format, ImageFacts, Sample, foreign};

/// How much of a chunk's body is kept: the size of the image lies in its first ten bytes.
const KEEP: usize = 10;

enum Expect {
    Header,
    Head,
    Body { left: u64 },
}

pub(super) struct WebpWalk {
    expect: Expect,
    field: Gather,
    /// Where the RIFF container ends, as its header says.
    end: u64,
    name: [u8; 4],
    offset: u64,
    body: Vec<u8>,
    facts: Option<ImageFacts>,
    has_pixels: bool,
}

impl Default for WebpWalk {
    fn default() -> Self {
        WebpWalk {
            expect: Expect::Header,
            field: Gather::new(12),
            end: 0,
            name: *b"RIFF",
            offset: 0,
            body: Vec::new(),
            facts: None,
            has_pixels: false,
        }
    }
}

impl Walk for WebpWalk {
    fn feed(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        while !piece.is_empty() {
            match &mut self.expect {
                Expect::Header => self.header(piece)?,
                // What lies behind the container is counted at the end.
                Expect::Head if self.offset >= self.end => return Ok(()),
                Expect::Head => self.head(piece)?,
                Expect::Body { left } => {
                    let bytes = piece.take_of(left);
                    let done = *left == 0;
                    self.body.extend_from_slice(&bytes[..bytes.len().min(KEEP - self.body.len())]);
                    if done {
                        self.after_chunk(piece.offset())?;
                    }
                }
            }
        }
        Ok(())
    }

    fn finish(&mut self, length: u64) -> Result<ImageFacts, Stop> {
        if matches!(self.expect, Expect::Header) {
            return Err(Flaw::Truncated { part: "the header".into(), offset: 0 }.into());
        }
        if length < self.end {
            return Err(Flaw::Truncated { part: self.title(), offset: self.offset }.into());
        }
        if length > self.end {
            return Err(Flaw::TrailingBytes { count: length - self.end, offset: self.end }.into());
        }
        match self.facts.take() {
            Some(facts) if self.has_pixels => Ok(facts),
            _ => Err(self.wrong("the file holds no image")),
        }
    }
}

impl WebpWalk {
    fn title(&self) -> String {
        format!("chunk {}", foreign(&self.name))
    }

    fn wrong(&self, cause: &str) -> Stop {
        Flaw::Inconsistent { part: self.title(), offset: self.offset, cause: cause.into() }.into()
    }

    fn header(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        if Format::of_signature(bytes) != Some(Format::Webp) {
            return Err(wrong_signature(Format::Webp, bytes));
        }
        self.end = 8 + u64::from(le_u32(bytes, 4));
        if self.end < 12 || self.end % 2 == 1 {
            return Err(self.wrong("its size is impossible"));
        }
        self.next_chunk(piece.offset());
        Ok(())
    }

    fn next_chunk(&mut self, offset: u64) {
        self.offset = offset;
        self.field.restart(8);
        self.expect = Expect::Head;
    }

    fn head(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        self.name.copy_from_slice(&bytes[..4]);
        let size = u64::from(le_u32(bytes, 4));
        // Odd chunks are followed by one byte that fills them up.
        let left = size + size % 2;
        if piece.offset() + left > self.end {
            return Err(self.wrong("it ends behind the end of the container"));
        }
        self.body.clear();
        self.expect = Expect::Body { left };
        if left == 0 { self.after_chunk(piece.offset()) } else { Ok(()) }
    }

    fn after_chunk(&mut self, end: u64) -> Result<(), Stop> {
        let body = std::mem::take(&mut self.body);
        let size = match &self.name {
            b"VP8X" => canvas(&body),
            b"VP8 " => lossy(&body),
            b"VP8L" => lossless(&body),
            b"ANMF" => {
                self.has_pixels = true;
                None
            }
            _ => None,
        };
        let names_size = matches!(&self.name, b"VP8X" | b"VP8 " | b"VP8L");
        self.has_pixels |= matches!(&self.name, b"VP8 " | b"VP8L");
        match size {
            Some((width, height, alpha)) if self.facts.is_none() => self.facts = Some(facts(width, height, alpha)),
            None if names_size => return Err(self.wrong("it does not name the image's size")),
            _ => {}
        }
        self.next_chunk(end);
        Ok(())
    }
}

fn facts(width: u32, height: u32, alpha: bool) -> ImageFacts {
    let names: &[&str] = if alpha { &["R", "G", "B", "A"] } else { &["R", "G", "B"] };
    let channels = names.iter().map(|&name| name.to_owned()).collect();
    ImageFacts { format: Format::Webp, width, height, channels, sample: Sample::U8 }
}

/// The canvas of an extended file.
fn canvas(body: &[u8]) -> Option<(u32, u32, bool)> {
    let bytes: &[u8; 10] = body.first_chunk()?;
    let three = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], 0]) + 1;
    Some((three(4), three(7), bytes[0] & 0x10 != 0))
}

/// The key frame of a lossy image (RFC 6386, 9.1).
fn lossy(body: &[u8]) -> Option<(u32, u32, bool)> {
    let bytes: &[u8; 10] = body.first_chunk()?;
    let (width, height) = (le_u32(bytes, 6) & 0x3fff, le_u32(bytes, 6) >> 16 & 0x3fff);
    let key_frame = bytes[0] & 1 == 0 && bytes[3..6] == [0x9d, 0x01, 0x2a];
    (key_frame && width > 0 && height > 0).then_some((width, height, false))
}

fn lossless(body: &[u8]) -> Option<(u32, u32, bool)> {
    if body.first() != Some(&0x2f) || body.len() < 5 {
        return None;
    }
    let bits = le_u32(body, 1);
    Some(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, bits >> 28 & 1 == 1))
}
