//! The bulk operators on memories and tables, for builtins and for active segments.
//!
//! **Invariant: every range is checked against the current length before the first byte or element is written.**

use crate::os::guarded::{self, CopyError};
use crate::run::interrupt;
use crate::state::error::AccessError;
use crate::state::instance::InstanceCore;
use std::cell::Cell;
use wasmaot_abi::descriptor::{ElemItems, FileRange};
use wasmaot_abi::trap::TrapCode;

fn memory_trap(error: AccessError) -> TrapCode {
    match error {
        AccessError::OutOfBounds { .. } => TrapCode::MemoryOutOfBounds,
        AccessError::ArtifactChanged => TrapCode::ArtifactChanged,
        AccessError::OutOfMemory => TrapCode::OutOfMemory,
    }
}

/// Bytes after which a long operation asks whether its caller is to be stopped: some hundred microseconds.
const CHUNK: usize = 4 << 20;

/// Carries out an operation on parts of a range, given by where they begin and their length; from the last one to the first if
/// `backwards`.
fn in_chunks(
    length: usize,
    backwards: bool,
    mut part: impl FnMut(usize, usize) -> Result<(), CopyError>,
) -> Result<(), TrapCode> {
    let failed = |error: CopyError| memory_trap(error.into());
    if length <= CHUNK {
        return part(0, length).map_err(failed);
    }
    let count = length.div_ceil(CHUNK);
    for number in 0..count {
        let start = CHUNK * if backwards { count - 1 - number } else { number };
        part(start, CHUNK.min(length - start)).map_err(failed)?;
        if let Some(code) = interrupt::due_after_poke() {
            return Err(code);
        }
    }
    Ok(())
}

impl InstanceCore {
    /// `memory.fill`.
    pub(crate) fn memory_fill(&self, memory: u32, to: u64, byte: u8, length: u64) -> Result<(), TrapCode> {
        let to = self.memory(memory).address(to, length).map_err(memory_trap)?;
        in_chunks(length as usize, false, |at, length| {
            // SAFETY: the range is inside the memory.
            unsafe { guarded::fill(to.add(at), byte, length) }
        })
    }

    /// `memory.copy`.
    pub(crate) fn memory_copy(
        &self,
        to_memory: u32,
        from_memory: u32,
        to: u64,
        from: u64,
        length: u64,
    ) -> Result<(), TrapCode> {
        let from = self.memory(from_memory).address(from, length).map_err(memory_trap)?;
        let to = self.memory(to_memory).address(to, length).map_err(memory_trap)?;
        in_chunks(length as usize, to > from, |at, length| {
            // SAFETY: both ranges are inside their memories.
            unsafe { guarded::copy(to.add(at), from.add(at), length) }
        })
    }

    /// `memory.init`.
    pub(crate) fn memory_init(
        &self,
        memory: u32,
        segment: u32,
        to: u64,
        from: u64,
        length: u64,
    ) -> Result<(), TrapCode> {
        let dropped = self.is_data_dropped(segment);
        let file = self.module().descriptor().data[segment as usize].file;
        let file = if dropped { FileRange { length: 0, ..file } } else { file };
        if from.checked_add(length).is_none_or(|end| end > file.length) {
            return Err(TrapCode::MemoryOutOfBounds);
        }
        let to = self.memory(memory).address(to, length).map_err(memory_trap)?;
        if length == 0 {
            return Ok(());
        }
        let from = self.module().data_address(file) + from as usize;
        in_chunks(length as usize, false, |at, length| {
            // SAFETY: `to` is inside the memory, `from` inside the module's mapped data.
            unsafe { guarded::copy(to.add(at), (from + at) as *const u8, length) }
        })
    }

    /// Elements of a table. A constant table has none that an operator could reach.
    fn elements(&self, table: u32, start: u64, count: u64) -> Result<&[Cell<u64>], TrapCode> {
        let table = self.table(table).ok_or(TrapCode::TableOutOfBounds)?;
        table.range(start, count).ok_or(TrapCode::TableOutOfBounds)
    }

    /// `table.fill`.
    pub(crate) fn table_fill(&self, table: u32, to: u64, value: u64, length: u64) -> Result<(), TrapCode> {
        for element in self.elements(table, to, length)? {
            element.set(value);
        }
        Ok(())
    }

    /// `table.copy`.
    pub(crate) fn table_copy(
        &self,
        to_table: u32,
        from_table: u32,
        to: u64,
        from: u64,
        length: u64,
    ) -> Result<(), TrapCode> {
        let source = self.elements(from_table, from, length)?;
        let target = self.elements(to_table, to, length)?;
        let pairs = target.iter().zip(source);
        if target.as_ptr() <= source.as_ptr() {
            pairs.for_each(|(to, from)| to.set(from.get()));
        } else {
            pairs.rev().for_each(|(to, from)| to.set(from.get()));
        }
        Ok(())
    }

    /// `table.init`.
    pub(crate) fn table_init(
        &self,
        table: u32,
        segment: u32,
        to: u64,
        from: u64,
        length: u64,
    ) -> Result<(), TrapCode> {
        let items = &self.module().descriptor().elems[segment as usize].items;
        let count = if self.is_elem_dropped(segment) { 0 } else { item_count(items) };
        if from.checked_add(length).is_none_or(|end| end > count) {
            return Err(TrapCode::TableOutOfBounds);
        }
        let range = from as usize..(from + length) as usize;
        let target = self.elements(table, to, length)?;
        match items {
            ElemItems::Entries { entries } => {
                for (element, &entry) in target.iter().zip(&entries[range]) {
                    element.set(std::ptr::from_ref(self.funcref(entry as usize)) as u64);
                }
            }
            ElemItems::Exprs { exprs } => {
                for (element, expr) in target.iter().zip(&exprs[range]) {
                    element.set(self.evaluate(expr).low);
                }
            }
        }
        Ok(())
    }
}

/// Elements of a segment.
pub(crate) fn item_count(items: &ElemItems) -> u64 {
    match items {
        ElemItems::Entries { entries } => entries.len() as u64,
        ElemItems::Exprs { exprs } => exprs.len() as u64,
    }
}
