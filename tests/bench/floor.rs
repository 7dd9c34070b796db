//! The least work that a task can possibly take, as programs of their own:
//!
//! ```text
//! --floor harvest LIST THREADS    read each file, walk the PNG's chunks with their CRCs, rename without replacing
//! --floor sha256 LIST THREADS     SHA-256 of each file
//! --floor copy LIST THREADS       copy_file_range
//! --floor copy-sync LIST THREADS  copy_file_range, fsync
//! ```
//!
//! LIST has a line `from<TAB>to` per file.

use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs one floor program; 1 if any file was not what it should be.
pub(crate) fn main(arguments: &[String]) -> ExitCode {
    let [work, list, threads] = arguments else { return ExitCode::from(2) };
    let text = fs::read_to_string(list).expect("a list");
    let files: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    let step: fn(&str, &str, &mut Vec<u8>) -> bool = match work.as_str() {
        "harvest" => harvest,
        "sha256" => sha256,
        "copy" => |from, to, _| copy(from, to).is_some(),
        "copy-sync" => |from, to, _| copy(from, to).is_some_and(|file| file.sync_all().is_ok()),
        _ => return ExitCode::from(2),
    };
    let bad = on_threads(threads.parse().unwrap_or(1), &files, step);
    ExitCode::from(u8::from(bad > 0))
}

/// Hands the files out to threads, a few at a time, and counts those for which `step` says no.
fn on_threads(threads: usize, files: &[(&str, &str)], step: fn(&str, &str, &mut Vec<u8>) -> bool) -> usize {
    const AT_ONCE: usize = 16;
    let (next, bad) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut buffer = Vec::new();
                loop {
                    let from = next.fetch_add(AT_ONCE, Ordering::Relaxed);
                    if from >= files.len() {
                        break;
                    }
                    for (from, to) in &files[from..files.len().min(from + AT_ONCE)] {
                        bad.fetch_add(usize::from(!step(from, to, &mut buffer)), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    bad.into_inner()
}

fn harvest(from: &str, to: &str, buffer: &mut Vec<u8>) -> bool {
    buffer.clear();
    let read = File::open(from).and_then(|mut file| {
        buffer.reserve(file.metadata()?.len() as usize + 1);
        file.read_to_end(buffer)
    });
    let flags = rustix::fs::RenameFlags::NOREPLACE;
    let here = rustix::fs::CWD;
    read.is_ok() && is_whole(buffer) && rustix::fs::renameat_with(here, from, here, to, flags).is_ok()
}

/// Signature, every chunk within bounds and with its CRC, IEND at the very end.
fn is_whole(png: &[u8]) -> bool {
    let Some(mut rest) = png.strip_prefix(b"\x89PNG\r\n\x1a\n") else { return false };
    while rest.len() >= 12 {
        let length = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let (Some(body), Some(crc)) = (rest.get(4..8 + length), rest.get(8 + length..12 + length)) else {
            return false;
        };
        if crc32fast::hash(body).to_be_bytes() != crc {
            return false;
        }
        let last = body.starts_with(b"IEND");
        rest = &rest[12 + length..];
        if last {
            return rest.is_empty();
        }
    }
    false
}

fn sha256(from: &str, _: &str, buffer: &mut Vec<u8>) -> bool {
    buffer.resize(1 << 18, 0);
    let Ok(mut file) = File::open(from) else { return false };
    let mut hasher = Sha256::new();
    loop {
        match file.read(buffer) {
            Ok(0) => break,
            Ok(count) => hasher.update(&buffer[..count]),
            Err(_) => return false,
        }
    }
    std::hint::black_box(hasher.finalize());
    true
}

fn copy(from: &str, to: &str) -> Option<File> {
    let (from, to) = (File::open(from).ok()?, File::create(to).ok()?);
    while rustix::fs::copy_file_range(&from, None, &to, None, 1 << 30).ok()? > 0 {}
    Some(to)
}

/// The words of a floor program.
pub(crate) fn command(work: &str, list: &Path, threads: usize) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().expect("this program"));
    command.args(["--floor", work]).arg(list).arg(threads.to_string());
    command
}

/// Runs a floor program to its end.
pub(crate) fn run(work: &str, list: &Path, threads: usize) {
    let status = command(work, list, threads).status().expect("the floor program runs");
    assert!(status.success(), "floor {work} ends with {status}");
}

/// Writes the list of files to be taken from one place to another.
pub(crate) fn write_list(path: &Path, files: &[(String, String)]) {
    let lines: Vec<String> = files.iter().map(|(from, to)| format!("{from}\t{to}")).collect();
    fs::write(path, lines.join("\n") + "\n").expect("a list can be written");
}
