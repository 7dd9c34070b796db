//! Small valid PNGs of any size, made quickly, and ways to damage them.

use std::fs;
use std::path::Path;

/// What fills a picture.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Filling {
    /// Noise: hardly compresses, so that the file has about four bytes per pixel.
    Noise,
    /// One colour: the smallest file.
    Flat,
}

/// An 8-bit RGBA picture whose bytes depend on `seed`.
pub(crate) fn picture(width: u32, height: u32, filling: Filling, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    let colour = [next(), next(), next(), 255];
    let count = width as usize * height as usize;
    let pixels: Vec<u8> = match filling {
        Filling::Flat => colour.repeat(count),
        Filling::Noise => (0..count * 4).map(|_| next()).collect(),
    };
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("the pixels fit");
    writer.finish().expect("an end");
    bytes
}

/// The RGBA picture in a file, without its alpha.
pub(crate) fn without_alpha(path: &Path) -> Vec<u8> {
    let (width, height) = size_of(path).expect("a picture");
    let pixels: Vec<u8> = pixels_of(path).chunks(4).flat_map(|pixel| pixel[..3].to_vec()).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&pixels).expect("the pixels fit");
    writer.finish().expect("an end");
    bytes
}

/// Cuts a file to its first `length` bytes.
pub(crate) fn cut(path: &Path, length: u64) {
    let file = fs::File::options().write(true).open(path).expect("a frame to cut");
    file.set_len(length).expect("it can be cut");
}

/// Flips one bit of the byte at `offset`.
pub(crate) fn flip(path: &Path, offset: usize) {
    let mut bytes = fs::read(path).expect("a frame to damage");
    let count = bytes.len();
    bytes[offset % count] ^= 0x10;
    fs::write(path, bytes).expect("it can be written");
}

/// Whether a file is a PNG that decodes to its end, and its width and height.
pub(crate) fn size_of(path: &Path) -> Option<(u32, u32)> {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).ok()?));
    let mut reader = decoder.read_info().ok()?;
    let mut pixels = vec![0; reader.output_buffer_size()?];
    let info = reader.next_frame(&mut pixels).ok()?;
    reader.finish().ok()?;
    Some((info.width, info.height))
}

/// The decoded pixels of a PNG.
pub(crate) fn pixels_of(path: &Path) -> Vec<u8> {
    let file = fs::File::open(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut reader = png::Decoder::new(std::io::BufReader::new(file)).read_info().expect("a PNG");
    let mut pixels = vec![0; reader.output_buffer_size().expect("a size")];
    reader.next_frame(&mut pixels).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    pixels
}
