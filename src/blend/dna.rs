//! The DNA of a scene: names, types and layout of every struct, as the Blender that saved it had them.
//!
//! Nothing here knows a struct by heart: fields are found by name, a field that a version lacks is `None`. The bytes
//! may be anything; every count and offset is checked.

use super::blocks::{Endian, Header};
use super::error::Cause;
use std::collections::HashMap;
use std::sync::Arc;

/// The longest name that is believed; Blender's own stay below 100 bytes.
const LONGEST_NAME: usize = 1024;

/// The structs of a scene.
#[derive(Debug)]
pub struct Dna {
    structs: Vec<Struct>,
    by_name: HashMap<Arc<str>, usize>,
    /// Byte order of the values.
    pub endian: Endian,
    /// Bytes of a pointer.
    pub pointer: usize,
}

/// The layout of one struct.
#[derive(Debug)]
pub struct Struct {
    /// Its name, as in Blender's sources.
    pub name: Arc<str>,
    /// Its size in bytes.
    pub size: usize,
    fields: HashMap<Arc<str>, Field>,
}

/// One field of a struct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Where it begins in the struct.
    pub offset: usize,
    /// Its size in bytes, all elements together.
    pub size: usize,
    /// What it holds.
    pub holds: Holds,
    /// The name of its type.
    pub type_name: Arc<str>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// A pointer or several: addresses of blocks.
    Pointer,
    /// A number, text or struct, or several.
    Value,
}

impl Struct {
    /// All fields, in no order.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        self.fields.values()
    }
}

impl Field {
    /// Whether it holds addresses.
    pub(super) fn is_pointer(&self) -> bool {
        self.holds == Holds::Pointer
    }
}

impl Dna {
    /// Reads the body of a `DNA1` block.
    pub fn parse(bytes: &[u8], header: Header) -> Result<Dna, Cause> {
        let mut reader = Reader { bytes, at: 0, endian: header.endian };
        reader.tag(b"SDNA")?;
        reader.tag(b"NAME")?;
        let labels: Vec<Label> = reader.texts()?.iter().map(|name| Label::parse(name)).collect();
        reader.tag(b"TYPE")?;
        let types = reader.texts()?;
        reader.tag(b"TLEN")?;
        let lengths = types.iter().map(|_| reader.short()).collect::<Result<Vec<_>, _>>()?;
        reader.tag(b"STRC")?;
        let count = reader.count(4)?;
        let mut structs = Vec::new();
        for _ in 0..count {
            structs.push(reader.structure(&Parts { labels: &labels, types: &types, lengths: &lengths, header })?);
        }
        let by_name = structs.iter().enumerate().map(|(at, s): (usize, &Struct)| (s.name.clone(), at)).collect();
        Ok(Dna { structs, by_name, endian: header.endian, pointer: header.pointer })
    }

    /// The struct with number `index`.
    pub fn structure(&self, index: u64) -> Option<&Struct> {
        self.structs.get(usize::try_from(index).ok()?)
    }

    /// The struct called `name`.
    pub fn named(&self, name: &str) -> Option<&Struct> {
        self.structs.get(*self.by_name.get(name)?)
    }

    /// Where `path` (`r.im_format.imtype`) lies in `structure`; structs within structs are followed, pointers are not.
    pub fn field(&self, structure: &Struct, path: &str) -> Option<Field> {
        let mut structure = structure;
        let mut offset = 0_usize;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let field = structure.fields.get(part)?;
            offset = offset.checked_add(field.offset)?;
            if parts.peek().is_none() {
                return Some(Field { offset, ..field.clone() });
            }
            if field.holds == Holds::Pointer {
                return None;
            }
            structure = self.named(&field.type_name)?;
        }
        None
    }
}

/// The three lists that a struct's description points into.
struct Parts<'a> {
    labels: &'a [Label],
    types: &'a [Arc<str>],
    lengths: &'a [u16],
    header: Header,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    endian: Endian,
}

impl Reader<'_> {
    fn take(&mut self, count: usize) -> Result<&[u8], Cause> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| Cause::Damaged("its DNA ends too early".into()))?;
        let bytes = &self.bytes[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    /// A word of four letters, aligned to four bytes.
    fn tag(&mut self, word: &[u8; 4]) -> Result<(), Cause> {
        self.at = self.at.next_multiple_of(4);
        if self.take(4)? == word {
            return Ok(());
        }
        Err(Cause::Damaged(format!("its DNA has no {}", String::from_utf8_lossy(word))))
    }

    fn short(&mut self) -> Result<u16, Cause> {
        let endian = self.endian;
        Ok(endian.unsigned(self.take(2)?) as u16)
    }

    /// A number of items that take at least `least` bytes each, so that no claim exceeds what is there.
    fn count(&mut self, least: usize) -> Result<usize, Cause> {
        let endian = self.endian;
        let count = endian.unsigned(self.take(4)?) as usize;
        if count > (self.bytes.len() - self.at) / least {
            return Err(Cause::Damaged("its DNA claims more than it holds".into()));
        }
        Ok(count)
    }

    fn texts(&mut self) -> Result<Vec<Arc<str>>, Cause> {
        let count = self.count(1)?;
        let mut texts = Vec::new();
        for _ in 0..count {
            let length = self.bytes[self.at..].iter().take(LONGEST_NAME).position(|b| *b == 0);
            let length = length.ok_or_else(|| Cause::Damaged("a name in its DNA has no end".into()))?;
            texts.push(String::from_utf8_lossy(self.take(length)?).into());
            self.take(1)?;
        }
        Ok(texts)
    }

    fn structure(&mut self, parts: &Parts<'_>) -> Result<Struct, Cause> {
        let (kind, count) = (usize::from(self.short()?), usize::from(self.short()?));
        let name = pick(parts.types, kind)?.clone();
        let mut fields = HashMap::new();
        let mut offset = 0_usize;
        for _ in 0..count {
            let (kind, label) = (usize::from(self.short()?), usize::from(self.short()?));
            let label = pick(parts.labels, label)?;
            let one = match label.holds {
                Holds::Pointer => parts.header.pointer,
                Holds::Value => usize::from(*pick(parts.lengths, kind)?),
            };
            let size = one.checked_mul(label.count);
            let end = size.and_then(|size| offset.checked_add(size));
            let (Some(size), Some(end)) = (size, end) else {
                return Err(Cause::Damaged("a struct of its DNA has no end".into()));
            };
            let type_name = pick(parts.types, kind)?.clone();
            fields.insert(label.base.clone(), Field { offset, size, holds: label.holds, type_name });
            offset = end;
        }
        Ok(Struct { name, size: usize::from(*pick(parts.lengths, kind)?), fields })
    }
}

fn pick<T>(list: &[T], index: usize) -> Result<&T, Cause> {
    list.get(index).ok_or_else(|| Cause::Damaged("its DNA points beyond its own lists".into()))
}

/// A field's name in the DNA taken apart: `*next`, `(*call)()`, `name[66]`, `mat[4][4]`.
struct Label {
    base: Arc<str>,
    holds: Holds,
    count: usize,
}

impl Label {
    fn parse(text: &str) -> Label {
        let holds = if text.starts_with(['*', '(']) { Holds::Pointer } else { Holds::Value };
        let (base, sizes) = text.split_at(text.find('[').unwrap_or(text.len()));
        let sizes = sizes.split(['[', ']']).filter(|size| !size.is_empty());
        let count = sizes.fold(1_usize, |count, size| count.saturating_mul(size.parse().unwrap_or(0)));
        Label { base: base.trim_matches(['*', '(', ')']).into(), holds, count }
    }
}
