//! Which part of the address space is what: slots, memories, code. The signal handler's only source of knowledge.
//!
//! **Invariants.** Readers take no lock, allocate nothing and may be signal handlers. A writer publishes a new sorted
//! snapshot and frees the old one once no reader can hold it. Regions are disjoint; a region is removed before its
//! addresses are given back.

use crate::os::fork::{self, List};
use crate::space::tracker::Tracker;
use std::ops::Range;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::Acquire, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use wasmaot_abi::exception::ExceptionTable;
use wasmaot_abi::slot::STRIDE;
use wasmaot_abi::trap::TrapTable;

/// What lies in a region.
#[derive(Debug, Clone)]
pub(crate) enum Kind {
    /// A slot, see [`wasmaot_abi::slot`].
    Slot {
        /// Lowest accessible address of its stack.
        stack_low: usize,
    },
    /// Slots one after the other, see [`PoolSlots`].
    Pool(Arc<PoolSlots>),
    /// A memory of its own, with its guard.
    Memory,
    /// The mapped segments of a module.
    Module {
        /// Its machine code.
        text: Range<usize>,
        /// What its instructions trap with.
        traps: TrapTable<'static>,
        /// Where exceptions that pass its calls land.
        exceptions: ExceptionTable<'static>,
    },
    /// Bytes of a file that host code copies from.
    Data,
}

/// The slots of a pool.
#[derive(Debug)]
pub(crate) struct PoolSlots {
    /// Address of the first one.
    pub(crate) base: usize,
    /// Of each slot: the record of its memory's write protection, which also knows the stack, or null while the slot is inaccessible.
    pub(crate) trackers: Box<[AtomicPtr<Tracker>]>,
}

/// A slot that is mapped.
#[derive(Debug)]
pub(crate) struct SlotAt<'a> {
    /// Its addresses.
    pub(crate) range: Range<usize>,
    /// Lowest accessible address of its stack.
    pub(crate) stack_low: usize,
    /// If it is one of a pool, the record of its memory's write protection.
    pub(crate) tracker: Option<&'a Tracker>,
}

impl Region {
    /// The slot at an address of this region.
    pub(crate) fn slot(&self, address: usize) -> Option<SlotAt<'_>> {
        match &self.kind {
            Kind::Slot { stack_low } => {
                Some(SlotAt { range: self.range.clone(), stack_low: *stack_low, tracker: None })
            }
            Kind::Pool(slots) => {
                let index = address.checked_sub(slots.base)? / STRIDE as usize;
                let tracker = slots.trackers.get(index)?.load(Acquire);
                // SAFETY: a tracker is withdrawn before it is freed, and an address of its slot is only accessed, and so
                // asked about, while the slot is in use.
                let tracker = unsafe { tracker.as_ref() }?;
                let start = slots.base + index * STRIDE as usize;
                Some(SlotAt {
                    range: start..start + STRIDE as usize,
                    stack_low: tracker.stack_low(),
                    tracker: Some(tracker),
                })
            }
            Kind::Memory | Kind::Module { .. } | Kind::Data => None,
        }
    }
}

/// A range of addresses and what lies there.
#[derive(Debug, Clone)]
pub(crate) struct Region {
    /// The addresses.
    pub(crate) range: Range<usize>,
    /// What lies there.
    pub(crate) kind: Kind,
}

/// All regions at one moment, in ascending order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Regions<'a>(&'a [Region]);

impl<'a> Regions<'a> {
    /// The region that holds this address.
    pub(crate) fn at(self, address: usize) -> Option<&'a Region> {
        let after = self.0.partition_point(|region| region.range.start <= address);
        let region = self.0.get(after.checked_sub(1)?)?;
        region.range.contains(&address).then_some(region)
    }
}

static SNAPSHOT: AtomicPtr<Vec<Region>> = AtomicPtr::new(std::ptr::null_mut());
static GENERATION: AtomicUsize = AtomicUsize::new(0);
/// Readers that entered in an even and in an odd generation.
static READERS: [AtomicUsize; 2] = [AtomicUsize::new(0), AtomicUsize::new(0)];
static WRITER: Mutex<()> = Mutex::new(());

/// Looks at the current regions. Callable from a signal handler; `look` must return.
pub(crate) fn read<R>(look: impl FnOnce(Regions<'_>) -> R) -> R {
    let readers = loop {
        let generation = GENERATION.load(SeqCst);
        let readers = &READERS[generation & 1];
        readers.fetch_add(1, SeqCst);
        if GENERATION.load(SeqCst) == generation {
            break readers;
        }
        readers.fetch_sub(1, SeqCst);
    };
    let snapshot = SNAPSHOT.load(SeqCst);
    // SAFETY: a snapshot is freed only after the readers of its generation, this one among them, are gone.
    let regions = unsafe { snapshot.as_ref() }.map_or(&[][..], Vec::as_slice);
    let result = look(Regions(regions));
    readers.fetch_sub(1, SeqCst);
    result
}

fn lock() -> MutexGuard<'static, ()> {
    WRITER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks the regions for a fork. In its child those that were reading them do not go on.
fn lock_for_fork() -> Box<dyn FnOnce()> {
    let writer = lock();
    Box::new(move || {
        READERS.iter().for_each(|readers| readers.store(0, SeqCst));
        drop(writer);
    })
}

fn update(change: impl FnOnce(&mut Vec<Region>)) {
    let _writer = lock();
    let old = SNAPSHOT.load(SeqCst);
    // SAFETY: only writers free snapshots, and this is the only writer now.
    let mut regions = unsafe { old.as_ref() }.cloned().unwrap_or_default();
    change(&mut regions);
    SNAPSHOT.store(Box::into_raw(Box::new(regions)), SeqCst);
    let generation = GENERATION.fetch_add(1, SeqCst);
    while READERS[generation & 1].load(SeqCst) != 0 {
        std::thread::yield_now();
    }
    if !old.is_null() {
        // SAFETY: it came from `Box::into_raw`, is no longer published, and its readers are gone.
        drop(unsafe { Box::from_raw(old) });
    }
}

/// Keeps a region known until it is dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    start: usize,
}

impl Registration {
    /// Makes a region known.
    ///
    /// # Safety
    /// It overlaps no other region; the caller owns its addresses, and they stay reserved, laid out as `kind` says and with the
    /// trap table alive, for as long as the registration.
    pub(crate) unsafe fn new(region: Region) -> Self {
        let start = region.range.start;
        fork::attend(List::Regions, lock_for_fork);
        update(|regions| {
            let position = regions.partition_point(|other| other.range.start < start);
            regions.insert(position, region);
        });
        Self { start }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        update(|regions| regions.retain(|region| region.range.start != self.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::map::Mapping;

    fn find(address: usize) -> Option<Range<usize>> {
        read(|regions| regions.at(address).map(|region| region.range.clone()))
    }

    #[test]
    fn regions_are_found_while_registered() {
        let mapping = Mapping::reserve(1 << 16, 1 << 12).unwrap();
        let range = mapping.range();
        // SAFETY: the range is this test's own and outlives the registration.
        let registration = unsafe { Registration::new(Region { range: range.clone(), kind: Kind::Data }) };
        assert_eq!(find(range.start), Some(range.clone()));
        assert_eq!(find(range.end - 1), Some(range.clone()));
        assert_ne!(find(range.end), Some(range.clone()));
        assert_ne!(find(range.start - 1), Some(range.clone()));
        drop(registration);
        assert_ne!(find(range.start), Some(range));
    }

    #[test]
    fn readers_and_writers_on_many_threads_agree() {
        use std::sync::atomic::AtomicBool;
        /// Ends the readers, also when a check fails.
        struct Stop<'a>(&'a AtomicBool);
        impl Drop for Stop<'_> {
            fn drop(&mut self) {
                self.0.store(true, SeqCst);
            }
        }
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let _stop = Stop(&stop);
            for _ in 0..2 {
                scope.spawn(|| {
                    while !stop.load(SeqCst) {
                        read(|regions| assert!(regions.0.is_sorted_by_key(|region| region.range.start)));
                    }
                });
            }
            for _ in 0..500 {
                let mapping = Mapping::reserve(1 << 12, 1 << 12).unwrap();
                let region = Region { range: mapping.range(), kind: Kind::Data };
                // SAFETY: the range is this test's own and outlives the registration.
                let registration = unsafe { Registration::new(region) };
                assert_eq!(find(mapping.start()), Some(mapping.range()));
                drop(registration);
            }
        });
    }
}
