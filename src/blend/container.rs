//! The outermost layer of a scene: plain, gzip (to 2.93) or zstd (from 3.0), read as one stream of plain bytes.
//!
//! A stream never holds more than its buffers and the decoder's window (128 MiB at the very most, 8 MiB as Blender
//! writes them), whatever the size of the file.

use super::error::Cause;
use super::zstd::{self, Frames};
use crate::base::size::Bytes;
use crate::sys::disk::OpenFile;
use crate::sys::outside;
use flate2::bufread::MultiGzDecoder;
use serde::Serialize;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// How a scene is compressed as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Not at all.
    None,
    /// As Blender did up to 2.93.
    Gzip,
    /// As Blender does since 3.0.
    Zstd,
}

/// The plain bytes of a scene, from its beginning, whatever its compression.
pub(super) struct Stream<R> {
    inner: Inner<R>,
    position: u64,
    /// The most plain bytes that are read.
    most: u64,
}

enum Inner<R> {
    Plain { source: BufReader<R>, size: u64 },
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Zstd(Box<Frames<BufReader<R>>>),
}

/// Opens the scene at `path`.
pub(super) fn open(path: &Path) -> Result<OpenFile, Cause> {
    let gone = || Cause::Read(io::Error::new(io::ErrorKind::NotFound, "it is not there"));
    outside::open(path).map_err(Cause::of_disk)?.ok_or_else(gone)
}

/// Reads that follow each other closely share one request to the disk.
const BUFFER_BYTES: usize = 64 * 1024;

/// So many plain bytes a compressed file may have, however small it is on disk…
const PLAIN_BYTES: u64 = 1 << 30;
/// …with so many more for each of its bytes on disk, where scenes have two to twenty…
const PLAIN_PER_BYTE: u64 = 256;
/// …and never more than this. What claims more was made to keep its reader busy.
const MOST_PLAIN_BYTES: u64 = 64 << 30;

fn most_plain_bytes(size: u64) -> u64 {
    size.saturating_mul(PLAIN_PER_BYTE).saturating_add(PLAIN_BYTES).min(MOST_PLAIN_BYTES)
}

/// A file that unpacks to more than any scene.
#[derive(Debug, thiserror::Error)]
#[error("it is compressed and unpacks to more than {}", Bytes(*most))]
pub(super) struct Inflated {
    most: u64,
}

impl<R: Read + Seek> Stream<R> {
    /// Looks at the first bytes of `source` and begins to read it.
    pub(super) fn open(mut source: R) -> Result<Self, Cause> {
        let size = source.seek(SeekFrom::End(0)).map_err(Cause::Read)?;
        if size == 0 {
            return Err(Cause::Empty);
        }
        source.rewind().map_err(Cause::Read)?;
        let mut magic = Vec::with_capacity(4);
        source.by_ref().take(4).read_to_end(&mut magic).map_err(Cause::Read)?;
        source.rewind().map_err(Cause::Read)?;
        let source = BufReader::with_capacity(BUFFER_BYTES, source);
        let inner = match &magic[..] {
            [0x1F, 0x8B, ..] => Inner::Gzip(Box::new(MultiGzDecoder::new(source))),
            magic if *magic == zstd::MAGIC => Inner::Zstd(Box::new(Frames::new(source))),
            _ => Inner::Plain { source, size },
        };
        let most = if let Inner::Plain { .. } = inner { u64::MAX } else { most_plain_bytes(size) };
        Ok(Stream { inner, position: 0, most })
    }

    /// Plain bytes, whatever they begin with.
    pub(super) fn plain(mut source: R) -> Result<Self, Cause> {
        let size = source.seek(SeekFrom::End(0)).map_err(Cause::Read)?;
        source.rewind().map_err(Cause::Read)?;
        let inner = Inner::Plain { source: BufReader::with_capacity(BUFFER_BYTES, source), size };
        Ok(Stream { inner, position: 0, most: u64::MAX })
    }

    /// All plain bytes of a compressed file that has at most `most`; `None` for any other, and for one that cannot be
    /// read to its end. The stream is used up unless it is rewound.
    pub(super) fn unpacked(&mut self, most: u64) -> Option<Vec<u8>> {
        if self.compression() == Compression::None {
            return None;
        }
        let mut bytes = Vec::new();
        self.by_ref().take(most + 1).read_to_end(&mut bytes).ok()?;
        (bytes.len() as u64 <= most).then_some(bytes)
    }

    /// The same file from its beginning.
    pub(super) fn rewind(self) -> Result<Self, Cause> {
        Stream::open(match self.inner {
            Inner::Plain { source, .. } => source.into_inner(),
            Inner::Gzip(decoder) => decoder.into_inner().into_inner(),
            Inner::Zstd(frames) => frames.into_inner().into_inner(),
        })
    }

    /// How the file is compressed.
    pub(super) fn compression(&self) -> Compression {
        match self.inner {
            Inner::Plain { .. } => Compression::None,
            Inner::Gzip(_) => Compression::Gzip,
            Inner::Zstd(_) => Compression::Zstd,
        }
    }

    /// The frames of a file that is compressed by zstd, for copying them without decoding. It must not have been read.
    pub(super) fn frames(&mut self) -> Option<&mut Frames<BufReader<R>>> {
        match &mut self.inner {
            Inner::Zstd(frames) => Some(frames),
            _ => None,
        }
    }

    /// How many plain bytes lie before the next one.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Leaves out `count` plain bytes: a seek where the file is plain. Past the end is [`Cause::Truncated`].
    pub(super) fn skip(&mut self, count: u64) -> Result<(), Cause> {
        let after = self.position.checked_add(count).ok_or(Cause::Truncated("its end is missing"))?;
        if after > self.most {
            return Err(Inflated { most: self.most }.into());
        }
        match &mut self.inner {
            Inner::Plain { size, .. } if after > *size => Err(io::ErrorKind::UnexpectedEof.into()),
            Inner::Plain { source, .. } => match i64::try_from(count) {
                Ok(count) => source.seek_relative(count),
                Err(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            },
            Inner::Gzip(decoder) => zstd::discard(decoder, count),
            Inner::Zstd(frames) => frames.skip(count),
        }
        .map_err(Cause::of_read)?;
        self.position = after;
        Ok(())
    }

    /// Reads exactly `count` bytes; the memory grows with what is really there, not with what the file claims.
    pub(super) fn read_vec(&mut self, count: u64) -> Result<Vec<u8>, Cause> {
        let mut bytes = Vec::with_capacity(count.min(BUFFER_BYTES as u64) as usize);
        self.by_ref().take(count).read_to_end(&mut bytes).map_err(Cause::of_read)?;
        if (bytes.len() as u64) < count {
            return Err(Cause::Truncated("its end is missing"));
        }
        Ok(bytes)
    }
}

impl<R: Read + Seek> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.inner {
            Inner::Plain { source, .. } => source.read(buffer),
            Inner::Gzip(decoder) => decoder.read(buffer),
            Inner::Zstd(frames) => frames.read(buffer),
        }?;
        self.position += count as u64;
        match self.position > self.most {
            true => Err(io::Error::other(Inflated { most: self.most })),
            false => Ok(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Write};

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        writer.write_all(plain).unwrap();
        writer.finish().unwrap()
    }

    fn zstd(plain: &[u8]) -> Vec<u8> {
        let mut writer = zstd::FrameWriter::new(Vec::new());
        writer.write_all(plain).unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn the_three_containers_read_alike() {
        let plain: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for packed in [plain.clone(), gzip(&plain), zstd(&plain)] {
            let mut stream = Stream::open(Cursor::new(packed)).unwrap();
            assert_eq!(stream.read_vec(8).unwrap(), plain[..8]);
            stream.skip(70_000).unwrap();
            assert_eq!(stream.position(), 70_008);
            assert_eq!(stream.read_vec(100_000).unwrap(), plain[70_008..170_008]);
            let mut stream = stream.rewind().unwrap();
            assert_eq!(stream.read_vec(100).unwrap(), plain[..100]);
            assert!(matches!(stream.skip(u64::MAX), Err(Cause::Truncated(_))));
            assert!(matches!(stream.read_vec(800_000), Err(Cause::Truncated(_))));
        }
    }

    #[test]
    fn a_cut_container_is_truncated_not_shorter() {
        let plain: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).collect();
        for packed in [gzip(&plain), zstd(&plain)] {
            let cut = packed[..packed.len() / 2].to_vec();
            let error = Stream::open(Cursor::new(cut)).unwrap().read_vec(plain.len() as u64).unwrap_err();
            assert!(matches!(error, Cause::Truncated(_)), "{error}");
        }
    }

    #[test]
    fn what_unpacks_to_more_than_any_scene_is_refused() {
        let plain = vec![0; 8 << 20];
        for packed in [gzip(&plain), zstd(&plain)] {
            let open = || Stream { most: 1 << 20, ..Stream::open(Cursor::new(packed.clone())).unwrap() };
            assert!(matches!(open().skip(2 << 20), Err(Cause::TooLarge(_))));
            let error = open().read_vec(2 << 20).unwrap_err();
            assert_eq!(
                error.to_string(),
                "too large to read safely: it is compressed and unpacks to more than 1.0 MiB"
            );
            assert!(open().read_vec(1 << 20).is_ok() && open().unpacked(64 << 20).is_none());
            let mut whole = Stream::open(Cursor::new(packed.clone())).unwrap();
            assert_eq!(whole.unpacked(8 << 20).map(|bytes| bytes.len()), Some(8 << 20));
            assert!(whole.rewind().unwrap().unpacked((8 << 20) - 1).is_none());
        }
        let most: Vec<u64> =
            [1 << 20, 50 << 20, 1 << 40].into_iter().map(|size| most_plain_bytes(size) >> 30).collect();
        assert_eq!(most, [1, 13, 64], "GiB");
    }
}
