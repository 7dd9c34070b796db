//! Damage of every kind to frames that Blender wrote, and to files made for the purpose.

use super::*;
use crate::frames::fixtures::{FRAMES, REFERENCE, all, flaw, frame};
use crate::frames::verdict::Sample;
use proptest::prelude::*;

fn facts(name: &str) -> ImageFacts {
    let extension = name.rsplit('.').next().expect("an extension");
    match walk(frame(name), extension) {
        Verdict::Ok(facts) => facts,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn every_frame_that_blender_wrote_is_whole() {
    for fixture in FRAMES {
        let facts = facts(fixture.name);
        let width = if fixture.name.contains("alpha") { 24 } else { 16 };
        assert_eq!((facts.width, facts.height), (width, 16), "{}", fixture.name);
        assert!(!facts.channels.is_empty() && facts.sample != Sample::Unknown, "{}: {facts:?}", fixture.name);
    }
}

#[test]
fn facts_name_channels_and_samples() {
    for (name, channels, sample) in [
        ("png_rgba_8.png", "R G B A", Sample::U8),
        ("png_bw_16.png", "Y", Sample::U16),
        ("png_rgb_16.png", "R G B", Sample::U16),
        ("jpeg_bw.jpg", "Y", Sample::U8),
        ("jpeg_rgb.jpg", "R G B", Sample::U8),
        ("tiff_bw.tif", "Y", Sample::U8),
        ("tiff_lzw_16.tif", "R G B A", Sample::U16),
        ("webp_rgb.webp", "R G B", Sample::U8),
        ("webp_alpha.webp", "R G B A", Sample::U8),
        ("webp_alpha_100.webp", "R G B A", Sample::U8),
        ("exr_zip_16.exr", "A B G R", Sample::F16),
        ("exr_zip_32.exr", "A B G R", Sample::F32),
        ("exr_rgb.exr", "B G R", Sample::F16),
    ] {
        let facts = facts(name);
        assert_eq!((facts.channels.join(" ").as_str(), facts.sample), (channels, sample), "{name}");
    }
    let layered = facts("mexr_zip_16.exr").channels;
    assert!(
        layered.contains(&"ViewLayer.Combined.R".to_owned()) && layered.contains(&"ViewLayer.Depth.Z".to_owned()),
        "{layered:?}"
    );
    let parts = facts("multipart_v50.exr").channels;
    assert!(parts.iter().any(|name| name.starts_with("ViewLayer.Combined/")), "{parts:?}");
}

#[test]
fn a_cut_is_found_at_every_byte() {
    for fixture in all() {
        for length in 0..fixture.bytes.len() {
            let verdict = walk(&fixture.bytes[..length], fixture.extension());
            assert!(matches!(verdict, Verdict::Bad(_)), "{} cut at {length}: {verdict:?}", fixture.name);
        }
    }
}

#[test]
fn cuts_say_where() {
    assert_eq!(flaw(b"", "png"), Flaw::Empty);
    assert_eq!(flaw(&frame("png_rgb_8.png")[..4], "png"), Flaw::Truncated { part: "the signature".into(), offset: 0 });
    assert_eq!(flaw(&frame("png_rgb_8.png")[..20], "png"), Flaw::Truncated { part: "chunk IHDR".into(), offset: 8 });
    assert_eq!(
        flaw(&frame("jpeg_rgb.jpg")[..1090], "jpg").to_string(),
        "it is cut off in the pixels of a scan, which begins at byte 1018"
    );
    let exr = frame("exr_zip_16.exr");
    assert_eq!(flaw(&exr[..exr.len() - 1], "exr"), Flaw::Truncated { part: "chunk 1 of 1".into(), offset: 712 });
    assert!(matches!(flaw(&exr[..100], "exr"), Flaw::Truncated { part, .. } if part == "the header"));
}

#[test]
fn bytes_behind_the_end_are_found() {
    for fixture in all() {
        for junk in [&b"\0"[..], b"\xff\xd9", b"IEND junk and more junk"] {
            let bytes = [fixture.bytes, junk].concat();
            // One byte that makes the length of a TIFF even is allowed.
            if fixture.extension() == "tif" && junk.len() == 1 {
                continue;
            }
            let flaw = flaw(&bytes, fixture.extension());
            assert!(matches!(flaw, Flaw::TrailingBytes { .. }), "{} and {junk:?}: {flaw:?}", fixture.name);
        }
    }
}

#[test]
fn every_flipped_bit_of_a_png_is_found() {
    let original = frame("png_rgba_16.png");
    for at in 0..original.len() {
        for bit in 0..8 {
            let mut bytes = original.to_vec();
            bytes[at] ^= 1 << bit;
            assert!(matches!(walk(&bytes, "png"), Verdict::Bad(_)), "bit {bit} of byte {at}");
        }
    }
    let mut bytes = original.to_vec();
    let at = bytes.len() - 40;
    bytes[at] ^= 1;
    assert!(matches!(flaw(&bytes, "png"), Flaw::Checksum { part, .. } if part == "chunk IDAT"));
}

#[test]
fn pieces_of_any_size_give_the_same_verdict() {
    for fixture in all() {
        for cut in [fixture.bytes.len(), fixture.bytes.len() - 3] {
            let bytes = &fixture.bytes[..cut];
            let expected = walk(bytes, fixture.extension());
            for size in [1, 2, 3, 7, 64, 1000] {
                let mut walker = Walker::for_extension(fixture.extension());
                bytes.chunks(size).for_each(|piece| walker.feed(piece));
                assert_eq!(walker.finish(bytes.len() as u64), expected, "{} in pieces of {size}", fixture.name);
            }
            let mut sniffing = Walker::sniffing();
            bytes.chunks(5).for_each(|piece| sniffing.feed(piece));
            assert_eq!(sniffing.finish(bytes.len() as u64), expected, "{} sniffed", fixture.name);
        }
    }
}

#[test]
fn other_formats_are_unknown_and_wrong_ones_bad() {
    let targa = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/frames/targa_raw.tga"));
    assert!(matches!(walk(targa, "tga"), Verdict::Unknown { .. }));
    assert_eq!(walk(b"", "tga"), Verdict::Bad(Flaw::Empty));
    let mut sniffing = Walker::sniffing();
    sniffing.feed(targa);
    assert!(matches!(sniffing.finish(targa.len() as u64), Verdict::Unknown { .. }));
    let wrong = flaw(frame("jpeg_rgb.jpg"), "png");
    assert_eq!(wrong, Flaw::WrongSignature { expected: Format::Png, found: Some(Format::Jpeg) });
    assert_eq!(flaw(targa, "exr"), Flaw::WrongSignature { expected: Format::Exr, found: None });
    assert!(matches!(walk(b"II\x2b\0\x08\0\0\0\x10\0\0\0", "tif"), Verdict::Unknown { .. }));
}

#[test]
fn a_file_that_grew_while_it_was_read_is_unknown() {
    let mut walker = Walker::for_extension("png");
    walker.feed(&frame("png_rgb_8.png")[..50]);
    assert!(matches!(walker.finish(60), Verdict::Unknown { .. }));
}

#[test]
fn a_flaw_is_known_before_the_end() {
    let mut walker = Walker::for_extension("png");
    walker.feed(b"not a picture at all");
    assert!(walker.flaw().is_some());
}

/// Where the offset table of the only part begins, and how many entries it has.
fn table(exr: &[u8], entries: usize) -> usize {
    let first = exr.len();
    (0..first - 8)
        .find(|&at| {
            (0..entries).all(|n| {
                piece::le_u64(exr, at + n * 8) as usize >= at + entries * 8
                    && piece::le_u64(exr, at + n * 8) < first as u64
            }) && piece::le_u64(exr, at) as usize == at + entries * 8
        })
        .expect("an offset table")
}

#[test]
fn what_a_killed_renderer_leaves_of_an_exr_is_named() {
    let original = frame("exr_zips_16.exr");
    let at = table(original, 16);
    let mut bytes = original.to_vec();
    bytes[at..at + 16 * 8].fill(0);
    assert_eq!(flaw(&bytes, "exr"), Flaw::ZeroOffsets { zeros: 16, total: 16 });
    let mut bytes = original.to_vec();
    bytes[at + 8..at + 16].fill(0);
    assert_eq!(flaw(&bytes, "exr"), Flaw::ZeroOffsets { zeros: 1, total: 16 });
}

#[test]
fn an_offset_table_that_lies_is_found() {
    let original = frame("exr_zips_16.exr");
    let at = table(original, 16);
    for byte in at..at + 16 * 8 {
        let mut bytes = original.to_vec();
        bytes[byte] ^= 0x11;
        assert!(matches!(walk(&bytes, "exr"), Verdict::Bad(_)), "byte {byte}");
    }
    // Coordinates and sizes of the first chunk.
    for byte in at + 16 * 8..at + 16 * 8 + 8 {
        let mut bytes = original.to_vec();
        bytes[byte] ^= 0x11;
        assert!(matches!(walk(&bytes, "exr"), Verdict::Bad(_)), "byte {byte}");
    }
}

#[test]
fn frames_of_other_programs_are_whole() {
    for (name, size, channels) in [
        ("ref_tiled.exr", (25, 14), "B G R"),
        ("ref_rip_up.exr", (25, 14), "B G R"),
        ("ref_deep.exr", (16, 8), "A Z"),
        ("ref_deeptile.exr", (16, 8), "A Z"),
        ("ref_window.exr", (9, 11), "B G R"),
        ("ref_parts.exr", (20, 10), "a/B a/G a/R b/B b/G b/R"),
        ("ref_planar.tif", (20, 10), "R G B"),
        ("ref_tiled.tif", (20, 10), "R G B"),
        ("ref_progressive.jpg", (20, 10), "R G B"),
    ] {
        let facts = facts(name);
        assert_eq!(((facts.width, facts.height), facts.channels.join(" ").as_str()), (size, channels), "{name}");
    }
    for fixture in REFERENCE {
        facts(fixture.name);
    }
}

#[test]
fn compressions_of_tomorrow_are_unknown() {
    let zstd = include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/frames/ref_zstd.exr"));
    assert!(matches!(walk(zstd, "exr"), Verdict::Unknown { .. }));
}

/// A big-endian TIFF whose directory comes before its pixels.
fn directory_first() -> Vec<u8> {
    let entries: [(u16, u16, u32, u32); 6] = [
        (256, 3, 1, 4 << 16),
        (257, 3, 1, 2 << 16),
        (258, 3, 1, 8 << 16),
        (262, 3, 1, 1 << 16),
        (273, 4, 1, 86),
        (279, 4, 1, 8),
    ];
    let mut tiff = b"MM\0\x2a\0\0\0\x08\0\x06".to_vec();
    for (tag, kind, count, value) in entries {
        tiff.extend(tag.to_be_bytes());
        tiff.extend(kind.to_be_bytes());
        tiff.extend(count.to_be_bytes());
        tiff.extend(value.to_be_bytes());
    }
    tiff.extend([0; 4]);
    tiff.extend(1..=8);
    tiff
}

#[test]
fn a_tiff_in_another_order_is_walked_too() {
    let tiff = directory_first();
    assert!(matches!(walk(&tiff, "tif"), Verdict::Ok(facts) if (facts.width, facts.height) == (4, 2)));
    for length in 0..tiff.len() {
        assert!(matches!(walk(&tiff[..length], "tif"), Verdict::Bad(_)), "cut at {length}");
    }
    // Strips without a place: the renderer entered the directory first and died.
    let mut unfinished = tiff.clone();
    unfinished[66..70].fill(0);
    assert!(matches!(flaw(&unfinished, "tif"), Flaw::Inconsistent { part, .. } if part == "strip 0"));
    // The directory's own pixels are behind what is kept; the list of strips before it is in the head.
    assert_eq!(
        flaw(b"II\x2a\0\0\0\0\0", "tif").to_string(),
        "the header at byte 0 is wrong: it names 0 as the place of the image directory: the file was never finished"
    );
}

#[test]
fn progressive_jpeg_and_restart_markers_are_walked() {
    let scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 0xff, 0, 0xff, 0xd0, 3, 0xff, 0xff, 0xd1, 9];
    let frame_header = [0xff, 0xc2, 0, 11, 8, 0, 2, 0, 3, 1, 1, 0x11, 0];
    let whole = [&[0xff, 0xd8], &frame_header[..], &scan, &[0xff, 0xff], &scan[1..], &[0xff, 0xd9]].concat();
    assert!(matches!(walk(&whole, "jpg"), Verdict::Ok(facts) if (facts.width, facts.height) == (3, 2)));
    for length in 0..whole.len() {
        assert!(matches!(walk(&whole[..length], "jpg"), Verdict::Bad(_)), "cut at {length}");
    }
    let no_frame = [&[0xff, 0xd8], &scan[..], &[0xff, 0xd9]].concat();
    assert!(matches!(flaw(&no_frame, "jpg"), Flaw::Inconsistent { .. }));
}

#[test]
fn memory_stays_small_whatever_a_header_announces() {
    // A chunk of two gigabytes of which a few bytes come, and a megabyte of attributes.
    let png = [&frame("png_rgb_8.png")[..33], &[0x7f, 0xff, 0xff, 0xff], b"IDAT", &[0; 64]].concat();
    assert!(matches!(flaw(&png, "png"), Flaw::Truncated { .. }));
    let mut exr = frame("exr_zip_16.exr")[..8].to_vec();
    for _ in 0..50_000 {
        exr.extend_from_slice(b"someAttribute\0string\0\x04\0\0\0abcd");
    }
    assert!(matches!(flaw(&exr, "exr"), Flaw::Truncated { part, .. } if part == "the header"));
}

/// A frame with some bytes replaced, cut or repeated.
fn damaged() -> impl Strategy<Value = (Vec<u8>, &'static str)> {
    let edits = proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 0..6);
    let lengths = (any::<proptest::sample::Index>(), any::<bool>());
    (0..FRAMES.len(), edits, lengths).prop_map(|(which, edits, (length, cut))| {
        let mut bytes = FRAMES[which].bytes.to_vec();
        for (at, value) in edits {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        (bytes, FRAMES[which].extension())
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), which in 0usize..5, size in 1usize..50) {
        let signatures: [(&[u8], &str); 5] = [
            (b"\x89PNG\r\n\x1a\n", "png"), (b"\x76\x2f\x31\x01\x02\0\0\0", "exr"), (b"\xff\xd8", "jpg"), (b"II\x2a\0\x08\0\0\0", "tif"),
            (b"RIFF\x40\0\0\0WEBP", "webp"),
        ];
        let (signature, extension) = signatures[which];
        let bytes = [signature, &bytes[..]].concat();
        let mut walker = Walker::for_extension(extension);
        bytes.chunks(size).for_each(|piece| walker.feed(piece));
        prop_assert_eq!(walker.finish(bytes.len() as u64), walk(&bytes, extension));
    }

    #[test]
    fn no_damage_panics_and_pieces_never_matter((bytes, extension) in damaged(), size in 1usize..400) {
        let mut walker = Walker::for_extension(extension);
        bytes.chunks(size).for_each(|piece| walker.feed(piece));
        prop_assert_eq!(walker.finish(bytes.len() as u64), walk(&bytes, extension));
    }
}
