//! The constant tables of an artifact, in `.rodata`.
//!
//! ```text
//!  | ConstEntry x elements of the first table | of the second | ... |
//! ```
//!
//! **Invariant: no table is empty here**: one without elements has an entry that fits no call, so
//! that its address is its own.

use crate::index::{CodeIndex, FuncIndex, TableIndex, TypeIndex};
use crate::key::FuncKeys;
use crate::module::tables::Elements;
use cranelift_entity::{PrimaryMap, SecondaryMap};
use wasmaot_abi::state::ConstEntry;

/// The constant tables with their places.
pub(super) struct ConstTables<'a> {
    elements: &'a PrimaryMap<TableIndex, Option<Elements>>,
    types: &'a PrimaryMap<FuncIndex, TypeIndex>,
    functions: &'a FuncKeys,
    offsets: SecondaryMap<TableIndex, Option<u64>>,
    size: u64,
}

impl<'a> ConstTables<'a> {
    /// Lays tables out, one after the other. `types` are those of the functions in them.
    pub(super) fn new(
        elements: &'a PrimaryMap<TableIndex, Option<Elements>>,
        types: &'a PrimaryMap<FuncIndex, TypeIndex>,
        functions: &'a FuncKeys,
    ) -> Self {
        let mut offsets = SecondaryMap::new();
        let mut size = 0;
        for (index, elements) in elements {
            if let Some(elements) = elements {
                offsets[index] = Some(size);
                size += elements.len().max(1) as u64 * u64::from(ConstEntry::SIZE);
            }
        }
        Self { elements, types, functions, offsets, size }
    }

    /// Bytes of all tables.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    /// Where a table lies, from the start of the first one; `None` if it is not constant.
    pub(super) fn offset(&self, table: TableIndex) -> Option<u64> {
        self.offsets[table]
    }

    /// Appends the tables to the file, whose end is where they begin. `place` returns where a
    /// function lies in the file.
    pub(super) fn write(&self, file: &mut Vec<u8>, place: impl Fn(CodeIndex) -> u64) {
        for elements in self.elements.values().flatten() {
            let start = file.len() as u64;
            if elements.is_empty() {
                file.extend_from_slice(&[0xff; ConstEntry::SIZE as usize]);
            }
            for &element in elements {
                let entry = element.map_or(ConstEntry::NULL, |func| ConstEntry {
                    // All that is loaded lies within 2 GiB, see `super::layout`.
                    rel: place(self.functions.code(self.functions.of_func(func))).wrapping_sub(start) as i32,
                    ty: self.types[func].as_u32(),
                });
                file.extend_from_slice(&entry.to_bytes());
            }
        }
    }
}
