//! One pass over the bytes of a frame, in whatever pieces they come, that finds out whether the file is whole.
//!
//! A walk looks at structure: signature, chunks in bounds, checksums where the format has them, the end where it must be. It
//! holds at most about a mebibyte (an OpenEXR offset table may take 32 MiB) and copies no pixels. What only decoding can
//! find is left to [`super::decode`].

mod exr;
mod jpeg;
mod piece;
mod png;
mod tiff;
mod webp;

use super::verdict::{Flaw, Format, ImageFacts, Verdict};
use piece::{Gather, Piece};

/// How many first bytes show every signature.
const SIGNATURE: usize = 12;

/// Why a walk ends before the file does.
#[derive(Debug, Clone)]
enum Stop {
    Bad(Flaw),
    Unknown(String),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Stop::Bad(flaw)
    }
}

/// What each format's walk can do.
trait Walk {
    /// Looks at the next bytes; uses up the whole piece unless it stops.
    fn feed(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop>;
    /// Judges a file of `length` bytes, all of which have been fed.
    fn finish(&mut self, length: u64) -> Result<ImageFacts, Stop>;
}

enum State {
    /// The first bytes decide.
    Sniffing(Gather),
    Walking(Box<dyn Walk + Send>),
    /// Not a format that farm knows.
    Foreign,
}

/// Checks one file as its bytes come by.
///
/// ```text
/// let mut walker = Walker::for_extension("png");
/// loop { read 256 KiB; walker.feed(bytes); hasher.update(bytes); }
/// let verdict = walker.finish(size_of_the_opened_file);
/// ```
pub struct Walker {
    fed: u64,
    state: State,
    stopped: Option<Stop>,
}

impl Walker {
    /// A walk over a file that must have this format.
    pub fn for_format(format: Format) -> Self {
        Self::with(State::Walking(start(format)))
    }

    /// A walk over a file of this extension (without the dot). Of an extension that farm does not know only emptiness is
    /// found; everything else is [`Verdict::Unknown`].
    pub fn for_extension(extension: &str) -> Self {
        Format::of_extension(extension).map_or_else(|| Self::with(State::Foreign), Self::for_format)
    }

    /// A walk that takes the format from the first bytes.
    pub fn sniffing() -> Self {
        Self::with(State::Sniffing(Gather::new(SIGNATURE)))
    }

    fn with(state: State) -> Self {
        Walker { fed: 0, state, stopped: None }
    }

    /// Looks at the next bytes of the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut piece = Piece::new(bytes, self.fed);
        self.fed += bytes.len() as u64;
        if self.stopped.is_some() || bytes.is_empty() {
            return;
        }
        if let Err(stop) = self.advance(&mut piece) {
            self.stopped = Some(stop);
        }
    }

    fn advance(&mut self, piece: &mut Piece<'_>) -> Result<(), Stop> {
        if let State::Sniffing(head) = &mut self.state {
            let Some(head) = head.fill(piece) else { return Ok(()) };
            let Some(format) = Format::of_signature(head) else {
                self.state = State::Foreign;
                return Ok(());
            };
            let mut walk = start(format);
            walk.feed(&mut Piece::new(head, 0))?;
            self.state = State::Walking(walk);
        }
        match &mut self.state {
            State::Walking(walk) => walk.feed(piece),
            State::Sniffing(_) | State::Foreign => Ok(()),
        }
    }

    /// The flaw, if one has been found already; the rest of the file cannot mend it.
    pub fn flaw(&self) -> Option<&Flaw> {
        match &self.stopped {
            Some(Stop::Bad(flaw)) => Some(flaw),
            Some(Stop::Unknown(_)) | None => None,
        }
    }

    /// The verdict on a file of `length` bytes (its size when it was opened), after all of it has been fed.
    ///
    /// If another number of bytes was fed the file changed meanwhile, and nothing is known about it.
    pub fn finish(mut self, length: u64) -> Verdict {
        if self.fed != length {
            return Verdict::unknown(format!(
                "The file changed while it was read: its size was {length} bytes, {} were read.",
                self.fed
            ));
        }
        if length == 0 {
            return Verdict::Bad(Flaw::Empty);
        }
        if let State::Sniffing(head) = &self.state {
            // Shorter than any signature; formats are told apart by what there is.
            return match Format::of_signature(head.so_far()) {
                Some(_) => Verdict::Bad(Flaw::Truncated { part: "the header".into(), offset: 0 }),
                None => foreign_format(),
            };
        }
        let stop = match (self.stopped.take(), &mut self.state) {
            (Some(stop), _) => stop,
            (None, State::Walking(walk)) => match walk.finish(length) {
                Ok(facts) => return Verdict::Ok(facts),
                Err(stop) => stop,
            },
            (None, _) => return foreign_format(),
        };
        match stop {
            Stop::Bad(flaw) => Verdict::Bad(flaw),
            Stop::Unknown(reason) => Verdict::unknown(reason),
        }
    }
}

fn foreign_format() -> Verdict {
    Verdict::unknown("Farm cannot check files of this format.")
}

fn start(format: Format) -> Box<dyn Walk + Send> {
    match format {
        Format::Png => Box::<png::PngWalk>::default(),
        Format::Exr => Box::<exr::ExrWalk>::default(),
        Format::Jpeg => Box::<jpeg::JpegWalk>::default(),
        Format::Tiff => Box::<tiff::TiffWalk>::default(),
        Format::Webp => Box::<webp::WebpWalk>::default(),
    }
}

/// The verdict on bytes that are all in memory; the format is taken from the extension (without the dot).
pub fn walk(bytes: &[u8], extension: &str) -> Verdict {
    let mut walker = Walker::for_extension(extension);
    walker.feed(bytes);
    walker.finish(bytes.len() as u64)
}

fn wrong_signature(expected: Format, head: &[u8]) -> Stop {
    Stop::Bad(Flaw::WrongSignature { expected, found: Format::of_signature(head) })
}

#[cfg(test)]
mod tests;
