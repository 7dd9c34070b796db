//! One struct of a scene: bytes and the DNA that explains them.

use super::dna::{Dna, Field, Holds, Struct};

/// A struct's bytes with the names of its fields. Every reader answers `None` for what is not there.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    dna: &'a Dna,
    structure: &'a Struct,
    bytes: &'a [u8],
}

impl<'a> Record<'a> {
    /// `bytes` as one `structure`; they may be shorter than it says.
    pub fn new(dna: &'a Dna, structure: &'a Struct, bytes: &'a [u8]) -> Self {
        Record { dna, structure, bytes }
    }

    /// The name of the struct.
    pub fn kind(&self) -> &'a str {
        &self.structure.name
    }

    /// Where a field lies in the struct, if the bytes reach that far.
    pub fn field(&self, path: &str) -> Option<Field> {
        let field = self.dna.field(self.structure, path)?;
        (field.offset.checked_add(field.size)? <= self.bytes.len()).then_some(field)
    }

    fn bytes(&self, field: &Field) -> Option<&'a [u8]> {
        self.bytes.get(field.offset..field.offset.checked_add(field.size)?)
    }

    /// A whole number, whatever its type; of several the first.
    pub fn int(&self, path: &str) -> Option<i64> {
        let field = self.field(path)?;
        let size = match (&*field.type_name, field.holds) {
            (_, Holds::Pointer) => return None,
            ("char" | "uchar" | "int8_t" | "uint8_t" | "bool", _) => 1,
            ("short" | "ushort" | "int16_t" | "uint16_t", _) => 2,
            ("int" | "uint" | "int32_t" | "uint32_t" | "long" | "ulong", _) => 4,
            ("int64_t" | "uint64_t", _) => 8,
            _ => return None,
        };
        let bytes = self.bytes(&field)?.get(..size)?;
        let unsigned = field.type_name.starts_with('u') || *field.type_name == *"bool";
        match unsigned {
            true => i64::try_from(self.dna.endian.unsigned(bytes)).ok(),
            false => Some(self.dna.endian.signed(bytes)),
        }
    }

    /// A number with a fraction.
    pub fn float(&self, path: &str) -> Option<f64> {
        let field = self.field(path)?;
        let bytes = self.bytes(&field)?;
        match &*field.type_name {
            "float" => Some(f64::from(f32::from_bits(self.dna.endian.unsigned(bytes.get(..4)?) as u32))),
            "double" => Some(f64::from_bits(self.dna.endian.unsigned(bytes.get(..8)?))),
            _ => None,
        }
    }

    /// Whether any of the bits of `mask` is set in a whole number.
    pub fn flag(&self, path: &str, mask: i64) -> bool {
        self.int(path).is_some_and(|value| value & mask != 0)
    }

    /// The bytes of a text that is stored within the struct, up to its end mark.
    pub fn text(&self, path: &str) -> Option<&'a [u8]> {
        let field = self.field(path)?;
        if field.holds == Holds::Pointer || *field.type_name != *"char" {
            return None;
        }
        self.bytes(&field).map(until_nul)
    }

    /// The same as readable text; bytes that are not UTF-8 are replaced.
    pub fn words(&self, path: &str) -> Option<String> {
        self.text(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// An address, unless it is null; of several the first.
    pub fn pointer(&self, path: &str) -> Option<u64> {
        let field = self.field(path)?;
        if field.holds != Holds::Pointer {
            return None;
        }
        let bytes = self.bytes(&field)?.get(..self.dna.pointer)?;
        Some(self.dna.endian.unsigned(bytes)).filter(|address| *address != 0)
    }
}

/// What lies before the first NUL byte.
pub(super) fn until_nul(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.iter().position(|b| *b == 0).unwrap_or(bytes.len())]
}
