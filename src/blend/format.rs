//! The image formats Blender writes, and the words people and its command line have for them.
//!
//! Numbers and extensions: `DNA_scene_types.h` (`R_IMF_IMTYPE_*`), `image_format.cc`; the `-F` words were tried on 3.4.1.

use serde::{Serialize, Serializer};
use std::fmt;

/// An image or movie format, as the number that scenes store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ImageFormat(pub u8);

/// What a format makes of a range of frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// One file per frame.
    Image,
    /// One file for all.
    Movie,
    /// Not known to farm.
    Unknown,
}

struct Known {
    number: u8,
    word: &'static str,
    argument: &'static str,
    extensions: &'static [&'static str],
    medium: Medium,
}

const fn image(number: u8, word: &'static str, argument: &'static str, extensions: &'static [&'static str]) -> Known {
    Known { number, word, argument, extensions, medium: Medium::Image }
}

const fn movie(number: u8, word: &'static str, argument: &'static str, extensions: &'static [&'static str]) -> Known {
    Known { number, word, argument, extensions, medium: Medium::Movie }
}

static KNOWN: [Known; 22] = [
    image(0, "TARGA", "TGA", &[".tga"]),
    image(1, "IRIS", "IRIS", &[".rgb"]),
    image(4, "JPEG", "JPEG", &[".jpg", ".jpeg"]),
    image(7, "IRIZ", "IRIZ", &[".rgb"]),
    image(14, "TARGA_RAW", "RAWTGA", &[".tga"]),
    movie(15, "AVI_RAW", "AVIRAW", &[".avi"]),
    movie(16, "AVI_JPEG", "AVIJPEG", &[".avi"]),
    image(17, "PNG", "PNG", &[".png"]),
    image(20, "BMP", "BMP", &[".bmp"]),
    image(21, "HDR", "HDR", &[".hdr"]),
    image(22, "TIFF", "TIFF", &[".tif", ".tiff"]),
    image(23, "OPEN_EXR", "OPEN_EXR", &[".exr"]),
    movie(24, "FFMPEG", "FFMPEG", &[".mp4", ".mkv", ".mov", ".avi", ".webm", ".ogv", ".mpg"]),
    image(26, "CINEON", "CINEON", &[".cin"]),
    image(27, "DPX", "DPX", &[".dpx"]),
    image(28, "OPEN_EXR_MULTILAYER", "OPEN_EXR_MULTILAYER", &[".exr"]),
    image(29, "DDS", "DDS", &[".dds"]),
    image(30, "JPEG2000", "JP2", &[".jp2"]),
    movie(31, "H264", "FFMPEG", &[".mp4"]),
    movie(32, "XVID", "FFMPEG", &[".avi"]),
    movie(33, "THEORA", "FFMPEG", &[".ogv"]),
    image(35, "WEBP", "WEBP", &[".webp"]),
];

impl ImageFormat {
    /// PNG.
    pub const PNG: ImageFormat = ImageFormat(17);
    /// OpenEXR with all layers and passes in one file.
    pub const EXR_MULTILAYER: ImageFormat = ImageFormat(28);

    fn known(self) -> Option<&'static Known> {
        KNOWN.iter().find(|known| known.number == self.0)
    }

    /// The format of this word, Blender's own or that of `--render-format`, in any case.
    pub fn of_word(word: &str) -> Option<ImageFormat> {
        let named = |known: &&Known| known.word.eq_ignore_ascii_case(word) || known.argument.eq_ignore_ascii_case(word);
        KNOWN.iter().find(named).map(|known| ImageFormat(known.number))
    }

    /// The word of Blender's own interface: `PNG`, `OPEN_EXR_MULTILAYER`, `AVI_JPEG`; `UNKNOWN_99` for others.
    pub fn word(self) -> String {
        self.known().map_or_else(|| format!("UNKNOWN_{}", self.0), |known| known.word.to_owned())
    }

    /// The word that `blender --render-format` takes, which for some formats is another one (`TGA`, `JP2`).
    pub fn argument(self) -> Option<&'static str> {
        self.known().map(|known| known.argument)
    }

    /// The extensions that Blender accepts for this format; it writes the first.
    pub fn extensions(self) -> &'static [&'static str] {
        self.known().map_or(&[], |known| known.extensions)
    }

    /// Whether it writes images or a movie.
    pub fn medium(self) -> Medium {
        self.known().map_or(Medium::Unknown, |known| known.medium)
    }
}

impl fmt::Display for ImageFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.word())
    }
}

impl Serialize for ImageFormat {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.word())
    }
}

/// Bits per channel from the bit mask that scenes store (`R_IMF_CHAN_DEPTH_*`): 2 is 8 bits, 16 is 16, 64 is 32.
pub(super) fn color_depth(mask: i64) -> u8 {
    match mask {
        1 => 1,
        2 => 8,
        4 => 10,
        8 => 12,
        16 => 16,
        32 => 24,
        64 => 32,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_arguments() {
        assert_eq!((ImageFormat::PNG.word().as_str(), ImageFormat::PNG.extensions()[0]), ("PNG", ".png"));
        assert_eq!((ImageFormat(0).word().as_str(), ImageFormat(0).argument()), ("TARGA", Some("TGA")));
        assert_eq!((ImageFormat(24).medium(), ImageFormat(99).medium()), (Medium::Movie, Medium::Unknown));
        assert_eq!((ImageFormat(99).word().as_str(), ImageFormat(99).argument()), ("UNKNOWN_99", None));
        assert_eq!([2, 16, 64, 5].map(color_depth), [8, 16, 32, 0]);
    }
}
