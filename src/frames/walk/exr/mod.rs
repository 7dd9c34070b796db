//! OpenEXR: header, offset table and every chunk, for scan lines, tiles, deep data and several parts
//! (the "OpenEXR File Layout" document of the OpenEXR project).
//!
//! Chunks carry no checksum, so flipped bits inside one are left to the decoder. What is proven here: every chunk that
//! the header asks for is there once, lies where the table says, without gaps, and the last one ends where the file ends.
//! For deep data, which farm cannot decode, this is all that is ever checked.

mod header;
mod layout;

use super::piece::{Gather, Piece, le_i32, le_u32, le_u64};
use super::{Stop, Walk, wrong_signature};
use crate::frames::verdict::{Flaw, Format, ImageFacts, foreign};
use header::{Draft, Flags};
use layout::{MAX_CHUNKS, Part};

/// The longest name or type of an attribute that the format allows.
const MAX_NAME: usize = 255;
/// More parts than any renderer writes; each costs memory here.
const MAX_PARTS: usize = 1024;

enum Expect {
    Magic,
    /// An attribute's name; an empty one ends the header.
    Name,
    Type,
    Size,
    /// The value of an attribute that matters.
    Value,
    /// The value of one that does not.
    Skip {
        left: u64,
    },
    Table {
        left: u64,
    },
    PartNumber,
    ChunkHead,
    ChunkBody {
        left: u64,
    },
    Nothing,
}

pub(super) struct ExrWalk {
    expect: Expect,
    field: Gather,
    flags: Flags,
    /// Name of the attribute being read.
    name: Vec<u8>,
    drafts: Vec<Draft>,
    parts: Vec<Part>,
    /// The offset tables of all parts, one after another. A chunk that has been found is struck out with zero.
    table: Vec<u64>,
    /// Chunks walked to their end.
    found: u64,
    /// Index into `parts` of the chunk at hand.
    part: usize,
    /// Where the attribute, table or chunk at hand begins.
    offset: u64,
}

impl Default for ExrWalk {
    fn default() -> Self {
        ExrWalk {
            expect: Expect::Magic,
            field: Gather::new(8),
            flags: Flags::default(),
            name: Vec::new(),
            drafts: vec![Draft::default()],
            parts: Vec::new(),
            table: Vec::new(),
            found: 0,
            part: 0,
            offset: 0,
        }
    }
}

impl Walk for ExrWalk {
    fn feed(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        while !piece.is_empty() {
            match &mut self.expect {
                Expect::Magic => self.magic(piece)?,
                Expect::Name | Expect::Type => self.text(piece)?,
                Expect::Size => self.size(piece)?,
                Expect::Value => self.value(piece)?,
                Expect::Skip { left } => {
                    piece.take_of(left);
                    if *left == 0 {
                        self.next_attribute(piece.offset());
                    }
                }
                Expect::Table { .. } => self.offsets(piece)?,
                Expect::PartNumber => self.part_number(piece)?,
                Expect::ChunkHead => self.chunk_head(piece)?,
                Expect::ChunkBody { left } => {
                    piece.take_of(left);
                    if *left == 0 {
                        self.end_chunk(piece.offset());
                    }
                }
                Expect::Nothing => return Ok(()),
            }
        }
        Ok(())
    }

    fn finish(&mut self, length: u64) -> Result<ImageFacts, Stop> {
        let part = match self.expect {
            Expect::Magic => "the signature".to_owned(),
            Expect::Name | Expect::Type | Expect::Size | Expect::Value | Expect::Skip { .. } => "the header".to_owned(),
            Expect::Table { .. } => "the offset table".to_owned(),
            Expect::PartNumber | Expect::ChunkHead | Expect::ChunkBody { .. } => self.chunk_title(),
            Expect::Nothing if length > self.offset => {
                return Err(Flaw::TrailingBytes { count: length - self.offset, offset: self.offset }.into());
            }
            Expect::Nothing => return Ok(header::facts(&self.drafts, &self.parts)),
        };
        Err(Flaw::Truncated { part, offset: self.offset }.into())
    }
}

/// A structural flaw.
fn wrong(part: impl Into<String>, offset: u64, cause: impl Into<String>) -> Stop {
    Flaw::Inconsistent { part: part.into(), offset, cause: cause.into() }.into()
}

impl ExrWalk {
    fn chunk_title(&self) -> String {
        format!("chunk {} of {}", self.found + 1, self.table.len())
    }

    fn wrong_header(&self, cause: impl Into<String>) -> Stop {
        wrong("the header", self.offset, cause)
    }

    fn magic(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        if Format::of_signature(bytes) != Some(Format::Exr) {
            return Err(wrong_signature(Format::Exr, bytes));
        }
        self.flags = Flags::of(le_u32(bytes, 4)).map_err(Stop::Unknown)?;
        self.next_attribute(piece.offset());
        Ok(())
    }

    fn next_attribute(&mut self, offset: u64) {
        self.offset = offset;
        self.name.clear();
        self.field.restart(usize::MAX);
        self.expect = Expect::Name;
    }

    /// Gathers text up to its zero byte.
    fn text(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let room = MAX_NAME + 1 - self.field.so_far().len();
        let window = &piece.rest()[..room.min(piece.rest().len())];
        let zero = window.iter().position(|&byte| byte == 0);
        let mut text = Piece::new(piece.take(zero.unwrap_or(window.len())), 0);
        self.field.fill(&mut text);
        match zero {
            Some(_) => {
                piece.take(1);
                self.after_text(piece.offset())
            }
            None if self.field.so_far().len() > MAX_NAME => Err(self.wrong_header("a name is longer than 255 bytes")),
            None => Ok(()),
        }
    }

    fn after_text(&mut self, offset: u64) -> Result<(), Stop> {
        let text = self.field.so_far();
        match self.expect {
            Expect::Name if text.is_empty() => return self.end_of_header(offset),
            Expect::Name => {
                self.name = text.to_vec();
                self.field.restart(usize::MAX);
                self.expect = Expect::Type;
            }
            _ => {
                self.field.restart(4);
                self.expect = Expect::Size;
            }
        }
        Ok(())
    }

    fn size(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        let Ok(size) = usize::try_from(le_i32(bytes, 0)) else {
            return Err(self.wrong_header(format!("attribute {} has a negative size", foreign(&self.name))));
        };
        if header::matters(&self.name) {
            if size > header::MAX_VALUE {
                return Err(Stop::Unknown(format!("Its attribute {} is larger than farm reads.", foreign(&self.name))));
            }
            self.field.restart(size);
            self.expect = Expect::Value;
            return if size == 0 { self.after_value(piece.offset()) } else { Ok(()) };
        }
        self.expect = Expect::Skip { left: size as u64 };
        if size == 0 {
            self.next_attribute(piece.offset());
        }
        Ok(())
    }

    fn value(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        if self.field.fill(piece).is_none() {
            return Ok(());
        }
        self.after_value(piece.offset())
    }

    fn after_value(&mut self, offset: u64) -> Result<(), Stop> {
        if let Some(draft) = self.drafts.last_mut() {
            draft.set(&self.name, self.field.so_far()).map_err(|cause| wrong("the header", self.offset, cause))?;
        }
        self.next_attribute(offset);
        Ok(())
    }

    /// After the empty name: the next part's header, or the tables. A file of several parts ends its headers with an empty one.
    fn end_of_header(&mut self, offset: u64) -> Result<(), Stop> {
        let draft = self.drafts.last().map_or(&[][..], std::slice::from_ref);
        let is_empty = draft.iter().all(Draft::is_empty);
        if self.flags.multipart && !is_empty {
            if self.drafts.len() >= MAX_PARTS {
                return Err(Stop::Unknown(format!("It has more than {MAX_PARTS} parts.")));
            }
            self.drafts.push(Draft::default());
            self.next_attribute(offset);
            return Ok(());
        }
        if self.flags.multipart {
            self.drafts.pop();
        }
        self.lay_out()?;
        self.offset = offset;
        let total = self.parts.last().map_or(0, Part::end);
        self.field.restart(8);
        self.expect = Expect::Table { left: total };
        Ok(())
    }

    fn lay_out(&mut self) -> Result<(), Stop> {
        let mut first = 0;
        for draft in &self.drafts {
            let part = draft.lay_out(self.flags, first).map_err(|error| match error {
                layout::LayoutError::Wrong(cause) => wrong("the header", 0, cause),
                layout::LayoutError::Foreign(reason) => Stop::Unknown(reason),
            })?;
            first = part.end();
            self.parts.push(part);
        }
        match first {
            0 => Err(wrong("the header", 0, "it describes no image")),
            1..=MAX_CHUNKS => Ok(()),
            _ => Err(Stop::Unknown(format!("Its offset table has more than {MAX_CHUNKS} entries."))),
        }
    }

    fn offsets(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Expect::Table { left } = &mut self.expect else { return Ok(()) };
        while *left > 0 {
            let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
            self.table.push(le_u64(bytes, 0));
            self.field.restart(8);
            *left -= 1;
        }
        let zeros = self.table.iter().filter(|&&offset| offset == 0).count() as u64;
        if zeros > 0 {
            return Err(Flaw::ZeroOffsets { zeros, total: self.table.len() as u64 }.into());
        }
        self.next_chunk(piece.offset());
        Ok(())
    }

    fn next_chunk(&mut self, offset: u64) {
        self.offset = offset;
        self.part = 0;
        if self.found == self.table.len() as u64 {
            self.expect = Expect::Nothing;
        } else if self.flags.multipart {
            self.field.restart(4);
            self.expect = Expect::PartNumber;
        } else {
            self.expect_chunk_head();
        }
    }

    fn expect_chunk_head(&mut self) {
        self.field.restart(self.parts[self.part].head_size());
        self.expect = Expect::ChunkHead;
    }

    fn part_number(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        match usize::try_from(le_i32(bytes, 0)) {
            Ok(number) if number < self.parts.len() => self.part = number,
            _ => return Err(wrong(self.chunk_title(), self.offset, "it names a part that does not exist")),
        }
        self.expect_chunk_head();
        Ok(())
    }

    fn chunk_head(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        let head = self.parts[self.part].read_head(bytes);
        let (index, size) = head.map_err(|cause| wrong(self.chunk_title(), self.offset, cause))?;
        // `read_head` keeps the index within the part, and the parts within the table.
        let entry = usize::try_from(index).ok().and_then(|index| self.table.get_mut(index));
        match entry {
            Some(entry) if *entry == self.offset => *entry = 0,
            Some(0) => return Err(wrong(self.chunk_title(), self.offset, "the same chunk came before")),
            _ => return Err(wrong(self.chunk_title(), self.offset, "the offset table says it lies elsewhere")),
        }
        self.expect = Expect::ChunkBody { left: size };
        if size == 0 {
            self.end_chunk(piece.offset());
        }
        Ok(())
    }

    fn end_chunk(&mut self, offset: u64) {
        self.found += 1;
        self.next_chunk(offset);
    }
}
