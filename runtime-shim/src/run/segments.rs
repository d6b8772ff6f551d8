//! Active segments, written when an instance is made.
//!
//! **Invariant: element segments come first, then data segments, each in order.** The first one that does not
//! fit traps; what was written before stays written, as other instances may share the table or memory.

use super::fuel::Payer;
use crate::state::demand::item_count;
use crate::state::instance::InstanceCore;
use wasmaot_abi::descriptor::{DataMode, ElemMode};
use wasmaot_abi::trap::TrapCode;

impl InstanceCore {
    /// Writes and drops all active segments.
    pub(crate) fn write_segments(&self) -> Result<(), TrapCode> {
        self.write_elems()?;
        self.write_data()
    }

    /// Writes and drops active element segments.
    pub(crate) fn write_elems(&self) -> Result<(), TrapCode> {
        for (segment, elem) in (0..).zip(&self.module().descriptor().elems) {
            if let ElemMode::Active { table, offset } = &elem.mode {
                let to = self.evaluate(offset).low;
                self.table_init(Payer::Host, *table, segment, to, 0, item_count(&elem.items))?;
                self.drop_elem(segment);
            }
        }
        Ok(())
    }

    /// Writes the initial elements of a table again, which is given by its position among those that the
    /// instance defines: those of active segments, too, which were written when the instance was made.
    pub(crate) fn rewrite_table(&self, defined: usize) {
        let descriptor = self.module().descriptor();
        let index = self.tables().len() - descriptor.tables.len() + defined;
        self.fill_table(defined);
        for elem in &descriptor.elems {
            let ElemMode::Active { table, offset } = &elem.mode else { continue };
            if *table as usize == index {
                let (start, count) = (self.evaluate(offset).low, item_count(&elem.items));
                let elements = self.table(*table).and_then(|table| table.range(start, count));
                self.write_items(elements.expect("the segment fitted before"), &elem.items, 0);
            }
        }
    }

    /// Writes and drops active data segments.
    pub(crate) fn write_data(&self) -> Result<(), TrapCode> {
        for (segment, data) in (0..).zip(&self.module().descriptor().data) {
            if let DataMode::Active { memory, offset } = &data.mode {
                let to = self.evaluate(offset).low;
                self.memory_init(Payer::Host, *memory, segment, to, 0, data.file.length)?;
                self.drop_data(segment);
            }
        }
        Ok(())
    }
}
