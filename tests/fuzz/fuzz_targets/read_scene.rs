//! No bytes make the reader of scenes panic, hang or take memory without bound.

#![no_main]

use farm::base::time::Timestamp;
use farm::blend;
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;
use std::path::Path;

fuzz_target!(|bytes: &[u8]| {
    // Nothing lies there, so that no path in the scene leads anywhere.
    let place = Path::new("/nowhere/scene.blend");
    let _ = blend::read_from(Cursor::new(bytes), place, bytes.len() as u64, Timestamp::from_unix(0));
});
