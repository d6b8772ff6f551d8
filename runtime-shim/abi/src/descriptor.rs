//! The module descriptor: the artifact's table of contents.
//!
//! It follows the [`crate::header`] and is a row of sections, `| tag u32 | length u32 | bytes |`. A runtime
//! skips sections with unknown tags, so a minor version can add some. Those of the major's first minor must
//! be there; later ones are taken as empty where they are missing. **Invariant: indices are as in the Wasm
//! module** (imports first), unless a field says otherwise. File offsets count from the start of the file;
//! the reader checks each against the file's size before use.

use crate::build::BuildRecord;
use crate::component::Component;
use crate::preinit::{PageRun, Preinit};
use crate::state::{Counts, StateLayout, StateTooLarge};
use crate::types::{FuncType, GlobalType, MemoryType, TableType, ValType};
use crate::version::{METERED_CONVENTION, TAIL_CONVENTION};
use crate::wire::{Decode, DecodeError, Encode, Reader, Writer, record, tagged};
use alloc::string::String;
use alloc::vec::Vec;

record! {
    /// A range of the file.
    #[derive(Copy, Default, PartialEq, Eq)]
    pub struct FileRange {
        /// Offset of the first byte.
        pub offset: u64,
        /// Length of the range in bytes.
        pub length: u64,
    }
}

record! {
    /// Where things lie in the file.
    #[derive(Copy, Default, PartialEq, Eq)]
    pub struct Places {
        /// Machine code of the module. Its address in the mapped module equals its file offset.
        pub text: FileRange,
        /// Bytes of data segments that are not part of the image.
        pub data: FileRange,
        /// Trap table, see [`crate::trap`].
        pub traps: FileRange,
        /// Address map, see [`crate::addrmap`].
        pub address_map: FileRange,
        /// Function map, see [`crate::addrmap`].
        pub function_map: FileRange,
    }
}

tagged! {
    /// What an import asks for.
    #[derive(PartialEq, Eq)]
    pub enum ImportKind ("an import kind") {
        /// An import of a function.
        Func {
            /// Index of its type.
            ty: u32,
        } = 0,
        /// An import of a table.
        Table {
            /// Type of the imported table.
            ty: TableType,
        } = 1,
        /// An import of a memory.
        Memory {
            /// Type of the imported memory.
            ty: MemoryType,
        } = 2,
        /// An import of a global.
        Global {
            /// Type of the imported global.
            ty: GlobalType,
        } = 3,
        /// A tag of exceptions.
        Tag {
            /// Index of the function type whose parameters are its values.
            ty: u32,
        } = 4,
    }
}

record! {
    /// An import, in the order of the module.
    #[derive(PartialEq, Eq)]
    pub struct Import {
        /// Module name of the import.
        pub module: String,
        /// Item name of the import.
        pub name: String,
        /// What it asks for.
        pub kind: ImportKind,
    }
}

tagged! {
    /// What an export names, by Wasm index.
    #[derive(Copy, PartialEq, Eq)]
    pub enum ExportKind ("an export kind") {
        /// An export of a function.
        Func {
            /// Index of the exported function.
            index: u32,
        } = 0,
        /// An export of a table.
        Table {
            /// Index of the exported table.
            index: u32,
        } = 1,
        /// An export of a memory.
        Memory {
            /// Index of the exported memory.
            index: u32,
        } = 2,
        /// An export of a global.
        Global {
            /// Index of the exported global.
            index: u32,
        } = 3,
        /// An export of a tag.
        Tag {
            /// Index of the exported tag.
            index: u32,
        } = 4,
    }
}

record! {
    /// An export of the module.
    #[derive(PartialEq, Eq)]
    pub struct Export {
        /// Name of the export.
        pub name: String,
        /// Kind and index of the exported item.
        pub kind: ExportKind,
    }
}

record! {
    /// A function that can be reached from outside compiled code: exported, referenced, or the
    /// start function. Entries are in ascending order of `func`; references name them by position.
    #[derive(Copy, PartialEq, Eq)]
    pub struct FuncEntry {
        /// Index of the Wasm function.
        pub func: u32,
        /// Index of its type.
        pub ty: u32,
        /// Offset of the tail entry from the start of the text.
        pub tail: u32,
        /// Offset of the array entry from the start of the text.
        pub array: u32,
    }
}

tagged! {
    /// An operator of a constant expression.
    #[derive(Copy, PartialEq, Eq)]
    pub enum ConstOp ("a constant operator") {
        /// The constant instruction `i32.const`.
        I32Const {
            /// The constant of the instruction.
            value: i32,
        } = 0,
        /// The constant instruction `i64.const`.
        I64Const {
            /// The constant of the instruction.
            value: i64,
        } = 1,
        /// The constant instruction `f32.const`.
        F32Const {
            /// The constant's IEEE 754 bits.
            bits: u32,
        } = 2,
        /// The constant instruction `f64.const`.
        F64Const {
            /// The constant's IEEE 754 bits.
            bits: u64,
        } = 3,
        /// The constant instruction `v128.const`.
        V128Const {
            /// Low 64 bits of the vector.
            low: u64,
            /// High 64 bits of the vector.
            high: u64,
        } = 4,
        /// The constant instruction `global.get`.
        GlobalGet {
            /// Index of the global.
            index: u32,
        } = 5,
        /// The constant instruction `ref.null`.
        RefNull {
            /// Type of the null reference.
            ty: ValType,
        } = 6,
        /// The constant instruction `ref.func`.
        RefFunc {
            /// Position in the list of function entries.
            entry: u32,
        } = 7,
        /// The constant instruction `i32.add`.
        I32Add = 8,
        /// The constant instruction `i32.sub`.
        I32Sub = 9,
        /// The constant instruction `i32.mul`.
        I32Mul = 10,
        /// The constant instruction `i64.add`.
        I64Add = 11,
        /// The constant instruction `i64.sub`.
        I64Sub = 12,
        /// The constant instruction `i64.mul`.
        I64Mul = 13,
    }
}

record! {
    /// A constant expression, its operators in order.
    #[derive(PartialEq, Eq)]
    pub struct ConstExpr {
        /// Instructions of the expression, without `end`.
        pub ops: Vec<ConstOp>,
    }
}

record! {
    /// A table that the module defines.
    #[derive(PartialEq, Eq)]
    pub struct Table {
        /// Type of the table.
        pub ty: TableType,
        /// The module cannot change it and its elements lie in the artifact: an instance holds nothing of it.
        pub constant: bool,
        /// Initial value of its elements, null if not given.
        pub init: Option<ConstExpr>,
    }
}

record! {
    /// Pages of a memory's initial contents, as they lie in the file.
    #[derive(Copy, PartialEq, Eq)]
    pub struct ImageRun {
        /// Offset in the memory. A multiple of the host's page size.
        pub address: u64,
        /// Bytes in the file. Both its ends are multiples of the host's page size.
        pub file: FileRange,
    }
}

record! {
    /// A memory that the module defines.
    #[derive(PartialEq, Eq)]
    pub struct Memory {
        /// Type of the memory.
        pub ty: MemoryType,
        /// Its initial contents where they are not zero, ascending and disjoint, within the initial size.
        pub image: Vec<ImageRun>,
    }
}

record! {
    /// A global that the module defines.
    #[derive(PartialEq, Eq)]
    pub struct Global {
        /// Type of the global.
        pub ty: GlobalType,
        /// Initial value of the global.
        pub init: ConstExpr,
    }
}

tagged! {
    /// When a data segment is written to memory.
    #[derive(PartialEq, Eq)]
    pub enum DataMode ("a data segment's mode") {
        /// Written by `memory.init` only.
        Passive = 0,
        /// Written to a memory at instantiation.
        Active {
            /// Index of the memory.
            memory: u32,
            /// Offset of the segment in the memory.
            offset: ConstExpr,
        } = 1,
        /// It is part of the memory's image; dropped from the start.
        InImage = 2,
    }
}

record! {
    /// A data segment of the module.
    #[derive(PartialEq, Eq)]
    pub struct DataSegment {
        /// When it is written.
        pub mode: DataMode,
        /// Its bytes, inside [`Places::data`]. Empty if they are part of an image.
        pub file: FileRange,
    }
}

tagged! {
    /// When an element segment is written to a table.
    #[derive(PartialEq, Eq)]
    pub enum ElemMode ("an element segment's mode") {
        /// Written by `table.init` only.
        Passive = 0,
        /// Written to a table at instantiation.
        Active {
            /// Index of the table.
            table: u32,
            /// Offset of the segment in the table.
            offset: ConstExpr,
        } = 1,
        /// Declared only, or part of a constant table; dropped from the start.
        Dropped = 2,
    }
}

tagged! {
    /// The elements of a segment.
    #[derive(PartialEq, Eq)]
    pub enum ElemItems ("element items") {
        /// Functions, by position in the list of function entries.
        Entries {
            /// Positions in the list of function entries.
            entries: Vec<u32>,
        } = 0,
        /// Elements given by constant expressions.
        Exprs {
            /// The expressions, one per element.
            exprs: Vec<ConstExpr>,
        } = 1,
    }
}

record! {
    /// An element segment of the module.
    #[derive(PartialEq, Eq)]
    pub struct ElemSegment {
        /// Type of its elements.
        pub element: ValType,
        /// When it is written.
        pub mode: ElemMode,
        /// Elements of the segment. Empty if dropped from the start.
        pub items: ElemItems,
    }
}

/// The value of a section that is missing.
macro_rules! missing {
    ($end:ident, $name:literal, $later:ident) => {
        Default::default()
    };
    ($end:ident, $name:literal) => {
        return Err(DecodeError { offset: $end, expected: concat!("a section of ", $name) })
    };
}

/// Whether a section is written: one that is optional is not where its value is that of a missing one.
macro_rules! is_written {
    ($value:expr, optional) => {
        !is_default(&$value)
    };
    ($value:expr $(, later)?) => {
        true
    };
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

macro_rules! descriptor {
    ($($(#[$doc:meta])* $field:ident: $ty:ty = $tag:literal, $name:literal $(, $later:ident)?;)*) => {
        /// Everything that a runtime needs to know of a module. The default has no items.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Descriptor { $($(#[$doc])* pub $field: $ty,)* }

        impl Encode for Descriptor {
            fn encode(&self, w: &mut Writer) {
                $(if is_written!(self.$field $(, $later)?) {
                    let mut section = Writer::default();
                    self.$field.encode(&mut section);
                    let bytes = section.into_bytes();
                    u32::encode(&$tag, w);
                    (bytes.len() as u32).encode(w);
                    w.raw(&bytes);
                })*
            }
        }

        impl Decode for Descriptor {
            fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
                $(let mut $field: Option<$ty> = None;)*
                while !r.is_empty() {
                    let tag = u32::decode(r)?;
                    let length = u32::decode(r)? as usize;
                    let start = r.offset();
                    let mut section = Reader::new(r.raw(length, "a whole section")?);
                    let at = |e: DecodeError| DecodeError { offset: start + e.offset, ..e };
                    match tag {
                        $($tag => {
                            $field = Some(Decode::decode(&mut section).map_err(at)?);
                            if !section.is_empty() {
                                return Err(DecodeError {
                                    offset: start + section.offset(),
                                    expected: concat!("the end of the section of ", $name),
                                });
                            }
                        })*
                        _ => {}
                    }
                }
                let end = r.offset();
                Ok(Self { $(
                    $field: match $field {
                        Some(value) => value,
                        None => missing!(end, $name $(, $later)?),
                    },
                )* })
            }
        }
    };
}

descriptor! {
    /// Name and version of the tool that made the artifact.
    producer: String = 1, "the producer";
    /// Names of the Wasm features that the module uses beyond version 1.
    wasm_features: Vec<String> = 2, "Wasm features";
    /// Where things lie in the file.
    places: Places = 3, "places";
    /// Function types, each once, by recursion group. A type refers to others of its group and to earlier
    /// ones.
    types: Vec<FuncType> = 4, "types";
    /// Imports.
    imports: Vec<Import> = 5, "imports";
    /// Exports.
    exports: Vec<Export> = 6, "exports";
    /// Functions that can be reached from outside.
    entries: Vec<FuncEntry> = 7, "function entries";
    /// Defined tables.
    tables: Vec<Table> = 8, "tables";
    /// Defined memories.
    memories: Vec<Memory> = 9, "memories";
    /// Defined globals.
    globals: Vec<Global> = 10, "globals";
    /// Data segments.
    data: Vec<DataSegment> = 11, "data segments";
    /// Element segments.
    elems: Vec<ElemSegment> = 12, "element segments";
    /// Position of the start function in the list of function entries.
    start: Option<u32> = 13, "the start function";
    /// The number of types in each recursion group, in order.
    type_groups: Vec<u32> = 14, "recursion groups";
    /// Defined tags, each by the index of the function type whose parameters are its values.
    tags: Vec<u32> = 15, "tags", later;
    /// Where the exception table lies, see [`crate::exception`].
    exceptions: FileRange = 16, "the exception table's place", later;
    /// If the code counts the operators that it executes: where those lie that it leaves uncharged, see
    /// [`crate::meter`].
    meter: Option<FileRange> = 17, "the meter table's place", later;
    /// Where the code table lies, see [`crate::code`]. A file without one cannot be verified.
    code: Option<FileRange> = 18, "the code table's place", later;
    /// The component that the module was flattened from, if it was.
    component: Option<Component> = 19, "the component", optional;
    /// How the artifact was made.
    build: Option<BuildRecord> = 22, "the build record", optional;
    /// Where the line table lies, see [`crate::lines`]; there is none if the module had no debug information.
    lines: Option<FileRange> = 24, "the line table's place", optional;
    /// How the module was initialised before it was compiled, if it was.
    preinit: Option<Preinit> = 20, "the initialisation", optional;
    /// Pages of the first memory that calls are known to write: the initial hot set of pools.
    hot_pages: Vec<PageRun> = 21, "hot pages", optional;
}

impl Descriptor {
    /// The counts that fix the state layout.
    pub fn counts(&self) -> Counts {
        Counts {
            types: self.types.len() as u32,
            imported_functions: self.imported_functions().count() as u32,
            tables: self.all_tables().count() as u32,
            memories: self.all_memories().count() as u32,
            imported_globals: self.all_globals().count() as u32 - self.globals.len() as u32,
            defined_globals: self.globals.len() as u32,
            data_segments: self.data.len() as u32,
            elem_segments: self.elems.len() as u32,
        }
    }

    /// The index of each imported function's type, in order of function index.
    pub fn imported_functions(&self) -> impl Iterator<Item = u32> {
        self.imported(|kind| if let ImportKind::Func { ty } = *kind { Some(ty) } else { None })
    }

    /// All tables in order of index, each with its definition unless it is imported.
    pub fn all_tables(&self) -> impl Iterator<Item = (TableType, Option<&Table>)> {
        self.imported(|kind| if let ImportKind::Table { ty } = *kind { Some((ty, None)) } else { None })
            .chain(self.tables.iter().map(|table| (table.ty, Some(table))))
    }

    /// All memories in order of index, each with its definition unless it is imported.
    pub fn all_memories(&self) -> impl Iterator<Item = (MemoryType, Option<&Memory>)> {
        self.imported(|kind| if let ImportKind::Memory { ty } = *kind { Some((ty, None)) } else { None })
            .chain(self.memories.iter().map(|memory| (memory.ty, Some(memory))))
    }

    /// All globals in order of index, each with its definition unless it is imported.
    pub fn all_globals(&self) -> impl Iterator<Item = (GlobalType, Option<&Global>)> {
        self.imported(|kind| if let ImportKind::Global { ty } = *kind { Some((ty, None)) } else { None })
            .chain(self.globals.iter().map(|global| (global.ty, Some(global))))
    }

    /// What `wanted` returns for the imports of its kind.
    fn imported<T>(&self, wanted: impl Fn(&ImportKind) -> Option<T>) -> impl Iterator<Item = T> {
        self.imports.iter().filter_map(move |import| wanted(&import.kind))
    }

    /// The convention that the code's tail entries follow.
    pub fn convention(&self) -> u32 {
        if self.meter.is_some() { METERED_CONVENTION } else { TAIL_CONVENTION }
    }

    /// Of each tag, imported ones first, the index of its function type.
    pub fn tag_types(&self) -> impl Iterator<Item = u32> {
        self.imported(|kind| if let ImportKind::Tag { ty } = *kind { Some(ty) } else { None })
            .chain(self.tags.iter().copied())
    }

    /// The state layout of the module's instances.
    ///
    /// # Errors
    /// It exceeds [`crate::slot::MAX_STATE`].
    pub fn state_layout(&self) -> Result<StateLayout, StateTooLarge> {
        StateLayout::new(self.counts())
    }

    /// Ranges of `types` that are recursion groups, up to the first one that is not inside the list. Together
    /// they are all of the list in an artifact that is sound.
    pub fn recursion_groups(&self) -> impl Iterator<Item = core::ops::Range<usize>> {
        self.type_groups.iter().scan(0usize, |start, &size| {
            let end = start.checked_add(size as usize).filter(|&end| end <= self.types.len())?;
            Some(core::mem::replace(start, end)..end)
        })
    }

    /// The entry of a function, if it can be reached from outside.
    pub fn entry_of(&self, func: u32) -> Option<&FuncEntry> {
        let position = self.entries.binary_search_by_key(&func, |entry| entry.func).ok()?;
        Some(&self.entries[position])
    }
}

#[cfg(test)]
mod tests;
