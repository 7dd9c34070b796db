//! TIFF: the image directory is there, and every strip or tile lies inside the file (TIFF 6.0).
//!
//! A TIFF may be read in any order, this walk is not. It keeps the first 64 KiB and up to one mebibyte from the first
//! directory on: Blender (libtiff) writes pixels first and the directory, with all its arrays, at the very end. A file whose
//! arrays lie elsewhere is unknown, and left to the decoder.

use super::piece::{Gather, Piece};
use super::{Stop, Walk, wrong_signature};
use crate::frames::verdict::{Flaw, Format, ImageFacts, Sample};

mod directory;

use directory::{Content, Directory, Order};

const HEAD: usize = 64 * 1024;
const WINDOW: usize = 1024 * 1024;
/// More directories than any frame has: images, smaller versions, EXIF, GPS.
const MAX_DIRECTORIES: usize = 64;

pub(super) struct TiffWalk {
    header: Gather,
    order: Order,
    /// The first bytes of the file.
    head: Vec<u8>,
    /// Where the first directory begins; the bytes from there on.
    start: u64,
    window: Vec<u8>,
}

impl Default for TiffWalk {
    fn default() -> Self {
        TiffWalk { header: Gather::new(8), order: Order::Little, head: Vec::new(), start: 0, window: Vec::new() }
    }
}

impl Walk for TiffWalk {
    fn feed(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        if self.start == 0 {
            let Some(bytes) = self.header.fill(piece) else { return Ok(()) };
            self.head.extend_from_slice(bytes);
            self.order = order(bytes)?;
            self.start = u64::from(self.order.u32(bytes, 4));
            if self.start < 8 {
                return Err(unfinished(self.start));
            }
        }
        let offset = piece.offset();
        let bytes = piece.take(usize::MAX);
        self.head.extend_from_slice(&bytes[..bytes.len().min(HEAD.saturating_sub(self.head.len()))]);
        let skip = usize::try_from(self.start.saturating_sub(offset)).unwrap_or(usize::MAX);
        if let Some(rest) = bytes.get(skip..) {
            self.window.extend_from_slice(&rest[..rest.len().min(WINDOW - self.window.len())]);
        }
        Ok(())
    }

    fn finish(&mut self, length: u64) -> Result<ImageFacts, Stop> {
        if self.start == 0 {
            return Err(Flaw::Truncated { part: "the header".into(), offset: 0 }.into());
        }
        let mut waiting = vec![(self.start, Content::Image)];
        let (mut end, mut first, mut seen) = (8, None, 0);
        while let Some((at, content)) = waiting.pop() {
            seen += 1;
            if seen > MAX_DIRECTORIES {
                return Err(Stop::Unknown(format!("It has more than {MAX_DIRECTORIES} image directories.")));
            }
            let directory = Directory::read(self, at, length)?;
            end = end.max(directory.values_end(length)?);
            if content == Content::Image {
                end = end.max(directory.blocks_end(self, length)?);
                first = first.or(Some(directory.facts(self, length)?));
            }
            waiting.extend(directory.others(self, length)?);
        }
        // libtiff may fill up to an even length.
        if length > end + end % 2 {
            return Err(Flaw::TrailingBytes { count: length - end, offset: end }.into());
        }
        first.ok_or_else(|| unfinished(0))
    }
}

fn order(header: &[u8]) -> Result<Order, Stop> {
    match &header[..4] {
        b"II\x2a\0" => Ok(Order::Little),
        b"MM\0\x2a" => Ok(Order::Big),
        b"II\x2b\0" | b"MM\0\x2b" => Err(Stop::Unknown("It is a BigTIFF, which farm does not read.".into())),
        _ => Err(wrong_signature(Format::Tiff, header)),
    }
}

fn unfinished(offset: u64) -> Stop {
    let cause = format!("it names {offset} as the place of the image directory: the file was never finished");
    Flaw::Inconsistent { part: "the header".into(), offset: 0, cause }.into()
}

impl TiffWalk {
    /// `count` bytes at `offset`, if they are inside the file and were kept.
    fn bytes(&self, offset: u64, count: u64, length: u64) -> Result<&[u8], Stop> {
        if offset.checked_add(count).is_none_or(|end| end > length) {
            return Err(Flaw::Truncated { part: "the image directory".into(), offset }.into());
        }
        let within = |kept: &[u8], start: u64| -> Option<std::ops::Range<usize>> {
            let from = usize::try_from(offset.checked_sub(start)?).ok()?;
            let to = from.checked_add(usize::try_from(count).ok()?)?;
            (to <= kept.len()).then_some(from..to)
        };
        if let Some(range) = within(&self.window, self.start) {
            return Ok(&self.window[range]);
        }
        if let Some(range) = within(&self.head, 0) {
            return Ok(&self.head[range]);
        }
        Err(Stop::Unknown("Its image directory lies scattered over the file; only decoding can check it.".into()))
    }
}
