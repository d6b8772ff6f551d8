//! Which part of the address space is what: slots, memories, code. The signal handler's only source of
//! knowledge.
//!
//! **Invariants.** Readers take no lock, allocate nothing and may be signal handlers: they look at a
//! snapshot. A new one is a tree that shares all but one path with the old one, so registering one of n
//! regions takes time in proportion to log n. Regions are disjoint; a region is removed before its addresses
//! are given back.

use crate::os::fork::{self, List};
use crate::os::map::Mapping;
use crate::space::snapshot::Snapshot;
use crate::space::tracker::Tracker;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};
use wasmaot_abi::exception::ExceptionTable;
use wasmaot_abi::slot::{STRIDE, VMCTX};
use wasmaot_abi::state::ACTIVATION_CELL;
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
    /// Of each slot: the record of its memory's write protection, which also knows the stack, or null while
    /// the slot is inaccessible.
    trackers: Box<[AtomicPtr<Tracker>]>,
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

impl SlotAt<'_> {
    /// What the slot's activation cell holds, if this stack pointer is one of the slot's stack.
    pub(crate) fn activation(&self, rsp: usize) -> Option<*mut ()> {
        let vmctx = self.range.start + VMCTX as usize;
        let cell = (vmctx - ACTIVATION_CELL as usize) as *const *mut ();
        // SAFETY: the slot is mapped as long as regions are read in which it was found, and the cell is one
        // of its state's words.
        (self.range.start..vmctx).contains(&rsp).then(|| unsafe { cell.read() })
    }
}

impl PoolSlots {
    /// Slots that are inaccessible, of which the first one is at this address.
    pub(crate) fn new(base: usize, slots: u32) -> Self {
        Self { base, trackers: (0..slots).map(|_| AtomicPtr::default()).collect() }
    }

    /// Makes the tracker of a slot known.
    pub(crate) fn publish(self: &Arc<Self>, slot: usize, tracker: Arc<Tracker>) -> Published {
        self.trackers[slot].store(Arc::as_ptr(&tracker).cast_mut(), SeqCst);
        Published { slots: self.clone(), slot, _tracker: tracker }
    }
}

/// Keeps the tracker of a slot known until it is dropped.
#[derive(Debug)]
pub(crate) struct Published {
    slots: Arc<PoolSlots>,
    slot: usize,
    _tracker: Arc<Tracker>,
}

impl Drop for Published {
    fn drop(&mut self) {
        self.slots.trackers[self.slot].store(std::ptr::null_mut(), SeqCst);
        REGIONS.lock().wait_for_readers();
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

/// A tree of regions by address, balanced by priorities: no node has one below its children's.
type Tree = Option<Arc<Node>>;

#[derive(Debug)]
struct Node {
    region: Region,
    left: Tree,
    right: Tree,
}

impl Node {
    fn start(&self) -> usize {
        self.region.range.start
    }

    /// Looks random, and is different for every address.
    fn priority(&self) -> u64 {
        let mixed = (self.start() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed ^ (mixed >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93)
    }

    fn with(&self, left: Tree, right: Tree) -> Tree {
        Some(Arc::new(Self { region: self.region.clone(), left, right }))
    }
}

/// The regions below an address, and the others.
fn split(tree: &Tree, start: usize) -> (Tree, Tree) {
    let Some(node) = tree else { return (None, None) };
    if node.start() < start {
        let (below, others) = split(&node.right, start);
        (node.with(node.left.clone(), below), others)
    } else {
        let (below, others) = split(&node.left, start);
        (below, node.with(others, node.right.clone()))
    }
}

/// The regions of both trees, all of the first below those of the second.
fn join(low: &Tree, high: &Tree) -> Tree {
    match (low, high) {
        (None, tree) | (tree, None) => tree.clone(),
        (Some(a), Some(b)) if a.priority() >= b.priority() => a.with(a.left.clone(), join(&a.right, high)),
        (_, Some(b)) => b.with(join(low, &b.left), b.right.clone()),
    }
}

fn insert(tree: &Tree, region: Region) -> Tree {
    let (below, others) = split(tree, region.range.start);
    let new = Some(Arc::new(Node { region, left: None, right: None }));
    join(&join(&below, &new), &others)
}

fn remove(tree: &Tree, start: usize) -> Tree {
    let node = tree.as_ref()?;
    match start.cmp(&node.start()) {
        Ordering::Less => node.with(remove(&node.left, start), node.right.clone()),
        Ordering::Equal => join(&node.left, &node.right),
        Ordering::Greater => node.with(node.left.clone(), remove(&node.right, start)),
    }
}

/// All regions at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Regions<'a>(Option<&'a Node>);

impl<'a> Regions<'a> {
    /// The region that holds this address.
    pub(crate) fn at(self, address: usize) -> Option<&'a Region> {
        let (mut next, mut found) = (self.0, None);
        while let Some(node) = next {
            next = if node.start() <= address {
                found = Some(&node.region);
                node.right.as_deref()
            } else {
                node.left.as_deref()
            };
        }
        found.filter(|region| region.range.contains(&address))
    }

    /// The slot at an address.
    pub(crate) fn slot(self, address: usize) -> Option<SlotAt<'a>> {
        let region = self.at(address)?;
        match &region.kind {
            Kind::Slot { stack_low } => {
                Some(SlotAt { range: region.range.clone(), stack_low: *stack_low, tracker: None })
            }
            Kind::Pool(slots) => {
                let index = address.checked_sub(slots.base)? / STRIDE as usize;
                let tracker = slots.trackers.get(index)?.load(SeqCst);
                // SAFETY: `Published`, which keeps the tracker, withdraws it and then waits for all who read
                // regions, of which this is one, as `Regions` are handed out by `read` only. That sees the
                // tracker withdrawn, or is waited for, because the load is in one order with the store and
                // with the counts of readers.
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

/// The tree of regions.
static REGIONS: Snapshot<Node> = Snapshot::new();

/// Looks at the current regions. Callable from a signal handler; `look` must return.
pub(crate) fn read<R>(look: impl FnOnce(Regions<'_>) -> R) -> R {
    REGIONS.read(|tree| look(Regions(tree)))
}

/// Locks the regions for a fork. In its child those that were reading them do not go on.
fn lock_for_fork() -> Box<dyn FnOnce()> {
    let locked = REGIONS.lock();
    Box::new(move || locked.forget_readers())
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
    /// It overlaps no other region; the caller owns its addresses, and they stay reserved, laid out as `kind`
    /// says and with the trap table alive, for as long as the registration.
    pub(crate) unsafe fn new(region: Region) -> Self {
        let start = region.range.start;
        fork::attend(List::Regions, lock_for_fork);
        REGIONS.lock().update(|regions| insert(regions, region));
        Self { start }
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        REGIONS.lock().update(|regions| remove(regions, self.start));
    }
}

/// The tables that are searched while code runs, and their bytes.
#[derive(Debug)]
pub(crate) struct Tables {
    traps: TrapTable<'static>,
    exceptions: ExceptionTable<'static>,
    _bytes: [Box<[u8]>; 2],
}

impl Tables {
    /// Parses a trap table and an exception table.
    pub(crate) fn parse<E>(
        bytes: [Box<[u8]>; 2],
        parse: impl for<'a> FnOnce([&'a [u8]; 2]) -> Result<(TrapTable<'a>, ExceptionTable<'a>), E>,
    ) -> Result<Self, E> {
        // SAFETY: the boxes are kept beside what is parsed from them, unchanged, and are not reached
        // otherwise. `parse` works for slices of any lifetime, so it can keep none; what it returns leaves
        // this value only by `traps`, for as long as that lives, and in regions, which are removed before
        // (see `Code`).
        let slices = bytes.each_ref().map(|bytes| unsafe { &*std::ptr::from_ref(&**bytes) });
        let (traps, exceptions) = parse(slices)?;
        Ok(Self { traps, exceptions, _bytes: bytes })
    }

    /// What instructions trap with.
    pub(crate) fn traps(&self) -> &TrapTable<'_> {
        &self.traps
    }
}

/// The mapped segments of a module, registered as long as they are there.
#[derive(Debug)]
pub(crate) struct Code {
    // Declared first, so dropped first: the region must be unknown before its addresses and its tables go.
    _registration: Registration,
    text: Range<usize>,
    tables: Tables,
    _mapping: Mapping,
}

impl Code {
    /// Registers a mapping with machine code in this range of its addresses.
    pub(crate) fn new(mapping: Mapping, text: Range<usize>, tables: Tables) -> Self {
        let (traps, exceptions) = (tables.traps, tables.exceptions);
        let kind = Kind::Module { text: text.clone(), traps, exceptions };
        // SAFETY: the mapping owns its addresses. It and the tables are kept beside the registration and
        // dropped after it.
        let registration = unsafe { Registration::new(Region { range: mapping.range(), kind }) };
        Self { _registration: registration, text, tables, _mapping: mapping }
    }

    /// Addresses of its machine code.
    pub(crate) fn text(&self) -> &Range<usize> {
        &self.text
    }

    /// What its instructions trap with.
    pub(crate) fn traps(&self) -> &TrapTable<'_> {
        self.tables.traps()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(address: usize) -> Option<Range<usize>> {
        read(|regions| regions.at(address).map(|region| region.range.clone()))
    }

    fn starts(node: Option<&Node>) -> Vec<usize> {
        let below = |tree: &Tree| starts(tree.as_deref());
        node.map_or(Vec::new(), |node| [below(&node.left), vec![node.start()], below(&node.right)].concat())
    }

    fn depth(tree: &Tree) -> usize {
        tree.as_ref().map_or(0, |node| 1 + depth(&node.left).max(depth(&node.right)))
    }

    #[test]
    fn thousands_of_regions_make_a_flat_tree() {
        let region = |start: usize| Region { range: start..start + 4096, kind: Kind::Data };
        let mut tree = None;
        for place in 0..10_000 {
            tree = insert(&tree, region(place * 4096));
        }
        assert!(depth(&tree) < 60, "{}", depth(&tree));
        for place in (0..10_000).filter(|place| place % 3 != 0) {
            tree = remove(&tree, place * 4096);
        }
        let expected: Vec<_> = (0..10_000).filter(|place| place % 3 == 0).map(|place| place * 4096).collect();
        assert_eq!(starts(tree.as_deref()), expected);
        let at = |address| Regions(tree.as_deref()).at(address).map(|region| region.range.start);
        assert_eq!((at(3 * 4096), at(4 * 4096 - 1), at(4 * 4096)), (Some(3 * 4096), Some(3 * 4096), None));
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
                        read(|regions| assert!(starts(regions.0).is_sorted()));
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
