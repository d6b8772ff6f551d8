//! Resets the tables of a pooled instance to their initial elements.
//!
//! A small table is copied from a list of its elements. A larger one is mapped from nothing, where all
//! elements are null, or from a file in memory that holds those of all such tables: then dropping its pages
//! is enough, which costs what the run used of it. The file is made by the first reset, so that the first
//! start does not wait for it. **Invariant: after a reset all elements and the length are as in a new
//! instance.**

use super::reset::Failed;
use crate::os::map::memory_file;
use crate::state::instance::InstanceCore;
use crate::state::table::{Element, TableBody};
use std::cell::Cell;
use std::fs::File;
use std::io::{self, Write};
use std::rc::Rc;
use wasmaot_abi::descriptor::ElemMode;
use wasmaot_abi::slot::HOST_PAGE;
use wasmaot_abi::state::TABLE_ELEMENT;

/// Elements up to which a table is copied: four pages of them.
const MAX_COPIED: u64 = 2048;

/// Elements that are written to the file at once: whole pages.
const WRITTEN: usize = 4096;

/// How a table gets its initial elements back.
enum Way {
    /// They are copied from here.
    Copy(Box<[Element]>),
    /// Its pages hold them again when they are dropped.
    Drop,
    /// They are to be written again, and to be mapped from a file from then on.
    Rewrite,
}

/// A table that can be given its initial elements back.
struct ResetTable {
    body: Rc<TableBody>,
    /// Its position among those that the instance defines.
    defined: usize,
    size: u64,
    way: Way,
}

/// The tables of an instance that can change.
pub(super) struct ResetTables(Vec<ResetTable>);

impl ResetTables {
    /// Takes charge of the tables that a new instance, whose segments are written, defines.
    pub(super) fn new(instance: &InstanceCore) -> Self {
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
        let tables = instance.tables()[imported..].iter().zip(is_written).enumerate();
        let tables = tables.filter_map(|(defined, (body, is_written))| {
            let body = body.clone()?;
            let size = body.size();
            let way = match (size > MAX_COPIED, is_written) {
                (false, _) => Way::Copy(elements_of(&body, size)),
                (true, false) => Way::Drop,
                (true, true) => Way::Rewrite,
            };
            Some(ResetTable { body, defined, size, way })
        });
        Self(tables.collect())
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Undoes whatever a run did.
    pub(super) fn reset(&mut self, instance: &InstanceCore) -> Result<(), Failed> {
        let mut is_mapped = true;
        for ResetTable { body, defined, size, way } in &self.0 {
            match way {
                Way::Copy(initial) => {
                    let elements = body.range(0, *size).ok_or(Failed)?;
                    elements.iter().zip(initial).for_each(|(element, &value)| element.set(value));
                }
                Way::Drop => body.discard(*size)?,
                Way::Rewrite => {
                    instance.rewrite_table(*defined);
                    is_mapped = false;
                }
            }
            body.shrink(*size)?;
        }
        if is_mapped { Ok(()) } else { self.map_rewritten() }
    }

    /// Maps tables that were rewritten from a file. If there can be none, they are copied from now on.
    #[cold]
    fn map_rewritten(&mut self) -> Result<(), Failed> {
        let rewritten = || self.0.iter().filter(|table| matches!(table.way, Way::Rewrite));
        let file = memory_file(c"wasmaot tables", |file| {
            rewritten().try_for_each(|table| write(table.body.range(0, table.size).unwrap_or_default(), file))
        });
        let mut offset = 0;
        for table in self.0.iter_mut().filter(|table| matches!(table.way, Way::Rewrite)) {
            table.way = match &file {
                Err(_) => Way::Copy(elements_of(&table.body, table.size)),
                Ok(file) => {
                    table.body.map(table.size, file, offset)?;
                    offset += (table.size * TABLE_ELEMENT).next_multiple_of(HOST_PAGE);
                    Way::Drop
                }
            };
        }
        Ok(())
    }
}

fn elements_of(body: &TableBody, size: u64) -> Box<[Element]> {
    body.range(0, size).unwrap_or_default().iter().map(Cell::get).collect()
}

/// Appends elements to a file, and zeros up to the end of the page.
fn write(elements: &[Cell<Element>], file: &mut File) -> io::Result<()> {
    const BYTES: usize = TABLE_ELEMENT as usize;
    let mut buffer = vec![0; WRITTEN * BYTES];
    for part in elements.chunks(WRITTEN) {
        for (bytes, element) in buffer.chunks_exact_mut(BYTES).zip(part) {
            bytes.copy_from_slice(&element.get().bits().to_ne_bytes());
        }
        let written = part.len() * BYTES;
        let end = written.next_multiple_of(HOST_PAGE as usize);
        buffer[written..end].fill(0);
        file.write_all(&buffer[..end])?;
    }
    Ok(())
}
