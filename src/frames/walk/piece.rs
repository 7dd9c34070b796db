//! The bytes at hand, and fields gathered from several of them.

/// A piece of the file and where in the file it begins.
pub(super) struct Piece<'a> {
    rest: &'a [u8],
    offset: u64,
}

impl<'a> Piece<'a> {
    pub(super) fn new(bytes: &'a [u8], offset: u64) -> Self {
        Piece { rest: bytes, offset }
    }

    /// Where in the file the next byte lies.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// What has not been taken yet.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Takes up to `count` bytes.
    pub(super) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(count.min(self.rest.len()));
        self.rest = rest;
        self.offset += taken.len() as u64;
        taken
    }

    /// Takes what is left of a part with `left` bytes to go, as far as it lies in this piece.
    pub(super) fn take_of(&mut self, left: &mut u64) -> &'a [u8] {
        let taken = self.take(usize::try_from(*left).unwrap_or(usize::MAX));
        *left -= taken.len() as u64;
        taken
    }
}

/// A field of known length that may be spread over several pieces.
pub(super) struct Gather {
    bytes: Vec<u8>,
    need: usize,
}

impl Gather {
    pub(super) fn new(need: usize) -> Self {
        Gather { bytes: Vec::new(), need }
    }

    /// Begins the next field. Memory grows with the bytes that come, not with what the file announces.
    pub(super) fn restart(&mut self, need: usize) {
        self.bytes.clear();
        self.need = need;
    }

    /// Takes what is missing; the whole field once it is there.
    pub(super) fn fill(&mut self, piece: &mut Piece<'_>) -> Option<&[u8]> {
        self.bytes.extend_from_slice(piece.take(self.need - self.bytes.len()));
        (self.bytes.len() == self.need).then_some(&self.bytes)
    }

    /// What has been gathered.
    pub(super) fn so_far(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads little-endian and big-endian numbers at places that have been checked by the caller; zero beyond the end.
pub(super) fn le_u32(bytes: &[u8], at: usize) -> u32 {
    four(bytes, at).map_or(0, u32::from_le_bytes)
}

pub(super) fn le_i32(bytes: &[u8], at: usize) -> i32 {
    four(bytes, at).map_or(0, i32::from_le_bytes)
}

pub(super) fn be_u32(bytes: &[u8], at: usize) -> u32 {
    four(bytes, at).map_or(0, u32::from_be_bytes)
}

pub(super) fn be_u16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_be_bytes)
}

pub(super) fn le_u64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|b| b.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn four(bytes: &[u8], at: usize) -> Option<[u8; 4]> {
    bytes.get(at..at.checked_add(4)?)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_gathered_from_pieces() {
        let mut field = Gather::new(5);
        let mut first = Piece::new(b"ab", 10);
        assert_eq!(field.fill(&mut first), None);
        assert_eq!((first.offset(), first.is_empty()), (12, true));
        let mut second = Piece::new(b"cdefg", 12);
        assert_eq!(field.fill(&mut second), Some(&b"abcde"[..]));
        let mut left = 100;
        assert_eq!((second.take_of(&mut left), left), (&b"fg"[..], 98));
    }

    #[test]
    fn numbers_beyond_the_end_are_zero() {
        assert_eq!(le_u32(&[1, 0, 0, 0], 0), 1);
        assert_eq!(be_u32(&[0, 0, 0], 0), 0);
        assert_eq!(le_u64(&[0; 4], 2), 0);
    }
}
