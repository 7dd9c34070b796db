//! The blocks a scene is made of: a header, then heads with bodies, then `ENDB`.
//!
//! Three layouts, as Blender reads them (`BLO_core_bhead.hh`, `BLO_core_blend_header.hh`):
//! `BLENDER-v304` with heads of 24 bytes (64-bit) or 20 bytes (32-bit), and since 5.0 `BLENDER17-01v0500` with heads of
//! 32 bytes, whose lengths are 64-bit.

use super::container::{Compression, Stream};
use super::error::Cause;
use super::version::BlenderVersion;
use std::io::{Read, Seek};

/// The byte order of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Lowest byte first, as all present machines.
    Little,
    /// Highest byte first: files from old Macs and workstations.
    Big,
}

/// What the first 12 or 17 bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// The release that wrote the file.
    pub version: BlenderVersion,
    /// Byte order of all that follows.
    pub endian: Endian,
    /// Bytes of a pointer: 4 or 8.
    pub pointer: usize,
    layout: Layout,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// 20 bytes: code, length, address (32 bits), struct, count.
    Small,
    /// 24 bytes: the same with an address of 64 bits.
    Large,
    /// 32 bytes: code, struct, address, length and count of 64 bits.
    Wide,
}

/// The head of one block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    /// `SC`, `OB`…: a data-block; `DATA`: belongs to the data-block before it.
    pub code: [u8; 4],
    /// Which struct of the DNA the body holds.
    pub structure: u64,
    /// How many of them.
    pub count: u64,
    /// Where it lay in the memory of the Blender that saved it; pointers to it hold this number.
    pub address: u64,
    /// Length of the body in bytes.
    pub length: u64,
    /// Where the body begins in the plain bytes of the file.
    pub position: u64,
}

impl Head {
    /// Whether this block is a data-block of its own (`SC`, `OB`, also the linked `ID`) rather than part of one.
    pub(super) fn is_data_block(&self) -> bool {
        self.code[2] == 0 && self.code[0].is_ascii_alphabetic()
    }
}

/// Walks the blocks of a scene in file order.
pub(super) struct Blocks<R> {
    stream: Stream<R>,
    header: Header,
    /// The body that was announced and not yet passed.
    pending: u64,
    /// How many heads were read.
    count: u64,
}

/// More blocks than any scene has; a file of nothing but heads would be walked for hours.
const MOST_BLOCKS: u64 = 50_000_000;

impl<R: Read + Seek> Blocks<R> {
    /// Reads the header of a stream that stands at its beginning.
    pub(super) fn open(mut stream: Stream<R>) -> Result<Self, Cause> {
        let header = read_header(&mut stream)?;
        Ok(Blocks { stream, header, pending: 0, count: 0 })
    }

    /// What the header said.
    pub(super) fn header(&self) -> Header {
        self.header
    }

    /// The stream below.
    pub(super) fn into_stream(self) -> Stream<R> {
        self.stream
    }

    /// The next block's head, or `None` at `ENDB`. A body that was not read is passed over.
    pub(super) fn next_head(&mut self) -> Result<Option<Head>, Cause> {
        self.stream.skip(self.pending)?;
        self.pending = 0;
        let length = match self.header.layout {
            Layout::Small => 20,
            Layout::Large => 24,
            Layout::Wide => 32,
        };
        let bytes = self.stream.read_vec(length)?;
        let head = parse_head(&bytes, self.header, self.stream.position())?;
        if head.code == *b"ENDB" {
            return Ok(None);
        }
        self.count += 1;
        if self.count > MOST_BLOCKS {
            return Err(Cause::TooLarge(format!("it has more than {MOST_BLOCKS} blocks")));
        }
        self.pending = head.length;
        Ok(Some(head))
    }

    /// The first `most` bytes of the body whose head was read last, or all of it where it is shorter.
    pub(super) fn body(&mut self, most: u64) -> Result<Vec<u8>, Cause> {
        let wanted = self.pending.min(most);
        let bytes = self.stream.read_vec(wanted)?;
        self.pending -= wanted;
        Ok(bytes)
    }
}

fn read_header<R: Read + Seek>(stream: &mut Stream<R>) -> Result<Header, Cause> {
    let is_plain = stream.compression() == Compression::None;
    let bytes = stream.read_vec(12).map_err(|cause| match cause {
        Cause::Truncated(_) if is_plain => Cause::NotBlender,
        other => other,
    })?;
    let Some(rest) = bytes.strip_prefix(b"BLENDER") else { return Err(Cause::NotBlender) };
    let (layout, pointer, endian, version) = match *rest {
        [kind @ (b'-' | b'_'), endian, a, b, c] => {
            let (layout, pointer) = if kind == b'-' { (Layout::Large, 8) } else { (Layout::Small, 4) };
            (layout, pointer, endian, number(&[a, b, c])?)
        }
        [b'1', b'7', b'-', a, b] => {
            let rest = stream.read_vec(5)?;
            if number(&[a, b])? != 1 {
                return Err(Cause::Damaged("its header has a layout that is newer than this farm".into()));
            }
            (Layout::Wide, 8, rest[0], number(&rest[1..])?)
        }
        _ => return Err(Cause::NotBlender),
    };
    let endian = match endian {
        b'v' => Endian::Little,
        b'V' => Endian::Big,
        _ => return Err(Cause::NotBlender),
    };
    Ok(Header { version: BlenderVersion::from_header(version), endian, pointer, layout })
}

fn number(digits: &[u8]) -> Result<u16, Cause> {
    let text = std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    text.and_then(|text| text.parse().ok()).ok_or(Cause::NotBlender)
}

/// `position` is where the body begins.
fn parse_head(bytes: &[u8], header: Header, position: u64) -> Result<Head, Cause> {
    let code = match [bytes[0], bytes[1], bytes[2], bytes[3]] {
        // Two-letter codes are numbers to Blender: with the highest byte first the letters stand at the end.
        [0, 0, a, b] if header.endian == Endian::Big => [a, b, 0, 0],
        code => code,
    };
    if !is_code(code) {
        return Err(Cause::Damaged(format!("the block at byte {position} is of no kind that Blender writes")));
    }
    let word = |at: usize, size: usize| header.endian.unsigned(&bytes[at..at + size]);
    let signed = |at: usize, size: usize, what: &str| match word(at, size) {
        value if value >> (size * 8 - 1) == 0 => Ok(value),
        _ => Err(Cause::Damaged(format!("the block at byte {position} has a negative {what}"))),
    };
    let (length, address, structure, count) = match header.layout {
        Layout::Small => (signed(4, 4, "length")?, word(8, 4), word(12, 4), signed(16, 4, "count")?),
        Layout::Large => (signed(4, 4, "length")?, word(8, 8), word(16, 4), signed(20, 4, "count")?),
        Layout::Wide => (signed(16, 8, "length")?, word(8, 8), word(4, 4), signed(24, 8, "count")?),
    };
    Ok(Head { code, structure, count, address, length, position })
}

/// Two to four letters or digits, then nothing: `OB`, `DATA`, `DNA1`.
fn is_code(code: [u8; 4]) -> bool {
    let length = code.iter().position(|byte| *byte == 0).unwrap_or(code.len());
    let (letters, rest) = code.split_at(length);
    length >= 2 && letters.iter().all(u8::is_ascii_alphanumeric) && rest.iter().all(|byte| *byte == 0)
}

impl Endian {
    /// The number in `bytes` (at most eight), without sign.
    pub fn unsigned(self, bytes: &[u8]) -> u64 {
        let push = |value: u64, byte: &u8| (value << 8) | u64::from(*byte);
        match self {
            Endian::Little => bytes.iter().rev().take(8).fold(0, push),
            Endian::Big => bytes.iter().take(8).fold(0, push),
        }
    }

    /// The number in `bytes` (at most eight), with sign.
    pub fn signed(self, bytes: &[u8]) -> i64 {
        let shift = 64 - 8 * bytes.len().clamp(1, 8);
        ((self.unsigned(bytes) << shift) as i64) >> shift
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::write::GzEncoder;
    use std::io::{Cursor, Write};
    use std::time::{Duration, Instant};

    /// Reads all heads of `header`, `head` and then `zeros` bytes, packed by gzip.
    fn walk(head: &[u8], zeros: usize) -> Result<(), Cause> {
        let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(b"BLENDER-v304").unwrap();
        packed.write_all(head).unwrap();
        (0..zeros >> 20).for_each(|_| packed.write_all(&[0; 1 << 20]).unwrap());
        let packed = packed.finish().unwrap();
        let began = Instant::now();
        let mut blocks = Blocks::open(Stream::open(Cursor::new(packed))?)?;
        let end = loop {
            match blocks.next_head() {
                Ok(Some(_)) => {}
                Ok(None) => break Ok(()),
                Err(cause) => break Err(cause),
            }
        };
        assert!(began.elapsed() < Duration::from_secs(2), "{end:?} after {:?}", began.elapsed());
        end
    }

    #[test]
    fn a_gzip_bomb_is_refused_at_once() {
        let error = walk(b"", 64 << 20).unwrap_err();
        assert_eq!(error.to_string(), "damaged: the block at byte 36 is of no kind that Blender writes");
        // A block that claims two gigabytes, which there might well be.
        let head = [&b"DATA"[..], &0x7fff_ffff_u32.to_le_bytes(), &[0; 16]].concat();
        assert!(matches!(walk(&head, 64 << 20), Err(Cause::TooLarge(_))));
    }

    #[test]
    fn codes_are_letters_and_digits() {
        for code in [*b"OB\0\0", *b"DATA", *b"DNA1", *b"ENDB"] {
            assert!(is_code(code), "{code:?}");
        }
        for code in [*b"\0\0\0\0", *b"O\0\0\0", *b"OB\0X", *b"\0\0OB", *b"OB \0", *b"\xffBCD"] {
            assert!(!is_code(code), "{code:?}");
        }
    }
}
