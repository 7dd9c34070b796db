//! Only the doors to the world touch it: disk, processes, clock, network, terminal.

use crate::source::{Offence, Source, assert_none, program};

/// Calls that only some files may make.
struct Door {
    calls: &'static [&'static str],
    may: fn(&Source) -> bool,
    why: &'static str,
}

fn in_sys(source: &Source) -> bool {
    source.floor() == "sys"
}

const DOORS: [Door; 7] = [
    Door {
        calls: &["std::fs", "fs::File", "File::open", "File::create", "OpenOptions::new", "tokio::fs", "rustix::fs"],
        may: in_sys,
        why: "only sys touches the disk",
    },
    Door {
        calls: &["std::process::Command", "process::Command", "Command::new", "tokio::process", "rustix::process"],
        may: |source| in_sys(source) || source.path == "src/cli/args.rs" || source.path.starts_with("src/cli/args/"),
        why: "only sys starts and ends processes",
    },
    Door {
        calls: &["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "thread::sleep"],
        may: in_sys,
        why: "only sys reads the clock",
    },
    Door {
        calls: &["std::net", "tokio::net", "TcpStream", "TcpListener", "UdpSocket", "reqwest::"],
        may: |source| in_sys(source) || source.path.starts_with("src/manager/flamenco"),
        why: "only sys and the client of Flamenco use the network",
    },
    Door {
        calls: &["std::env", "env::var", "env::args", "env::current_dir"],
        may: |source| in_sys(source) || source.floor() == "cli" || source.path == "src/main.rs",
        why: "only the command line reads the environment",
    },
    Door {
        calls: &["remove_file", "remove_dir", "remove_dir_all", "unlinkat", "rustix::fs::unlink", "fs::rmdir"],
        may: |source| source.path == "src/sys/disk/erase.rs",
        why: "only sys::disk::erase erases",
    },
    Door {
        calls: &["print!", "println!", "eprint!", "eprintln!", "dbg!", "io::stdout", "io::stderr"],
        may: |source| source.path == "src/cli/output.rs" || source.path == "src/main.rs",
        why: "output goes through src/cli/output.rs",
    },
];

/// Whether `call` stands at `at` as a whole path, not as the tail or the head of a longer word.
fn is_whole(code: &str, at: usize, call: &str) -> bool {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let before = !code[..at].ends_with(word);
    let after = call.ends_with(':') || call.ends_with('!') || !code[at + call.len()..].starts_with(word);
    before && after
}

fn break_ins(source: &Source) -> Vec<Offence> {
    let code = source.code();
    let mut offences = Vec::new();
    for door in DOORS.iter().filter(|door| !(door.may)(source)) {
        for (line, text) in code.lines().enumerate() {
            let call =
                door.calls.iter().find(|call| text.match_indices(**call).any(|(at, _)| is_whole(text, at, call)));
            if let Some(call) = call {
                offences.push(source.offence(line, format!("{call}: {}", door.why)));
            }
        }
    }
    offences.extend(grouped_imports(source, &code));
    offences
}

/// `use std::{fs, io};` names a door without spelling its path.
fn grouped_imports(source: &Source, code: &str) -> Vec<Offence> {
    if in_sys(source) {
        return Vec::new();
    }
    let mut offences = Vec::new();
    for (at, _) in code.match_indices("use std::{") {
        let list = code[at..].split(';').next().unwrap_or_default();
        for name in ["fs", "net"] {
            if list.match_indices(name).any(|(n, _)| is_whole(list, n, name)) {
                let line = code[..at].matches('\n').count();
                offences.push(source.offence(line, format!("std::{name}: only sys touches disk and network")));
            }
        }
    }
    offences
}

#[test]
fn only_the_doors_touch_the_world() {
    let offences: Vec<Offence> = program().iter().flat_map(break_ins).collect();
    assert_none("calls outside their door", &offences);
}

#[test]
fn the_rule_bites() {
    let bad = [
        ("src/volume/x.rs", "use std::fs;"),
        ("src/volume/x.rs", "use std::{io, fs::{self, Metadata}};"),
        ("src/ops/x.rs", "let f = File::open(path)?;"),
        ("src/ops/x.rs", "std::process::Command::new(\"x\");"),
        ("src/frames/x.rs", "let t = Instant::now();"),
        ("src/manager/local/x.rs", "use std::net::TcpStream;"),
        ("src/manager/local/x.rs", "let c = reqwest::Client::new();"),
        ("src/ops/x.rs", "let v = std::env::var(\"X\");"),
        ("src/sys/disk/write.rs", "std::fs::remove_file(path)"),
        ("src/sys/disk/write.rs", "unlinkat(dir, name, AtFlags::empty())"),
        ("src/ops/x.rs", "println!(\"x\");"),
        ("src/cli/render.rs", "let out = std::io::stdout();"),
    ];
    for (path, text) in bad {
        assert!(!break_ins(&Source::new(path, text)).is_empty(), "{path}: {text}");
    }
    let good = [
        ("src/sys/disk/write.rs", "use std::fs::File; let f = File::open(p)?;"),
        ("src/sys/disk/erase.rs", "std::fs::remove_file(path)"),
        ("src/cli/config.rs", "std::env::var_os(\"FARM_VOLUME\")"),
        ("src/ops/x.rs", "let my_remove_files = 1; let f = MyFile::opened(); // std::fs::read"),
        ("src/manager/flamenco/client.rs", "reqwest::blocking::Client::new()"),
        ("src/ops/x.rs", "use std::io::Read; #[cfg(test)]\nfn x() {}"),
    ];
    for (path, text) in good {
        assert_eq!(break_ins(&Source::new(path, text)), [], "{path}: {text}");
    }
}
