//! The function references of an instance: one record per function that a reference can be taken
//! of, to which tables, globals, values and compiled code point.
//!
//! **Invariant: the records, which hold code pointers, cannot be written once the instance is
//! made.** They lie beside the constants of its slot, whose protection they share, or, where those
//! leave no room, in a read-only mapping of their own.

use crate::os::map::{Access, Mapping};
use std::io;
use std::ops::Deref;
use wasmaot_abi::slot::HOST_PAGE;
use wasmaot_abi::state::FuncRef;

/// See the module's description.
pub(crate) struct FuncRefs {
    start: *const FuncRef,
    count: usize,
    /// Where they lie if not in the slot.
    _own: Option<Mapping>,
}

impl FuncRefs {
    /// Writes records at `place`, or into a mapping of their own if there is none.
    ///
    /// # Safety
    /// At `place` is room for the records, which is written by nothing else, is made read-only before
    /// code runs, and outlives the result.
    pub(crate) unsafe fn write(
        place: Option<usize>,
        records: impl ExactSizeIterator<Item = FuncRef>,
    ) -> io::Result<Self> {
        let count = records.len();
        let bytes = (count * size_of::<FuncRef>()).next_multiple_of(HOST_PAGE as usize);
        let own = match place {
            Some(_) => None,
            None => {
                let mapping = Mapping::reserve(bytes, HOST_PAGE as usize)?;
                mapping.protect(0, bytes, Access::ReadWrite)?;
                Some(mapping)
            }
        };
        let start = own.as_ref().map(Mapping::start).or(place).unwrap_or_default() as *mut FuncRef;
        for (position, record) in records.enumerate() {
            // SAFETY: there is room for as many records in the new mapping, or at the place, as the caller
            // says; both are aligned, and nothing refers to them yet.
            unsafe { start.add(position).write(record) };
        }
        if let Some(mapping) = &own {
            mapping.protect(0, bytes, Access::Read)?;
        }
        Ok(Self { start, count, _own: own })
    }
}

impl Deref for FuncRefs {
    type Target = [FuncRef];

    fn deref(&self) -> &[FuncRef] {
        // SAFETY: as many records were written there, and nothing changes them.
        unsafe { std::slice::from_raw_parts(self.start, self.count) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::artifact::permissions;
    use crate::{Caller, HotSets, Linker, Pool, PoolConfig, Store, Val};

    /// Returns how many of the caller's records are in pages that cannot be written.
    fn frozen_records(caller: &mut Caller<'_, ()>, _: i32, _: i32) -> i32 {
        let instance = caller.instance().core(caller.core()).unwrap();
        let addresses = instance.funcrefs().iter().map(|record| std::ptr::from_ref(record) as usize);
        addresses.filter(|&address| permissions(address).as_deref() == Some("r--p")).count() as i32
    }

    #[test]
    fn records_are_read_only_while_a_guest_runs() {
        let (artifact, import) = crate::tests::importing();
        let count = artifact.descriptor.entries.len() as i32;
        assert!(count > 3);
        let module = crate::tests::load(&artifact.build()).unwrap();
        let mut linker = Linker::new();
        linker.func_wrap("host", "f", frozen_records).unwrap();
        let args = [import, Val::I32(0), Val::I32(0)];
        let mut store = Store::new(());
        let instance = linker.instantiate(&mut store, &module).unwrap();
        assert_eq!(instance.call(&mut store, "import", &args).unwrap(), [Val::I32(count)]);
        let linked = linker.instantiate_pre(&module).unwrap();
        for hot_sets in [HotSets::Shared, HotSets::Frozen] {
            let pool = Pool::new(PoolConfig { slots: 1, hot_sets, ..PoolConfig::default() }).unwrap();
            for _ in 0..3 {
                let mut instance = pool.start(&linked, ()).unwrap();
                instance.write(0, &[1]).unwrap();
                assert_eq!(instance.call("import", &args).unwrap(), [Val::I32(count)]);
            }
        }
    }

    #[test]
    fn a_mapping_of_their_own_is_read_only() {
        let record = FuncRef { tail_entry: 1, array_entry: 2, type_id: 3, convention: 4, vmctx: 5 };
        // SAFETY: no place is given, about which something would have to hold: the records get a mapping.
        let records = unsafe { FuncRefs::write(None, vec![record; 1000].into_iter()) }.unwrap();
        assert_eq!(*records, vec![record; 1000]);
        for record in [&records[0], &records[999]] {
            assert_eq!(permissions(std::ptr::from_ref(record) as usize).as_deref(), Some("r--p"));
        }
    }
}
