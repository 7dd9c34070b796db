//! Which chunks a part of an OpenEXR file has, and which entry of the offset table belongs to each.

use crate::frames::walk::piece::{le_i32, le_u64};

/// The most chunks of one file: a table of 32 MiB, enough for 64k x 64k pixels in tiles of 32.
pub(super) const MAX_CHUNKS: u64 = 4 << 20;

/// Why a header leads to no layout.
#[derive(Debug)]
pub(super) enum LayoutError {
    /// The header is wrong: a clause.
    Wrong(String),
    /// Farm does not know such files: a sentence.
    Foreign(String),
}

/// The pixels that a part stores.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) top: i64,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// Which reduced versions of the image are stored too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Levels {
    One,
    Mip,
    Rip,
}

/// How the size of a level is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rounding {
    Down,
    Up,
}

/// The attribute `tiles`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tiles {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) levels: Levels,
    pub(super) rounding: Rounding,
}

/// The tiles of one level.
#[derive(Debug, Clone, Copy)]
pub(super) struct Level {
    across: u64,
    down: u64,
    /// The index of its first tile within the part.
    first: u64,
}

/// How a part is cut into chunks.
#[derive(Debug)]
pub(super) enum Blocks {
    Lines { top: i64, count: u32, per_chunk: u32 },
    Tiles { mode: Levels, levels_across: u32, levels: Vec<Level> },
}

/// One part: its chunks and their place in the offset table.
#[derive(Debug)]
pub(super) struct Part {
    blocks: Blocks,
    deep: bool,
    window: Window,
    first: u64,
}

/// Lines in one chunk, by the number of the compression.
pub(super) fn lines_per_chunk(compression: u8) -> Result<u32, LayoutError> {
    match compression {
        // NONE, RLE, ZIPS
        0..=2 => Ok(1),
        // ZIP, PXR24
        3 | 5 => Ok(16),
        // PIZ, B44, B44A, DWAA
        4 | 6 | 7 | 8 => Ok(32),
        // DWAB, HTJ2K256
        9 | 10 => Ok(256),
        // HTJ2K32
        11 => Ok(32),
        _ => Err(LayoutError::Foreign(format!(
            "Its compression has the number {compression}, which farm does not know."
        ))),
    }
}

impl Blocks {
    pub(super) fn tiles(window: Window, tiles: Tiles) -> Result<Self, LayoutError> {
        let depth = |size: u32| match tiles.rounding {
            Rounding::Down => 32 - size.leading_zeros(),
            Rounding::Up => 32 - (size - 1).leading_zeros() + 1,
        };
        let (across, down) = match tiles.levels {
            Levels::One => (1, 1),
            Levels::Mip => (depth(window.width.max(window.height)), 1),
            Levels::Rip => (depth(window.width), depth(window.height)),
        };
        let mut levels = Vec::with_capacity((across * down) as usize);
        let mut first = 0u64;
        for y in 0..down {
            for x in 0..across {
                let y = if tiles.levels == Levels::Mip { x } else { y };
                let level = Level {
                    across: u64::from(level_size(window.width, x, tiles.rounding).div_ceil(tiles.width)),
                    down: u64::from(level_size(window.height, y, tiles.rounding).div_ceil(tiles.height)),
                    first,
                };
                // Each factor is below 2^31, and at most 1,024 levels follow each other.
                first = first.saturating_add(level.across * level.down);
                levels.push(level);
            }
        }
        if first > MAX_CHUNKS {
            return Err(LayoutError::Foreign(format!("Its offset table has more than {MAX_CHUNKS} entries.")));
        }
        Ok(Blocks::Tiles { mode: tiles.levels, levels_across: across, levels })
    }

    fn chunks(&self) -> u64 {
        match self {
            Blocks::Lines { count, per_chunk, .. } => u64::from(count.div_ceil(*per_chunk)),
            Blocks::Tiles { levels, .. } => levels.last().map_or(0, |level| level.first + level.across * level.down),
        }
    }

    /// The index of the chunk whose coordinates begin `head`.
    fn index(&self, head: &[u8]) -> Option<u64> {
        match self {
            Blocks::Lines { top, count, per_chunk } => {
                let line = u64::try_from(i64::from(le_i32(head, 0)) - top).ok()?;
                let per_chunk = u64::from(*per_chunk);
                (line < u64::from(*count) && line % per_chunk == 0).then_some(line / per_chunk)
            }
            Blocks::Tiles { mode, levels_across, levels } => {
                let number = |at| u32::try_from(le_i32(head, at)).ok();
                let (x, y, level_x, level_y) = (number(0)?, number(4)?, number(8)?, number(12)?);
                let row = match mode {
                    Levels::Rip => level_y,
                    Levels::One | Levels::Mip if level_x == level_y => 0,
                    Levels::One | Levels::Mip => return None,
                };
                if level_x >= *levels_across {
                    return None;
                }
                let at = u64::from(row) * u64::from(*levels_across) + u64::from(level_x);
                let level = levels.get(usize::try_from(at).ok()?)?;
                let inside = u64::from(x) < level.across && u64::from(y) < level.down;
                inside.then(|| level.first + u64::from(y) * level.across + u64::from(x))
            }
        }
    }
}

fn level_size(size: u32, level: u32, rounding: Rounding) -> u32 {
    let size = u64::from(size);
    let up = if rounding == Rounding::Up { (1u64 << level) - 1 } else { 0 };
    // At most `size`, for it is only ever divided.
    u32::try_from(((size + up) >> level).max(1)).unwrap_or(u32::MAX)
}

impl Part {
    pub(super) fn new(blocks: Blocks, deep: bool, window: Window, first: u64) -> Self {
        Part { blocks, deep, window, first }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.window.width, self.window.height)
    }

    pub(super) fn chunks(&self) -> u64 {
        self.blocks.chunks()
    }

    /// The entry of the offset table behind this part's last.
    pub(super) fn end(&self) -> u64 {
        self.first.saturating_add(self.chunks())
    }

    fn coordinates(&self) -> usize {
        if matches!(self.blocks, Blocks::Lines { .. }) { 4 } else { 16 }
    }

    /// Bytes of a chunk before its data, without the part's number.
    pub(super) fn head_size(&self) -> usize {
        self.coordinates() + if self.deep { 24 } else { 4 }
    }

    /// The entry of the offset table and the size in bytes of the chunk with this head; a clause if it is impossible.
    pub(super) fn read_head(&self, head: &[u8]) -> Result<(u64, u64), &'static str> {
        let index = self.blocks.index(head).ok_or("its coordinates lie outside the image")?;
        let at = self.coordinates();
        let size = if self.deep {
            // Two packed sizes; the unpacked one behind them is the decoder's business.
            le_u64(head, at).checked_add(le_u64(head, at + 8)).filter(|&size| size <= i64::MAX as u64)
        } else {
            u64::try_from(le_i32(head, at)).ok()
        };
        Ok((self.first + index, size.ok_or("its size is impossible")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(width: u32, height: u32, levels: Levels, rounding: Rounding) -> Blocks {
        let tiles = Tiles { width: 4, height: 4, levels, rounding };
        Blocks::tiles(Window { top: 0, width, height }, tiles).expect("small")
    }

    fn head(x: i32, y: i32, level_x: i32, level_y: i32) -> Vec<u8> {
        [x, y, level_x, level_y].iter().flat_map(|n| n.to_le_bytes()).collect()
    }

    #[test]
    fn levels_are_counted_as_the_format_defines() {
        // 10x6 in tiles of 4: 3*2 tiles; mip levels 10x6, 5x3, 2x1, 1x1 have 6 + 2 + 1 + 1.
        assert_eq!(blocks(10, 6, Levels::One, Rounding::Down).chunks(), 6);
        assert_eq!(blocks(10, 6, Levels::Mip, Rounding::Down).chunks(), 10);
        // Rounded up: 10x6, 5x3, 3x2, 2x1, 1x1.
        assert_eq!(blocks(10, 6, Levels::Mip, Rounding::Up).chunks(), 11);
        // Widths 10 5 2 1 take 3 2 1 1 tiles, heights 6 3 1 take 2 1 1.
        assert_eq!(blocks(10, 6, Levels::Rip, Rounding::Down).chunks(), 7 * 4);
        assert_eq!(blocks(1, 1, Levels::Mip, Rounding::Up).chunks(), 1);
    }

    #[test]
    fn each_tile_has_its_entry() {
        let rip = blocks(10, 6, Levels::Rip, Rounding::Down);
        assert_eq!(rip.index(&head(0, 0, 0, 0)), Some(0));
        assert_eq!(rip.index(&head(2, 1, 0, 0)), Some(5));
        assert_eq!(rip.index(&head(0, 0, 1, 0)), Some(6));
        assert_eq!(rip.index(&head(0, 0, 3, 2)), Some(27));
        for outside in [head(3, 0, 0, 0), head(0, 0, 4, 0), head(0, 0, 0, 3), head(-1, 0, 0, 0)] {
            assert_eq!(rip.index(&outside), None);
        }
        let mip = blocks(10, 6, Levels::Mip, Rounding::Down);
        assert_eq!(mip.index(&head(1, 0, 1, 1)), Some(7));
        assert_eq!(mip.index(&head(0, 0, 1, 0)), None);
    }

    #[test]
    fn lines_have_their_entry() {
        let lines = Blocks::Lines { top: -5, count: 40, per_chunk: 16 };
        assert_eq!(lines.chunks(), 3);
        let at = |y: i32| lines.index(&y.to_le_bytes());
        assert_eq!([at(-5), at(11), at(27), at(12), at(43), at(-21)], [Some(0), Some(1), Some(2), None, None, None]);
    }

    #[test]
    fn huge_images_are_refused_before_memory_is_asked_for() {
        let window = Window { top: 0, width: i32::MAX as u32, height: i32::MAX as u32 };
        let tiles = Tiles { width: 1, height: 1, levels: Levels::Rip, rounding: Rounding::Up };
        assert!(matches!(Blocks::tiles(window, tiles), Err(LayoutError::Foreign(_))));
    }
}
