//! The parts of a scene that are kept in memory: the blocks of the structs that farm asks about, and nothing else.
//!
//! A scene is walked twice, because its DNA stands at the end: once to find the DNA, once to keep blocks. What is kept
//! is bounded; meshes, images and the like are passed over.

use super::blocks::{Blocks, Head};
use super::container::{Compression, Stream};
use super::dna::{Dna, Struct};
use super::error::Cause;
use super::record::{Record, until_nul};
use super::version::BlenderVersion;
use super::wanted::{self, Scope};
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read, Seek};
use std::sync::Arc;

/// The largest DNA that is read; Blender 5's has 0.2 MiB.
const DNA_BYTES: u64 = 16 << 20;
/// The most plain bytes of a compressed file that are held in memory, rather than unpacked twice.
pub(super) const UNPACKED_BYTES: u64 = 32 << 20;
/// The largest single block that is kept.
const BLOCK_BYTES: u64 = 16 << 20;
/// All that is kept of one file, with what it costs to keep it.
const HEAP_BYTES: u64 = 384 << 20;
/// What keeping a block costs beside its bytes.
const BLOCK_COST: u64 = 256;
/// Enough of a data-block to read its name.
const NAME_REACH: u64 = 1024;

/// One kept block.
#[derive(Debug)]
pub struct Entry {
    /// Its struct; `None` for bare bytes such as a text that a pointer leads to.
    structure: Option<usize>,
    bytes: Vec<u8>,
    /// Where the bytes begin in the plain bytes of the file.
    pub position: u64,
    /// What pointers to it hold.
    pub address: u64,
    /// The data-block it is, or is part of: its number in the file.
    group: u32,
    /// The name of that data-block with its two letters: `SCScene`.
    pub owner: Arc<str>,
    /// Whether it is the data-block itself.
    pub standing: Standing,
}

/// What a block is to its data-block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The data-block itself.
    DataBlock,
    /// The name of one that lies in another file.
    Linked,
    /// A part of one.
    Part,
}

/// What was kept of one scene file.
#[derive(Debug)]
pub(super) struct Heap {
    /// The layout of everything.
    pub dna: Dna,
    /// The release that saved the file.
    pub version: BlenderVersion,
    /// How the file is compressed.
    pub compression: Compression,
    entries: Vec<Entry>,
    data_blocks: HashMap<u64, usize>,
    parts: HashMap<(u32, u64), usize>,
}

impl Heap {
    /// Walks the scene in `source` twice and keeps what [`wanted`] names. One that is compressed and not large is
    /// unpacked only once.
    pub(super) fn read<R: Read + Seek>(source: R) -> Result<Heap, Cause> {
        let mut stream = Stream::open(source)?;
        let compression = stream.compression();
        match stream.unpacked(UNPACKED_BYTES) {
            Some(plain) => Heap::walk(Stream::plain(Cursor::new(plain))?, compression),
            None => Heap::walk(stream.rewind()?, compression),
        }
    }

    fn walk<R: Read + Seek>(stream: Stream<R>, compression: Compression) -> Result<Heap, Cause> {
        let mut blocks = Blocks::open(stream)?;
        let header = blocks.header();
        let dna = find_dna(&mut blocks, |_| ())?;
        let blocks = Blocks::open(blocks.into_stream().rewind()?)?;
        let heap = Heap {
            dna,
            version: header.version,
            compression,
            entries: Vec::new(),
            data_blocks: HashMap::new(),
            parts: HashMap::new(),
        };
        Keeper::new(heap).walk(blocks)
    }

    /// All kept structs called `name`, in file order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = Part<'a>> {
        self.entries.iter().enumerate().flat_map(move |(at, entry)| {
            let count = match self.structure(entry) {
                Some(structure) if *structure.name == *name => entry.count(structure),
                _ => 0,
            };
            (0..count).filter_map(move |element| self.part(at, element))
        })
    }

    fn structure(&self, entry: &Entry) -> Option<&Struct> {
        self.dna.structure(entry.structure? as u64)
    }

    fn part(&self, entry: usize, element: usize) -> Option<Part<'_>> {
        let kept = self.entries.get(entry)?;
        let structure = self.structure(kept)?;
        let start = element.checked_mul(structure.size)?;
        let bytes = kept.bytes.get(start..)?;
        let record = Record::new(&self.dna, structure, &bytes[..bytes.len().min(structure.size)]);
        Some(Part { heap: self, entry: kept, record, start: start as u64 })
    }
}

/// One struct of the heap, with the way to what it points to.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    heap: &'a Heap,
    /// The block that holds it.
    pub entry: &'a Entry,
    /// Its fields.
    pub record: Record<'a>,
    start: u64,
}

impl<'a> Part<'a> {
    fn index(&self, path: &str) -> Option<usize> {
        self.index_of(self.record.pointer(path)?)
    }

    fn index_of(&self, address: u64) -> Option<usize> {
        let near = self.heap.parts.get(&(self.entry.group, address));
        near.or_else(|| self.heap.data_blocks.get(&address)).copied()
    }

    /// The struct that the pointer `path` leads to.
    pub fn follow(&self, path: &str) -> Option<Part<'a>> {
        self.heap.part(self.index(path)?, 0)
    }

    /// The structs of the array that the pointer `path` leads to.
    pub fn array(&self, path: &str) -> Vec<Part<'a>> {
        let Some(at) = self.index(path) else { return Vec::new() };
        let entry = &self.heap.entries[at];
        let count = self.heap.structure(entry).map_or(0, |structure| entry.count(structure));
        (0..count).filter_map(|element| self.heap.part(at, element)).collect()
    }

    /// The members of the list whose head is `path` (a `ListBase`). A list that bites its tail ends there.
    pub fn list(&self, path: &str) -> Vec<Part<'a>> {
        let mut members = Vec::new();
        let mut seen = HashSet::new();
        let mut next = self.index(&format!("{path}.first"));
        while let Some(at) = next.filter(|at| seen.insert(*at)) {
            let Some(member) = self.heap.part(at, 0) else { break };
            next = member.index("next");
            members.push(member);
        }
        members
    }

    /// The text that the pointer `path` leads to, and its block.
    pub fn far_text(&self, path: &str) -> Option<(&'a [u8], &'a Entry)> {
        let entry = self.heap.entries.get(self.index(path)?)?;
        Some((until_nul(&entry.bytes), entry))
    }

    /// Where a field lies in the plain bytes of the file.
    pub fn position_of(&self, offset: usize) -> u64 {
        self.entry.position.saturating_add(self.start).saturating_add(offset as u64)
    }
}

impl Entry {
    /// How many bytes are kept.
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    fn count(&self, structure: &Struct) -> usize {
        self.bytes.len().checked_div(structure.size).unwrap_or(0)
    }
}

/// Walks to the end for the DNA; `visit` sees the head of each data-block on the way.
pub(super) fn find_dna<R: Read + Seek>(blocks: &mut Blocks<R>, mut visit: impl FnMut(&Head)) -> Result<Dna, Cause> {
    let header = blocks.header();
    let mut dna = None;
    while let Some(head) = blocks.next_head()? {
        if head.is_data_block() {
            visit(&head);
        }
        if head.code != *b"DNA1" {
            continue;
        }
        if head.length > DNA_BYTES {
            return Err(Cause::TooLarge(format!("its DNA claims {} bytes", head.length)));
        }
        dna = Some(Dna::parse(&blocks.body(DNA_BYTES)?, header)?);
    }
    dna.ok_or_else(|| Cause::Damaged("it has no DNA".into()))
}

/// The name of the data-block that begins with `bytes`, its two letters included; empty if it has none.
pub(super) fn data_block_name(dna: &Dna, structure: u64, bytes: &[u8]) -> Arc<str> {
    let record = dna.structure(structure).map(|structure| Record::new(dna, structure, bytes));
    let name = record.and_then(|record| record.words("id.name").or_else(|| record.words("name")));
    name.unwrap_or_default().into()
}

/// Fills a heap while the blocks go by.
struct Keeper {
    heap: Heap,
    /// What is wanted of each struct, by its number.
    wanted: Vec<Option<&'static wanted::Want>>,
    /// Addresses of texts that kept structs of the present data-block point to.
    texts: HashSet<u64>,
    spent: u64,
    group: u32,
    owner: Arc<str>,
    code: [u8; 4],
    compositing: bool,
}

impl Keeper {
    fn new(heap: Heap) -> Self {
        let wanted = (0..).map_while(|at| heap.dna.structure(at)).map(|s| wanted::want(&s.name)).collect();
        let (owner, code) = ("".into(), [0; 4]);
        Keeper { heap, wanted, texts: HashSet::new(), spent: 0, group: 0, owner, code, compositing: false }
    }

    fn walk<R: Read + Seek>(mut self, mut blocks: Blocks<R>) -> Result<Heap, Cause> {
        while let Some(head) = blocks.next_head()? {
            if head.is_data_block() {
                self.group = self.group.saturating_add(1);
                self.code = head.code;
                self.texts.clear();
            }
            let want = self.wanted.get(head.structure as usize).copied().flatten();
            match want.filter(|want| want.scope == Scope::Anywhere || head.is_data_block() || self.in_compositor()) {
                _ if self.texts.contains(&head.address) => self.keep(&mut blocks, head, None)?,
                Some(want) => self.keep(&mut blocks, head, Some(want))?,
                None if head.is_data_block() => self.name(&blocks.body(NAME_REACH)?, head.structure),
                None => {}
            }
        }
        Ok(self.heap)
    }

    /// Whether the present data-block may hold compositing nodes or the settings of a scene.
    fn in_compositor(&self) -> bool {
        self.code == *b"SC\0\0" || (self.code == *b"NT\0\0" && self.compositing)
    }

    /// Takes the name of the data-block that begins with `bytes`.
    fn name(&mut self, bytes: &[u8], structure: u64) {
        self.owner = data_block_name(&self.heap.dna, structure, bytes);
        let Some(structure) = self.heap.dna.structure(structure) else { return };
        let record = Record::new(&self.heap.dna, structure, bytes);
        self.compositing = record.text("idname") == Some(b"CompositorNodeTree");
    }

    fn keep<R: Read + Seek>(
        &mut self,
        blocks: &mut Blocks<R>,
        head: Head,
        want: Option<&'static wanted::Want>,
    ) -> Result<(), Cause> {
        if head.length > BLOCK_BYTES {
            return Err(Cause::TooLarge(format!("the block at byte {} has {} bytes", head.position, head.length)));
        }
        let bytes = blocks.body(BLOCK_BYTES)?;
        if head.is_data_block() {
            self.name(&bytes, head.structure);
        }
        let structure = usize::try_from(head.structure).ok().filter(|_| want.is_some());
        if want.is_some_and(|want| !self.passes(want, &bytes, head)) {
            return Ok(());
        }
        self.spent += head.length + BLOCK_COST;
        if self.spent > HEAP_BYTES {
            return Err(Cause::TooLarge("it has more data-blocks than any scene should".into()));
        }
        let standing = match head.code {
            [b'I', b'D', 0, 0] => Standing::Linked,
            _ if head.is_data_block() => Standing::DataBlock,
            _ => Standing::Part,
        };
        let (position, group, owner) = (head.position, self.group, self.owner.clone());
        let address = head.address;
        self.insert(Entry { structure, bytes, position, address, group, owner, standing });
        Ok(())
    }

    /// Asks the want's own filter, and notes the texts that the struct points to.
    fn passes(&mut self, want: &wanted::Want, bytes: &[u8], head: Head) -> bool {
        let Some(structure) = self.heap.dna.structure(head.structure) else { return false };
        for one in bytes.chunks(structure.size.max(1)) {
            let record = Record::new(&self.heap.dna, structure, one);
            if !(want.only_if)(&record) {
                return false;
            }
            self.texts.extend(want.texts.iter().filter_map(|field| record.pointer(field)));
        }
        true
    }

    fn insert(&mut self, entry: Entry) {
        let at = self.heap.entries.len();
        match entry.standing {
            Standing::Part => self.heap.parts.insert((entry.group, entry.address), at),
            _ => self.heap.data_blocks.insert(entry.address, at),
        };
        self.heap.entries.push(entry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::blend::needs::needs;

    /// The layouts that no present Blender writes any more: 32-bit pointers, either byte order, 20-byte heads.
    struct Old {
        big: bool,
        bytes: Vec<u8>,
    }

    impl Old {
        fn word(&self, value: u32) -> [u8; 4] {
            if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
        }

        fn short(&self, value: u16) -> [u8; 2] {
            if self.big { value.to_be_bytes() } else { value.to_le_bytes() }
        }

        fn block(&mut self, code: &[u8], structure: u32, address: u32, body: &[u8]) {
            // Two letters are a number to Blender, four are a text.
            let code = match (code, self.big) {
                ([a, b], true) => [0, 0, *a, *b],
                ([a, b], false) => [*a, *b, 0, 0],
                (word, _) => [word[0], word[1], word[2], word[3]],
            };
            let head = [self.word(body.len() as u32), self.word(address), self.word(structure), self.word(1)];
            self.bytes.extend(code.into_iter().chain(head.concat()).chain(body.iter().copied()));
        }

        fn dna(&self) -> Vec<u8> {
            let names = ["*next", "*prev", "id", "name[66]", "name[240]", "filepath[240]", "us"];
            let types: [(&str, u16); 5] = [("char", 1), ("short", 2), ("Link", 8), ("ID", 68), ("Library", 548)];
            let structs: [(u16, &[(u16, u16)]); 3] =
                [(2, &[(2, 0), (2, 1)]), (3, &[(0, 3), (1, 6)]), (4, &[(3, 2), (0, 4), (0, 5)])];
            let mut dna = b"SDNANAME".to_vec();
            let text = |dna: &mut Vec<u8>, text: &str| dna.extend(text.bytes().chain([0]));
            let align = |dna: &mut Vec<u8>| dna.resize(dna.len().next_multiple_of(4), 0);
            dna.extend(self.word(names.len() as u32));
            names.iter().for_each(|name| text(&mut dna, name));
            align(&mut dna);
            dna.extend(b"TYPE".iter().copied().chain(self.word(types.len() as u32)));
            types.iter().for_each(|(name, _)| text(&mut dna, name));
            align(&mut dna);
            dna.extend(b"TLEN");
            types.iter().for_each(|(_, length)| dna.extend(self.short(*length)));
            align(&mut dna);
            dna.extend(b"STRC".iter().copied().chain(self.word(structs.len() as u32)));
            for (kind, fields) in structs {
                dna.extend([self.short(kind), self.short(fields.len() as u16)].concat());
                fields.iter().for_each(|(kind, name)| dna.extend([self.short(*kind), self.short(*name)].concat()));
            }
            dna
        }
    }

    fn old_file(big: bool) -> Vec<u8> {
        let header = if big { b"BLENDER_V279" } else { b"BLENDER_v279" };
        let mut file = Old { big, bytes: header.to_vec() };
        let mut library = vec![0; 548];
        for (at, text) in [(0, "LIprops.blend"), (68, "//lib/props.blend"), (308, "/mnt/lib/props.blend")] {
            library[at..at + text.len()].copy_from_slice(text.as_bytes());
        }
        file.block(b"LI", 2, 0x1000, &library);
        let dna = file.dna();
        file.block(b"DNA1", 0, 0x2000, &dna);
        file.block(b"ENDB", 0, 0, &[]);
        file.bytes
    }

    #[test]
    fn old_layouts_of_either_byte_order_are_read() {
        for big in [false, true] {
            let heap = Heap::read(Cursor::new(old_file(big))).unwrap();
            assert_eq!(heap.version.to_string(), "2.79");
            let need = needs(&heap).next().unwrap();
            let sites: Vec<_> = need.sites.iter().map(|s| (s.offset, s.size, s.value.to_string())).collect();
            let head = 12 + 20;
            assert_eq!(
                sites,
                [
                    (head + 68, 240, "//lib/props.blend".to_owned()),
                    (head + 308, 240, "/mnt/lib/props.blend".to_owned())
                ]
            );
            assert_eq!(&*need.owner, "LIprops.blend");
        }
    }

    #[test]
    fn lengths_that_lie_are_refused() {
        let mut bytes = old_file(false);
        bytes[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(Heap::read(Cursor::new(bytes)), Err(Cause::Damaged(_))));
        let mut bytes = old_file(false);
        bytes[16..20].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
        assert!(matches!(Heap::read(Cursor::new(bytes)), Err(Cause::Truncated(_))));
        let whole = old_file(true);
        let without_dna = [&whole[..12 + 20 + 548], &whole[whole.len() - 20..]].concat();
        let error = Heap::read(Cursor::new(without_dna)).unwrap_err();
        assert_eq!(error.to_string(), "damaged: it has no DNA");
    }
}
