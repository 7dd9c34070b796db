//! WebP through `image-webp`; of an animation the first picture.

use super::{MAX_MEMORY, Undecoded, checked_size, failed, picture, to_rgba, unsupported};
use crate::frames::picture::Picture;
use image_webp::{DecodingError, WebPDecoder};
use std::io::Cursor;

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Undecoded> {
    let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(verdict)?;
    decoder.set_memory_limit(MAX_MEMORY);
    let (width, height) = decoder.dimensions();
    let (width, height) = checked_size(width.into(), height.into())?;
    let channels = if decoder.has_alpha() { 4 } else { 3 };
    let mut pixels = vec![0; width as usize * height as usize * channels];
    decoder.read_image(&mut pixels).map_err(verdict)?;
    let mut rgba = Vec::with_capacity(width as usize * height as usize * 4);
    to_rgba(channels, &pixels, &mut rgba);
    picture(width, height, rgba)
}

fn verdict(error: DecodingError) -> Undecoded {
    match error {
        DecodingError::MemoryLimitExceeded | DecodingError::ImageTooLarge => unsupported(error),
        DecodingError::UnsupportedFeature(_) => unsupported(error),
        other => failed(other),
    }
}
