//! Real decoding: the proof that a file's pixels are there, and the pixels for previews.
//!
//! The decoders are other people's code over bytes that may be damaged. Of 40,000 damaged files a few made the `exr` crate
//! panic (an overflow in its B44 code, with overflow checks on): a panic is caught, and the file counts as one that cannot be
//! decoded. This relies on unwinding, so the release profile must not set `panic = "abort"`. What no unwinding helps
//! against, memory asked for without end, is refused before the decoder begins.

mod exr;
mod jpeg;
mod png;
mod tiff;
mod webp;

use super::picture::Picture;
use super::verdict::{Flaw, Format, foreign};
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The longest side that is decoded, in pixels.
const MAX_SIDE: u32 = 1 << 16;
/// The most pixels that are decoded: 1 GiB as RGBA.
const MAX_PIXELS: u64 = 1 << 28;
/// The most memory a decoder may take for itself, in bytes.
const MAX_MEMORY: usize = 1 << 30;

/// Why there is no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undecoded {
    /// The file is broken.
    Bad(Flaw),
    /// Farm cannot decode such files, which says nothing about this one: a sentence.
    Unknown(String),
}

/// Decodes all pixels of a file.
///
/// OpenEXR is turned from scene-linear into sRGB (no other view transform) and shows the first part that has RGB, in it the
/// channels without layer, else those of a combined pass. Depths above 8 bits are reduced.
pub fn decode(bytes: &[u8], format: Format) -> Result<Picture, Undecoded> {
    guarded(|| match format {
        Format::Png => png::decode(bytes),
        Format::Exr => exr::decode(bytes),
        Format::Jpeg => jpeg::decode(bytes),
        Format::Tiff => tiff::decode(bytes),
        Format::Webp => webp::decode(bytes),
    })
}

/// Decodes all pixels only to see whether it can be done; where the format allows without holding them.
pub fn prove(bytes: &[u8], format: Format) -> Result<(), Undecoded> {
    match format {
        Format::Png => guarded(|| png::prove(bytes)),
        Format::Exr => guarded(|| exr::prove(bytes)),
        Format::Jpeg | Format::Tiff | Format::Webp => decode(bytes, format).map(drop),
    }
}

/// Turns a decoder's panic into a failed decode. The decoders own all they touch, so nothing half-changed is seen afterwards.
fn guarded<T>(work: impl FnOnce() -> Result<T, Undecoded>) -> Result<T, Undecoded> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(failed("the decoder gave up")))
}

fn failed(cause: impl Display) -> Undecoded {
    Undecoded::Bad(Flaw::DecodeFailed { cause: foreign(cause.to_string().as_bytes()) })
}

fn unsupported(what: impl Display) -> Undecoded {
    Undecoded::Unknown(format!("Farm cannot decode this file: {}.", foreign(what.to_string().as_bytes())))
}

/// Refuses pictures that would take more memory than a check is worth.
fn checked_size(width: u64, height: u64) -> Result<(u32, u32), Undecoded> {
    let sides = (u32::try_from(width), u32::try_from(height));
    match sides {
        (Ok(0), _) | (_, Ok(0)) => Err(failed("the image has no pixels")),
        (Ok(w), Ok(h)) if w <= MAX_SIDE && h <= MAX_SIDE && width * height <= MAX_PIXELS => Ok((w, h)),
        _ => Err(unsupported(format!("{width} x {height} pixels are too many"))),
    }
}

fn picture(width: u32, height: u32, rgba: Vec<u8>) -> Result<Picture, Undecoded> {
    Picture::new(width, height, rgba).ok_or_else(|| failed("the number of pixels does not fit the image's size"))
}

/// Spreads 8-bit pixels of one to four channels (grey, grey and alpha, RGB, RGBA) over RGBA.
fn to_rgba(channels: usize, pixels: &[u8], rgba: &mut Vec<u8>) {
    match channels {
        1 => rgba.extend(pixels.iter().flat_map(|&y| [y, y, y, 255])),
        2 => rgba.extend(pixels.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]])),
        3 => rgba.extend(pixels.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255])),
        _ => rgba.extend_from_slice(pixels),
    }
}

#[cfg(test)]
mod tests;
