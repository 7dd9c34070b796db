//! The kernel's table of processes, as `/proc` shows it (proc(5)).

use rustix::io::Errno;
use rustix::process::Pid;
use std::fs;
use std::io::{self, Read};

/// The longest environment that is searched for a mark; the kernel allows a little more in odd set-ups.
const MAX_ENVIRONMENT: u64 = 8 * 1024 * 1024;

/// One process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The process id.
    pub pid: u32,
    /// The process group.
    pub group: u32,
    /// The state's letter: `R`, `S`, `Z`, …
    pub state: char,
    /// Ticks since boot.
    pub start_time: u64,
}

impl Entry {
    /// Whether it can still do anything: neither a zombie nor dead.
    pub fn runs(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// The process with this id; `None` if there is none.
pub fn entry(pid: u32) -> io::Result<Option<Entry>> {
    match fs::read(format!("/proc/{pid}/stat")) {
        Ok(bytes) => Ok(parse_stat(pid, &String::from_utf8_lossy(&bytes))),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether there is a process with this id, seen or not. Asks by signal 0, which is sent to nobody.
pub fn exists(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| rustix::process::test_kill_process(pid) != Err(Errno::SRCH))
}

/// All processes that can be seen.
pub fn entries() -> io::Result<Vec<Entry>> {
    let mut all = Vec::new();
    for item in fs::read_dir("/proc")? {
        let Some(pid) = item?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        all.extend(entry(pid)?);
    }
    Ok(all)
}

/// `pid (name) state ppid pgrp …`, the start time is field 22; the name may hold spaces and parentheses.
fn parse_stat(pid: u32, text: &str) -> Option<Entry> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Entry {
        pid,
        state: fields.first()?.chars().next()?,
        group: fields.get(2)?.parse().ok()?,
        start_time: fields.get(19)?.parse().ok()?,
    })
}

/// Whether a process was started with an item in its environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// It was.
    Yes,
    /// It was not, or it has ended meanwhile.
    No,
    /// Its environment may not be read: it is another user's.
    Unreadable,
}

/// Whether the environment with which `pid` was started has the item `NAME=value`.
pub fn has_environment_item(pid: u32, item: &str) -> Marked {
    let mut bytes = Vec::new();
    let read = fs::File::open(format!("/proc/{pid}/environ"))
        .and_then(|file| file.take(MAX_ENVIRONMENT).read_to_end(&mut bytes));
    match read {
        Ok(_) if bytes.split(|byte| *byte == 0).any(|found| found == item.as_bytes()) => Marked::Yes,
        Ok(_) => Marked::No,
        Err(error) if is_gone(&error) => Marked::No,
        Err(_) => Marked::Unreadable,
    }
}

/// Whether an error says that the process is not there any more (ESRCH: it ended between open and read).
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound || error.raw_os_error() == Some(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_process_exists_is_told_without_proc() {
        assert!(exists(std::process::id()) && exists(1));
        assert!(!exists(0) && !exists(u32::MAX) && !exists(i32::MAX as u32));
    }

    #[test]
    fn odd_names_do_not_shift_the_fields() {
        let text = "7 (a) b (c)) S 1 70 7 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4242 1 2 3";
        let expected = Entry { pid: 7, group: 70, state: 'S', start_time: 4242 };
        assert_eq!(parse_stat(7, text), Some(expected));
        for cut in 0..text.len() {
            let _ = parse_stat(7, &text[..cut]);
        }
    }

    #[test]
    fn this_process_is_in_the_table() {
        let me = std::process::id();
        let seen = entries().unwrap().into_iter().find(|entry| entry.pid == me).unwrap();
        assert!(seen.runs());
        assert_eq!(entry(me).unwrap().unwrap().start_time, seen.start_time);
        assert_eq!(entry(u32::MAX).unwrap(), None);
        assert_eq!(has_environment_item(me, "no such item"), Marked::No);
        assert_eq!(has_environment_item(u32::MAX, "no such process"), Marked::No);
    }
}
