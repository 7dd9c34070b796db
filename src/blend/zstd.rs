//! Zstandard as Blender uses it: many frames of 1 MiB, then a skippable frame with a table of their sizes.
//!
//! Facts: RFC 8878 for the format; `contrib/seekable_format` of zstd for the table.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use std::io::{self, BufRead, Read, Write};

/// The first bytes of a frame.
pub(super) const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Skippable frames begin with this number, its lowest four bits being free.
const SKIPPABLE: u32 = 0x184D_2A50;
/// The kind of skippable frame that holds the table of sizes.
const TABLE: u32 = 0x184D_2A5E;
/// The last bytes of the table.
const TABLE_END: u32 = 0x8F92_EAB1;
/// How much of the scene goes into one frame; Blender's own choice.
const FRAME_BYTES: usize = 1 << 20;

/// Decodes all frames of a stream, one after another.
pub(super) struct Frames<R> {
    source: R,
    decoder: FrameDecoder,
    inside: Inside,
}

/// Where the reader stands.
enum Inside {
    /// Before a frame or at the end.
    Nothing,
    /// In a frame whose bytes are being decoded.
    Frame,
}

/// The header of a frame (RFC 8878, 3.1.1.1).
pub(super) struct FrameHead {
    /// Its bytes, from the magic on: the decoder wants to see them again.
    bytes: Vec<u8>,
    /// How many bytes the frame holds, if it says so.
    pub(super) content: Option<u64>,
    /// Bytes after the last block: a checksum or none.
    checksum: u64,
}

impl FrameHead {
    /// Reads what follows the magic.
    fn read(source: &mut impl Read) -> io::Result<FrameHead> {
        let mut descriptor = [0; 1];
        source.read_exact(&mut descriptor)?;
        let [descriptor] = descriptor;
        let is_single_segment = descriptor & 0x20 != 0;
        let window = usize::from(!is_single_segment);
        let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
        let size = [usize::from(is_single_segment), 2, 4, 8][usize::from(descriptor >> 6)];
        let mut rest = vec![0; window + dictionary + size];
        source.read_exact(&mut rest)?;
        let number = rest[window + dictionary..].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let content = match size {
            0 => None,
            2 => Some(number + 256),
            _ => Some(number),
        };
        let bytes = [&MAGIC[..], &[descriptor], &rest].concat();
        Ok(FrameHead { bytes, content, checksum: if descriptor & 4 != 0 { 4 } else { 0 } })
    }
}

impl<R: BufRead> Frames<R> {
    /// Reads frames from `source`, which stands at the first one.
    pub(super) fn new(source: R) -> Self {
        Frames { source, decoder: FrameDecoder::new(), inside: Inside::Nothing }
    }

    /// Gives the source back.
    pub(super) fn into_inner(self) -> R {
        self.source
    }

    /// Steps over skippable frames to the next one with content; `None` at the end.
    pub(super) fn advance(&mut self) -> io::Result<Option<FrameHead>> {
        loop {
            if self.source.fill_buf()?.is_empty() {
                return Ok(None);
            }
            let mut magic = [0; 4];
            self.source.read_exact(&mut magic)?;
            if magic == MAGIC {
                return FrameHead::read(&mut self.source).map(Some);
            }
            if u32::from_le_bytes(magic) & !0xF != SKIPPABLE {
                return Err(damaged("something that is no zstd frame follows the last one"));
            }
            let mut size = [0; 4];
            self.source.read_exact(&mut size)?;
            discard(&mut self.source, u64::from(u32::from_le_bytes(size)))?;
        }
    }

    /// Begins to decode the frame with this header.
    pub(super) fn begin(&mut self, head: &FrameHead) -> io::Result<()> {
        self.decoder.reset((&head.bytes[..]).chain(&mut self.source)).map_err(io::Error::other)?;
        self.inside = Inside::Frame;
        Ok(())
    }

    /// Leaves out `count` bytes of content. Whole frames that say how much they hold are stepped over without decoding.
    pub(super) fn skip(&mut self, mut count: u64) -> io::Result<()> {
        while count > 0 {
            if let Inside::Nothing = self.inside {
                let Some(head) = self.advance()? else { return Err(io::ErrorKind::UnexpectedEof.into()) };
                if let Some(content) = head.content.filter(|content| *content <= count) {
                    self.hop(&head)?;
                    count -= content;
                    continue;
                }
                self.begin(&head)?;
            }
            count -= self.drain(count)?;
        }
        Ok(())
    }

    /// Steps over the blocks of the frame whose header was just read; only their heads are looked at.
    fn hop(&mut self, head: &FrameHead) -> io::Result<()> {
        self.copy_blocks(head, &mut io::sink()).map_err(FromOrTo::either)
    }

    /// Hands the blocks of the frame whose header was just read on as they are.
    fn copy_blocks(&mut self, head: &FrameHead, sink: &mut impl Write) -> Result<(), FromOrTo> {
        const REPEATED_BYTE: u32 = 1;
        loop {
            let mut bytes = [0; 4];
            self.source.read_exact(&mut bytes[..3]).map_err(FromOrTo::From)?;
            sink.write_all(&bytes[..3]).map_err(FromOrTo::To)?;
            let block = u32::from_le_bytes(bytes);
            let size = if (block >> 1) & 3 == REPEATED_BYTE { 1 } else { u64::from(block >> 3) };
            let is_last = block & 1 == 1;
            self.copy_bytes(size + if is_last { head.checksum } else { 0 }, sink)?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn copy_bytes(&mut self, mut count: u64, sink: &mut impl Write) -> Result<(), FromOrTo> {
        while count > 0 {
            let buffered = self.source.fill_buf().map_err(FromOrTo::From)?;
            let most = buffered.len().min(usize::try_from(count).unwrap_or(usize::MAX));
            if most == 0 {
                return Err(FromOrTo::From(io::ErrorKind::UnexpectedEof.into()));
            }
            sink.write_all(&buffered[..most]).map_err(FromOrTo::To)?;
            self.source.consume(most);
            count -= most as u64;
        }
        Ok(())
    }

    /// Decodes and drops up to `count` bytes of the present frame; none is left of it when the answer is 0.
    fn drain(&mut self, count: u64) -> io::Result<u64> {
        let mut passed = 0;
        let mut buffer = [0; 8192];
        while passed < count {
            let most = (count - passed).min(buffer.len() as u64) as usize;
            match self.read_frame(&mut buffer[..most])? {
                0 => break,
                read => passed += read as u64,
            }
        }
        Ok(passed)
    }

    /// Decodes into `buffer`; at the frame's end it answers 0 and stands before the next.
    pub(super) fn read_frame(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.decoder.can_collect() == 0 && !self.decoder.is_finished() {
            let one = BlockDecodingStrategy::UptoBlocks(1);
            self.decoder.decode_blocks(&mut self.source, one).map_err(io::Error::other)?;
        }
        let count = self.decoder.read(buffer)?;
        if count == 0 {
            self.inside = Inside::Nothing;
        }
        Ok(count)
    }
}

impl<R: BufRead> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Inside::Nothing = self.inside {
                let Some(head) = self.advance()? else { return Ok(0) };
                self.begin(&head)?;
            }
            match self.read_frame(buffer)? {
                0 => {}
                count => return Ok(count),
            }
        }
    }
}

/// Which end of a copy failed.
#[derive(Debug)]
pub(super) enum FromOrTo {
    /// Reading.
    From(io::Error),
    /// Writing.
    To(io::Error),
}

impl FromOrTo {
    fn either(self) -> io::Error {
        match self {
            FromOrTo::From(error) | FromOrTo::To(error) => error,
        }
    }
}

/// Compresses what is written into frames with a table of their sizes, so that Blender can seek in the result.
pub(super) struct FrameWriter<W> {
    sink: W,
    pending: Vec<u8>,
    /// Compressed and plain size of each frame.
    sizes: Vec<(u32, u32)>,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(sink: W) -> Self {
        FrameWriter { sink, pending: Vec::with_capacity(FRAME_BYTES), sizes: Vec::new() }
    }

    /// Takes over a frame of `content` bytes, whose header was just read, without decoding it.
    pub(super) fn take_over<R: BufRead>(
        &mut self,
        frames: &mut Frames<R>,
        head: &FrameHead,
        content: u32,
    ) -> Result<(), FromOrTo> {
        self.write_frame().map_err(FromOrTo::To)?;
        let mut counted = Counted { sink: &mut self.sink, bytes: 0 };
        counted.write_all(&head.bytes).map_err(FromOrTo::To)?;
        frames.copy_blocks(head, &mut counted)?;
        let packed = u32::try_from(counted.bytes).map_err(|_| FromOrTo::From(damaged("a frame above 4 GiB")))?;
        self.sizes.push((packed, content));
        Ok(())
    }

    /// Writes the last frame and the table.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.write_frame()?;
        let count = u32::try_from(self.sizes.len()).map_err(io::Error::other)?;
        let body = count.checked_mul(8).and_then(|bytes| bytes.checked_add(9));
        let body = body.ok_or_else(|| damaged("too many frames for a table"))?;
        for word in [TABLE, body].into_iter().chain(self.sizes.iter().flat_map(|&(packed, plain)| [packed, plain])) {
            self.sink.write_all(&word.to_le_bytes())?;
        }
        self.sink.write_all(&count.to_le_bytes())?;
        self.sink.write_all(&[0])?;
        self.sink.write_all(&TABLE_END.to_le_bytes())?;
        Ok(self.sink)
    }

    fn write_frame(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let frame =
            with_content_size(compress_to_vec(&self.pending[..], CompressionLevel::Fastest), self.pending.len());
        let sizes = (u32::try_from(frame.len()), u32::try_from(self.pending.len()));
        let (Ok(packed), Ok(plain)) = sizes else { return Err(damaged("a frame above 4 GiB")) };
        self.sizes.push((packed, plain));
        self.pending.clear();
        self.sink.write_all(&frame)
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(FRAME_BYTES - self.pending.len());
        self.pending.extend_from_slice(&bytes[..count]);
        if self.pending.len() == FRAME_BYTES {
            self.write_frame()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Counts what is written.
struct Counted<W> {
    sink: W,
    bytes: u64,
}

impl<W: Write> Write for Counted<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.sink.write(bytes)?;
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

/// Adds the content's size to a frame's header, which the encoder leaves out; readers can then step over the frame.
///
/// The encoder writes magic, descriptor and window. A descriptor of 0x80 says that four bytes of size follow.
fn with_content_size(mut frame: Vec<u8>, size: usize) -> Vec<u8> {
    if let (Some(0), Ok(size)) = (frame.get(4).copied(), u32::try_from(size)) {
        frame[4] = 0x80;
        frame.splice(6..6, size.to_le_bytes());
    }
    frame
}

/// Reads over exactly `count` bytes.
pub(super) fn discard(source: &mut impl Read, count: u64) -> io::Result<()> {
    match io::copy(&mut source.take(count), &mut io::sink())? {
        passed if passed == count => Ok(()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn damaged(words: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pack(plain: &[u8]) -> Vec<u8> {
        let mut writer = FrameWriter::new(Vec::new());
        writer.write_all(plain).unwrap();
        writer.finish().unwrap()
    }

    fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        Frames::new(packed).read_to_end(&mut plain).map(|_| plain)
    }

    #[test]
    fn several_frames_come_back_whole_and_can_be_skipped() {
        let plain: Vec<u8> = (0..3_500_000_u32).map(|i| (i / 7 % 251) as u8 ^ (i % 13) as u8).collect();
        let packed = pack(&plain);
        assert!(packed.len() < plain.len());
        assert_eq!(unpack(&packed).unwrap(), plain);
        for at in [0, 5, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES, 3_499_999] {
            let mut frames = Frames::new(&packed[..]);
            frames.skip(at as u64).unwrap();
            let mut rest = Vec::new();
            frames.read_to_end(&mut rest).unwrap();
            assert!(rest == plain[at..], "skip {at}");
        }
        assert!(Frames::new(&packed[..]).skip(3_500_001).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_back(plain in proptest::collection::vec(any::<u8>(), 0..5000), repeat in 1_usize..9) {
            let plain = plain.repeat(repeat);
            prop_assert_eq!(unpack(&pack(&plain)).unwrap(), plain);
        }

        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), skip in any::<u32>()) {
            let _ = unpack(&bytes);
            bytes.splice(0..0, MAGIC);
            let _ = Frames::new(&bytes[..]).take(1 << 20).read_to_end(&mut Vec::new());
            let _ = Frames::new(&bytes[..]).skip(u64::from(skip));
        }
    }
}
