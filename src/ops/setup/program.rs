//! For which platforms a program was built: what its header says.

use std::ops::Range;

/// The platforms that farm knows, named as a build of farm names its own.
pub(super) const PLATFORMS: [&str; 5] =
    ["linux-x86_64", "linux-aarch64", "macos-x86_64", "macos-aarch64", "windows-x86_64"];

/// The most parts of a Mac's program for several processors that are looked at.
const MAX_PARTS: u32 = 16;

/// The platforms that the program with this head runs on, as far as farm knows them; none where it is no program.
pub(super) fn platforms_of(head: &[u8]) -> Vec<&'static str> {
    match parts_of_a_mac(head) {
        Some(parts) => parts,
        None => elf(head).or_else(|| mach_o(head)).or_else(|| windows(head)).into_iter().collect(),
    }
}

/// 64 bits, little endian: what Linux runs on either processor.
fn elf(head: &[u8]) -> Option<&'static str> {
    const RUNS: [u16; 2] = [2, 3];
    if !head.starts_with(b"\x7fELF\x02\x01") || !RUNS.contains(&word(head, 16)?) {
        return None;
    }
    match word(head, 18)? {
        62 => Some("linux-x86_64"),
        183 => Some("linux-aarch64"),
        _ => None,
    }
}

fn mach_o(head: &[u8]) -> Option<&'static str> {
    const RUNS: u32 = 2;
    if !head.starts_with(b"\xcf\xfa\xed\xfe") || long(head, 12)? != RUNS {
        return None;
    }
    processor_of_a_mac(long(head, 4)?)
}

/// A program with parts for several processors; its numbers are big endian.
fn parts_of_a_mac(head: &[u8]) -> Option<Vec<&'static str>> {
    const PART: usize = 20;
    if !head.starts_with(b"\xca\xfe\xba\xbe") {
        return None;
    }
    let count = long(head, 4)?.swap_bytes().min(MAX_PARTS) as usize;
    let kinds = (0..count).filter_map(|at| long(head, 8 + at * PART));
    Some(kinds.filter_map(|kind| processor_of_a_mac(kind.swap_bytes())).collect())
}

fn processor_of_a_mac(number: u32) -> Option<&'static str> {
    match number {
        0x0100_0007 => Some("macos-x86_64"),
        0x0100_000c => Some("macos-aarch64"),
        _ => None,
    }
}

fn windows(head: &[u8]) -> Option<&'static str> {
    const RUNS: u16 = 0x0002;
    const LIBRARY: u16 = 0x2000;
    const X86_64: u16 = 0x8664;
    let at = usize::try_from(long(head, 0x3c)?).ok()?;
    let is_program = head.starts_with(b"MZ") && head.get(at..)?.starts_with(b"PE\0\0");
    let traits = word(head, at.checked_add(22)?)?;
    let runs = traits & RUNS != 0 && traits & LIBRARY == 0;
    (is_program && runs && word(head, at.checked_add(4)?)? == X86_64).then_some("windows-x86_64")
}

/// Whether an ELF program asks for an interpreter, which is what loads libraries. Others are not known to.
pub(super) fn is_dynamic_elf(head: &[u8]) -> bool {
    const INTERPRETER: u32 = 3;
    let parse = || {
        // 64 bits, little endian: every platform that farm is built for.
        if !head.starts_with(b"\x7fELF\x02\x01") {
            return None;
        }
        let table = u64::from_le_bytes(head.get(32..40)?.try_into().ok()?);
        let table = usize::try_from(table).ok()?;
        let (size, count) = (usize::from(word(head, 54)?), usize::from(word(head, 56)?));
        (0..count).find_map(|at| {
            let entry = table.checked_add(at.checked_mul(size)?)?;
            (long(head, entry)? == INTERPRETER).then_some(())
        })
    };
    parse().is_some()
}

fn word(head: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(head.get(range(at, 2)?)?.try_into().ok()?))
}

fn long(head: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(head.get(range(at, 4)?)?.try_into().ok()?))
}

fn range(at: usize, length: usize) -> Option<Range<usize>> {
    Some(at..at.checked_add(length)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `parts` at their places, zeros between them.
    fn head(parts: &[(usize, &[u8])]) -> Vec<u8> {
        let mut head = vec![0; 256];
        for (at, bytes) in parts {
            head[*at..at + bytes.len()].copy_from_slice(bytes);
        }
        head
    }

    #[test]
    fn a_program_is_known_by_its_header() {
        let elf = |kind: u8, machine: u8| head(&[(0, b"\x7fELF\x02\x01"), (16, &[kind]), (18, &[machine])]);
        assert_eq!(platforms_of(&elf(2, 62)), ["linux-x86_64"]);
        assert_eq!(platforms_of(&elf(3, 183)), ["linux-aarch64"]);
        let mac = |processor: &[u8], kind: u8| head(&[(0, b"\xcf\xfa\xed\xfe"), (4, processor), (12, &[kind])]);
        assert_eq!(platforms_of(&mac(&[7, 0, 0, 1], 2)), ["macos-x86_64"]);
        assert_eq!(platforms_of(&mac(&[12, 0, 0, 1], 2)), ["macos-aarch64"]);
        let both = head(&[(0, b"\xca\xfe\xba\xbe\0\0\0\x02"), (8, &[1, 0, 0, 7]), (28, &[1, 0, 0, 12])]);
        assert_eq!(platforms_of(&both), ["macos-x86_64", "macos-aarch64"]);
        let windows = |machine: &[u8], traits: &[u8]| {
            head(&[(0, b"MZ"), (0x3c, &[0x80]), (0x80, b"PE\0\0"), (0x84, machine), (0x96, traits)])
        };
        assert_eq!(platforms_of(&windows(&[0x64, 0x86], &[0x22, 0])), ["windows-x86_64"]);
        for none in [
            elf(1, 62),
            elf(2, 40),
            mac(&[7, 0, 0, 1], 6),
            windows(&[0x64, 0x86], &[0x22, 0x20]),
            windows(&[0x4c, 1], &[0x22, 0]),
            b"# farm\n".to_vec(),
            b"#!/bin/sh\n".to_vec(),
        ] {
            assert!(platforms_of(&none).is_empty(), "{none:?}");
        }
    }

    #[test]
    fn this_test_is_a_program_for_this_platform() {
        let mut head = std::fs::read(std::env::current_exe().expect("this test")).expect("readable");
        head.truncate(64 << 10);
        assert_eq!(platforms_of(&head), [crate::ops::setup::this_platform()]);
        assert!(is_dynamic_elf(&head));
    }

    proptest::proptest! {
        #[test]
        fn any_head_is_read_without_panic(bytes: Vec<u8>) {
            for start in [&b""[..], b"\x7fELF\x02\x01", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"MZ"] {
                let head = [start, bytes.as_slice()].concat();
                let _ = (is_dynamic_elf(&head), platforms_of(&head));
            }
        }
    }
}
