//! A list of jobs that is read while it comes: of fifty thousand jobs no more is in memory than those that are wanted.

use super::job::{Job, Jobs};
use crate::manager::ManagerJob;
use serde::de::{DeserializeSeed, IgnoredAny};

/// The beginning of a list, but for white space.
const BEGINNING: [&[u8]; 4] = [b"{", b"\"jobs\"", b":", b"["];
/// What is read is let go of once there is so much of it.
const LET_GO: usize = 256 << 10;

/// Reads `{"jobs": [Job, …]}` piece by piece. A document that begins otherwise is kept, and read when it is whole.
pub(in crate::manager) struct JobList<'w> {
    wants: &'w mut dyn FnMut(&ManagerJob) -> bool,
    jobs: Vec<ManagerJob>,
    /// The last one that was not wanted: the next is read into its memory.
    spare: Option<ManagerJob>,
    bytes: Vec<u8>,
    /// Up to where `bytes` are read.
    read: usize,
    at: Place,
    /// The rest was tried when it was half as long as this, and a job was not whole: long ones are not tried at each piece.
    tried_again_at: usize,
    fault: Option<serde_json::Error>,
}

/// Where in the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// So many parts of the beginning are read.
    Beginning(usize),
    /// Before a job or the end of the list; whether a comma has to come before another job.
    List { is_first: bool },
    /// Behind the list.
    Behind,
    /// It is another document.
    Elsewhere,
}

impl<'w> JobList<'w> {
    /// Keeps what `wants` says.
    pub(in crate::manager) fn new(wants: &'w mut dyn FnMut(&ManagerJob) -> bool) -> Self {
        JobList {
            wants,
            jobs: Vec::new(),
            spare: None,
            bytes: Vec::new(),
            read: 0,
            at: Place::Beginning(0),
            tried_again_at: 0,
            fault: None,
        }
    }

    /// Forgets everything: another try begins.
    pub(in crate::manager) fn begin(&mut self) {
        self.jobs.clear();
        self.bytes.clear();
        (self.read, self.at, self.tried_again_at, self.fault) = (0, Place::Beginning(0), 0, None);
    }

    /// Reads on.
    pub(in crate::manager) fn piece(&mut self, piece: &[u8]) {
        if self.fault.is_some() {
            return;
        }
        self.bytes.extend_from_slice(piece);
        while self.step() {}
        if self.read > LET_GO && self.at != Place::Elsewhere {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
    }

    /// What is wanted, once all of it is there.
    pub(in crate::manager) fn finish(mut self) -> Result<Vec<ManagerJob>, serde_json::Error> {
        self.tried_again_at = 0;
        while self.fault.is_none() && self.step() {}
        if let Some(fault) = self.fault {
            return Err(fault);
        }
        match self.at {
            Place::Behind => {
                // What stands behind the list has to be the rest of a document.
                let rest = [b"{\"jobs\":[]".as_slice(), &self.bytes[self.read..]].concat();
                serde_json::from_slice::<IgnoredAny>(&rest).map(|_| self.jobs)
            }
            Place::List { .. } => Err(broken_off()),
            Place::Beginning(_) | Place::Elsewhere => {
                let mut reader = serde_json::Deserializer::from_slice(&self.bytes);
                let jobs = Jobs(self.wants).deserialize(&mut reader)?;
                reader.end().map(|()| jobs)
            }
        }
    }

    /// One step; whether another one may follow.
    fn step(&mut self) -> bool {
        let rest = &self.bytes[self.read..];
        let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let rest = &rest[blank..];
        match self.at {
            Place::Behind | Place::Elsewhere => false,
            _ if rest.is_empty() => false,
            Place::Beginning(parts) => match BEGINNING.get(parts) {
                None => self.move_on(0, Place::List { is_first: true }),
                Some(part) if rest.starts_with(part) => self.move_on(blank + part.len(), Place::Beginning(parts + 1)),
                Some(part) if part.starts_with(rest) => false,
                Some(_) => {
                    self.at = Place::Elsewhere;
                    false
                }
            },
            Place::List { .. } if rest[0] == b']' => self.move_on(blank + 1, Place::Behind),
            Place::List { is_first: false } if rest[0] == b',' => self.job(blank + 1),
            Place::List { is_first: true } => self.job(blank),
            Place::List { is_first: false } => self.fail(not_a_list()),
        }
    }

    /// Reads the job behind `skipped` more bytes, if all of it is there.
    fn job(&mut self, skipped: usize) -> bool {
        let rest = &self.bytes[self.read + skipped..];
        if rest.len() < self.tried_again_at {
            return false;
        }
        let mut stream = serde_json::Deserializer::from_slice(rest).into_iter::<Job<'_>>();
        match stream.next() {
            None => false,
            Some(Err(error)) if error.is_eof() => {
                self.tried_again_at = 2 * rest.len();
                false
            }
            Some(Err(error)) => self.fail(error),
            Some(Ok(job)) => {
                let length = stream.byte_offset();
                self.tried_again_at = 0;
                let job = match self.spare.take() {
                    Some(mut spare) => {
                        job.write_over(&mut spare);
                        spare
                    }
                    None => ManagerJob::from(job),
                };
                match (self.wants)(&job) {
                    true => self.jobs.push(job),
                    false => self.spare = Some(job),
                }
                self.move_on(skipped + length, Place::List { is_first: false })
            }
        }
    }

    fn move_on(&mut self, bytes: usize, to: Place) -> bool {
        self.read += bytes;
        self.at = to;
        true
    }

    fn fail(&mut self, fault: serde_json::Error) -> bool {
        self.fault = Some(fault);
        false
    }
}

/// The reader's own words for a document that ends too early, or goes on otherwise.
fn broken_off() -> serde_json::Error {
    serde_json::from_slice::<IgnoredAny>(b"[").err().unwrap_or_else(|| unreachable!("it has no end"))
}

fn not_a_list() -> serde_json::Error {
    serde_json::from_slice::<IgnoredAny>(b"[1 1]").err().unwrap_or_else(|| unreachable!("a comma is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(id: &str) -> String {
        format!(
            "{{\"id\":\"{id}\",\"name\":\"a ]}},{{ \\\" b\",\"status\":\"queued\",\"type\":\"x\",\"settings\":{{\"a\":[1,{{}}]}},\
             \"created\":\"2026-11-22T10:00:00Z\",\"updated\":\"2026-11-22T10:00:00Z\"}}"
        )
    }

    /// The ids of the jobs, read in pieces of this size.
    fn read(text: &str, size: usize) -> Result<Vec<String>, String> {
        let mut wants = |job: &ManagerJob| job.id.0 != "unwanted";
        let mut list = JobList::new(&mut wants);
        list.piece(b"{\"jobs\":[{\"id\":\"of the first try");
        list.begin();
        text.as_bytes().chunks(size).for_each(|piece| list.piece(piece));
        let jobs = list.finish().map_err(|error| error.to_string())?;
        Ok(jobs.into_iter().map(|job| job.id.0).collect())
    }

    #[test]
    fn a_list_is_read_in_pieces_of_any_size() {
        let three = [job("a"), job("unwanted"), job("b")].join(" ,\n");
        for (text, ids) in [
            (format!("{{\"jobs\":[{three}]}}\n"), vec!["a", "b"]),
            (format!(" {{ \"jobs\" : [ {three} ] , \"more\": [1] }} "), vec!["a", "b"]),
            (format!("{{\"more\":1,\"jobs\":[{three}]}}"), vec!["a", "b"]),
            ("{\"jobs\":[]}".to_owned(), vec![]),
            ("{\"jobs\":null}".to_owned(), vec![]),
        ] {
            for size in [1, 2, 7, 64, text.len()] {
                assert_eq!(
                    read(&text, size).as_deref(),
                    Ok(&ids.iter().map(ToString::to_string).collect::<Vec<_>>()[..])
                );
            }
        }
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        let one = job("a");
        for text in [
            "",
            "[]",
            "{}",
            "{\"jobs\":",
            "{\"jobs\":[",
            "{\"jobs\":{}}",
            &format!("{{\"jobs\":[{one}"),
            &format!("{{\"jobs\":[{one}]"),
            &format!("{{\"jobs\":[{one}]}}}}"),
            &format!("{{\"jobs\":[{one} {one}]}}"),
            &format!("{{\"jobs\":[,{one}]}}"),
            &format!("{{\"jobs\":[{one},]}}"),
            &format!("{{\"jobs\":[{one}],}}"),
            "{\"jobs\":[1]}",
            "{\"jobs\":[{\"id\":1}]}",
            "<html>",
        ] {
            for size in [1, 5, text.len().max(1)] {
                assert!(read(text, size).is_err(), "{text} in pieces of {size}");
            }
        }
    }
}
