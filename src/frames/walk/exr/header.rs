//! The attributes of an OpenEXR header that decide where its chunks lie, and what they say about the image.

use super::layout::{Blocks, LayoutError, Levels, Part, Rounding, Tiles, Window, lines_per_chunk};
use crate::frames::verdict::{Format, ImageFacts, Sample, foreign};
use crate::frames::walk::piece::{le_i32, le_u32};

/// The largest attribute that is kept: about 8,000 channels.
pub(super) const MAX_VALUE: usize = 512 * 1024;
/// More channels than any renderer writes; each costs memory in every verdict.
const MAX_CHANNELS: usize = 4096;

/// The flags of the version field.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) tiled: bool,
    pub(super) deep: bool,
    pub(super) multipart: bool,
}

impl Flags {
    /// Splits the version field; a sentence if the file is of a version that farm does not know.
    pub(super) fn of(version: u32) -> Result<Self, String> {
        // 0x400 allows names of up to 255 bytes instead of 31, which makes no difference here.
        if version & 0xff != 2 || version & !0x1eff != 0 {
            return Err(format!("Its OpenEXR version field is {version:#x}, which farm does not know."));
        }
        Ok(Flags { tiled: version & 0x200 != 0, deep: version & 0x800 != 0, multipart: version & 0x1000 != 0 })
    }
}

/// The attributes of one part as they come.
#[derive(Debug, Default)]
pub(super) struct Draft {
    is_set: bool,
    name: Option<String>,
    kind: Option<String>,
    compression: Option<u8>,
    window: Option<Window>,
    tiles: Option<Tiles>,
    chunk_count: Option<i32>,
    channels: Vec<(String, Sample)>,
}

/// Whether an attribute is one that [`Draft::set`] reads.
pub(super) fn matters(name: &[u8]) -> bool {
    matches!(name, b"name" | b"type" | b"compression" | b"dataWindow" | b"tiles" | b"chunkCount" | b"channels")
}

impl Draft {
    pub(super) fn is_empty(&self) -> bool {
        !self.is_set
    }

    /// Takes over one attribute that matters; a clause if its value is impossible.
    pub(super) fn set(&mut self, name: &[u8], value: &[u8]) -> Result<(), String> {
        self.is_set = true;
        let sized = |size| {
            if value.len() == size { Ok(()) } else { Err(format!("attribute {} has a wrong size", foreign(name))) }
        };
        match name {
            b"name" => self.name = Some(foreign(value)),
            b"type" => self.kind = Some(foreign(value)),
            b"compression" => {
                sized(1)?;
                self.compression = Some(value[0]);
            }
            b"dataWindow" => {
                sized(16)?;
                self.window = Some(window(value)?);
            }
            b"tiles" => {
                sized(9)?;
                self.tiles = Some(tiles(value)?);
            }
            b"chunkCount" => {
                sized(4)?;
                self.chunk_count = Some(le_i32(value, 0));
            }
            b"channels" => self.channels = channels(value)?,
            _ => {}
        }
        Ok(())
    }

    /// Where the chunks of this part lie; its entries of the offset table begin at `first`.
    pub(super) fn lay_out(&self, flags: Flags, first: u64) -> Result<Part, LayoutError> {
        let missing = |what: &str| LayoutError::Wrong(format!("attribute {what} is missing"));
        let window = self.window.ok_or_else(|| missing("dataWindow"))?;
        let compression = self.compression.ok_or_else(|| missing("compression"))?;
        if self.channels.is_empty() {
            return Err(missing("channels"));
        }
        let (tiled, deep) = match self.kind.as_deref() {
            Some("scanlineimage") => (false, false),
            Some("tiledimage") => (true, false),
            Some("deepscanline") => (false, true),
            Some("deeptile") => (true, true),
            Some(kind) => {
                return Err(LayoutError::Foreign(format!("It has a part of type {kind}, which farm does not know.")));
            }
            None => (flags.tiled, flags.deep),
        };
        let blocks = if tiled {
            Blocks::tiles(window, self.tiles.ok_or_else(|| missing("tiles"))?)?
        } else {
            Blocks::Lines { top: window.top, count: window.height, per_chunk: lines_per_chunk(compression)? }
        };
        let part = Part::new(blocks, deep, window, first);
        match self.chunk_count {
            Some(count) if i64::from(count) != part.chunks() as i64 => {
                Err(LayoutError::Wrong("attribute chunkCount does not fit the image's size".into()))
            }
            _ => Ok(part),
        }
    }
}

fn window(value: &[u8]) -> Result<Window, String> {
    let corner = |at| i64::from(le_i32(value, at));
    let size =
        |from: i64, to: i64| u32::try_from(to - from + 1).ok().filter(|&size| size > 0 && size <= i32::MAX as u32);
    let width = size(corner(0), corner(8)).ok_or("the data window is impossible")?;
    let height = size(corner(4), corner(12)).ok_or("the data window is impossible")?;
    Ok(Window { top: corner(4), width, height })
}

fn tiles(value: &[u8]) -> Result<Tiles, String> {
    let (width, height) = (le_u32(value, 0), le_u32(value, 4));
    if width == 0 || height == 0 || width > i32::MAX as u32 || height > i32::MAX as u32 {
        return Err("the size of the tiles is impossible".into());
    }
    let levels = match value[8] & 0x0f {
        0 => Levels::One,
        1 => Levels::Mip,
        2 => Levels::Rip,
        _ => return Err("the level mode of the tiles is not one that the format defines".into()),
    };
    let rounding = match value[8] >> 4 {
        0 => Rounding::Down,
        1 => Rounding::Up,
        _ => return Err("the rounding mode of the tiles is not one that the format defines".into()),
    };
    Ok(Tiles { width, height, levels, rounding })
}

/// The channel list: name, zero, sample type, linearity and three reserved bytes, two subsampling factors; a zero at the end.
fn channels(mut value: &[u8]) -> Result<Vec<(String, Sample)>, String> {
    const FIXED: usize = 16;
    let mut channels = Vec::new();
    loop {
        let end = value.iter().position(|&byte| byte == 0).ok_or("the channel list does not end")?;
        if end == 0 && value.len() == 1 {
            return Ok(channels);
        }
        let fixed = value.get(end + 1..end + 1 + FIXED).ok_or("the channel list is cut off")?;
        if end == 0 || channels.len() >= MAX_CHANNELS {
            return Err("the channel list is impossible".into());
        }
        let sample = match le_u32(fixed, 0) {
            0 => Sample::U32,
            1 => Sample::F16,
            2 => Sample::F32,
            _ => {
                return Err(format!(
                    "channel {} has a sample type that the format does not define",
                    foreign(&value[..end])
                ));
            }
        };
        channels.push((foreign(&value[..end]), sample));
        value = &value[end + 1 + FIXED..];
    }
}

/// What the file says about its image: the size of the first part, the channels of all of them.
pub(super) fn facts(drafts: &[Draft], parts: &[Part]) -> ImageFacts {
    let (width, height) = parts.first().map_or((0, 0), Part::size);
    let mut channels = Vec::new();
    let mut sample = None;
    for (number, draft) in drafts.iter().enumerate() {
        let part = draft.name.clone().unwrap_or_else(|| number.to_string());
        for (name, kind) in &draft.channels {
            channels.push(if drafts.len() > 1 { format!("{part}/{name}") } else { name.clone() });
            sample = match sample {
                None => Some(*kind),
                Some(other) if other == *kind => Some(other),
                Some(_) => Some(Sample::Mixed),
            };
        }
    }
    ImageFacts { format: Format::Exr, width, height, channels, sample: sample.unwrap_or(Sample::Unknown) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_attributes_are_named() {
        let mut draft = Draft::default();
        assert!(draft.is_empty());
        assert!(draft.set(b"dataWindow", &[0; 15]).is_err());
        let mut upside_down = [0; 16];
        upside_down[4] = 9;
        assert!(draft.set(b"dataWindow", &upside_down).is_err());
        let everything: Vec<u8> =
            [i32::MIN, i32::MIN, i32::MAX, i32::MAX].iter().flat_map(|n| n.to_le_bytes()).collect();
        assert!(draft.set(b"dataWindow", &everything).is_err());
        assert!(draft.set(b"tiles", &[0; 9]).is_err());
        assert!(draft.set(b"tiles", &[1, 0, 0, 0, 1, 0, 0, 0, 0x23]).is_err());
        assert!(draft.set(b"channels", b"R\0").is_err());
        assert!(draft.set(b"channels", b"").is_err());
        assert!(draft.set(b"channels", b"\0").is_ok());
        assert!(matches!(draft.lay_out(Flags::default(), 0), Err(LayoutError::Wrong(_))));
    }

    #[test]
    fn versions_that_farm_does_not_know_are_said() {
        assert!(Flags::of(2).is_ok());
        assert!(Flags::of(0x1c02).is_ok_and(|flags| flags.deep && flags.multipart && !flags.tiled));
        assert!(Flags::of(3).is_err());
        assert!(Flags::of(0x2002).is_err());
    }
}
