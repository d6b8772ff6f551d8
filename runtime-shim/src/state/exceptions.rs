//! The exceptions of a store.
//!
//! An exception that is caught without a reference being taken, and that no reference was taken of
//! before, is freed at once. All others are kept while a guest can reach them, which a collection
//! finds out ([`crate::run::collect`]). That runs when the number of exceptions has doubled since
//! the last, and later if there was much to search, so its cost is spread over the throws before it.
//!
//! **Invariants.** A number that a guest can hold is never given to a second exception, so a stale reference
//! finds nothing. A collection that leaves as many exceptions as the store may keep, or [`CELLS_EACH`] values
//! for each of those, is the last, and there are never more of them than those and a [`SLACK`]th. A landing
//! pad's values stay where they are until the next throw.

use crate::code::raw_value::RawValue;
use crate::state::tag::TagRecord;
use std::rc::Rc;
use wasmaot_abi::trap::TrapCode;

/// The default of [`ResourceLimits::exceptions`](crate::ResourceLimits::exceptions).
pub(crate) const MAX_KEPT: u32 = 1 << 16;

/// Values that the exceptions which a store may keep carry together, for each of them.
pub(crate) const CELLS_EACH: usize = 16;

/// What may be added to the most exceptions and values before they are collected again, as a fraction: a
/// guest that holds nearly the most cannot have every throw collect.
const SLACK: usize = 8;

/// Places that a collection may look at for each throw before it, as long as they are not more than for the
/// most exceptions ([`throw_price`](wasmaot_abi::meter::throw_price) has a throw pay for them).
const VISITED_PER_THROW: usize = 1024;

/// Exceptions below which nothing is collected.
pub(crate) const MIN_COLLECT: usize = 256;

/// An exception.
struct Object {
    id: u32,
    tag: Rc<TagRecord>,
    values: Box<[RawValue]>,
    /// Whether a guest may hold a reference.
    kept: bool,
    /// Set by a collection.
    reached: bool,
}

/// See the module's description.
pub(crate) struct Heap {
    /// How many exceptions are kept at most.
    max_kept: usize,
    /// By ascending number.
    objects: Vec<Object>,
    /// The last number that was given.
    last: u32,
    cells: usize,
    /// Number of exceptions at which to collect next.
    threshold: usize,
    /// The last collection left all that the limits allow.
    is_full: bool,
    /// Caught, and to be freed by the next throw.
    caught: Option<u32>,
}

/// An exception as the search for its handler sees it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found<'a> {
    /// Its tag, whose identity is its address.
    pub(crate) tag: &'a Rc<TagRecord>,
    /// What it carries.
    pub(crate) values: &'a [RawValue],
}

impl Default for Heap {
    fn default() -> Self {
        Self::new(MAX_KEPT as usize)
    }
}

impl Heap {
    fn new(max_kept: usize) -> Self {
        let (objects, caught) = (Vec::new(), None);
        Self { max_kept, objects, last: 0, cells: 0, threshold: 0, is_full: false, caught }
    }

    /// Sets how many exceptions are kept at most. Fewer than it takes to collect are always kept.
    pub(crate) fn set_limit(&mut self, exceptions: u32) {
        self.max_kept = (exceptions as usize).max(MIN_COLLECT);
    }

    /// The most values that they carry together.
    fn max_cells(&self) -> usize {
        self.max_kept * CELLS_EACH
    }

    fn position(&self, id: u32) -> Option<usize> {
        self.objects.binary_search_by_key(&id, |object| object.id).ok()
    }

    /// The exception of a number.
    pub(crate) fn get(&self, id: u32) -> Option<Found<'_>> {
        let object = &self.objects[self.position(id)?];
        Some(Found { tag: &object.tag, values: &object.values })
    }

    /// How many there are.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.objects.len()
    }

    /// The last number that was given.
    #[cfg(test)]
    pub(crate) fn last(&self) -> u32 {
        self.last
    }

    /// Frees what was caught since the last throw.
    pub(crate) fn free_caught(&mut self) {
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
            *self = Self::new(self.max_kept);
        }
    }

    /// Whether the limits allow one more exception with this number of values. To be asked after a
    /// collection.
    pub(crate) fn has_room(&self, cells: usize) -> bool {
        self.objects.len() < self.max_kept && self.cells + cells <= self.max_cells()
    }

    /// Adds an exception.
    pub(crate) fn push(&mut self, tag: Rc<TagRecord>, values: Box<[RawValue]>) -> Result<u32, TrapCode> {
        let id = self.last.checked_add(1).ok_or(TrapCode::ExceptionLimit)?;
        self.cells += values.len();
        self.objects.push(Object { id, tag, values, kept: false, reached: false });
        self.last = id;
        Ok(id)
    }

    /// Whether to collect before an exception with this number of values is added.
    pub(crate) fn is_due(&self, cells: usize) -> bool {
        self.is_full
            || self.objects.len() >= self.threshold.max(MIN_COLLECT)
            || self.cells + cells > self.max_cells() + self.max_cells() / SLACK
    }

    /// Marks the exception of a number, if there is one, and what it refers to.
    #[inline]
    pub(crate) fn reach(&mut self, id: u32) {
        // Most of what is looked at is no reference.
        if (1..=self.last).contains(&id) {
            self.reach_object(id);
        }
    }

    fn reach_object(&mut self, id: u32) {
        let mut open = vec![id];
        while let Some(position) = open.pop().and_then(|id| self.position(id)) {
            let object = &mut self.objects[position];
            if !std::mem::replace(&mut object.reached, true) {
                let references =
                    object.tag.ty.params.iter().zip(&object.values).filter(|(ty, _)| ty.is_exn_ref());
                open.extend(references.map(|(_, value)| value.low as u32));
            }
        }
    }

    /// Frees what was not reached. `visited` is how many places were looked at.
    pub(crate) fn sweep(&mut self, visited: usize) {
        self.objects.retain_mut(|object| std::mem::take(&mut object.reached));
        self.cells = self.objects.iter().map(|object| object.values.len()).sum();
        let left = self.objects.len();
        self.is_full = left >= self.max_kept || self.cells >= self.max_cells();
        let next = left + left.max(visited / VISITED_PER_THROW);
        self.threshold = next.clamp(MIN_COLLECT, self.max_kept + self.max_kept / SLACK);
    }

    /// Takes back what [`Heap::reach`] has marked: the collection was given up.
    pub(crate) fn forget_reached(&mut self) {
        self.objects.iter_mut().for_each(|object| object.reached = false);
    }
}
