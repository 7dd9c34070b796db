//! PNG: every chunk in bounds, every CRC right, IHDR first, IEND last, nothing behind it (W3C PNG, third edition).

use super::piece::{Gather, Piece, be_u32};
use super::{Stop, Walk, wrong_signature};
use crate::frames::verdict::{Flaw, Format, ImageFacts, Sample, foreign};

const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
/// The standard's limit for a chunk's length.
const MAX_CHUNK: u32 = 0x7fff_ffff;

enum Expect {
    Signature,
    Head,
    Body { left: u64 },
    Crc,
    Nothing,
}

/// The chunk being walked.
struct Chunk {
    name: [u8; 4],
    offset: u64,
}

pub(super) struct PngWalk {
    expect: Expect,
    field: Gather,
    chunk: Chunk,
    crc: crc32fast::Hasher,
    /// The body of IHDR as far as it has come.
    header: Vec<u8>,
    facts: Option<ImageFacts>,
    has_pixels: bool,
    end: u64,
}

impl Default for PngWalk {
    fn default() -> Self {
        PngWalk {
            expect: Expect::Signature,
            field: Gather::new(SIGNATURE.len()),
            chunk: Chunk { name: *b"    ", offset: 0 },
            crc: crc32fast::Hasher::new(),
            header: Vec::new(),
            facts: None,
            has_pixels: false,
            end: 0,
        }
    }
}

impl Walk for PngWalk {
    fn feed(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        while !piece.is_empty() {
            match &mut self.expect {
                Expect::Signature => self.signature(piece)?,
                Expect::Head => self.head(piece)?,
                Expect::Body { left } => {
                    let bytes = piece.take_of(left);
                    let done = *left == 0;
                    self.body(bytes);
                    if done {
                        self.field.restart(4);
                        self.expect = Expect::Crc;
                    }
                }
                Expect::Crc => self.checksum(piece)?,
                // Counted at the end, when the length is known.
                Expect::Nothing => return Ok(()),
            }
        }
        Ok(())
    }

    fn finish(&mut self, length: u64) -> Result<ImageFacts, Stop> {
        let part = match self.expect {
            Expect::Signature => "the signature".to_owned(),
            Expect::Head => "the head of a chunk".to_owned(),
            Expect::Body { .. } | Expect::Crc => self.chunk.title(),
            Expect::Nothing if length > self.end => {
                return Err(Flaw::TrailingBytes { count: length - self.end, offset: self.end }.into());
            }
            Expect::Nothing => {
                return self.facts.take().ok_or_else(|| self.chunk.wrong("it comes before IHDR"));
            }
        };
        Err(Flaw::Truncated { part, offset: self.chunk.offset }.into())
    }
}

impl Chunk {
    fn title(&self) -> String {
        format!("chunk {}", foreign(&self.name))
    }

    fn wrong(&self, cause: &str) -> Stop {
        Flaw::Inconsistent { part: self.title(), offset: self.offset, cause: cause.into() }.into()
    }
}

impl PngWalk {
    fn signature(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        if bytes != SIGNATURE {
            return Err(wrong_signature(Format::Png, bytes));
        }
        self.next_chunk(piece.offset());
        Ok(())
    }

    fn next_chunk(&mut self, offset: u64) {
        self.chunk.offset = offset;
        self.field.restart(8);
        self.expect = Expect::Head;
    }

    fn head(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        let length = be_u32(bytes, 0);
        self.chunk.name.copy_from_slice(&bytes[4..8]);
        self.crc = crc32fast::Hasher::new();
        self.crc.update(&self.chunk.name);
        self.check_order(length)?;
        self.has_pixels |= &self.chunk.name == b"IDAT" && length > 0;
        self.expect = Expect::Body { left: length.into() };
        if length == 0 {
            self.field.restart(4);
            self.expect = Expect::Crc;
        }
        Ok(())
    }

    fn check_order(&self, length: u32) -> Result<(), Stop> {
        let first = self.facts.is_none();
        match &self.chunk.name {
            name if !name.iter().all(u8::is_ascii_alphabetic) => {
                Err(self.chunk.wrong("its name is not made of letters"))
            }
            _ if length > MAX_CHUNK => Err(self.chunk.wrong("its length is beyond what the format allows")),
            b"IHDR" if !first => Err(self.chunk.wrong("there are two of them")),
            b"IHDR" if length != 13 => Err(self.chunk.wrong("its length is not 13")),
            b"IHDR" => Ok(()),
            _ if first => Err(self.chunk.wrong("it comes before IHDR")),
            b"IEND" if length != 0 => Err(self.chunk.wrong("it is not empty")),
            b"IEND" if !self.has_pixels => Err(self.chunk.wrong("no IDAT chunk comes before it")),
            _ => Ok(()),
        }
    }

    fn body(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        if &self.chunk.name == b"IHDR" {
            self.header.extend_from_slice(bytes);
        }
    }

    fn checksum(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        if be_u32(bytes, 0) != self.crc.clone().finalize() {
            return Err(Flaw::Checksum { part: self.chunk.title(), offset: self.chunk.offset }.into());
        }
        match &self.chunk.name {
            b"IHDR" => self.facts = Some(self.read_header()?),
            b"IEND" => {
                self.end = piece.offset();
                self.expect = Expect::Nothing;
                return Ok(());
            }
            _ => {}
        }
        self.next_chunk(piece.offset());
        Ok(())
    }

    fn read_header(&self) -> Result<ImageFacts, Stop> {
        let (width, height) = (be_u32(&self.header, 0), be_u32(&self.header, 4));
        if width == 0 || height == 0 || width > MAX_CHUNK || height > MAX_CHUNK {
            return Err(self.chunk.wrong("the image has no valid size"));
        }
        let &[depth, colour, compression, filter, interlace] = &self.header[8..13] else {
            return Err(self.chunk.wrong("it is too short"));
        };
        if compression != 0 || filter != 0 || interlace > 1 {
            return Err(self.chunk.wrong("a method is not one that the format defines"));
        }
        let (channels, depths): (&[&str], &[u8]) = match colour {
            0 => (&["Y"], &[1, 2, 4, 8, 16]),
            2 => (&["R", "G", "B"], &[8, 16]),
            3 => (&["palette"], &[1, 2, 4, 8]),
            4 => (&["Y", "A"], &[8, 16]),
            6 => (&["R", "G", "B", "A"], &[8, 16]),
            _ => return Err(self.chunk.wrong("the colour type is not one that the format defines")),
        };
        if !depths.contains(&depth) {
            return Err(self.chunk.wrong("the bit depth does not fit the colour type"));
        }
        let sample = if depth == 16 { Sample::U16 } else { Sample::U8 };
        let channels = channels.iter().map(|&name| name.to_owned()).collect();
        Ok(ImageFacts { format: Format::Png, width, height, channels, sample })
    }
}
