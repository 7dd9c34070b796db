//! OpenEXR through the `exr` crate, chunk by chunk, so that a file of a hundred passes takes no more memory than its picture.

mod limits;

use super::{Undecoded, checked_size, failed, picture, unsupported};
use crate::frames::picture::Picture;
use ::exr::block::reader::{ChunksReader, Reader};
use ::exr::block::{self, UncompressedBlock};
use ::exr::error::Error;
use ::exr::meta::attribute::SampleType;
use ::exr::meta::header::Header;
use std::io::Cursor;
use std::sync::LazyLock;

pub(super) fn prove(bytes: &[u8]) -> Result<(), Undecoded> {
    for_each_block(open(bytes)?, |_, _| {})
}

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Undecoded> {
    let reader = open(bytes)?;
    let mut canvas = Canvas::new(reader.headers())?;
    for_each_block(reader, |headers, block| canvas.paint(headers, block))?;
    picture(canvas.width, canvas.height, canvas.rgba)
}

fn open(bytes: &[u8]) -> Result<Reader<Cursor<&[u8]>>, Undecoded> {
    let reader = block::read(Cursor::new(bytes), false).map_err(verdict)?;
    limits::check_headers(reader.headers())?;
    Ok(reader)
}

fn for_each_block(
    reader: Reader<Cursor<&[u8]>>,
    mut use_block: impl FnMut(&[Header], &UncompressedBlock),
) -> Result<(), Undecoded> {
    let mut chunks = reader.all_chunks(false).map_err(verdict)?;
    let meta = chunks.meta_data().clone();
    while let Some(chunk) = chunks.read_next_chunk() {
        let chunk = chunk.map_err(verdict)?;
        limits::check_chunk(&chunk, &meta.headers)?;
        let block = UncompressedBlock::decompress_chunk(chunk, &meta, false).map_err(verdict)?;
        use_block(&meta.headers, &block);
    }
    Ok(())
}

fn verdict(error: Error) -> Undecoded {
    match error {
        Error::NotSupported(what) => unsupported(what),
        other => failed(other),
    }
}

/// The picture being filled and the channels that fill it.
struct Canvas {
    width: u32,
    height: u32,
    rgba: Vec<u8>,
    layer: usize,
    /// For each of the layer's channels the places in RGBA that it goes to.
    places: Vec<&'static [usize]>,
}

impl Canvas {
    fn new(headers: &[Header]) -> Result<Self, Undecoded> {
        let (layer, places) = choose(headers).ok_or_else(|| failed("it has no channels"))?;
        let size = headers[layer].layer_size;
        let (width, height) = checked_size(size.0 as u64, size.1 as u64)?;
        let rgba = [0, 0, 0, 255].repeat(width as usize * height as usize);
        Ok(Canvas { width, height, rgba, layer, places })
    }

    fn paint(&mut self, headers: &[Header], block: &UncompressedBlock) {
        if block.index.layer != self.layer || block.index.level.0 != 0 || block.index.level.1 != 0 {
            return;
        }
        let channels = &headers[self.layer].channels;
        for line in block.lines(channels) {
            let at = line.location;
            let places = self.places[at.channel];
            if places.is_empty() {
                continue;
            }
            let start = (at.position.1 * self.width as usize + at.position.0) * 4;
            let Some(pixels) = self.rgba.get_mut(start..start + at.sample_count * 4) else { continue };
            let sample_type = channels.list[at.channel].sample_type;
            paint_line(pixels, line.value, sample_type, places);
        }
    }
}

fn paint_line(pixels: &mut [u8], samples: &[u8], sample_type: SampleType, places: &[usize]) {
    let bytes = sample_type.bytes_per_sample();
    let is_alpha = places == [3];
    for (pixel, sample) in pixels.chunks_exact_mut(4).zip(samples.chunks_exact(bytes)) {
        let value = sample_value(sample, sample_type);
        let shown = if is_alpha { (value.clamp(0.0, 1.0) * 255.0).round() as u8 } else { srgb(value) };
        places.iter().for_each(|&place| pixel[place] = shown);
    }
}

fn sample_value(sample: &[u8], sample_type: SampleType) -> f32 {
    match (sample_type, sample) {
        (SampleType::F16, &[a, b]) => half(u16::from_ne_bytes([a, b])),
        (SampleType::F32, &[a, b, c, d]) => f32::from_ne_bytes([a, b, c, d]),
        (SampleType::U32, &[a, b, c, d]) => u32::from_ne_bytes([a, b, c, d]) as f32 / u32::MAX as f32,
        _ => 0.0,
    }
}

/// The part and, for each of its channels, where it goes: RGB(A) of the first part that has them, else its first channel as
/// grey.
fn choose(headers: &[Header]) -> Option<(usize, Vec<&'static [usize]>)> {
    let names = |header: &Header| -> Vec<String> { header.channels.list.iter().map(|c| c.name.to_string()).collect() };
    let coloured = headers.iter().enumerate().find_map(|(layer, header)| Some((layer, colours(&names(header))?)));
    coloured.or_else(|| {
        let mut places: Vec<&'static [usize]> = vec![&[]; headers.first()?.channels.list.len()];
        *places.first_mut()? = &[0, 1, 2];
        Some((0, places))
    })
}

/// `R`, `G`, `B`, `A` of one layer: the nameless one, else a combined pass, else the first that has all three colours.
fn colours(names: &[String]) -> Option<Vec<&'static [usize]>> {
    let prefix = |name: &str| name.strip_suffix('R').map(str::to_owned);
    let has = |prefix: &str, colour: &str| names.iter().any(|name| *name == format!("{prefix}{colour}"));
    let layers = names.iter().filter_map(|name| prefix(name)).filter(|p| p.is_empty() || p.ends_with('.'));
    let whole = layers.filter(|p| has(p, "G") && has(p, "B"));
    let rank = |p: &String| if p.is_empty() { 0 } else { 2 - u8::from(p.contains("Combined")) };
    let best = whole.min_by_key(rank)?;
    let place = |name: &String| -> &'static [usize] {
        match name.strip_prefix(best.as_str()) {
            Some("R") => &[0],
            Some("G") => &[1],
            Some("B") => &[2],
            Some("A") => &[3],
            _ => &[],
        }
    };
    Some(names.iter().map(place).collect())
}

/// sRGB for scene-linear light; what is above white or not a number is cut off.
fn srgb(linear: f32) -> u8 {
    static TABLE: LazyLock<Vec<u8>> =
        LazyLock::new(|| (0..=u16::MAX).map(|step| encode(f32::from(step) / 65535.0)).collect());
    // A NaN casts to zero.
    TABLE[(linear.clamp(0.0, 1.0) * 65535.0) as u16 as usize]
}

fn encode(linear: f32) -> u8 {
    let encoded = if linear <= 0.003_130_8 { linear * 12.92 } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
    (encoded * 255.0).round() as u8
}

/// An IEEE 754 half-precision number.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let mantissa = f32::from(bits & 0x3ff);
    match bits >> 10 & 0x1f {
        0 => sign * mantissa * 2f32.powi(-24),
        31 if mantissa == 0.0 => sign * f32::INFINITY,
        31 => f32::NAN,
        exponent => sign * (1.0 + mantissa / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_and_light_are_converted() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3800, 0.5), (0x0001, 5.960_464_5e-8), (0x7bff, 65504.0), (0x8000, 0.0)]
        {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7c01).is_nan() && half(0x7c00).is_infinite());
        assert_eq!([srgb(-1.0), srgb(0.0), srgb(0.18), srgb(1.0), srgb(9.0), srgb(f32::NAN)], [0, 0, 118, 255, 255, 0]);
    }

    #[test]
    fn the_layer_to_show_is_the_plain_one_then_a_combined_pass() {
        let places = |names: &[&str]| colours(&names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        assert_eq!(places(&["A", "B", "G", "R"]), Some(vec![&[3][..], &[2], &[1], &[0]]));
        let layered = [
            "V.Light.B",
            "V.Light.G",
            "V.Light.R",
            "V.Combined.A",
            "V.Combined.B",
            "V.Combined.G",
            "V.Combined.R",
            "V.Depth.Z",
        ];
        assert_eq!(places(&layered), Some(vec![&[][..], &[], &[], &[3], &[2], &[1], &[0], &[]]));
        assert_eq!(places(&["Z", "BLUR", "G"]), None);
    }
}
