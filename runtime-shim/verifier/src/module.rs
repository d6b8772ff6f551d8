//! The file as the verifier sees it: text, read-only data, tables, and what the descriptor says.
//!
//! The reader is this crate's own and needs less than a loader's: it looks for the section that holds header
//! and descriptor, and takes all places from there. **Invariants.** Nothing of the file is believed that code
//! or a table can contradict: where functions begin, what types they have and which references name them is
//! checked against the code table, and that against the code. A loader checks the form of the file on its
//! own.

use crate::reject::{Problem, Property, ensure, problem};
use crate::signature::Signature;
use std::mem::offset_of;
use wasmaot_abi::code::{CodeKind, CodeRange, Helper, NO_TYPE, read_code_table};
use wasmaot_abi::descriptor::{Descriptor, FileRange};
use wasmaot_abi::exception::ExceptionTable;
use wasmaot_abi::header::{self, Header};
use wasmaot_abi::slot::{MAX_ACCESS, MEMORY_GUARD, MEMORY_RESERVATION, OFFSET_GUARD};
use wasmaot_abi::state::{FuncRef, StateLayout};
use wasmaot_abi::trap::TrapTable;
use wasmaot_abi::types::{FuncType, GlobalType, IndexType, MemoryType, TableType};
use wasmaot_abi::version::{ABI_MAJOR, METERED_CONVENTION};
use wasmaot_abi::wire::{Decode, Reader};

/// Bytes from one function reference of an instance to the next.
pub(crate) const FUNC_REF: u32 = size_of::<FuncRef>() as u32;

const _: () = assert!(offset_of!(FuncRef, tail_entry) == 0 && FUNC_REF == 32);
const _: () = assert!(MEMORY_GUARD >= MAX_ACCESS && OFFSET_GUARD <= MEMORY_RESERVATION);

/// Bytes of code that a function may have.
pub(crate) const MAX_FUNCTION: u32 = 64 << 20;

/// The most parameters, and the most results, of a function: WebAssembly's limit of engines.
const MAX_VALUES: usize = 1_000;

/// Types of sections that a loader does not look for the descriptor in: SYMTAB, NOBITS, DYNSYM.
const OTHER_SECTIONS: [u32; 3] = [2, 8, 11];

/// An artifact.
pub(crate) struct Module<'a> {
    bytes: &'a [u8],
    pub(crate) descriptor: Descriptor,
    pub(crate) layout: StateLayout,
    /// What the header says that the code needs, see [`wasmaot_abi::cpu`].
    pub(crate) cpu_features: u64,
    pub(crate) text: &'a [u8],
    /// Offset of the text in the file, and its address from where the file is mapped.
    pub(crate) text_offset: u64,
    pub(crate) ranges: Vec<CodeRange>,
    pub(crate) traps: TrapTable<'a>,
    pub(crate) exceptions: ExceptionTable<'a>,
    pub(crate) imported_functions: Vec<u32>,
    pub(crate) memories: Vec<MemoryType>,
    pub(crate) tables: Vec<TableType>,
    pub(crate) globals: Vec<GlobalType>,
    /// Of each tag, the index of the type whose parameters are its values.
    pub(crate) tags: Vec<u32>,
    own_memory: bool,
    metered: bool,
    signatures: Vec<Signature>,
    helpers: Vec<Signature>,
    array_entry: Signature,
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// Where the section lies that holds header and descriptor.
fn module_section(bytes: &[u8]) -> Option<usize> {
    const SECTION_HEADER: usize = 64;
    if !bytes.starts_with(b"\x7fELF\x02\x01\x01") {
        return None;
    }
    let table = usize::try_from(u64_at(bytes, 40)?).ok()?;
    let (count, names) = (u16_at(bytes, 60)?, u16_at(bytes, 62)?);
    let header = |index: u16| table.checked_add(usize::from(index) * SECTION_HEADER);
    let place = |index: u16| usize::try_from(u64_at(bytes, header(index)?.checked_add(24)?)?).ok();
    let names = place(names)?;
    let mut found = (0..count).filter(|&index| {
        let name = header(index).and_then(|at| names.checked_add(u32_at(bytes, at)? as usize));
        let rest = name.and_then(|name| bytes.get(name..)?.strip_prefix(header::SECTION.as_bytes()));
        rest.is_some_and(|rest| rest.first() == Some(&0))
    });
    // If there were two, a loader might take the other one.
    let index = found.next().filter(|_| found.next().is_none())?;
    let kind = u32_at(bytes, header(index)?.checked_add(4)?)?;
    if OTHER_SECTIONS.contains(&kind) { None } else { place(index) }
}

/// Signatures of helpers, by number.
fn helpers() -> Vec<Signature> {
    (0..).map_while(Helper::from_index).map(Signature::of_helper).collect()
}

impl<'a> Module<'a> {
    /// Reads a file.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Problem> {
        let form = |text: &str| Problem::new(Property::Form, text);
        let at = module_section(bytes).ok_or_else(|| form("it is not an artifact"))?;
        let rest = bytes.get(at..).ok_or_else(|| form("the descriptor is outside the file"))?;
        let header = Header::from_bytes(rest).map_err(|error| form(&error.to_string()))?;
        ensure(
            header.major == ABI_MAJOR,
            Property::Form,
            format_args!("its ABI version is {}", header.major),
        )?;
        let descriptor =
            rest.get(Header::SIZE..).and_then(|rest| rest.get(..header.descriptor_size as usize));
        let descriptor = descriptor.ok_or_else(|| form("the descriptor is cut off"))?;
        let descriptor =
            Descriptor::decode(&mut Reader::new(descriptor)).map_err(|error| form(&error.to_string()))?;
        ensure(
            descriptor.convention() == header.convention,
            Property::Form,
            "the convention is not the header's",
        )?;
        let range = |range: FileRange| {
            let start = usize::try_from(range.offset).ok()?;
            bytes.get(start..)?.get(..usize::try_from(range.length).ok()?)
        };
        let part =
            |place, what: &str| range(place).ok_or_else(|| form(&format!("{what} is outside the file")));
        let text = part(descriptor.places.text, "the text")?;
        ensure(text.len() <= i32::MAX as usize, Property::Form, "the text is larger than 2 GiB")?;
        let Some(code) = descriptor.code else {
            return problem(Property::Form, "it has no code table: it was compiled before ABI 3.3");
        };
        let ranges = read_code_table(part(code, "the code table")?, text.len() as u64)
            .map_err(|error| form(&error.to_string()))?;
        let traps = TrapTable::parse(part(descriptor.places.traps, "the trap table")?)
            .ok_or_else(|| form("the trap table is malformed"))?;
        let tags: Vec<u32> = descriptor.tag_types().collect();
        let exceptions = ExceptionTable::parse(
            part(descriptor.exceptions, "the exception table")?,
            text.len() as u64,
            tags.len() as u32,
        )
        .map_err(form)?;
        let layout = descriptor.state_layout().map_err(|_| form("the state is too large"))?;
        let memories: Vec<MemoryType> = descriptor.all_memories().map(|(ty, _)| ty).collect();
        let own_memory =
            descriptor.all_memories().next().is_some_and(|(ty, own)| own.is_some() && ty.fits_slot());
        let module = Self {
            bytes,
            layout,
            cpu_features: header.cpu_features,
            text,
            text_offset: descriptor.places.text.offset,
            ranges,
            traps,
            exceptions,
            imported_functions: descriptor.imported_functions().collect(),
            memories,
            tables: descriptor.all_tables().map(|(ty, _)| ty).collect(),
            globals: descriptor.all_globals().map(|(ty, _)| ty).collect(),
            tags,
            own_memory,
            metered: descriptor.convention() == METERED_CONVENTION,
            signatures: descriptor.types.iter().map(Signature::of).collect(),
            helpers: helpers(),
            array_entry: Signature::of_array_entry(),
            descriptor,
        };
        module.check_counts()?;
        module.check_ranges()?;
        module.check_entries()?;
        Ok(module)
    }

    /// Indices of tables and memories are kept in 16 bits.
    fn check_counts(&self) -> Result<(), Problem> {
        let most = self.tables.len().max(self.memories.len());
        ensure(most <= usize::from(u16::MAX), Property::Limits, "more than 65,535 tables or memories")?;
        let types = self.tags.iter().chain(&self.imported_functions);
        let known = types.copied().all(|ty| self.ty(ty).is_some());
        ensure(known, Property::Form, "an import or tag is of an unknown type")?;
        let most = self.descriptor.types.iter().map(|ty| ty.params.len().max(ty.results.len())).max();
        ensure(
            most.unwrap_or(0) <= MAX_VALUES,
            Property::Limits,
            "a type has more than 1,000 parameters or results",
        )?;
        let longest = self.ranges.iter().map(|range| range.length).max();
        ensure(
            longest.unwrap_or(0) <= MAX_FUNCTION,
            Property::Limits,
            "a function has more than 64 MiB of code",
        )
    }

    /// Thunks are those of imports, functions are defined ones, all of known types.
    fn check_ranges(&self) -> Result<(), Problem> {
        for range in &self.ranges {
            let index = range.index as usize;
            let holds = match range.kind {
                CodeKind::Thunk => self.imported_functions.get(index) == Some(&range.ty),
                CodeKind::Function => index >= self.imported_functions.len() && self.ty(range.ty).is_some(),
                CodeKind::ArrayEntry => {
                    self.descriptor.entries.get(index).is_some_and(|entry| entry.ty == range.ty)
                        && self.ty(range.ty).is_some()
                }
                CodeKind::Helper => range.ty == NO_TYPE && Helper::from_index(range.index).is_some(),
            };
            ensure(
                holds,
                Property::Metadata,
                format_args!("a row of the code table at {:#x} contradicts the module", range.start),
            )?;
        }
        Ok(())
    }

    /// What the runtime takes for the entries of a function is one of the function, of its type.
    fn check_entries(&self) -> Result<(), Problem> {
        for (position, entry) in self.descriptor.entries.iter().enumerate() {
            let tail = self.starting_at(entry.tail).is_some_and(|range| {
                let kind = if (entry.func as usize) < self.imported_functions.len() {
                    CodeKind::Thunk
                } else {
                    CodeKind::Function
                };
                (range.kind, range.index, range.ty) == (kind, entry.func, entry.ty)
            });
            let array = self
                .starting_at(entry.array)
                .is_some_and(|range| (range.kind, range.index as usize) == (CodeKind::ArrayEntry, position));
            ensure(
                tail && array,
                Property::Metadata,
                format_args!("function entry {position} is not where the code table says"),
            )?;
        }
        Ok(())
    }

    /// The range that begins at an offset from the start of the text.
    pub(crate) fn starting_at(&self, start: u32) -> Option<&CodeRange> {
        let position = self.ranges.binary_search_by_key(&start, |range| range.start).ok()?;
        Some(&self.ranges[position])
    }

    /// A type.
    pub(crate) fn ty(&self, index: u32) -> Option<&FuncType> {
        self.descriptor.types.get(index as usize)
    }

    /// Where functions of a type take their parameters.
    pub(crate) fn signature(&self, ty: u32) -> Option<&Signature> {
        self.signatures.get(ty as usize)
    }

    /// Where the code of a range takes its parameters.
    pub(crate) fn signature_of(&self, range: &CodeRange) -> Option<&Signature> {
        match range.kind {
            CodeKind::Thunk | CodeKind::Function => self.signature(range.ty),
            CodeKind::Helper => self.helpers.get(range.index as usize),
            CodeKind::ArrayEntry => Some(&self.array_entry),
        }
    }

    /// The type of the function at a position in the list of entries.
    pub(crate) fn entry_type(&self, entry: u32) -> Option<u32> {
        Some(self.descriptor.entries.get(entry as usize)?.ty)
    }

    /// The memory that starts at vmctx.
    pub(crate) fn own_memory(&self) -> Option<u16> {
        self.own_memory.then_some(0)
    }

    /// The largest distance from a memory's start at which an access ends in its addresses, whatever its
    /// length.
    pub(crate) fn reach(&self, memory: u16) -> u64 {
        // Others have their length's worth of addresses, which may be none, and a guard.
        if self.is_small(memory) { MEMORY_RESERVATION } else { OFFSET_GUARD }
    }

    /// Whether a memory has all addresses of 32 bits reserved, and as many behind them.
    pub(crate) fn is_small(&self, memory: u16) -> bool {
        self.memories.get(usize::from(memory)).is_some_and(MemoryType::is_small)
    }

    /// Whether a table lies in the artifact, and instances have nothing of it.
    pub(crate) fn is_constant_table(&self, table: u16) -> bool {
        let imported = self.tables.len() - self.descriptor.tables.len();
        let defined = usize::from(table).checked_sub(imported);
        defined.is_some_and(|table| self.descriptor.tables.get(table).is_some_and(|table| table.constant))
    }

    /// Whether a table's indices have 32 bits.
    pub(crate) fn is_narrow_table(&self, table: u16) -> bool {
        self.tables.get(usize::from(table)).is_some_and(|ty| ty.index == IndexType::I32)
    }

    /// Whether the register set apart counts instructions.
    pub(crate) fn is_metered(&self) -> bool {
        self.metered
    }

    /// Read-only data at a file offset: bytes before the text, which are mapped with it.
    pub(crate) fn read_only(&self, offset: u32, length: usize) -> Option<&'a [u8]> {
        let data = self.bytes.get(..usize::try_from(self.text_offset).ok()?)?;
        data.get(offset as usize..)?.get(..length)
    }

    /// A table of the file, for messages.
    pub(crate) fn part(&self, range: FileRange) -> &'a [u8] {
        let part = usize::try_from(range.offset).ok().and_then(|start| self.bytes.get(start..));
        part.and_then(|part| part.get(..usize::try_from(range.length).ok()?)).unwrap_or_default()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use wasmaot_abi::descriptor::FuncEntry;
    use wasmaot_abi::types::{Limits, ValType};

    /// A module without code that has two function entries, of different types, and a table.
    pub(crate) fn sample() -> Module<'static> {
        let ty = |results: &[ValType]| FuncType { params: Vec::new(), results: results.to_vec() };
        let entry = |func, ty| FuncEntry { func, ty, tail: 0, array: 0 };
        let descriptor = Descriptor {
            producer: String::new(),
            wasm_features: Vec::new(),
            places: Default::default(),
            types: vec![ty(&[]), ty(&[ValType::I32])],
            imports: Vec::new(),
            exports: Vec::new(),
            entries: vec![entry(0, 0), entry(1, 1)],
            tables: Vec::new(),
            memories: Vec::new(),
            globals: Vec::new(),
            data: Vec::new(),
            elems: Vec::new(),
            start: None,
            type_groups: vec![1, 1],
            tags: Vec::new(),
            exceptions: FileRange::default(),
            meter: None,
            code: None,
            build: None,
            lines: None,
            component: None,
            preinit: None,
            hot_pages: Vec::new(),
        };
        let limits = Limits { min: 1, max: None };
        Module {
            bytes: &[],
            layout: descriptor.state_layout().expect("a small state"),
            cpu_features: 0,
            text: &[],
            text_offset: 4096,
            ranges: Vec::new(),
            traps: TrapTable::parse(&[0; 4]).expect("no traps"),
            exceptions: ExceptionTable::parse(&[], 0, 0).expect("no sites"),
            imported_functions: Vec::new(),
            memories: vec![MemoryType::new(limits)],
            tables: vec![TableType::new(ValType::FUNCREF, limits)],
            globals: Vec::new(),
            tags: Vec::new(),
            own_memory: true,
            metered: false,
            signatures: Vec::new(),
            helpers: Vec::new(),
            array_entry: Signature::of_array_entry(),
            descriptor,
        }
    }
}
