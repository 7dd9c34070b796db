//! No bytes make the reader of RenderMan scenes panic, hang or take memory without bound.

#![no_main]

use farm::blend::rib;
use libfuzzer_sys::fuzz_target;
use std::io::Cursor;

fuzz_target!(|bytes: &[u8]| {
    let _ = rib::survey(Cursor::new(bytes));
});
