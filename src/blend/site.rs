//! The places in a scene file where paths are stored, so that they can be replaced.

use super::dna::Holds;
use super::heap::Part;
use super::stored_path::StoredPath;

/// One place in the plain bytes of a scene where a path is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// What it is: `Image.filepath of IMwood`.
    pub field: String,
    /// Where it begins in the plain bytes.
    pub offset: u64,
    /// How many bytes there are, the end mark included.
    pub size: usize,
    /// What is stored there.
    pub value: StoredPath,
}

impl Site {
    /// The first of `fields` that the struct has: a text within it, or one that it points to.
    pub fn of(part: &Part<'_>, fields: &[&str]) -> Option<Site> {
        fields.iter().find_map(|field| Site::at(part, field))
    }

    /// The text `field` of a struct, or the one that it points to.
    pub fn at(part: &Part<'_>, field: &str) -> Option<Site> {
        let layout = part.record.field(field)?;
        let named = format!("{}.{field} of {}", part.record.kind(), part.entry.owner);
        if layout.holds == Holds::Pointer {
            let (text, entry) = part.far_text(field)?;
            return Some(Site {
                field: named,
                offset: entry.position,
                size: entry.size(),
                value: StoredPath::new(text),
            });
        }
        let value = StoredPath::new(part.record.text(field)?);
        Some(Site { field: named, offset: part.position_of(layout.offset), size: layout.size, value })
    }
}
