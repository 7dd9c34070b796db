//! Decoding what Blender wrote, whole and damaged.

use super::*;
use crate::frames::fixtures::{FRAMES, REFERENCE, all, frame};
use proptest::prelude::*;

fn format(name: &str) -> Format {
    Format::of_extension(name.rsplit('.').next().expect("an extension")).expect("a known format")
}

fn picture_of(name: &str) -> Picture {
    match decode(frame(name), format(name)) {
        Ok(picture) => picture,
        Err(error) => panic!("{name}: {error:?}"),
    }
}

/// The largest difference between two pictures, of 255.
fn difference(a: &Picture, b: &Picture) -> u8 {
    assert_eq!((a.width(), a.height()), (b.width(), b.height()));
    a.rgba().iter().zip(b.rgba()).map(|(x, y)| x.abs_diff(*y)).max().unwrap_or(0)
}

#[test]
fn every_frame_that_blender_wrote_decodes() {
    for fixture in FRAMES {
        let picture = picture_of(fixture.name);
        assert_eq!(picture.height(), 16, "{}", fixture.name);
        assert_eq!(prove(fixture.bytes, format(fixture.name)), Ok(()), "{}", fixture.name);
    }
}

#[test]
fn formats_and_compressions_agree_on_the_picture() {
    let png = picture_of("png_rgba_8.png");
    for name in ["png_rgba_16.png", "tiff_none_8.tif", "tiff_lzw_16.tif", "tiff_packbits_8.tif", "tiff_deflate_16.tif"]
    {
        assert!(difference(&png, &picture_of(name)) <= 1, "{name}");
    }
    assert!(difference(&png, &picture_of("jpeg_rgb.jpg")) < 40);
    let exr = picture_of("exr_none_16.exr");
    for name in [
        "exr_rle_16.exr",
        "exr_zips_16.exr",
        "exr_zip_16.exr",
        "exr_piz_16.exr",
        "exr_pxr24_16.exr",
        "exr_zip_32.exr",
        "mexr_zip_16.exr",
    ] {
        assert!(difference(&exr, &picture_of(name)) <= 1, "{name}");
    }
    for name in [
        "exr_b44_16.exr",
        "exr_b44a_16.exr",
        "exr_dwaa_16.exr",
        "exr_dwab_16.exr",
        "exr_dwaa_32.exr",
        "mexr_dwaa_16.exr",
    ] {
        assert!(difference(&exr, &picture_of(name)) < 24, "{name}: {}", difference(&exr, &picture_of(name)));
    }
    // The picture itself: the default cube, grey, lit from one side.
    let levels: std::collections::BTreeSet<u8> = exr.rgba().chunks(4).map(|pixel| pixel[0]).collect();
    assert!(levels.len() > 5, "{levels:?}");
}

#[test]
fn files_of_other_programs_decode_or_are_unknown() {
    for fixture in REFERENCE {
        // The other HTJ2K file is so small that its chunks are stored as they are.
        let can = !["deep", "htj2k256"].iter().any(|word| fixture.name.contains(word));
        match decode(fixture.bytes, format(fixture.name)) {
            Ok(_) => assert!(can, "{}", fixture.name),
            Err(Undecoded::Unknown(_)) => assert!(!can, "{}", fixture.name),
            Err(Undecoded::Bad(flaw)) => panic!("{}: {flaw}", fixture.name),
        }
    }
}

#[test]
fn cut_files_do_not_decode() {
    for fixture in FRAMES {
        let half = &fixture.bytes[..fixture.bytes.len() / 2];
        assert!(matches!(decode(half, format(fixture.name)), Err(Undecoded::Bad(_))), "{}", fixture.name);
    }
}

#[test]
fn rotten_bits_in_compressed_pixels_are_found() {
    for name in ["exr_zip_16.exr", "exr_zips_16.exr", "png_rgba_8.png"] {
        let original = frame(name);
        let mut bytes = original.to_vec();
        let at = bytes.len() - 30;
        bytes[at] ^= 0x10;
        assert!(matches!(prove(&bytes, format(name)), Err(Undecoded::Bad(_))), "{name}");
        assert!(matches!(decode(&bytes, format(name)), Err(Undecoded::Bad(_))), "{name}");
    }
}

#[test]
fn a_panic_in_a_decoder_is_a_failed_decode() {
    let outcome = guarded::<()>(|| panic!("as a decoder might"));
    assert_eq!(outcome, Err(failed("the decoder gave up")));
}

#[test]
fn huge_pictures_are_unknown_not_bad() {
    assert!(matches!(checked_size(1 << 17, 1), Err(Undecoded::Unknown(_))));
    assert!(matches!(checked_size(1 << 16, 1 << 16), Err(Undecoded::Unknown(_))));
    assert!(matches!(checked_size(0, 5), Err(Undecoded::Bad(_))));
    assert_eq!(checked_size(1 << 14, 1 << 14), Ok((1 << 14, 1 << 14)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn no_damage_ends_the_program(
        which in any::<proptest::sample::Index>(),
        edits in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let fixtures: Vec<_> = all().collect();
        let fixture = which.get(&fixtures);
        let mut bytes = fixture.bytes.to_vec();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(picture) = decode(&bytes, format(fixture.name)) {
            prop_assert_eq!(picture.rgba().len(), picture.width() as usize * picture.height() as usize * 4);
        }
    }
}
