//! The bulk operators on memories and tables, for builtins and for active segments.
//!
//! **Invariants.** Every range is checked against the current length before the first byte or element is
//! written. An operation of any length looks at the deadline every few hundred microseconds; one that is
//! ended by it may have been carried out in part. What code that counts asks for is paid for before that.

use crate::os::guarded::CopyError;
use crate::run::fuel::Payer;
use crate::run::interrupt;
use crate::state::demand::item_count;
use crate::state::error::MemoryError;
use crate::state::instance::InstanceCore;
use crate::state::limits::Refused;
use crate::state::table::Element;
use std::cell::Cell;
use wasmaot_abi::descriptor::{ElemItems, FileRange};
use wasmaot_abi::meter::{bytes_price, elements_price};
use wasmaot_abi::trap::TrapCode;

fn memory_trap(error: MemoryError) -> TrapCode {
    error.trap_code().expect("an access fails like one of a guest")
}

/// Bytes after which a long operation asks whether its caller is to be stopped: some hundred microseconds, if
/// each page is touched for the first time.
const BYTES: usize = 1 << 20;

/// The same for elements of tables.
const ELEMENTS: usize = 1 << 15;

/// Carries out an operation on parts of a range, given by where they begin and their length; from the last
/// one to the first if `backwards`.
fn in_parts(
    length: usize,
    most: usize,
    backwards: bool,
    mut part: impl FnMut(usize, usize) -> Result<(), TrapCode>,
) -> Result<(), TrapCode> {
    if length <= most {
        return part(0, length);
    }
    let count = length.div_ceil(most);
    for number in 0..count {
        let start = most * if backwards { count - 1 - number } else { number };
        part(start, most.min(length - start))?;
        if let Some(code) = interrupt::due() {
            return Err(code);
        }
    }
    Ok(())
}

fn copy_trap(error: CopyError) -> TrapCode {
    memory_trap(error.into())
}

/// Sets elements to one value.
fn fill(elements: &[Cell<Element>], value: Element) -> Result<(), TrapCode> {
    in_parts(elements.len(), ELEMENTS, false, |at, length| {
        elements[at..at + length].iter().for_each(|element| element.set(value));
        Ok(())
    })
}

impl InstanceCore {
    /// `memory.fill`.
    pub(crate) fn memory_fill(&self, memory: u32, to: u64, byte: u8, length: u64) -> Result<(), TrapCode> {
        let memory = self.memory(memory);
        memory.address(to, length).map_err(memory_trap)?;
        Payer::Guest.pay(bytes_price(length))?;
        in_parts(length as usize, BYTES, false, |at, length| {
            memory.pages().fill(to as usize + at, byte, length).map_err(copy_trap)
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
        let (from_memory, to_memory) = (self.memory(from_memory), self.memory(to_memory));
        let source = from_memory.address(from, length).map_err(memory_trap)?;
        let target = to_memory.address(to, length).map_err(memory_trap)?;
        Payer::Guest.pay(bytes_price(length))?;
        in_parts(length as usize, BYTES, target > source, |at, length| {
            let (to, from) = (to as usize + at, from as usize + at);
            to_memory.pages().copy(to, from_memory.pages(), from, length).map_err(copy_trap)
        })
    }

    /// `memory.init`.
    pub(crate) fn memory_init(
        &self,
        payer: Payer,
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
        let memory = self.memory(memory);
        memory.address(to, length).map_err(memory_trap)?;
        let Some((pages, start)) = self.module().data(file).filter(|_| length > 0) else { return Ok(()) };
        payer.pay(bytes_price(length))?;
        in_parts(length as usize, BYTES, false, |at, length| {
            let (to, from) = (to as usize + at, start + from as usize + at);
            memory.pages().copy(to, pages, from, length).map_err(copy_trap)
        })
    }

    /// Elements of a table. A constant table has none that an operator could reach.
    fn elements(&self, table: u32, start: u64, count: u64) -> Result<&[Cell<Element>], TrapCode> {
        let table = self.table(table).ok_or(TrapCode::TableOutOfBounds)?;
        table.range(start, count).ok_or(TrapCode::TableOutOfBounds)
    }

    /// `table.fill`.
    pub(crate) fn table_fill(
        &self,
        table: u32,
        to: u64,
        value: Element,
        length: u64,
    ) -> Result<(), TrapCode> {
        let elements = self.elements(table, to, length)?;
        Payer::Guest.pay(elements_price(length))?;
        fill(elements, value)
    }

    /// `memory.grow`. Returns the old number of pages, or why the memory stays as it is.
    pub(crate) fn memory_grow(&self, memory: u32, pages: u64) -> Result<Result<u64, Refused>, TrapCode> {
        let (mut paid, mut price) = (Ok(()), 0);
        let grown = self.memory(memory).grow(pages, |added| {
            price = bytes_price(added);
            paid = Payer::Guest.pay(price);
            paid.is_ok()
        });
        if grown.is_err() {
            Payer::Guest.refund(price);
        }
        paid.map(|()| grown)
    }

    /// `table.grow`. Returns the old length, or why the table stays as it is.
    pub(crate) fn table_grow(
        &self,
        table: u32,
        count: u64,
        value: Element,
    ) -> Result<Result<u64, Refused>, TrapCode> {
        let Some(table) = self.table(table) else { return Ok(Err(Refused::Declared)) };
        let mut filled = Ok(());
        let grown = table.grow(count, |added| {
            filled = Payer::Guest.pay(elements_price(count)).and_then(|()| fill(added, value));
            filled.is_ok()
        });
        filled.map(|()| grown)
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
        Payer::Guest.pay(elements_price(length))?;
        let backwards = target.as_ptr() > source.as_ptr();
        in_parts(target.len(), ELEMENTS, backwards, |at, length| {
            let pairs = target[at..at + length].iter().zip(&source[at..at + length]);
            if backwards {
                pairs.rev().for_each(|(to, from)| to.set(from.get()));
            } else {
                pairs.for_each(|(to, from)| to.set(from.get()));
            }
            Ok(())
        })
    }

    /// `table.init`.
    pub(crate) fn table_init(
        &self,
        payer: Payer,
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
        let target = self.elements(table, to, length)?;
        payer.pay(elements_price(length))?;
        in_parts(target.len(), ELEMENTS, false, |at, length| {
            self.write_items(&target[at..at + length], items, from as usize + at);
            Ok(())
        })
    }

    /// Sets elements to items of a segment, from item `first` on.
    pub(super) fn write_items(&self, elements: &[Cell<Element>], items: &ElemItems, first: usize) {
        let items_of = first..first + elements.len();
        match items {
            ElemItems::Entries { entries } => {
                for (element, &entry) in elements.iter().zip(&entries[items_of]) {
                    element.set(self.element_of(entry));
                }
            }
            ElemItems::Exprs { exprs } => {
                for (element, expr) in elements.iter().zip(&exprs[items_of]) {
                    element.set(self.evaluate_element(expr));
                }
            }
        }
    }
}
