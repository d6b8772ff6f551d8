//! Gives the tables of a pooled instance their initial elements back.
//!
//! A small table is copied from a list of its elements. A larger one is mapped from a file in memory that holds them, or from nothing where
//! all are null: then dropping its pages is enough, which costs what the run used of it. **Invariant: after a reset all elements and the
//! length are as in a new instance.**

use super::reset::Failed;
use crate::os::map::memory_file;
use crate::state::instance::InstanceCore;
use crate::state::table::TableBody;
use std::cell::Cell;
use std::io;
use std::rc::Rc;
use wasmaot_abi::descriptor::ElemMode;

/// Elements up to which a table is copied: four pages of them.
const MAX_COPIED: u64 = 2048;

/// A table that can be given its initial elements back.
pub(super) struct ResetTable {
    body: Rc<TableBody>,
    size: u64,
    /// Its elements, unless its pages hold them again when they are dropped.
    copied: Option<Box<[u64]>>,
}

impl ResetTable {
    /// Takes charge of the tables that a new instance, whose segments are written, defines.
    pub(super) fn all(instance: &InstanceCore) -> Vec<Self> {
        let descriptor = instance.module().descriptor();
        let imported = instance.tables().len() - descriptor.tables.len();
        let mut is_written: Vec<_> = descriptor.tables.iter().map(|table| table.init.is_some()).collect();
        for elem in &descriptor.elems {
            if let ElemMode::Active { table, .. } = elem.mode
                && let Some(written) = (table as usize).checked_sub(imported)
            {
                is_written[written] = true;
            }
        }
        let tables = instance.tables()[imported..].iter().zip(is_written);
        tables.filter_map(|(table, is_written)| Some(Self::new(table.clone()?, is_written))).collect()
    }

    fn new(body: Rc<TableBody>, is_written: bool) -> Self {
        let size = body.size();
        let is_dropped = size > MAX_COPIED && (!is_written || put_into_file(&body).is_ok());
        let elements = || body.range(0, size).unwrap_or_default().iter().map(Cell::get).collect();
        let copied = (!is_dropped).then(elements);
        Self { body, size, copied }
    }

    /// Undoes whatever a run did.
    pub(super) fn reset(&self) -> Result<(), Failed> {
        match &self.copied {
            Some(initial) => {
                let elements = self.body.range(0, self.size).ok_or(Failed)?;
                elements.iter().zip(initial).for_each(|(element, &value)| element.set(value));
            }
            None => self.body.discard(self.size)?,
        }
        Ok(self.body.shrink(self.size)?)
    }
}

/// Maps a table from a file in memory that holds its elements.
fn put_into_file(body: &TableBody) -> io::Result<()> {
    let elements = body.range(0, body.size()).unwrap_or_default();
    let bytes: Vec<u8> = elements.iter().flat_map(|element| element.get().to_ne_bytes()).collect();
    body.map(&memory_file(c"wasmaot table", &bytes)?)
}
