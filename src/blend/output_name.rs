//! The names that Blender's compositor gives to the files it writes.
//!
//! Tried on Blender 3.4.1, 4.5.15 and 5.0.1 with some forty names each (the table in the tests is what they wrote):
//! the last run of `#` in the name becomes the frame, without one four digits are appended; a known image extension is
//! replaced by the format's, any other is kept and the format's appended; the suffix of a stereo view goes before the
//! extension, up to 4.3 before whatever follows the last dot *before* the extension is added.

use super::format::ImageFormat;
use super::version::BlenderVersion;

/// Extensions that are replaced rather than kept (`imb_ext_image`).
const IMAGE_EXTENSIONS: [&str; 23] = [
    ".png", ".tga", ".bmp", ".jpg", ".jpeg", ".sgi", ".rgb", ".rgba", ".tif", ".tiff", ".tx", ".jp2", ".j2c", ".hdr",
    ".dds", ".dpx", ".cin", ".exr", ".psd", ".pdd", ".psb", ".webp", ".j2k",
];

/// The release whose new compositor changed where the suffix goes.
const NEW_COMPOSITOR: BlenderVersion = BlenderVersion { major: 4, minor: 4 };

/// Whether file names get the extension of their format (`render.use_file_extension`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extension {
    /// As usual.
    Added,
    /// The scene says no.
    Left,
}

/// What a file name is made from.
#[derive(Debug, Clone, Copy)]
pub struct NameRule {
    /// The format that is written.
    pub format: ImageFormat,
    /// Whether its extension is added.
    pub extension: Extension,
    /// The Blender that will render.
    pub renderer: BlenderVersion,
}

impl NameRule {
    /// The name that `pattern` (`sub/pass_##`) becomes for `frame` and the view with `suffix` (`_L`, or nothing).
    pub fn apply(&self, pattern: &str, frame: i32, suffix: &str) -> String {
        let (folder, name) = pattern.split_at(pattern.rfind('/').map_or(0, |at| at + 1));
        format!("{folder}{}", self.completed(with_frame(name, frame), suffix))
    }

    fn completed(&self, name: String, suffix: &str) -> String {
        match self.renderer >= NEW_COMPOSITOR {
            true => with_suffix(self.with_extension(name), suffix),
            false => self.with_extension(with_suffix(name, suffix)),
        }
    }

    /// The same with a run of `#` where the digits go: what a release file keeps of a File Output node.
    pub fn pattern(&self, pattern: &str, suffix: &str) -> String {
        let (folder, name) = pattern.split_at(pattern.rfind('/').map_or(0, |at| at + 1));
        let name = if name.contains('#') { name.to_owned() } else { format!("{name}####") };
        format!("{folder}{}", self.completed(name, suffix))
    }

    fn with_extension(&self, name: String) -> String {
        let (Extension::Added, [first, ..]) = (self.extension, self.format.extensions()) else { return name };
        let has = |extension: &&str| ends_with(&name, extension);
        if self.format.extensions().iter().any(has) {
            return name;
        }
        match IMAGE_EXTENSIONS.iter().find(|extension| has(extension)) {
            Some(other) => format!("{}{first}", &name[..name.len() - other.len()]),
            None => format!("{}{first}", name.trim_end_matches('.')),
        }
    }
}

fn ends_with(name: &str, extension: &str) -> bool {
    let end = name.len().checked_sub(extension.len()).and_then(|at| name.get(at..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(extension))
}

/// The last run of `#` as the frame's digits; four digits at the end where there is none.
fn with_frame(name: &str, frame: i32) -> String {
    let Some(last) = name.rfind('#') else { return format!("{name}{}", digits(frame, 4)) };
    let head = name[..last].trim_end_matches('#');
    let width = last + 1 - head.len();
    format!("{head}{}{}", digits(frame, width), &name[last + 1..])
}

/// Blender prints with `%.4d`: the sign is not counted as a digit.
fn digits(frame: i32, width: usize) -> String {
    let sign = if frame < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", frame.unsigned_abs())
}

fn with_suffix(name: String, suffix: &str) -> String {
    let at = name.rfind('.').unwrap_or(name.len());
    format!("{}{suffix}{}", &name[..at], &name[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(patterns: &[(&str, u8, &str)], renderer: &str, suffix: &str) {
        for (pattern, format, name) in patterns {
            let format = ImageFormat(*format);
            let rule = NameRule { format, extension: Extension::Added, renderer: renderer.parse().unwrap() };
            assert_eq!(rule.apply(pattern, 7, suffix), *name, "{pattern} in {renderer}");
        }
    }

    #[test]
    fn names_are_those_that_blender_wrote() {
        const PNG: u8 = 17;
        let flat = [
            ("Image", PNG, "Image0007.png"),
            ("pass_##_x", PNG, "pass_07_x.png"),
            ("sub/dir/beauty", PNG, "sub/dir/beauty0007.png"),
            ("j", 4, "j0007.jpg"),
            ("has.png", PNG, "has.png0007.png"),
            ("dot.v001", PNG, "dot.v0010007.png"),
            ("a#b##c", PNG, "a#b07c.png"),
            ("trail/", PNG, "trail/0007.png"),
            ("..up", PNG, "..up0007.png"),
            ("file_", 28, "file_0007.exr"),
            ("f##_x.exr", 28, "f07_x.exr"),
            ("x_##.jpg", PNG, "x_07.png"),
            ("y_##.jpeg", 4, "y_07.jpeg"),
            ("w_##.PNG", PNG, "w_07.PNG"),
            ("q_##.txt", PNG, "q_07.txt.png"),
            ("r_##.v2.", PNG, "r_07.v2.png"),
            ("t_##.png", 23, "t_07.exr"),
            ("p5_##.gif", PNG, "p5_07.gif.png"),
            ("o_##.dds", PNG, "o_07.png"),
            ("wl", 1, "wl0007.rgb"),
            ("t", 22, "t0007.tif"),
            ("jp2", 30, "jp20007.jp2"),
            ("h#/x", PNG, "h#/x0007.png"),
        ];
        names(&flat, "3.4", "");
        names(&flat, "5.0", "");
        let of_stereo = [("Image", PNG, "Image0007_L.png"), ("pass_##_x", PNG, "pass_07_x_L.png")];
        names(&of_stereo, "3.4", "_L");
        names(&of_stereo, "5.0", "_L");
        let with_dots = [("dot.v001", PNG, "dot_L.v0010007.png"), ("..up", PNG, "._L.up0007.png")];
        names(&with_dots, "3.4", "_L");
        let with_dots = [("dot.v001", PNG, "dot.v0010007_L.png"), ("..up", PNG, "..up0007_L.png")];
        names(&with_dots, "4.5", "_L");
        let with_image = [("f##_x.exr", 28, "f07_x_L.exr"), ("x_##.jpg", PNG, "x_07_L.png")];
        names(&with_image, "3.4", "_L");
        names(&with_image, "4.5", "_L");
    }

    #[test]
    fn without_extensions_names_stay_as_they_are() {
        let renderer = "3.4".parse().unwrap();
        let rule = NameRule { format: ImageFormat::PNG, extension: Extension::Left, renderer };
        assert_eq!(rule.apply("has.png", 7, ""), "has.png0007");
        assert_eq!(rule.apply("f##_x.exr", 123, ""), "f123_x.exr");
        assert_eq!(rule.apply("x", -5, ""), "x-0005");
    }
}
