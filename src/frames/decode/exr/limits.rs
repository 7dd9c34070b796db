//! What is checked before the `exr` crate sees a header or a chunk.
//!
//! The crate (1.74) takes memory for what a file announces, and a failed allocation ends the program where no `catch_unwind`
//! helps: the size of a block follows from the header, and a DWA chunk names the sizes of its parts itself.

use crate::frames::decode::{MAX_MEMORY, Undecoded, checked_size, failed, unsupported};
use ::exr::block::chunk::{Chunk, CompressedBlock};
use ::exr::compression::Compression;
use ::exr::meta::BlockDescription;
use ::exr::meta::header::Header;

/// The numbers that begin a DWA chunk: version, sizes in bytes, counts of 16-bit values, a mode.
const DWA_NUMBERS: usize = 11;
/// Bytes that a chunk of few pixels may take beyond them: DWA works on blocks of 8 x 8.
const SLACK: u64 = 1 << 16;

/// Refuses what the crate cannot decode, and blocks too large for memory.
pub(super) fn check_headers(headers: &[Header]) -> Result<(), Undecoded> {
    for header in headers {
        if header.deep {
            return Err(unsupported("it has deep data"));
        }
        // The crate reads past such channels wrongly instead of refusing them.
        if header.channels.list.iter().any(|channel| channel.sampling.0 != 1 || channel.sampling.1 != 1) {
            return Err(unsupported("it has subsampled channels"));
        }
        let size = header.layer_size;
        checked_size(size.0 as u64, size.1 as u64)?;
        if let BlockDescription::Tiles(tiles) = &header.blocks {
            checked_size(tiles.tile_size.0 as u64, tiles.tile_size.1 as u64)?;
        }
        if header.max_block_byte_size() > MAX_MEMORY {
            return Err(unsupported("its blocks need too much memory"));
        }
    }
    Ok(())
}

/// Refuses chunks that announce more data than their pixels can need.
pub(super) fn check_chunk(chunk: &Chunk, headers: &[Header]) -> Result<(), Undecoded> {
    let Some(header) = headers.get(chunk.layer_index) else {
        return Err(failed("a chunk names a part that does not exist"));
    };
    if !matches!(header.compression, Compression::DWAA(_) | Compression::DWAB(_)) {
        return Ok(());
    }
    let bytes = match &chunk.compressed_block {
        CompressedBlock::ScanLine(block) => &block.compressed_pixels_le,
        CompressedBlock::Tile(block) => &block.compressed_pixels_le,
        CompressedBlock::DeepScanLine(_) | CompressedBlock::DeepTile(_) => return Err(unsupported("it has deep data")),
    };
    let most = header.max_block_byte_size() as u64 * 4 + SLACK;
    // Chunks that do not shrink are stored as they are, without these numbers.
    let is_raw = bytes.len() as u64 >= most || bytes.len() == raw_size(chunk, header)?;
    let numbers =
        bytes.chunks_exact(8).take(DWA_NUMBERS).filter_map(|eight| eight.try_into().ok()).map(u64::from_le_bytes);
    let is_sane = numbers.skip(1).all(|number| number <= most);
    if is_raw || is_sane { Ok(()) } else { Err(failed("a chunk announces more data than its pixels can need")) }
}

fn raw_size(chunk: &Chunk, header: &Header) -> Result<usize, Undecoded> {
    let place = header.get_block_data_indices(&chunk.compressed_block).map_err(super::verdict)?;
    let area = header.get_absolute_block_pixel_coordinates(place).map_err(super::verdict)?;
    Ok(area.size.area() * header.channels.bytes_per_pixel)
}
