//! The outermost layer of a scene: plain, gzip (to 2.93) or zstd (from 3.0), read as one stream of plain bytes.
//!
//! A stream never holds more than its buffers and the decoder's window (128 MiB at the very most, 8 MiB as Blender
//! writes them), whatever the size of the file.

use super::error::Cause;
use super::zstd::{self, Frames};
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

impl<R: Read + Seek> Stream<R> {
    /// Looks at the first bytes of `source` and begins to read it.
    pub(super) fn open(mut source: R) -> Result<Self, Cause> {
        let size = source.seek(SeekFrom::End(0)).map_err(Cause::Read)?;
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
        Ok(Stream { inner, position: 0 })
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
        let after = self.position.checked_add(count).ok_or(Cause::Truncated("no ENDB"))?;
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
            return Err(Cause::Truncated("no ENDB"));
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
        Ok(count)
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
}
