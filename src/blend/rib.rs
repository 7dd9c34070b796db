//! RenderMan scenes (.rib) as far as farm asks about them: which frames, what size, which files they display.
//!
//! A RIB is a stream of requests, by words in ASCII or by bytes in binary (RenderMan Interface 3.2, appendix C). Only the
//! ASCII form is read; comments and strings are respected, everything unknown is passed over. Lines may be of any length.

use super::container::{Compression, Stream, open};
use super::error::{BlendError, Cause};
use crate::base::frame_set::{FrameSet, MAX_FRAMES};
use crate::base::time::Timestamp;
use crate::sys::outside;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io::{BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// The longest word that is kept; a longer one (points of a mesh in one string) is cut.
const LONGEST_TOKEN: usize = 4096;
/// How many displays are kept.
const MOST_DISPLAYS: usize = 1000;

/// What a .rib file says.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RibFile {
    /// Where it lies, absolute.
    pub path: PathBuf,
    /// Its size on disk in bytes.
    pub bytes: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// How it is compressed.
    pub compression: Compression,
    /// Its frames, where the file says so.
    pub frames: RibFrames,
    /// Width and height of the first `Format` request, in pixels.
    pub size: Option<(u32, u32)>,
    /// The files of its `Display` requests, as written, each once.
    pub displays: Vec<String>,
}

/// The frames of a .rib file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RibFrames {
    /// The numbers of its `FrameBegin` requests.
    Known(FrameSet),
    /// It has no `FrameBegin`: one picture, whose number must be asked for.
    NotSaid,
    /// It is in binary form, which farm does not read.
    Binary,
}

/// Whether `path` is taken for a RenderMan scene, by its name.
pub fn is_rib(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.ends_with(".rib") || name.ends_with(".rib.gz")
}

/// Reads the .rib file at `path`, in one pass.
pub fn read(path: &Path) -> Result<RibFile, BlendError> {
    let read = || {
        let path = super::resolve::tidy(outside::absolute(path).map_err(Cause::Read)?);
        let source = open(&path)?;
        let (bytes, modified) = (source.attributes().size, source.attributes().mtime.whole_seconds());
        let (compression, requests) = survey(source)?;
        let Requests { frames, size, displays } = requests;
        Ok(RibFile { path, bytes, modified, compression, frames, size, displays })
    };
    read().map_err(|cause: Cause| cause.of(path))
}

/// What the requests of a .rib file say.
#[derive(Debug, PartialEq, Eq)]
pub struct Requests {
    /// Its frames.
    pub frames: RibFrames,
    /// Width and height of the first `Format` request, in pixels.
    pub size: Option<(u32, u32)>,
    /// The files of its `Display` requests, each once.
    pub displays: Vec<String>,
}

/// Reads the requests of a .rib file from bytes that lie anywhere.
pub fn survey(source: impl Read + Seek) -> Result<(Compression, Requests), Cause> {
    let stream = Stream::open(source)?;
    Ok((stream.compression(), requests(stream)?))
}

fn requests(source: impl Read) -> Result<Requests, Cause> {
    let mut tokens = Tokens::new(source);
    let mut frames = BTreeSet::new();
    let mut found = Requests { frames: RibFrames::NotSaid, size: None, displays: Vec::new() };
    let mut is_binary = false;
    while let Some(token) = tokens.next()? {
        match token {
            Token::Binary => {
                is_binary = true;
                break;
            }
            Token::Word(word) if word == "FrameBegin" => {
                let frame = tokens.number()?.and_then(|number| i32::try_from(number).ok());
                frames.extend(frame.filter(|_| (frames.len() as u64) < MAX_FRAMES));
            }
            Token::Word(word) if word == "Format" && found.size.is_none() => {
                found.size = tokens.number()?.zip(tokens.number()?);
            }
            Token::Word(word) if word == "Display" => found.add_display(tokens.next()?),
            Token::Word(_) | Token::Text(_) => {}
        }
    }
    found.frames = match (is_binary, frames.is_empty()) {
        (true, _) => RibFrames::Binary,
        (false, true) => RibFrames::NotSaid,
        (false, false) => RibFrames::Known(frames.into_iter().collect()),
    };
    Ok(found)
}

impl Requests {
    /// A name with `+` in front adds a channel to the display before it.
    fn add_display(&mut self, name: Option<Token>) {
        let Some(Token::Text(name)) = name else { return };
        let name = name.trim_start_matches('+').to_owned();
        if self.displays.len() < MOST_DISPLAYS && !self.displays.contains(&name) {
            self.displays.push(name);
        }
    }
}

/// A piece of a RIB stream.
#[derive(Debug, PartialEq)]
enum Token {
    /// A request, a number or a bracket.
    Word(String),
    /// What stood between quotes.
    Text(String),
    /// A byte that only the binary form has.
    Binary,
}

struct Tokens<R> {
    bytes: std::io::Bytes<BufReader<R>>,
    /// A byte that was read and belongs to the next token.
    held: Option<u8>,
}

impl<R: Read> Tokens<R> {
    fn new(source: R) -> Self {
        Tokens { bytes: BufReader::new(source).bytes(), held: None }
    }

    fn byte(&mut self) -> Result<Option<u8>, Cause> {
        match self.held.take() {
            Some(byte) => Ok(Some(byte)),
            None => self.bytes.next().transpose().map_err(cut),
        }
    }

    fn next(&mut self) -> Result<Option<Token>, Cause> {
        while let Some(byte) = self.byte()? {
            match byte {
                b'"' => return self.text().map(Some),
                b'#' => self.comment()?,
                128.. => return Ok(Some(Token::Binary)),
                b'[' | b']' => return Ok(Some(Token::Word(char::from(byte).into()))),
                byte if byte <= b' ' => {}
                byte => return self.word(byte).map(Some),
            }
        }
        Ok(None)
    }

    /// The next token as a whole number, if it is one; `FrameBegin` and `Format` take no others.
    fn number(&mut self) -> Result<Option<u32>, Cause> {
        match self.next()? {
            Some(Token::Word(word)) => Ok(word.parse().ok()),
            _ => Ok(None),
        }
    }

    fn comment(&mut self) -> Result<(), Cause> {
        while let Some(byte) = self.byte()? {
            if matches!(byte, b'\n' | b'\r') {
                break;
            }
        }
        Ok(())
    }

    fn text(&mut self) -> Result<Token, Cause> {
        let mut text = Vec::new();
        while let Some(byte) = self.byte()? {
            let byte = match byte {
                b'"' => break,
                b'\\' => self.byte()?.unwrap_or(b'\\'),
                byte => byte,
            };
            if text.len() < LONGEST_TOKEN {
                text.push(byte);
            }
        }
        Ok(Token::Text(String::from_utf8_lossy(&text).into_owned()))
    }

    fn word(&mut self, first: u8) -> Result<Token, Cause> {
        let mut word = vec![first];
        while let Some(byte) = self.byte()? {
            if byte <= b' ' || byte >= 128 || matches!(byte, b'[' | b']' | b'"' | b'#') {
                self.held = Some(byte);
                break;
            }
            if word.len() < LONGEST_TOKEN {
                word.push(byte);
            }
        }
        Ok(Token::Word(String::from_utf8_lossy(&word).into_owned()))
    }
}

/// A .rib has no end mark, so only its compression can say that it was cut.
fn cut(error: std::io::Error) -> Cause {
    match Cause::of_read(error) {
        Cause::Truncated(_) => Cause::Truncated("its compressed data ends too early"),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write;

    const SCENE: &str = "##RenderMan RIB-Structure 1.1\nversion 3.04\nFormat 640 480 1 # FrameBegin 99\n\
        FrameBegin 7\n Display \"shots/a.0007.exr\" \"openexr\" \"rgba\"\n Display \"+shots/z.exr\" \"openexr\" \"z\"\n\
        Attribute \"note\" [\"FrameBegin 5 \\\" FrameBegin 6\"]\nWorldBegin WorldEnd FrameEnd\n\
        FrameBegin 8 Format 64 48 1 FrameEnd";

    #[test]
    fn frames_size_and_displays_are_found() {
        let found = requests(SCENE.as_bytes()).unwrap();
        assert_eq!(found.frames, RibFrames::Known([7, 8].into_iter().collect()));
        assert_eq!((found.size, found.displays.len()), (Some((640, 480)), 2));
        assert_eq!(found.displays, ["shots/a.0007.exr", "shots/z.exr"]);
    }

    #[test]
    fn what_is_not_said_is_not_guessed() {
        assert_eq!(requests(&b"WorldBegin WorldEnd"[..]).unwrap().frames, RibFrames::NotSaid);
        assert_eq!(requests(&b"FrameBegin x FrameBegin -3"[..]).unwrap().frames, RibFrames::NotSaid);
        assert_eq!(requests(&b"version 3.04 \xa6\x01\xcc"[..]).unwrap().frames, RibFrames::Binary);
    }

    #[test]
    fn packed_files_read_alike_and_cut_ones_fail() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.rib");
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(SCENE.as_bytes()).unwrap();
        let packed = writer.finish().unwrap();
        std::fs::write(&path, &packed).unwrap();
        let file = read(&path).unwrap();
        assert_eq!((file.compression, file.size), (Compression::Gzip, Some((640, 480))));
        std::fs::write(&path, &packed[..packed.len() - 20]).unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.ends_with("a.rib: cut short: its compressed data ends too early"), "{error}");
        assert!(is_rib(&path) && is_rib(Path::new("B.RIB.gz")) && !is_rib(Path::new("a.blend")));
    }

    #[test]
    fn long_lines_cost_no_memory() {
        let line = std::io::repeat(b'7').take(50_000_000).chain(&b"\nFrameBegin 3\n"[..]);
        assert_eq!(requests(line).unwrap().frames, RibFrames::Known([3].into_iter().collect()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = requests(&bytes[..]);
        }

        #[test]
        fn no_words_make_it_panic(text in "(FrameBegin|Format|Display|\"|\\[|#| |[0-9]{1,12}|\n){0,40}") {
            let _ = requests(text.as_bytes());
        }
    }
}
