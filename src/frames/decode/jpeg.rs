//! JPEG through `zune-jpeg`, strictly: what it would mend silently is a flaw here.

use super::{MAX_SIDE, Undecoded, checked_size, failed, picture, unsupported};
use crate::frames::picture::Picture;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Undecoded> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize)
        .jpeg_set_out_colorspace(ColorSpace::RGBA);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(verdict)?;
    let info = decoder.info().ok_or_else(|| failed("it has no header"))?;
    let (width, height) = checked_size(info.width.into(), info.height.into())?;
    let rgba = decoder.decode().map_err(verdict)?;
    picture(width, height, rgba)
}

fn verdict(error: DecodeErrors) -> Undecoded {
    match error {
        DecodeErrors::Unsupported(what) => unsupported(format!("{what:?}")),
        DecodeErrors::LargeDimensions(_) => unsupported("it is too large"),
        other => failed(format!("{other:?}")),
    }
}
