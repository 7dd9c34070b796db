//! Which data-blocks of a library are used by whoever links some of them.
//!
//! Every pointer from one data-block to another counts as use, so that rather too much is found than too little.

use super::blocks::{Blocks, Head};
use super::container::Stream;
use super::dna::{Dna, Struct};
use super::error::Cause;
use super::heap::{UNPACKED_BYTES, data_block_name, find_dna};
use std::collections::{HashMap, HashSet};
use std::io::{Cursor, Read, Seek};
use std::sync::Arc;

/// Larger blocks are bulk data and hold no pointers that matter.
const BLOCK_BYTES: u64 = 16 << 20;
/// Larger blocks without a struct of their own are bulk data too; lists of materials are small.
const BARE_BYTES: u64 = 1 << 20;
/// Enough of a data-block to read its name.
const NAME_REACH: u64 = 1024;
/// The most pointers that one struct may have.
const MOST_POINTERS: usize = 10_000;
/// The most pointers that all structs may have.
const MOST_POINTERS_IN_ALL: usize = 2_000_000;
/// The most fields that are looked at for pointers, those of structs within structs each time anew: Blender 5 has some
/// hundred thousand. Without a bound a few nested arrays of structs without any pointer would be looked at for ever.
const MOST_FIELDS: usize = 20_000_000;
/// The most uses that are kept of one file.
const MOST_USES: usize = 20_000_000;

/// The data-blocks of a file by number, and who uses whom.
#[derive(Debug, Default)]
pub(super) struct Graph {
    names: Vec<Arc<str>>,
    uses: Vec<Box<[u32]>>,
}

impl Graph {
    /// Reads the file in `source`; one that is compressed and not large is unpacked only once.
    pub(super) fn of<R: Read + Seek>(source: R) -> Result<Graph, Cause> {
        let mut stream = Stream::open(source)?;
        match stream.unpacked(UNPACKED_BYTES) {
            Some(plain) => Graph::walk(Stream::plain(Cursor::new(plain))?),
            None => Graph::walk(stream.rewind()?),
        }
    }

    fn walk<R: Read + Seek>(stream: Stream<R>) -> Result<Graph, Cause> {
        let mut blocks = Blocks::open(stream)?;
        let mut places = Vec::new();
        let dna = find_dna(&mut blocks, |head| places.push(head.address))?;
        let places = places.into_iter().zip(0..).collect();
        let blocks = Blocks::open(blocks.into_stream().rewind()?)?;
        Graph::read(blocks, &dna, &places)
    }

    fn read<R: Read + Seek>(mut blocks: Blocks<R>, dna: &Dna, places: &HashMap<u64, u32>) -> Result<Graph, Cause> {
        let mut graph = Graph::default();
        let mut count = 0;
        let mut uses: HashSet<u32> = HashSet::new();
        let pointers = Pointers::of_all(dna)?;
        while let Some(head) = blocks.next_head()? {
            if head.is_data_block() {
                graph.close(&mut uses);
                graph.names.push("".into());
            }
            if graph.names.is_empty() {
                continue;
            }
            let most = pointers.reach(&head);
            let bytes = blocks.body(if head.is_data_block() { most.max(NAME_REACH) } else { most })?;
            for address in pointers.addresses(&head, &bytes, dna) {
                count += usize::from(places.get(&address).is_some_and(|number| uses.insert(*number)));
            }
            if count > MOST_USES {
                return Err(Cause::TooLarge("its data-blocks use each other too often".into()));
            }
            if let (true, Some(name)) = (head.is_data_block(), graph.names.last_mut()) {
                *name = data_block_name(dna, head.structure, &bytes);
            }
        }
        graph.close(&mut uses);
        Ok(graph)
    }

    /// Writes down what the last data-block uses.
    fn close(&mut self, uses: &mut HashSet<u32>) {
        if self.uses.len() < self.names.len() {
            self.uses.push(uses.drain().collect());
        }
    }

    /// The names (with their two letters) of all data-blocks that those in `roots` use, and theirs.
    pub(super) fn reach(&self, roots: &HashSet<Arc<str>>) -> HashSet<Arc<str>> {
        let named = self.names.iter().zip(0_u32..);
        let mut open: Vec<u32> = named.filter(|(name, _)| roots.contains(*name)).map(|(_, number)| number).collect();
        let mut seen: HashSet<u32> = open.iter().copied().collect();
        while let Some(number) = open.pop() {
            let uses = self.uses.get(number as usize).into_iter().flatten();
            open.extend(uses.filter(|used| seen.insert(**used)));
        }
        seen.into_iter().filter_map(|number| self.names.get(number as usize).cloned()).collect()
    }
}

/// Where the structs of a file hold pointers.
struct Pointers(Vec<Vec<usize>>);

impl Pointers {
    fn of_all(dna: &Dna) -> Result<Pointers, Cause> {
        let (mut left, mut fields) = (MOST_POINTERS_IN_ALL, MOST_FIELDS);
        let mut structs = Vec::new();
        for structure in (0..).map_while(|index| dna.structure(index)) {
            let offsets = dna.pointers(structure, MOST_POINTERS.min(left), &mut fields);
            left -= offsets.len();
            structs.push(offsets);
        }
        match fields {
            0 => Err(Cause::TooLarge("its structs hold each other too often".into())),
            _ => Ok(Pointers(structs)),
        }
    }

    fn of(&self, head: &Head) -> Option<&Vec<usize>> {
        self.0.get(usize::try_from(head.structure).ok()?)
    }

    /// How much of a block is worth reading.
    fn reach(&self, head: &Head) -> u64 {
        let most = match self.of(head) {
            _ if head.structure == 0 => BARE_BYTES,
            Some(offsets) if !offsets.is_empty() => BLOCK_BYTES,
            _ => 0,
        };
        if head.length <= most { head.length } else { 0 }
    }

    /// All that a block points to. Struct 0 stands for bare bytes, each word of which may be an address.
    fn addresses<'a>(&'a self, head: &Head, bytes: &'a [u8], dna: &'a Dna) -> Box<dyn Iterator<Item = u64> + 'a> {
        let word = |bytes: &[u8]| dna.endian.unsigned(bytes);
        if head.structure == 0 {
            return Box::new(bytes.chunks_exact(dna.pointer).map(word));
        }
        let (Some(offsets), Some(structure)) = (self.of(head), dna.structure(head.structure)) else {
            return Box::new(std::iter::empty());
        };
        let elements = bytes.chunks(structure.size.max(1));
        Box::new(elements.flat_map(move |element| {
            offsets.iter().filter_map(move |offset| element.get(*offset..offset + dna.pointer)).map(word)
        }))
    }
}

impl Dna {
    /// Where `structure` holds pointers, those of structs within it included, but not those of the `ID` at its
    /// beginning: they lead to neighbours and to the library.
    ///
    /// `fields` is how many fields may still be looked at; where none is left, what was found so far is all.
    fn pointers(&self, whole: &Struct, most: usize, fields: &mut usize) -> Vec<usize> {
        const DEPTH: usize = 12;
        let mut found = Vec::new();
        let mut open = vec![(whole, 0_usize, 0_usize)];
        while let Some((structure, base, depth)) = open.pop() {
            for field in structure.fields() {
                if found.len() >= most || open.len() >= most || *fields == 0 {
                    break;
                }
                *fields -= 1;
                let offset = base.saturating_add(field.offset);
                let inner = self.named(&field.type_name).filter(|inner| *inner.name != *"ID" && depth < DEPTH);
                let size = if field.is_pointer() { self.pointer } else { inner.map_or(0, |inner| inner.size) };
                let count = field.size.checked_div(size).unwrap_or(0).min(most - found.len());
                let places = (0..count).map(|at| offset.saturating_add(at * size));
                match inner {
                    _ if field.is_pointer() => found.extend(places),
                    Some(inner) => open.extend(places.map(|place| (inner, place, depth + 1))),
                    None => {}
                }
            }
        }
        found.retain(|offset| offset.checked_add(self.pointer).is_some_and(|end| end <= whole.size));
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::path::Path;

    fn reached(name: &str, root: &str) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scenes").join(name);
        let roots = HashSet::from([Arc::from(root)]);
        let mut names: Vec<String> =
            Graph::of(File::open(path).unwrap()).unwrap().reach(&roots).iter().map(|name| name.to_string()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_collection_leads_to_its_images_and_libraries_contents() {
        assert_eq!(
            reached("deps/nested/lib/bolt.blend", "GRBolt"),
            ["GRBolt", "GRNut", "IMgrain.png", "LInut.blend", "MAPaint", "MEBolt", "OBBolt", "OBNut"]
        );
        assert_eq!(reached("deps/nested/lib/bolt.blend", "IMgrain.png"), ["IMgrain.png"]);
        assert!(reached("deps/nested/lib/bolt.blend", "GRnone").is_empty());
    }

    /// A file with nothing but a DNA: `depth` structs without pointers, each of which claims to hold `width` of the next.
    fn nested_arrays(depth: u16, width: usize) -> Vec<u8> {
        let list = |texts: Vec<String>| {
            let mut bytes = (texts.len() as u32).to_le_bytes().to_vec();
            bytes.extend(texts.iter().flat_map(|text| text.bytes().chain([0])));
            bytes.resize(bytes.len().next_multiple_of(4), 0);
            bytes
        };
        let mut dna = b"SDNANAME".to_vec();
        dna.extend(list(vec![format!("next[{width}]")]));
        dna.extend(b"TYPE");
        dna.extend(list((0..=depth).map(|number| format!("T{number}")).collect()));
        dna.extend(b"TLEN");
        dna.extend((0..=depth).flat_map(|_| 1_u16.to_le_bytes()));
        dna.resize(dna.len().next_multiple_of(4), 0);
        dna.extend(b"STRC");
        dna.extend(u32::from(depth).to_le_bytes());
        dna.extend((0..depth).flat_map(|number| [number, 1, number + 1, 0].map(u16::to_le_bytes).concat()));
        let head = |code: &[u8; 4], length: usize| [&code[..], &(length as u32).to_le_bytes(), &[0; 16]].concat();
        [b"BLENDER-v304".to_vec(), head(b"DNA1", dna.len()), dna, head(b"ENDB", 0)].concat()
    }

    #[test]
    fn structs_within_structs_are_not_followed_for_ever() {
        let read = |depth, width| Graph::of(Cursor::new(nested_arrays(depth, width)));
        assert!(read(3, 4).is_ok_and(|graph| graph.reach(&HashSet::new()).is_empty()));
        assert!(matches!(read(11, 1000), Err(Cause::TooLarge(_))));
    }
}
