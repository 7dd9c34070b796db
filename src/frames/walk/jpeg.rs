//! JPEG: segments in bounds, a frame header, entropy data, EOI last (ITU-T T.81, annex B).

use super::piece::{Gather, Piece, be_u16};
use super::{Stop, Walk, wrong_signature};
use crate::frames::verdict::{Flaw, Format, ImageFacts, Sample};

const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
/// The longest frame header: 6 bytes and three for each of 255 components.
const MAX_FRAME_HEADER: usize = 6 + 3 * 255;

enum Expect {
    Start,
    /// 0xff, which begins a marker.
    Prefix,
    /// The marker's code; further 0xff are fill bytes.
    Code,
    Length,
    /// The frame header (SOF), which is kept.
    Frame,
    Segment {
        left: u64,
    },
    /// Entropy-coded data up to the next marker; whether the byte before was 0xff.
    Entropy {
        after_ff: bool,
    },
    Nothing,
}

pub(super) struct JpegWalk {
    expect: Expect,
    field: Gather,
    marker: u8,
    offset: u64,
    facts: Option<ImageFacts>,
    has_scan: bool,
    end: u64,
}

impl Default for JpegWalk {
    fn default() -> Self {
        let field = Gather::new(2);
        JpegWalk { expect: Expect::Start, field, marker: SOI, offset: 0, facts: None, has_scan: false, end: 0 }
    }
}

impl Walk for JpegWalk {
    fn feed(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        while !piece.is_empty() {
            match &mut self.expect {
                Expect::Start => {
                    if let Some(bytes) = self.field.fill(piece) {
                        if bytes != [0xff, SOI] {
                            return Err(wrong_signature(Format::Jpeg, bytes));
                        }
                        self.expect = Expect::Prefix;
                    }
                }
                Expect::Prefix => self.prefix(piece)?,
                Expect::Code => self.code(piece)?,
                Expect::Length => self.length(piece)?,
                Expect::Frame => {
                    if let Some(bytes) = self.field.fill(piece) {
                        let bytes = bytes.to_vec();
                        self.facts = Some(self.frame(&bytes)?);
                        self.expect = Expect::Prefix;
                    }
                }
                Expect::Segment { left } => {
                    piece.take_of(left);
                    if *left == 0 {
                        self.after_segment();
                    }
                }
                Expect::Entropy { .. } => self.entropy(piece)?,
                Expect::Nothing => return Ok(()),
            }
        }
        Ok(())
    }

    fn finish(&mut self, length: u64) -> Result<ImageFacts, Stop> {
        let part = match self.expect {
            Expect::Start => "the signature".to_owned(),
            Expect::Prefix | Expect::Code => "the space between segments".to_owned(),
            Expect::Length | Expect::Frame | Expect::Segment { .. } => self.title(),
            Expect::Entropy { .. } => "the pixels of a scan".to_owned(),
            Expect::Nothing if length > self.end => {
                return Err(Flaw::TrailingBytes { count: length - self.end, offset: self.end }.into());
            }
            Expect::Nothing => return self.facts.take().ok_or_else(|| self.wrong("no frame header comes before it")),
        };
        Err(Flaw::Truncated { part, offset: self.offset }.into())
    }
}

impl JpegWalk {
    fn title(&self) -> String {
        format!("segment FF{:02X}", self.marker)
    }

    fn wrong(&self, cause: &str) -> Stop {
        Flaw::Inconsistent { part: self.title(), offset: self.offset, cause: cause.into() }.into()
    }

    fn prefix(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let offset = piece.offset();
        if piece.take(1) != [0xff] {
            let cause = "a marker is missing".into();
            return Err(Flaw::Inconsistent { part: "the space between segments".into(), offset, cause }.into());
        }
        self.offset = offset;
        self.expect = Expect::Code;
        Ok(())
    }

    fn code(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        if let &[code] = piece.take(1)
            && code != 0xff
        {
            self.marker(code, piece.offset())?;
        }
        Ok(())
    }

    fn marker(&mut self, code: u8, end: u64) -> Result<(), Stop> {
        self.marker = code;
        match code {
            EOI if !self.has_scan => return Err(self.wrong("no scan comes before it")),
            EOI => {
                self.end = end;
                self.expect = Expect::Nothing;
            }
            // TEM stands alone; restart markers belong into entropy data, outside they do no harm.
            0x01 | 0xd0..=0xd7 => self.expect = Expect::Prefix,
            0x00 | SOI => return Err(self.wrong("it may not stand here")),
            _ => {
                self.field.restart(2);
                self.expect = Expect::Length;
            }
        }
        Ok(())
    }

    fn length(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Some(bytes) = self.field.fill(piece) else { return Ok(()) };
        let Some(left) = be_u16(bytes, 0).checked_sub(2) else {
            return Err(self.wrong("its length is below two"));
        };
        // All SOF markers; C4, C8 and CC mean tables, a reserved extension and arithmetic conditioning.
        let is_frame = matches!(self.marker, 0xc0..=0xcf) && !matches!(self.marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            if self.facts.is_some() {
                return Err(self.wrong("there are two frame headers"));
            }
            if !(6..=MAX_FRAME_HEADER).contains(&usize::from(left)) {
                return Err(self.wrong("its length does not fit a frame header"));
            }
            self.field.restart(left.into());
            self.expect = Expect::Frame;
        } else if self.marker == SOS && self.facts.is_none() {
            return Err(self.wrong("no frame header comes before it"));
        } else {
            self.expect = Expect::Segment { left: left.into() };
            if left == 0 {
                self.after_segment();
            }
        }
        Ok(())
    }

    fn after_segment(&mut self) {
        self.expect = if self.marker == SOS { Expect::Entropy { after_ff: false } } else { Expect::Prefix };
        self.has_scan |= self.marker == SOS;
    }

    fn frame(&self, bytes: &[u8]) -> Result<ImageFacts, Stop> {
        let (precision, count) = (bytes[0], bytes[5]);
        let (height, width) = (be_u16(bytes, 1), be_u16(bytes, 3));
        if bytes.len() != 6 + 3 * usize::from(count) || width == 0 || count == 0 {
            return Err(self.wrong("it contradicts itself"));
        }
        if height == 0 {
            return Err(Stop::Unknown(
                "Its height is given after the first scan (DNL), which farm does not read.".into(),
            ));
        }
        let channels: Vec<String> = match count {
            1 => vec!["Y".into()],
            3 => ["R", "G", "B"].map(Into::into).to_vec(),
            4 => ["C", "M", "Y", "K"].map(Into::into).to_vec(),
            _ => (0..count).map(|n| n.to_string()).collect(),
        };
        let sample = if precision > 8 { Sample::U16 } else { Sample::U8 };
        Ok(ImageFacts { format: Format::Jpeg, width: width.into(), height: height.into(), channels, sample })
    }

    /// Skips pixels: in them 0xff is followed by 0x00 (a stuffed byte), by a restart marker, or by the next marker.
    fn entropy(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        let Expect::Entropy { after_ff } = &mut self.expect else { return Ok(()) };
        if !*after_ff {
            let rest = piece.rest();
            let clean = rest.iter().position(|&byte| byte == 0xff);
            piece.take(clean.map_or(rest.len(), |at| at + 1));
            *after_ff = clean.is_some();
            return Ok(());
        }
        match piece.take(1) {
            [0xff] => {}
            [0x00 | 0xd0..=0xd7] => *after_ff = false,
            &[code] => {
                self.offset = piece.offset().saturating_sub(2);
                self.marker(code, piece.offset())?;
            }
            _ => {}
        }
        Ok(())
    }
}
