//! Which exceptions of a store a guest can still reach.
//!
//! From its stack, a global, a table, or the values of another exception. The stack is searched
//! conservatively: every aligned word that could be a reference is one. **Invariant: it costs nothing but
//! throws**: making instances, starts and calls do not look at exceptions. A collection looks at the deadline
//! every few hundred microseconds, and is given up if that has passed.

use crate::code::raw_value::RawValue;
use crate::run::interrupt;
use crate::run::store::StoreCore;
use crate::state::exceptions::Heap;
use crate::state::tag::TagRecord;
use std::cell::Cell;
use std::rc::Rc;
use wasmaot_abi::trap::TrapCode;

/// Where references may be.
pub(crate) struct Roots<'a> {
    /// The part of the guest's stack that is in use.
    pub(crate) stack: &'a [Cell<u32>],
    /// Values that the host is about to throw.
    pub(crate) values: &'a [RawValue],
}

/// Adds an exception to a store's.
pub(crate) fn add(
    core: &mut StoreCore,
    tag: Rc<TagRecord>,
    values: Box<[RawValue]>,
    roots: &Roots<'_>,
) -> Result<u32, TrapCode> {
    core.exceptions.free_caught();
    if core.exceptions.is_due(values.len()) {
        collect(core, roots)?;
        if !core.exceptions.has_room(values.len()) {
            return Err(TrapCode::ExceptionLimit);
        }
    }
    core.exceptions.push(tag, values)
}

fn collect(core: &mut StoreCore, roots: &Roots<'_>) -> Result<(), TrapCode> {
    let mut heap = std::mem::take(&mut core.exceptions);
    let visited = mark(&mut heap, core, roots);
    match visited {
        Ok(visited) => heap.sweep(visited),
        Err(_) => heap.forget_reached(),
    }
    core.exceptions = heap;
    visited.map(drop)
}

/// Places between two looks at the deadline.
const PART: usize = 1 << 16;

/// Marks all that a guest can reach. Returns how many places were looked at, or why the guest is to be
/// stopped.
fn mark(heap: &mut Heap, core: &StoreCore, roots: &Roots<'_>) -> Result<usize, TrapCode> {
    let go_on = || interrupt::due().map_or(Ok(()), Err);
    for part in roots.stack.chunks(PART) {
        part.iter().for_each(|word| heap.reach(word.get()));
        go_on()?;
    }
    let mut visited = roots.stack.len();
    roots.values.iter().for_each(|value| heap.reach(value.low as u32));
    core.host_globals().for_each(|cell| heap.reach(cell.get().low as u32));
    core.instances().exception_globals().for_each(|id| heap.reach(id));
    for table in core.tables.iter().filter(|table| table.ty().element.is_exn_ref()) {
        let elements = table.range(0, table.size()).unwrap_or_default();
        visited += elements.len();
        for part in elements.chunks(PART) {
            part.iter().for_each(|element| heap.reach(element.get().bits() as u32));
            go_on()?;
        }
    }
    Ok(visited)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::exceptions::{CELLS_EACH, MAX_KEPT, MIN_COLLECT};

    const MAX_CELLS: usize = MAX_KEPT as usize * CELLS_EACH;
    use wasmaot_abi::types::{FuncType, ValType};

    const NOWHERE: Roots<'static> = Roots { stack: &[], values: &[] };

    fn tag(params: &[ValType]) -> Rc<TagRecord> {
        Rc::new(TagRecord {
            ty: FuncType { params: params.to_vec(), results: Vec::new() },
            number: 0,
            _lease: None,
        })
    }

    fn cells(count: usize) -> Box<[RawValue]> {
        vec![RawValue::default(); count].into()
    }

    #[test]
    fn what_is_caught_without_a_reference_is_freed_by_the_next_throw() {
        let (mut core, tag) = (StoreCore::default(), tag(&[]));
        for _ in 0..3 * MAX_KEPT {
            let id = add(&mut core, tag.clone(), cells(0), &NOWHERE).unwrap();
            assert_eq!(id, 1);
            core.exceptions.caught(id, false);
            assert!(core.exceptions.get(id).is_some(), "its landing pad still reads it");
        }
    }

    #[test]
    fn what_nothing_refers_to_is_collected() {
        let (mut core, tag) = (StoreCore::default(), tag(&[]));
        for expected in 1..=3 * MAX_KEPT {
            let id = add(&mut core, tag.clone(), cells(0), &NOWHERE).unwrap();
            assert_eq!(id, expected, "a number that a guest held is not given again");
            core.exceptions.caught(id, true);
            assert!(core.exceptions.count() <= MIN_COLLECT);
        }
        assert!(core.exceptions.get(1).is_none());
    }

    #[test]
    fn what_a_stack_or_another_exception_refers_to_is_kept() {
        let mut core = StoreCore::default();
        let (plain, holder) = (tag(&[]), tag(&[ValType::I64, ValType::EXNREF]));
        let inner = add(&mut core, plain.clone(), cells(0), &NOWHERE).unwrap();
        let values = [RawValue::new(0), RawValue::new(u64::from(inner))];
        let outer = add(&mut core, holder.clone(), values.into(), &NOWHERE).unwrap();
        let stack = [0, outer, 0, 0].map(Cell::new);
        let stack = Roots { stack: &stack, values: &[] };
        for _ in 0..4 * MIN_COLLECT {
            let id = add(&mut core, plain.clone(), cells(0), &stack).unwrap();
            core.exceptions.caught(id, true);
        }
        assert!(core.exceptions.get(inner).is_some() && core.exceptions.get(outer).is_some());
        collect(&mut core, &NOWHERE).unwrap();
        assert!(core.exceptions.count() == 0);
    }

    #[test]
    fn number_and_size_are_limited() {
        let (mut core, tag) = (StoreCore::default(), tag(&[]));
        let limit = |core: &mut StoreCore, cells_each| {
            let mut ids = vec![0u32; 0];
            loop {
                let values: Vec<RawValue> = ids.iter().map(|&id| RawValue::new(u64::from(id))).collect();
                match add(core, tag.clone(), cells(cells_each), &Roots { stack: &[], values: &values }) {
                    Ok(id) => ids.push(id),
                    Err(code) => return (code, ids.len()),
                }
                core.exceptions.caught(core.exceptions.last(), true);
            }
        };
        assert_eq!(limit(&mut core, 1 << 10), (TrapCode::ExceptionLimit, MAX_CELLS >> 10));
        core.exceptions.clear();
        assert_eq!(core.exceptions.last(), 0);
        core.exceptions.set_limit(1000);
        for (cells_each, most) in [(1, 1000), (100, 1000 * CELLS_EACH / 100)] {
            let (code, kept) = limit(&mut core, cells_each);
            assert_eq!(code, TrapCode::ExceptionLimit);
            assert!((most..=most + most / 8).contains(&kept), "{kept}");
            core.exceptions.clear();
        }
    }
}
