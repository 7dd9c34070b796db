//! PNG through the `png` crate, line by line, with all checksums checked (its default leaves out Adler-32).

use super::{MAX_MEMORY, Undecoded, checked_size, failed, picture, to_rgba, unsupported};
use crate::frames::picture::Picture;
use ::png::{DecodeOptions, Decoder, DecodingError, Limits, Reader, Transformations};
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Undecoded> {
    let mut reader = open(bytes)?;
    let (width, height) = checked_size(reader.info().width.into(), reader.info().height.into())?;
    let channels = reader.output_color_type().0.samples();
    let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
    for_each_line(&mut reader, |line| to_rgba(channels, line, &mut rgba))?;
    picture(width, height, rgba)
}

pub(super) fn prove(bytes: &[u8]) -> Result<(), Undecoded> {
    let mut reader = open(bytes)?;
    for_each_line(&mut reader, |_| {})
}

fn open(bytes: &[u8]) -> Result<Reader<Cursor<&[u8]>>, Undecoded> {
    let mut options = DecodeOptions::default();
    options.set_ignore_adler32(false);
    let mut decoder = Decoder::new_with_options(Cursor::new(bytes), options);
    decoder.set_limits(Limits { bytes: MAX_MEMORY });
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.read_info().map_err(verdict)
}

fn for_each_line(reader: &mut Reader<Cursor<&[u8]>>, mut line: impl FnMut(&[u8])) -> Result<(), Undecoded> {
    if reader.info().interlaced {
        // Interlaced lines come in seven passes; they only make sense put together.
        checked_size(reader.info().width.into(), reader.info().height.into())?;
        let size = reader.output_buffer_size().ok_or_else(|| unsupported("it is too large"))?;
        let mut pixels = vec![0; size];
        let info = reader.next_frame(&mut pixels).map_err(verdict)?;
        pixels.chunks(info.line_size).for_each(line);
    } else {
        while let Some(row) = reader.next_row().map_err(verdict)? {
            line(row.data());
        }
    }
    reader.finish().map_err(verdict)
}

fn verdict(error: DecodingError) -> Undecoded {
    match error {
        DecodingError::LimitsExceeded => unsupported("it needs too much memory"),
        other => failed(other),
    }
}
