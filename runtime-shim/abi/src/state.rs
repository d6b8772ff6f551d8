//! Instance state: what lies at which (negative) offset from vmctx.
//!
//! ```text
//!     constants: read-only once the instance is made            state: writable
//!  |..| globals* | memories | tables | functions | types | fixed | stack | dropped | lengths | globals | fixed |
//!                                                                |       |                                vmctx
//!                                            vmctx - distance ---+       +--- vmctx - rw_bytes
//! ```
//!
//! **Invariants.** Both parts are fixed in size by the counts in the descriptor. The constants are whole
//! pages; the state may share its lowest page with the stack. Code pointers and base addresses lie only in
//! the constant part, so that no store below the heap can redirect control. Compiled code addresses every
//! item as `[vmctx - constant]`.
//!
//! Items of the writable part (all reset at a start):
//! * fixed: [`StateLayout::MEMORY0_LENGTH`], the cells [`ACTIVATION_CELL`] and [`INSTANCE_CELL`], and
//!   reserved words;
//! * one 16-byte cell per *defined* global;
//! * one 8-byte length per memory (bytes) and per table (elements), imported ones unused;
//! * one bit per data segment, then per element segment: 1 when it was dropped.
//!
//! Items of the constant part:
//! * fixed: see the `CONST_*` constants;
//! * `types`: a process-wide id (`u32`) per type of the descriptor;
//! * `functions`: a [`ImportedFunction`] per imported function;
//! * `tables`, `memories`: a [`TableRef`] / [`MemoryRef`] per table and memory, imported or defined;
//! * `globals*`: an address per imported global.

use crate::slot::{self, HOST_PAGE};
use core::mem::offset_of;

/// How a compiled function reaches an imported one: through its array entry, or by a tail call.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImportedFunction {
    /// Address of the array entry, see [`crate::entry`].
    pub array_entry: u64,
    /// First argument of the array entry: the vmctx of the instance that defines the function, or
    /// the host's record of it.
    pub context: u64,
    /// Address of the tail entry, to which `context` is the first argument as well; 0 if there is none that
    /// this module may use, as for host functions.
    pub tail_entry: u64,
}

/// A table as compiled code sees it. Elements are 8 bytes each: a [`FuncRef`] address or a
/// zero-extended reference index, 0 for null.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableRef {
    /// Address of element 0; it never moves.
    pub base: u64,
    /// Address of the current length, in elements.
    pub length: u64,
}

/// A memory as compiled code sees it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryRef {
    /// Address of byte 0; it never moves.
    pub base: u64,
    /// Address of the current length, in bytes.
    pub length: u64,
}

/// What a non-null function reference points to.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FuncRef {
    /// Address of the entry for compiled code.
    pub tail_entry: u64,
    /// Address of the array entry, which all other callers use.
    pub array_entry: u64,
    /// Process-wide id of the function's type.
    pub type_id: u32,
    /// [`crate::version::TAIL_CONVENTION`] of the artifact that holds the entries.
    pub convention: u32,
    /// The instance that the function belongs to: first argument of both entries.
    pub vmctx: u64,
}

/// An entry of a table that cannot change: it lies in the artifact, not in the instance.
///
/// The `rel`ative address counts from the start of the table. A null element has type
/// [`ConstEntry::NULL_TYPE`], which no call site asks for. In the file both fields are little-endian.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConstEntry {
    /// Tail entry, relative to the address of the table's first entry.
    pub rel: i32,
    /// Index of the function's type in the descriptor.
    pub ty: u32,
}

impl ConstEntry {
    /// Bytes of an entry.
    pub const SIZE: u32 = size_of::<Self>() as u32;
    /// Offset of the field `rel`.
    pub const REL: i32 = offset_of!(Self, rel) as i32;
    /// Offset of the field `ty`.
    pub const TYPE: i32 = offset_of!(Self, ty) as i32;
    /// The type of a null element.
    pub const NULL_TYPE: u32 = u32::MAX;
    /// Entry of a null element.
    pub const NULL: Self = Self { rel: 0, ty: Self::NULL_TYPE };

    /// The bytes of an entry in the file.
    pub const fn to_bytes(self) -> [u8; Self::SIZE as usize] {
        let mut bytes = [0; Self::SIZE as usize];
        let (rel, ty) = (self.rel.to_le_bytes(), self.ty.to_le_bytes());
        bytes.split_at_mut(Self::REL as usize).1.split_at_mut(rel.len()).0.copy_from_slice(&rel);
        bytes.split_at_mut(Self::TYPE as usize).1.split_at_mut(ty.len()).0.copy_from_slice(&ty);
        bytes
    }
}

const _: () = {
    // Code computes the address of an entry by a shift.
    assert!(ConstEntry::SIZE.is_power_of_two());
    assert!(ConstEntry::SIZE as usize == size_of::<i32>() + size_of::<u32>());
};

/// Bytes of a table element.
pub const TABLE_ELEMENT: u64 = 8;

/// Bytes of a global's cell.
pub const GLOBAL_CELL: u32 = 16;

/// The counts that fix a module's state layout.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Types in the descriptor.
    pub types: u32,
    /// Number of imported functions.
    pub imported_functions: u32,
    /// Imported and defined tables.
    pub tables: u32,
    /// Imported and defined memories.
    pub memories: u32,
    /// Number of imported globals.
    pub imported_globals: u32,
    /// Number of defined globals.
    pub defined_globals: u32,
    /// Number of data segments.
    pub data_segments: u32,
    /// Number of element segments.
    pub elem_segments: u32,
}

/// Offsets from vmctx of one module's state. All are negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateLayout {
    counts: Counts,
    rw_bytes: u32,
    const_distance: u32,
    const_bytes: u32,
    /// How far each run of [`STATE`] reaches below vmctx.
    state: [u32; STATE.len()],
    /// How far each run of [`CONSTANTS`] reaches below the end of the constants.
    constants: [u32; CONSTANTS.len()],
}

/// The layout does not fit: too many globals, imports or segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StateTooLarge {
    /// Bytes that the state would need.
    pub needed: u64,
}

/// The fixed words of the writable part, which end at vmctx.
#[repr(C)]
struct FixedState {
    reserved: [u64; 5],
    /// See [`INSTANCE_CELL`].
    instance: u64,
    /// See [`ACTIVATION_CELL`].
    activation: u64,
    /// See [`StateLayout::MEMORY0_LENGTH`].
    memory0_length: u64,
}

/// The fixed words of the constant part, which end where it ends.
#[repr(C)]
struct FixedConstants {
    reserved: [u64; 5],
    /// See [`StateLayout::funcrefs`].
    funcrefs: u64,
    /// See [`StateLayout::builtins`].
    builtins: u64,
    /// See [`StateLayout::instance`].
    instance: u64,
}

const RW_FIXED: u32 = size_of::<FixedState>() as u32;
const CONST_FIXED: u32 = size_of::<FixedConstants>() as u32;
const LENGTH: u32 = size_of::<u64>() as u32;

/// Equal items, one after the other.
struct Run {
    /// Bytes of an item.
    size: u32,
    /// How many there are, with those that only align the next run.
    count: fn(&Counts) -> u64,
}

/// The runs of the writable part, from vmctx downwards.
const STATE: [Run; 4] = [
    Run { size: RW_FIXED, count: |_| 1 },
    Run { size: GLOBAL_CELL, count: |counts| counts.defined_globals.into() },
    Run { size: LENGTH, count: |counts| u64::from(counts.memories) + u64::from(counts.tables) },
    Run { size: size_of::<u64>() as u32, count: dropped_words },
];

// Their positions, also among the distances of a layout.
const FIXED: usize = 0;
const GLOBALS: usize = 1;
const LENGTHS: usize = 2;
const DROPPED: usize = 3;

/// The runs of the constant part, from its end downwards.
const CONSTANTS: [Run; 6] = [
    Run { size: CONST_FIXED, count: |_| 1 },
    Run { size: size_of::<u32>() as u32, count: |counts| u64::from(counts.types).next_multiple_of(2) },
    Run { size: size_of::<ImportedFunction>() as u32, count: |counts| counts.imported_functions.into() },
    Run { size: size_of::<TableRef>() as u32, count: |counts| counts.tables.into() },
    Run { size: size_of::<MemoryRef>() as u32, count: |counts| counts.memories.into() },
    Run { size: size_of::<u64>() as u32, count: |counts| counts.imported_globals.into() },
];

// Their positions, behind that of the fixed words.
const TYPES: usize = 1;
const FUNCTIONS: usize = 2;
const TABLES: usize = 3;
const MEMORIES: usize = 4;
const IMPORTED_GLOBALS: usize = 5;

fn dropped_words(counts: &Counts) -> u64 {
    (u64::from(counts.data_segments) + u64::from(counts.elem_segments)).div_ceil(64)
}

/// How far each run reaches when they lie one below the other, and the sum of them all.
fn stack<const RUNS: usize>(runs: &[Run; RUNS], counts: &Counts) -> ([u64; RUNS], u64) {
    let mut end = 0;
    let ends = core::array::from_fn(|run| {
        end += (runs[run].count)(counts) * u64::from(runs[run].size);
        end
    });
    (ends, end)
}

/// Distance from vmctx down to the word that holds the address of the runtime's record of the instance.
pub const INSTANCE_CELL: u64 = RW_FIXED as u64 - offset_of!(FixedState, instance) as u64;

/// Distance from vmctx down to the activation cell, which holds the address of the running activation's
/// record.
pub const ACTIVATION_CELL: u64 = RW_FIXED as u64 - offset_of!(FixedState, activation) as u64;

const _: () = {
    // Artifacts and runtimes of this ABI have the words here, whatever is added to the structures.
    assert!(RW_FIXED == 64 && CONST_FIXED == 64);
    assert!(StateLayout::MEMORY0_LENGTH == -8 && ACTIVATION_CELL == 16 && INSTANCE_CELL == 24);
};

impl StateLayout {
    /// Current length in bytes of the memory that starts at vmctx (`u64`).
    pub const MEMORY0_LENGTH: i32 = offset_of!(FixedState, memory0_length) as i32 - RW_FIXED as i32;

    /// Works out the layout.
    ///
    /// # Errors
    /// It exceeds [`crate::slot::MAX_STATE`].
    pub fn new(counts: Counts) -> Result<Self, StateTooLarge> {
        let (state, rw) = stack(&STATE, &counts);
        let (constants, used) = stack(&CONSTANTS, &counts);
        let (rw, bytes) = (rw.next_multiple_of(16), used.next_multiple_of(HOST_PAGE));
        let distance = rw.next_multiple_of(HOST_PAGE).max(slot::CONSTANTS);
        if distance + bytes > slot::MAX_STATE {
            return Err(StateTooLarge { needed: distance + bytes });
        }
        Ok(Self {
            counts,
            rw_bytes: rw as u32,
            const_distance: distance as u32,
            const_bytes: bytes as u32,
            state: state.map(|end| end as u32),
            constants: constants.map(|end| end as u32),
        })
    }

    /// The counts it was made from.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Bytes of the writable part, which ends at vmctx. A multiple of 16.
    pub fn rw_bytes(&self) -> u32 {
        self.rw_bytes
    }

    /// Distance from vmctx of the end of the constant part. Whole pages.
    pub fn const_distance(&self) -> u32 {
        self.const_distance
    }

    /// Bytes of the constant part. Whole pages.
    pub fn const_bytes(&self) -> u32 {
        self.const_bytes
    }

    /// Size in bytes of the items in the constant part, which grow down from its end. The rest of its lowest
    /// page is free.
    pub fn const_used(&self) -> u32 {
        self.constants[IMPORTED_GLOBALS]
    }

    /// An item of a run of the writable part.
    fn state_item(&self, run: usize, index: u32) -> i32 {
        -((self.state[run - 1] + (index + 1) * STATE[run].size) as i32)
    }

    /// The cell of a defined global.
    pub fn global(&self, defined: u32) -> i32 {
        debug_assert!(defined < self.counts.defined_globals);
        self.state_item(GLOBALS, defined)
    }

    /// The current length of a defined memory, in bytes.
    pub fn memory_length(&self, index: u32) -> i32 {
        debug_assert!(index < self.counts.memories);
        self.state_item(LENGTHS, index)
    }

    /// The current length of a defined table, in elements.
    pub fn table_length(&self, index: u32) -> i32 {
        debug_assert!(index < self.counts.tables);
        self.state_item(LENGTHS, self.counts.memories + index)
    }

    /// First of the words that note dropped segments. Bit `i` is data segment `i`, bit
    /// `data_segments + i` element segment `i`; bits count upwards from this offset.
    pub fn dropped(&self) -> i32 {
        -(self.state[DROPPED] as i32)
    }

    /// Bytes of the words that note dropped segments.
    pub fn dropped_bytes(&self) -> u32 {
        self.state[DROPPED] - self.state[LENGTHS]
    }

    /// What lies this far below the end of the constants.
    fn below_constants(&self, bytes: u32) -> i32 {
        -((self.const_distance + bytes) as i32)
    }

    /// A fixed word of the constant part, by its offset among them.
    fn fixed_constant(&self, offset: usize) -> i32 {
        self.below_constants(self.constants[FIXED] - offset as u32)
    }

    /// An item of a run of the constant part.
    fn constant_item(&self, run: usize, index: u32) -> i32 {
        self.below_constants(self.constants[run - 1] + (index + 1) * CONSTANTS[run].size)
    }

    /// Address of the runtime's record of this instance.
    pub fn instance(&self) -> i32 {
        self.fixed_constant(offset_of!(FixedConstants, instance))
    }

    /// Address of the table of builtins, see [`crate::builtin`].
    pub fn builtins(&self) -> i32 {
        self.fixed_constant(offset_of!(FixedConstants, builtins))
    }

    /// Address of the first [`FuncRef`] of the instance, one per entry of the descriptor's list of
    /// function entries, in its order.
    pub fn funcrefs(&self) -> i32 {
        self.fixed_constant(offset_of!(FixedConstants, funcrefs))
    }

    /// Process-wide id of a type.
    pub fn type_id(&self, ty: u32) -> i32 {
        debug_assert!(ty < self.counts.types);
        self.constant_item(TYPES, ty)
    }

    /// The [`ImportedFunction`] of an import.
    pub fn imported_function(&self, index: u32) -> i32 {
        debug_assert!(index < self.counts.imported_functions);
        self.constant_item(FUNCTIONS, index)
    }

    /// The [`TableRef`] of a table.
    pub fn table(&self, index: u32) -> i32 {
        debug_assert!(index < self.counts.tables);
        self.constant_item(TABLES, index)
    }

    /// The [`MemoryRef`] of a memory.
    pub fn memory(&self, index: u32) -> i32 {
        debug_assert!(index < self.counts.memories);
        self.constant_item(MEMORIES, index)
    }

    /// The address of an imported global's cell.
    pub fn imported_global(&self, index: u32) -> i32 {
        debug_assert!(index < self.counts.imported_globals);
        self.constant_item(IMPORTED_GLOBALS, index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// No two items overlap, all lie inside their part, all are aligned to their size.
    #[test]
    fn items_are_disjoint_and_inside_their_part() {
        let counts = Counts {
            types: 3,
            imported_functions: 5,
            tables: 2,
            memories: 2,
            imported_globals: 3,
            defined_globals: 300,
            data_segments: 60,
            elem_segments: 10,
        };
        let l = StateLayout::new(counts).unwrap();
        let mut rw: Vec<(i32, i32)> = (0..counts.defined_globals).map(|i| (l.global(i), 16)).collect();
        rw.extend((0..counts.memories).map(|i| (l.memory_length(i), 8)));
        rw.extend((0..counts.tables).map(|i| (l.table_length(i), 8)));
        rw.push((l.dropped(), l.dropped_bytes() as i32));
        rw.push((StateLayout::MEMORY0_LENGTH, 8));
        rw.push((-(ACTIVATION_CELL as i32), 8));
        rw.push((-(INSTANCE_CELL as i32), 8));
        let mut constants = alloc::vec![(l.instance(), 8), (l.builtins(), 8), (l.funcrefs(), 8)];
        constants.extend((0..counts.types).map(|i| (l.type_id(i), 4)));
        constants.extend((0..counts.imported_functions).map(|i| (l.imported_function(i), 24)));
        constants.extend((0..counts.tables).map(|i| (l.table(i), 16)));
        constants.extend((0..counts.memories).map(|i| (l.memory(i), 16)));
        constants.extend((0..counts.imported_globals).map(|i| (l.imported_global(i), 8)));

        let lowest = constants.iter().map(|&(offset, _)| offset).min().unwrap();
        assert_eq!(lowest, -((l.const_distance() + l.const_used()) as i32));
        assert_eq!(l.const_bytes(), l.const_used().next_multiple_of(HOST_PAGE as u32));

        let rw_start = -(l.rw_bytes() as i32);
        let const_end = -(l.const_distance() as i32);
        let const_start = const_end - l.const_bytes() as i32;
        for (items, start, end) in [(&mut rw, rw_start, 0), (&mut constants, const_start, const_end)] {
            items.sort_unstable();
            for pair in items.windows(2) {
                assert!(pair[0].0 + pair[0].1 <= pair[1].0, "{pair:?} overlap");
            }
            for &(offset, size) in items.iter() {
                assert!(offset >= start && offset + size <= end, "{offset} is outside its part");
                assert_eq!(offset % size.min(8), 0);
            }
        }
    }

    /// One item of each kind, sorted by its offset.
    #[test]
    fn the_figure_shows_the_items_in_their_order() {
        let counts = Counts {
            types: 1,
            imported_functions: 1,
            tables: 1,
            memories: 1,
            imported_globals: 1,
            defined_globals: 1,
            data_segments: 1,
            elem_segments: 0,
        };
        let l = StateLayout::new(counts).unwrap();
        let mut items = [
            (l.imported_global(0), "globals*"),
            (l.memory(0), "memories"),
            (l.table(0), "tables"),
            (l.imported_function(0), "functions"),
            (l.type_id(0), "types"),
            (l.instance(), "fixed"),
            (-(l.rw_bytes() as i32) - 8, "stack"),
            (l.dropped(), "dropped"),
            (l.memory_length(0), "lengths"),
            (l.global(0), "globals"),
            (StateLayout::MEMORY0_LENGTH, "fixed"),
        ];
        items.sort_unstable();
        let row = alloc::format!("//!  |..| {} |\n", items.map(|(_, label)| label).join(" | "));
        let text = include_str!("state.rs");
        assert!(text.contains(&row), "the figure at the head of this file is to have the row\n{row}");
    }

    /// What a module has in every artifact of this ABI.
    #[test]
    fn items_lie_where_artifacts_have_them() {
        let counts = Counts {
            types: 3,
            imported_functions: 2,
            tables: 2,
            memories: 2,
            imported_globals: 1,
            defined_globals: 4,
            data_segments: 65,
            elem_segments: 0,
        };
        let l = StateLayout::new(counts).unwrap();
        assert_eq!([l.global(0), l.global(3)], [-80, -128]);
        assert_eq!([l.memory_length(1), l.table_length(0), l.table_length(1)], [-144, -152, -160]);
        assert_eq!((l.dropped(), l.dropped_bytes(), l.rw_bytes()), (-176, 16, 176));
        let below = |offset: i32| -offset - l.const_distance() as i32;
        assert_eq!([l.instance(), l.builtins(), l.funcrefs()].map(below), [8, 16, 24]);
        assert_eq!([l.type_id(0), l.type_id(2), l.imported_function(0)].map(below), [68, 76, 104]);
        assert_eq!([l.table(1), l.memory(1), l.imported_global(0)].map(below), [160, 192, 200]);
        assert_eq!((l.const_used(), l.const_bytes()), (200, HOST_PAGE as u32));
    }

    #[test]
    fn too_many_globals_are_refused() {
        let counts = Counts { defined_globals: 1 << 20, ..Counts::default() };
        assert!(StateLayout::new(counts).is_err());
    }
}
