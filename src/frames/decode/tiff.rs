//! TIFF through the `tiff` crate: its first image.

use super::{MAX_MEMORY, Undecoded, checked_size, failed, picture, to_rgba, unsupported};
use crate::frames::picture::Picture;
use ::tiff::decoder::{Decoder, DecodingResult, Limits};
use ::tiff::{ColorType, TiffError};
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Undecoded> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = MAX_MEMORY;
    limits.intermediate_buffer_size = MAX_MEMORY;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(verdict)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(verdict)?;
    let (width, height) = checked_size(width.into(), height.into())?;
    let channels = match decoder.colortype().map_err(verdict)? {
        ColorType::Gray(_) => 1,
        ColorType::GrayA(_) => 2,
        ColorType::RGB(_) => 3,
        ColorType::RGBA(_) => 4,
        other => return Err(unsupported(format!("its colours are {other:?}"))),
    };
    let mut samples = DecodingResult::U8(Vec::new());
    let layout = decoder.read_image_to_buffer(&mut samples).map_err(verdict)?;
    let samples = eight_bits(samples)?;
    let pixels = width as usize * height as usize;
    if samples.len() != pixels * channels {
        return Err(unsupported("its samples are not whole bytes"));
    }
    let samples = if layout.planes > 1 { interleaved(&samples, pixels, channels) } else { samples };
    let mut rgba = Vec::with_capacity(pixels * 4);
    to_rgba(channels, &samples, &mut rgba);
    picture(width, height, rgba)
}

/// Planes one behind the other as pixels.
fn interleaved(planes: &[u8], pixels: usize, channels: usize) -> Vec<u8> {
    (0..pixels * channels).map(|at| planes[at % channels * pixels + at / channels]).collect()
}

fn eight_bits(samples: DecodingResult) -> Result<Vec<u8>, Undecoded> {
    let of_float = |value: f32| (value.clamp(0.0, 1.0) * 255.0).round() as u8;
    match samples {
        DecodingResult::U8(samples) => Ok(samples),
        DecodingResult::U16(samples) => Ok(samples.into_iter().map(|value| (value >> 8) as u8).collect()),
        DecodingResult::U32(samples) => Ok(samples.into_iter().map(|value| (value >> 24) as u8).collect()),
        DecodingResult::F32(samples) => Ok(samples.into_iter().map(of_float).collect()),
        DecodingResult::F16(samples) => Ok(samples.into_iter().map(|value| of_float(value.to_f32())).collect()),
        _ => Err(unsupported("its samples are of a rare kind")),
    }
}

fn verdict(error: TiffError) -> Undecoded {
    match error {
        TiffError::UnsupportedError(what) => unsupported(what),
        TiffError::LimitsExceeded => unsupported("it needs too much memory"),
        other => failed(other),
    }
}
