//! Edits applied to a scene while its plain bytes go by.

use super::error::Cause;
use super::rewrite::Edit;

/// Edits in the order of their places, and how far the bytes have gone by.
pub(super) struct Patch<'a> {
    edits: Vec<&'a Edit>,
    /// The first edit that is not yet done.
    next: usize,
    position: u64,
}

impl<'a> Patch<'a> {
    /// Refuses edits that contradict each other; one that comes twice counts once.
    pub(super) fn new(edits: &'a [Edit]) -> Result<Patch<'a>, Cause> {
        let mut edits: Vec<&Edit> = edits.iter().collect();
        edits.sort_by_key(|edit| edit.site().offset);
        edits.dedup();
        let overlap = edits.windows(2).find(|pair| end(pair[0]) > pair[1].site().offset);
        match overlap {
            Some(pair) => Err(changed(pair[1])),
            None => Ok(Patch { edits, next: 0, position: 0 }),
        }
    }

    /// How many bytes have gone by.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether any of the next `count` bytes changes.
    pub(super) fn touches(&self, count: u64) -> bool {
        let until = self.position.saturating_add(count);
        self.edits.get(self.next).is_some_and(|edit| edit.site().offset < until)
    }

    /// Lets `count` bytes go by unseen; none of them may change.
    pub(super) fn pass(&mut self, count: u64) {
        self.position = self.position.saturating_add(count);
    }

    /// Changes the next bytes. Fails where they are not what was read there before.
    pub(super) fn apply(&mut self, bytes: &mut [u8]) -> Result<(), Cause> {
        let until = self.position.saturating_add(bytes.len() as u64);
        while let Some(edit) = self.edits.get(self.next).filter(|edit| edit.site().offset < until) {
            let (old, new) = (edit.site().value.as_bytes(), edit.to().as_bytes());
            let start = self.position.max(edit.site().offset);
            for place in start..until.min(end(edit)) {
                let within = (place - edit.site().offset) as usize;
                let byte = &mut bytes[(place - self.position) as usize];
                if old.get(within).is_some_and(|old| old != byte) || (within == old.len() && *byte != 0) {
                    return Err(changed(edit));
                }
                *byte = new.get(within).copied().unwrap_or(0);
            }
            if end(edit) > until {
                break;
            }
            self.next += 1;
        }
        self.position = until;
        Ok(())
    }

    /// Fails if the bytes ended before the last edit.
    pub(super) fn finish(&self) -> Result<(), Cause> {
        self.edits.get(self.next).map_or(Ok(()), |edit| Err(changed(edit)))
    }
}

fn end(edit: &Edit) -> u64 {
    edit.site().offset.saturating_add(edit.site().size as u64)
}

fn changed(edit: &Edit) -> Cause {
    Cause::Changed { field: edit.site().field.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blend::site::Site;
    use proptest::prelude::*;

    fn edit(offset: u64, size: usize, value: &str, to: &str) -> Edit {
        Edit::new(Site { field: "a".into(), offset, size, value: value.into() }, to.into()).unwrap()
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same(pieces in prop::collection::vec(1_usize..9, 1..30)) {
            let edits = [edit(20, 8, "old", "longer"), edit(5, 6, "first", "x"), edit(5, 6, "first", "x")];
            let mut bytes = *b"abcdefirst\0ghijklmnoold\0????xyz";
            let mut patch = Patch::new(&edits).unwrap();
            let mut at = 0;
            for piece in pieces.into_iter().cycle().take(40) {
                let end = (at + piece).min(bytes.len());
                if patch.touches((end - at) as u64) {
                    patch.apply(&mut bytes[at..end]).unwrap();
                } else {
                    patch.pass((end - at) as u64);
                }
                at = end;
            }
            prop_assume!(at == bytes.len());
            patch.finish().unwrap();
            prop_assert_eq!(&bytes, b"abcdex\0\0\0\0\0ghijklmnolonger\0\0xyz");
        }
    }

    #[test]
    fn other_bytes_overlaps_and_early_ends_are_refused() {
        let one = [edit(1, 4, "old", "new")];
        for bytes in [&b"xolx\0y"[..], b"xoldxy"] {
            assert!(Patch::new(&one).unwrap().apply(&mut bytes.to_vec()).is_err());
        }
        let mut patch = Patch::new(&one).unwrap();
        patch.apply(&mut b"xol".to_vec()).unwrap();
        assert!(patch.finish().is_err());
        assert!(Patch::new(&[edit(1, 4, "old", "a"), edit(1, 4, "old", "b")]).is_err());
        assert!(Patch::new(&[edit(1, 4, "old", "a"), edit(4, 4, "old", "b")]).is_err());
    }
}
