//! Frames that Blender wrote (`tests/fixtures/frames`), and the damage that tests do to files.

use super::verdict::{Flaw, Verdict};
use super::walk::walk;

/// One file that Blender wrote.
pub(crate) struct Fixture {
    pub(crate) name: &'static str,
    pub(crate) bytes: &'static [u8],
}

impl Fixture {
    pub(crate) fn extension(&self) -> &'static str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

macro_rules! frames {
    ($($name:literal),* $(,)?) => {
        &[$(Fixture {
            name: $name,
            bytes: include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/frames/", $name)),
        }),*]
    };
}

/// Every committed frame of a format that farm checks.
pub(crate) const FRAMES: &[Fixture] = frames![
    "exr_b44_16.exr",
    "exr_b44a_16.exr",
    "exr_dwaa_16.exr",
    "exr_dwaa_32.exr",
    "exr_dwab_16.exr",
    "exr_none_16.exr",
    "exr_piz_16.exr",
    "exr_pxr24_16.exr",
    "exr_pxr24_32.exr",
    "exr_rgb.exr",
    "exr_rle_16.exr",
    "exr_zip_16.exr",
    "exr_zip_32.exr",
    "exr_zips_16.exr",
    "exr_zips_32.exr",
    "jpeg_bw.jpg",
    "jpeg_rgb.jpg",
    "mexr_dwaa_16.exr",
    "mexr_zip_16.exr",
    "mexr_zip_32.exr",
    "multipart_v50.exr",
    "mv_exr.exr",
    "mv_mexr.exr",
    "png_bw_16.png",
    "png_bw_8.png",
    "png_rgb_16.png",
    "png_rgb_8.png",
    "png_rgba_16.png",
    "png_rgba_8.png",
    "tiff_alpha.tif",
    "tiff_bw.tif",
    "tiff_deflate_16.tif",
    "tiff_deflate_8.tif",
    "tiff_lzw_16.tif",
    "tiff_lzw_8.tif",
    "tiff_none_16.tif",
    "tiff_none_8.tif",
    "tiff_packbits_16.tif",
    "tiff_packbits_8.tif",
    "tiff_rgb.tif",
    "webp_100.webp",
    "webp_alpha.webp",
    "webp_alpha_100.webp",
    "webp_rgb.webp",
];

/// Frames of other programs (OpenEXR's and OpenImageIO's own), for what Blender does not write: tiles, levels, deep data.
pub(crate) const REFERENCE: &[Fixture] = frames![
    "ref_dec.exr",
    "ref_deep.exr",
    "ref_deeptile.exr",
    "ref_half_exif.tif",
    "ref_htj2k256.exr",
    "ref_htj2k32.exr",
    "ref_mip_down.exr",
    "ref_mip_up.exr",
    "ref_parts.exr",
    "ref_planar.tif",
    "ref_progressive.jpg",
    "ref_rip_down.exr",
    "ref_rip_up.exr",
    "ref_tiled.exr",
    "ref_tiled.tif",
    "ref_window.exr",
];

/// Both kinds.
pub(crate) fn all() -> impl Iterator<Item = &'static Fixture> {
    FRAMES.iter().chain(REFERENCE)
}

/// The bytes of one of them.
pub(crate) fn frame(name: &str) -> &'static [u8] {
    all().find(|fixture| fixture.name == name).expect("a committed frame").bytes
}

/// The flaw that a walk finds in damaged bytes.
pub(crate) fn flaw(bytes: &[u8], extension: &str) -> Flaw {
    match walk(bytes, extension) {
        Verdict::Bad(flaw) => flaw,
        other => panic!("no flaw was found: {other:?}"),
    }
}
