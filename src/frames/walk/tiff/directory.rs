//! One image directory of a TIFF: its entries, what they point to, and what they say about the image.

use super::TiffWalk;
use super::{Flaw, Format, ImageFacts, Sample};
use crate::frames::walk::Stop;

/// Tags by their numbers in TIFF 6.0 and its supplements.
mod tag {
    pub(super) const WIDTH: u16 = 256;
    pub(super) const HEIGHT: u16 = 257;
    pub(super) const BITS: u16 = 258;
    pub(super) const PHOTOMETRIC: u16 = 262;
    pub(super) const STRIP_OFFSETS: u16 = 273;
    pub(super) const SAMPLES: u16 = 277;
    pub(super) const ROWS_PER_STRIP: u16 = 278;
    pub(super) const STRIP_SIZES: u16 = 279;
    pub(super) const PLANAR: u16 = 284;
    pub(super) const TILE_WIDTH: u16 = 322;
    pub(super) const TILE_HEIGHT: u16 = 323;
    pub(super) const TILE_OFFSETS: u16 = 324;
    pub(super) const TILE_SIZES: u16 = 325;
    pub(super) const SAMPLE_FORMAT: u16 = 339;
    /// Further images, such as smaller versions of this one.
    pub(super) const SUB_IMAGES: u16 = 330;
    /// Directories without pixels: EXIF, GPS, interoperability.
    pub(super) const NOTES: [u16; 3] = [34665, 34853, 40965];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    Little,
    Big,
}

impl Order {
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> u32 {
        let four: Option<[u8; 4]> = bytes.get(at..at + 4).and_then(|b| b.try_into().ok());
        match (self, four) {
            (Order::Little, Some(four)) => u32::from_le_bytes(four),
            (Order::Big, Some(four)) => u32::from_be_bytes(four),
            (_, None) => 0,
        }
    }

    fn u16(self, bytes: &[u8], at: usize) -> u16 {
        let two: Option<[u8; 2]> = bytes.get(at..at + 2).and_then(|b| b.try_into().ok());
        match (self, two) {
            (Order::Little, Some(two)) => u16::from_le_bytes(two),
            (Order::Big, Some(two)) => u16::from_be_bytes(two),
            (_, None) => 0,
        }
    }
}

/// One entry: what kind of values, how many, and where.
#[derive(Debug, Clone, Copy)]
struct Entry {
    tag: u16,
    kind: u16,
    count: u32,
    /// Where the values lie: in the entry itself if they fit into four bytes.
    at: u64,
}

impl Entry {
    fn value_size(&self) -> u64 {
        match self.kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            // Types of later supplements: the values are skipped by readers that do not know them.
            _ => 0,
        }
    }

    fn size(&self) -> u64 {
        self.value_size() * u64::from(self.count)
    }
}

/// What a directory describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// An image with strips or tiles.
    Image,
    /// Nothing but values.
    Notes,
}

/// A directory whose entries are known and inside the file.
pub(super) struct Directory {
    order: Order,
    offset: u64,
    entries: Vec<Entry>,
    next: u64,
}

impl Directory {
    pub(super) fn read(file: &TiffWalk, offset: u64, length: u64) -> Result<Self, Stop> {
        let order = file.order;
        let count = u64::from(order.u16(file.bytes(offset, 2, length)?, 0));
        let bytes = file.bytes(offset + 2, count * 12 + 4, length)?;
        let entry = |number: usize| {
            let at = number * 12;
            let mut entry = Entry {
                tag: order.u16(bytes, at),
                kind: order.u16(bytes, at + 2),
                count: order.u32(bytes, at + 4),
                at: 0,
            };
            let inline = entry.size() <= 4;
            entry.at = if inline { offset + 2 + at as u64 + 8 } else { order.u32(bytes, at + 8).into() };
            entry
        };
        let entries = (0..count as usize).map(entry).collect();
        let next = order.u32(bytes, bytes.len() - 4).into();
        Ok(Directory { order, offset, entries, next })
    }

    /// The directories that this one names, and what is in them.
    pub(super) fn others(&self, file: &TiffWalk, length: u64) -> Result<Vec<(u64, Content)>, Stop> {
        let mut others: Vec<(u64, Content)> = Vec::new();
        if self.next != 0 {
            others.push((self.next, Content::Image));
        }
        for entry in &self.entries {
            let content = match entry.tag {
                tag::SUB_IMAGES => Content::Image,
                number if tag::NOTES.contains(&number) => Content::Notes,
                _ => continue,
            };
            let places = self.numbers(file, entry.tag, length)?;
            others.extend(places.into_iter().map(|place| (place, content)));
        }
        Ok(others)
    }

    fn wrong(&self, cause: &str) -> Stop {
        Flaw::Inconsistent { part: "the image directory".into(), offset: self.offset, cause: cause.into() }.into()
    }

    fn numbers(&self, file: &TiffWalk, wanted: u16, length: u64) -> Result<Vec<u64>, Stop> {
        let Some(entry) = self.entries.iter().find(|entry| entry.tag == wanted) else { return Ok(Vec::new()) };
        let bytes = file.bytes(entry.at, entry.size(), length)?;
        match entry.kind {
            1 => Ok(bytes.iter().map(|&byte| byte.into()).collect()),
            3 => Ok((0..bytes.len() / 2).map(|n| self.order.u16(bytes, n * 2).into()).collect()),
            4 | 13 => Ok((0..bytes.len() / 4).map(|n| self.order.u32(bytes, n * 4).into()).collect()),
            _ => Err(self.wrong(&format!("tag {wanted} has values of a wrong type"))),
        }
    }

    fn number(&self, file: &TiffWalk, wanted: u16, length: u64) -> Result<Option<u64>, Stop> {
        Ok(self.numbers(file, wanted, length)?.first().copied())
    }

    /// Where the directory and all values that it points to end; an error if some lie outside the file.
    pub(super) fn values_end(&self, length: u64) -> Result<u64, Stop> {
        let mut end = self.offset + 6 + 12 * self.entries.len() as u64;
        for entry in &self.entries {
            let behind = entry.at + entry.size();
            if behind > length {
                return Err(
                    Flaw::Truncated { part: format!("the values of tag {}", entry.tag), offset: entry.at }.into()
                );
            }
            end = end.max(behind);
        }
        Ok(end)
    }

    /// Where the last strip or tile ends; an error if one lies outside the file.
    pub(super) fn blocks_end(&self, file: &TiffWalk, length: u64) -> Result<u64, Stop> {
        let mut end = 0;
        let strips = (tag::STRIP_OFFSETS, tag::STRIP_SIZES, "strip");
        let tiles = (tag::TILE_OFFSETS, tag::TILE_SIZES, "tile");
        let mut blocks = 0;
        for (offsets, sizes, name) in [strips, tiles] {
            let offsets = self.numbers(file, offsets, length)?;
            let sizes = self.numbers(file, sizes, length)?;
            if offsets.len() != sizes.len() {
                return Err(self.wrong(&format!(
                    "it has {} places of {name}s and {} sizes",
                    offsets.len(),
                    sizes.len()
                )));
            }
            blocks += offsets.len() as u64;
            for (number, (&offset, &size)) in offsets.iter().zip(&sizes).enumerate() {
                end = end.max(block_end(name, number, offset, size, length)?);
            }
        }
        if blocks < self.blocks_needed(file, length)? {
            return Err(self.wrong("it has fewer strips or tiles than the image needs"));
        }
        Ok(end)
    }

    fn blocks_needed(&self, file: &TiffWalk, length: u64) -> Result<u64, Stop> {
        let number = |wanted| self.number(file, wanted, length);
        let (width, height) = self.image_size(file, length)?;
        let planes = if number(tag::PLANAR)? == Some(2) { number(tag::SAMPLES)?.unwrap_or(1) } else { 1 };
        let in_plane = match (number(tag::TILE_WIDTH)?, number(tag::TILE_HEIGHT)?) {
            (Some(0), _) | (_, Some(0)) => return Err(self.wrong("its tiles have no size")),
            (Some(across), Some(down)) => width.div_ceil(across).saturating_mul(height.div_ceil(down)),
            // Without the tag all rows are one strip.
            _ => match number(tag::ROWS_PER_STRIP)? {
                Some(0) => return Err(self.wrong("its strips have no rows")),
                rows => height.div_ceil(rows.unwrap_or(height)),
            },
        };
        Ok(in_plane.saturating_mul(planes))
    }

    fn image_size(&self, file: &TiffWalk, length: u64) -> Result<(u64, u64), Stop> {
        let width = self.number(file, tag::WIDTH, length)?.unwrap_or(0);
        let height = self.number(file, tag::HEIGHT, length)?.unwrap_or(0);
        if width == 0 || height == 0 { Err(self.wrong("the image has no size")) } else { Ok((width, height)) }
    }

    pub(super) fn facts(&self, file: &TiffWalk, length: u64) -> Result<ImageFacts, Stop> {
        let (width, height) = self.image_size(file, length)?;
        let samples = self.number(file, tag::SAMPLES, length)?.unwrap_or(1);
        let bits = self.numbers(file, tag::BITS, length)?;
        let format = self.number(file, tag::SAMPLE_FORMAT, length)?.unwrap_or(1);
        let sample = match (bits.first().copied().unwrap_or(1), format) {
            _ if bits.iter().any(|depth| Some(depth) != bits.first()) => Sample::Mixed,
            (1..=8, 1) => Sample::U8,
            (9..=16, 1) => Sample::U16,
            (32, 1) => Sample::U32,
            (16, 3) => Sample::F16,
            (32, 3) => Sample::F32,
            _ => Sample::Unknown,
        };
        let channels = channels(self.number(file, tag::PHOTOMETRIC, length)?.unwrap_or(1), samples);
        let narrow = |size: u64| u32::try_from(size).unwrap_or(u32::MAX);
        Ok(ImageFacts { format: Format::Tiff, width: narrow(width), height: narrow(height), channels, sample })
    }
}

fn block_end(name: &str, number: usize, offset: u64, size: u64, length: u64) -> Result<u64, Stop> {
    // Both come from 32-bit fields.
    let end = offset + size;
    if offset < 8 || size == 0 {
        let cause = "it has no place in the file: the renderer did not finish it".into();
        return Err(Flaw::Inconsistent { part: format!("{name} {number}"), offset, cause }.into());
    }
    if end > length {
        return Err(Flaw::Truncated { part: format!("{name} {number}"), offset }.into());
    }
    Ok(end)
}

fn channels(photometric: u64, samples: u64) -> Vec<String> {
    let base: &[&str] = match photometric {
        0 | 1 => &["Y"],
        2 => &["R", "G", "B"],
        3 => &["palette"],
        5 => &["C", "M", "Y", "K"],
        _ => &[],
    };
    let extra =
        (base.len() as u64..samples.min(64)).map(|n| if n as usize == base.len() { "A".into() } else { n.to_string() });
    base.iter().map(|&name| name.to_owned()).chain(extra).take(samples.min(64) as usize).collect()
}
