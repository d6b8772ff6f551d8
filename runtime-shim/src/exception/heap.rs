//! The exceptions of a store.
//!
//! An exception that is caught without a reference being taken, and that no reference was taken of before, is freed at once. All
//! others are kept while a guest can reach them: from its stack, a global, a table, or the values of another exception. The stack is
//! searched conservatively: every aligned word that could be a reference is one. A collection runs when the number of
//! exceptions has doubled since the last, so its cost is spread over the throws before it.
//!
//! **Invariants.** A number that a guest can hold is never given to a second exception, so a stale reference finds nothing. There are
//! never more than [`MAX_KEPT`] exceptions or [`MAX_CELLS`] values. A landing pad's values stay where they are until the next
//! throw. Making instances, starts and calls cost nothing here.

use crate::code::raw_value::RawValue;
use crate::run::store::StoreCore;
use crate::state::tag::TagRecord;
use std::ops::Range;
use wasmaot_abi::trap::TrapCode;

/// The most exceptions that a store keeps.
const MAX_KEPT: usize = 1 << 16;

/// The most values that they carry together.
const MAX_CELLS: usize = 1 << 20;

/// Exceptions below which nothing is collected.
const MIN_COLLECT: usize = 256;

/// An exception.
struct Object {
    id: u32,
    tag: *const TagRecord,
    values: Box<[RawValue]>,
    /// Whether a guest may hold a reference.
    kept: bool,
    /// Set by a collection.
    reached: bool,
}

/// See the module's description.
#[derive(Default)]
pub(crate) struct Heap {
    /// By ascending number.
    objects: Vec<Object>,
    /// The last number that was given.
    last: u32,
    cells: usize,
    /// Number of exceptions at which to collect next.
    threshold: usize,
    /// Caught, and to be freed by the next throw.
    caught: Option<u32>,
}

/// An exception as the search for its handler sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    /// Identity of its tag.
    pub(crate) tag: *const TagRecord,
    /// What it carries.
    pub(crate) values: &'a [RawValue],
}

/// Where references may be.
pub(crate) struct Roots<'a> {
    /// Addresses of the part of the guest's stack that is in use.
    pub(crate) stack: Range<usize>,
    /// Values that the host is about to throw.
    pub(crate) values: &'a [RawValue],
}

impl Heap {
    fn position(&self, id: u32) -> Option<usize> {
        self.objects.binary_search_by_key(&id, |object| object.id).ok()
    }

    /// The exception of a number.
    pub(crate) fn get(&self, id: u32) -> Option<Found<'_>> {
        let object = &self.objects[self.position(id)?];
        Some(Found { tag: object.tag, values: &object.values })
    }

    /// Frees what was caught since the last throw.
    fn free_caught(&mut self) {
        let Some(position) = self.caught.take().and_then(|id| self.position(id)) else { return };
        let object = self.objects.remove(position);
        self.cells -= object.values.len();
        if object.id == self.last {
            self.last -= 1;
        }
    }

    /// Notes that an exception was caught, or left the guest.
    pub(crate) fn caught(&mut self, id: u32, keeps: bool) {
        let Some(position) = self.position(id) else { return };
        let object = &mut self.objects[position];
        object.kept |= keeps;
        if !object.kept {
            self.caught = Some(id);
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        if self.last != 0 {
            *self = Self::default();
        }
    }

    fn push(&mut self, tag: *const TagRecord, values: Box<[RawValue]>) -> Result<u32, TrapCode> {
        let fits = self.objects.len() < MAX_KEPT && self.cells + values.len() <= MAX_CELLS;
        let id = self.last.checked_add(1).filter(|_| fits).ok_or(TrapCode::ExceptionLimit)?;
        self.cells += values.len();
        self.objects.push(Object { id, tag, values, kept: false, reached: false });
        self.last = id;
        Ok(id)
    }

    fn is_due(&self, cells: usize) -> bool {
        self.objects.len() >= self.threshold.max(MIN_COLLECT) || self.cells + cells > MAX_CELLS
    }

    /// Marks the exception of a number, if there is one, and what it refers to.
    fn reach(&mut self, id: u32) {
        let mut open = vec![id];
        while let Some(position) = open.pop().and_then(|id| self.position(id)) {
            let object = &mut self.objects[position];
            if !std::mem::replace(&mut object.reached, true) {
                // SAFETY: the store keeps the tags of its exceptions.
                let types = unsafe { &(*object.tag).ty.params };
                let references = types.iter().zip(&object.values).filter(|(ty, _)| ty.is_exn_ref());
                open.extend(references.map(|(_, value)| value.low as u32));
            }
        }
    }

    /// Frees what was not reached.
    fn sweep(&mut self) {
        self.objects.retain_mut(|object| std::mem::take(&mut object.reached));
        self.cells = self.objects.iter().map(|object| object.values.len()).sum();
        self.threshold = (self.objects.len() * 2).clamp(MIN_COLLECT, MAX_KEPT);
    }
}

/// Adds an exception to a store's.
pub(crate) fn add(
    core: &mut StoreCore,
    tag: *const TagRecord,
    values: Box<[RawValue]>,
    roots: &Roots<'_>,
) -> Result<u32, TrapCode> {
    core.exceptions.free_caught();
    if core.exceptions.is_due(values.len()) {
        collect(core, roots);
    }
    core.exceptions.push(tag, values)
}

fn collect(core: &mut StoreCore, roots: &Roots<'_>) {
    let mut heap = std::mem::take(&mut core.exceptions);
    for address in roots.stack.clone().step_by(size_of::<u32>()) {
        // SAFETY: an aligned word of the accessible stack of a live slot, which nothing runs on now.
        heap.reach(unsafe { (address as *const u32).read() });
    }
    roots.values.iter().for_each(|value| heap.reach(value.low as u32));
    for cell in &core.globals {
        // SAFETY: no code of the store runs now.
        heap.reach(unsafe { (*cell.get()).low } as u32);
    }
    core.instances.exception_globals().for_each(|id| heap.reach(id));
    for table in core.tables.iter().filter(|table| table.ty().element.is_exn_ref()) {
        let elements = table.range(0, table.size()).unwrap_or_default();
        elements.iter().for_each(|element| heap.reach(element.get() as u32));
    }
    heap.sweep();
    core.exceptions = heap;
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::types::{FuncType, ValType};

    const NOWHERE: Roots<'static> = Roots { stack: 0..0, values: &[] };

    fn tag(params: &[ValType]) -> TagRecord {
        TagRecord { ty: FuncType { params: params.to_vec(), results: Vec::new() }, number: 0 }
    }

    fn cells(count: usize) -> Box<[RawValue]> {
        vec![RawValue::default(); count].into()
    }

    #[test]
    fn what_is_caught_without_a_reference_is_freed_by_the_next_throw() {
        let (mut core, tag) = (StoreCore::default(), tag(&[]));
        for _ in 0..3 * MAX_KEPT {
            let id = add(&mut core, &tag, cells(0), &NOWHERE).unwrap();
            assert_eq!(id, 1);
            core.exceptions.caught(id, false);
            assert!(core.exceptions.get(id).is_some(), "its landing pad still reads it");
        }
    }

    #[test]
    fn what_nothing_refers_to_is_collected() {
        let (mut core, tag) = (StoreCore::default(), tag(&[]));
        for expected in 1..=(3 * MAX_KEPT) as u32 {
            let id = add(&mut core, &tag, cells(0), &NOWHERE).unwrap();
            assert_eq!(id, expected, "a number that a guest held is not given again");
            core.exceptions.caught(id, true);
            assert!(core.exceptions.objects.len() <= MIN_COLLECT);
        }
        assert!(core.exceptions.get(1).is_none());
    }

    #[test]
    fn what_a_stack_or_another_exception_refers_to_is_kept() {
        let mut core = StoreCore::default();
        let (plain, holder) = (tag(&[]), tag(&[ValType::I64, ValType::EXNREF]));
        let inner = add(&mut core, &plain, cells(0), &NOWHERE).unwrap();
        let values = [RawValue::new(0), RawValue::new(u64::from(inner))];
        let outer = add(&mut core, &holder, values.into(), &NOWHERE).unwrap();
        let stack = [0, outer, 0, 0];
        let stack = Roots {
            stack: stack.as_ptr_range().start as usize..stack.as_ptr_range().end as usize,
            values: &[],
        };
        for _ in 0..4 * MIN_COLLECT {
            let id = add(&mut core, &plain, cells(0), &stack).unwrap();
            core.exceptions.caught(id, true);
        }
        assert!(core.exceptions.get(inner).is_some() && core.exceptions.get(outer).is_some());
        collect(&mut core, &NOWHERE);
        assert!(core.exceptions.objects.is_empty());
    }

    #[test]
    fn number_and_size_are_limited() {
        let (mut core, tag) = (StoreCore::default(), tag(&[]));
        let limit = |core: &mut StoreCore, cells_each| {
            let mut ids = vec![0u32; 0];
            loop {
                let values: Vec<RawValue> = ids.iter().map(|&id| RawValue::new(u64::from(id))).collect();
                match add(core, &tag, cells(cells_each), &Roots { stack: 0..0, values: &values }) {
                    Ok(id) => ids.push(id),
                    Err(code) => return (code, ids.len()),
                }
                core.exceptions.caught(core.exceptions.last, true);
            }
        };
        assert_eq!(limit(&mut core, 1 << 10), (TrapCode::ExceptionLimit, MAX_CELLS >> 10));
        core.exceptions.clear();
        assert_eq!(core.exceptions.last, 0);
    }
}
