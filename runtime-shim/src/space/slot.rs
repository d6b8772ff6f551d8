//! One instance's address range, laid out as [`wasmaot_abi::slot`] draws it.
//!
//! **Invariant: whatever is not stack, state or memory is inaccessible**, but for the gap between constants
//! and the next part: it reads as zeros, so that it is one mapping with those. A slot is registered exactly
//! as long as it is mapped.

use crate::os::map::{self, Access, Mapping};
use crate::space::pages::Pages;
use crate::space::registry::{Kind, Region, Registration};
use crate::space::reserve;
use std::cell::Cell;
use std::io;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use wasmaot_abi::slot::{HOST_PAGE, MAX_STACK, STACK_GUARD, STACK_WINDOW, STRIDE, VMCTX};
use wasmaot_abi::state::{ACTIVATION_CELL, FuncRef, INSTANCE_CELL, StateLayout};

/// The most bytes of a stack's guard that are opened for a handler of the host's, see [`reserve`].
const HANDLER_RESERVE: usize = 256 << 10;

/// A mapped slot.
#[derive(Debug)]
pub(crate) struct Slot {
    // Declared first, so dropped first: the region must be unknown before its addresses are given back.
    registration: Option<Registration>,
    mapping: Arc<Mapping>,
    stack: StackBounds,
    /// Addresses of the function references, the constants, and the gap above them.
    constants: Range<usize>,
    /// Where the function references lie, if there is room for them.
    funcrefs: Option<usize>,
    /// Bytes of memory 0 that are accessible from the beginning.
    memory: u64,
    /// Only the thread that has its store uses it.
    unshared: PhantomData<Cell<()>>,
}

/// What an instance needs of its slot.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs<'a> {
    /// Bytes of native stack, whole pages.
    pub(crate) stack: u64,
    /// Its state.
    pub(crate) layout: &'a StateLayout,
    /// How many function references it has.
    pub(crate) funcrefs: usize,
    /// Bytes of memory 0 that are accessible from the beginning.
    pub(crate) memory: u64,
}

impl Slot {
    /// Reserves a slot and opens its stack, its state, and the first bytes of memory 0; everything
    /// in it is zero.
    pub(crate) fn new(needs: Needs<'_>) -> io::Result<Self> {
        let mapping = Mapping::reserve(STRIDE as usize, STACK_WINDOW as usize)?;
        let mut slot = Self::open(mapping, needs)?;
        let kind = Kind::Slot { stack_low: slot.stack.low };
        let region = Region { range: slot.mapping.range(), kind };
        // SAFETY: the mapping is this slot's own and outlives the registration (see the order of the fields).
        slot.registration = Some(unsafe { Registration::new(region) });
        Ok(slot)
    }

    /// The same for an inaccessible, empty slot that its owner registers.
    pub(crate) fn open(mapping: Mapping, needs: Needs<'_>) -> io::Result<Self> {
        let Needs { stack, layout, funcrefs, memory } = needs;
        debug_assert!(stack.is_multiple_of(HOST_PAGE) && stack <= MAX_STACK);
        let (page, vmctx) = (HOST_PAGE as usize, VMCTX as usize);
        let rw_start = vmctx - layout.rw_bytes() as usize;
        let const_end = vmctx - layout.const_distance() as usize;
        let const_start = const_end - layout.const_bytes() as usize;
        // A page more than asked for, of which the state takes a part.
        let near = (rw_start & !(page - 1)).checked_sub(stack as usize);
        let near = near.filter(|&low| low >= const_end + STACK_GUARD as usize);
        // Below the constants there are the guard and perhaps the stack.
        let reserved = STACK_GUARD as usize + if near.is_some() { 0 } else { stack as usize };
        let lowest_item = const_end - layout.const_used() as usize;
        let funcrefs =
            funcrefs.checked_mul(size_of::<FuncRef>()).and_then(|bytes| lowest_item.checked_sub(bytes));
        let funcrefs = funcrefs.map(|start| start & !(align_of::<FuncRef>() - 1));
        let funcrefs = funcrefs.filter(|&start| start & !(page - 1) >= reserved);
        let const_start = funcrefs.map_or(const_start, |start| const_start.min(start & !(page - 1)));
        let (low, top, gap_end) = match near {
            Some(low) => (low, rw_start, low),
            None => (const_start - stack as usize, const_start, rw_start & !(page - 1)),
        };
        let is_near = gap_end == low;
        let guarded = if is_near { const_end } else { 0 } + STACK_GUARD as usize;
        let reserve = guarded.max(low.saturating_sub(HANDLER_RESERVE));
        let first = low.min(const_start);
        mapping.protect(first, vmctx + memory as usize - first, Access::ReadWrite)?;
        let base = mapping.start();
        let below = if is_near { Below::Constants } else { Below::Guard };
        let stack = StackBounds { low: base + low, top: base + top, reserve: base + reserve, below };
        let constants = base + const_start..base + gap_end;
        let funcrefs = funcrefs.map(|start| base + start);
        let mapping = Arc::new(mapping);
        Ok(Self { registration: None, mapping, stack, constants, funcrefs, memory, unshared: PhantomData })
    }

    /// Returns the address for the instance's function references, beside the constants; `None` if
    /// there is no room for them.
    pub(crate) fn funcrefs(&self) -> Option<usize> {
        self.funcrefs
    }

    /// Drops the pages of the stack, but for one that it shares with the state. Nothing runs on it.
    pub(crate) fn discard_stack(&self) -> io::Result<()> {
        let (low, end) = (self.stack.low, self.stack.top & !(HOST_PAGE as usize - 1));
        self.mapping.discard(low - self.mapping.start(), end - low)
    }

    /// Address of the end of the state and of byte 0 of memory 0.
    pub(crate) fn vmctx(&self) -> usize {
        self.mapping.start() + VMCTX as usize
    }

    /// Bytes of memory 0 that were accessible from the beginning.
    pub(crate) fn memory(&self) -> u64 {
        self.memory
    }

    /// The pages from byte 0 of memory 0 on, to the end of the slot.
    pub(crate) fn memory_pages(&self) -> Pages {
        // SAFETY: behind vmctx lies memory 0, and nothing else: the state, to which there are references,
        // ends there.
        unsafe { Pages::new(self.mapping.clone(), VMCTX as usize) }
    }

    /// Makes the constant part of the state read-only, and with it the function references below
    /// and the gap above.
    pub(crate) fn freeze_constants(&self) -> io::Result<()> {
        let (start, length) = (self.constants.start - self.mapping.start(), self.constants.len());
        self.mapping.protect(start, length, Access::Read)
    }

    /// Notes where the instance's record is.
    pub(crate) fn set_instance(&self, record: *const ()) {
        let cell = (self.vmctx() - INSTANCE_CELL as usize) as *mut *const ();
        // SAFETY: the word is one of the reserved ones of the state.
        unsafe { cell.write(record) };
    }

    /// Where its stack is.
    pub(crate) fn stack(&self) -> StackBounds {
        self.stack
    }

    /// Its stack, whose guest waits for the caller.
    pub(crate) fn guest_stack(&self) -> GuestStack<'_> {
        // SAFETY: the slot keeps its addresses. It is used by one thread at a time, as it is not `Sync`, and
        // this is that thread, which runs Rust code and not the guest.
        unsafe { self.stack.in_use() }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        reserve::forget(self.stack);
    }
}

/// The instance's record noted in the slot with this vmctx.
///
/// # Safety
/// `vmctx` is that of a live slot.
#[inline]
pub(crate) unsafe fn instance_of(vmctx: u64) -> *const () {
    let cell = (vmctx - INSTANCE_CELL) as *const *const ();
    // SAFETY: the word is in the state of the slot.
    unsafe { cell.read() }
}

/// A word in the writable part of a slot's state, which the host and compiled code change in turn.
#[derive(Debug)]
pub(crate) struct Word(NonNull<AtomicU64>);

impl Word {
    /// The word at this address.
    ///
    /// # Safety
    /// It is an aligned word of the state of a slot that outlives the result, and is used by one thread at a
    /// time.
    pub(crate) unsafe fn new(address: NonNull<u64>) -> Self {
        Self(address.cast())
    }

    /// The word.
    #[inline]
    pub(crate) fn get(&self) -> &AtomicU64 {
        // SAFETY: the slot outlives this, as its maker said, and so the word is there. No code accesses
        // it at the same time: it is used by one thread, and compiled code does not run while the host looks
        // at it.
        unsafe { self.0.as_ref() }
    }
}

/// What lies below a stack. As wide as a word: behind a byte there would be padding, which is copied along in
/// words that straddle the stores before, and the CPU has to wait for those.
#[repr(u64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    /// A guard.
    Guard,
    /// The constants, which can be read.
    Constants,
}

/// The accessible part of a slot's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StackBounds {
    /// Lowest accessible address.
    pub(crate) low: usize,
    /// The first guest stack pointer, a multiple of 16.
    top: usize,
    /// Lowest address that can be opened for a handler of the host's.
    reserve: usize,
    below: Below,
}

impl StackBounds {
    /// The first guest stack pointer.
    pub(crate) fn top(self) -> usize {
        self.top
    }

    /// The part of the guard below it that can be opened for a handler of the host's; empty if there is no
    /// room for one.
    fn reserve(self) -> Range<usize> {
        self.reserve.min(self.low)..self.low
    }

    /// Whether a part of the guard below it can be opened for a handler of the host's.
    pub(crate) fn has_reserve(self) -> bool {
        !self.reserve().is_empty()
    }

    /// Where the address of the running activation is kept.
    pub(crate) fn activation_cell(self) -> *mut *mut () {
        let base = self.low & !(STACK_WINDOW as usize - 1);
        (base + (VMCTX - ACTIVATION_CELL) as usize) as *mut *mut ()
    }

    /// The stack while its slot is in use.
    ///
    /// # Safety
    /// The slot keeps its instance for `'a`, and on no thread does its guest run meanwhile: it waits for the
    /// host, or a handler of signals has interrupted it.
    pub(crate) unsafe fn in_use<'a>(self) -> GuestStack<'a> {
        GuestStack { bounds: self, slot: PhantomData }
    }

    /// Whether `bytes` bytes at `address` are on the stack.
    pub(crate) fn holds(self, address: usize, bytes: usize) -> bool {
        address >= self.low && address.checked_add(bytes).is_some_and(|end| end <= self.top)
    }
}

/// The stack of a slot whose guest waits for the host, or for a handler of signals. Words of it are read
/// within its bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuestStack<'a> {
    bounds: StackBounds,
    slot: PhantomData<&'a Slot>,
}

impl<'a> GuestStack<'a> {
    /// Where it is.
    pub(crate) fn bounds(self) -> StackBounds {
        self.bounds
    }

    /// Makes the part of the guard accessible that is there for a handler of the host's.
    pub(crate) fn open_reserve(self) -> io::Result<()> {
        let reserve = self.bounds.reserve();
        // SAFETY: the range is in the guard of a slot that is in use, below its stack, where no Rust
        // reference points.
        unsafe { map::protect(reserve.start, reserve.len(), Access::ReadWrite) }
    }

    /// Makes that part inaccessible again, and drops its pages.
    pub(crate) fn close_reserve(self) -> io::Result<()> {
        let gap = match self.bounds.below {
            Below::Guard => Access::None,
            Below::Constants => Access::Read,
        };
        let reserve = self.bounds.reserve();
        // SAFETY: the range is in the guard of a slot that is in use, below its stack, where no Rust
        // reference points. The guest waits, so no frame of its own is there, and a handler of the host's has
        // returned from there.
        unsafe {
            map::discard(reserve.start, reserve.len())?;
            map::protect(reserve.start, reserve.len(), gap)
        }
    }

    /// A word at an address; `None` if that is not on the stack, or not aligned.
    pub(crate) fn load(self, address: u64) -> Option<u64> {
        let address = address as usize;
        if !address.is_multiple_of(8) || !self.bounds.holds(address, 8) {
            return None;
        }
        // SAFETY: the word is aligned and within the bounds of the stack, which is accessible as long as the
        // slot has its instance, and which no guest writes to now.
        Some(unsafe { (address as *const u64).read() })
    }

    /// The words from an address to the end of the stack; none if the address is not on it.
    pub(crate) fn words_from(self, address: u64) -> &'a [Cell<u32>] {
        let (start, top) = (address as usize & !(size_of::<u64>() - 1), self.bounds.top);
        if !self.bounds.holds(start, 0) {
            return &[];
        }
        // SAFETY: the words are aligned and within the bounds of the stack, which is accessible as long as
        // the slot has its instance. A guest writes to them only when no Rust code of its thread runs, and
        // cells may change.
        unsafe { std::slice::from_raw_parts(start as *const Cell<u32>, (top - start) / size_of::<u32>()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::slot::{CONSTANTS, DEFAULT_STACK};
    use wasmaot_abi::state::Counts;

    /// The kernel's view of the slot: `(offset from its base, length, permissions)` in order.
    fn mapped_parts(slot: &Slot) -> Vec<(usize, usize, String)> {
        let range = slot.mapping.range();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let mut parts = Vec::new();
        for line in maps.lines() {
            let mut fields = line.split_whitespace();
            let (from, to) = fields.next().unwrap().split_once('-').unwrap();
            let permissions = fields.next().unwrap().to_string();
            let parse = |text| usize::from_str_radix(text, 16).unwrap();
            let (from, to) = (parse(from).max(range.start), parse(to).min(range.end));
            if from < to && permissions != "---p" {
                parts.push((from - range.start, to - from, permissions));
            }
        }
        parts
    }

    fn layout(defined_globals: u32) -> StateLayout {
        StateLayout::new(Counts { types: 3, defined_globals, ..Counts::default() }).unwrap()
    }

    fn slot(stack: u64, globals: u32, funcrefs: usize) -> Slot {
        Slot::new(Needs { stack, layout: &layout(globals), funcrefs, memory: 0 }).unwrap()
    }

    fn expect(stack: u64, globals: u32, funcrefs: usize, parts: &[(u64, u64, &str)]) {
        let slot = slot(stack, globals, funcrefs);
        slot.freeze_constants().unwrap();
        let parts = parts.iter().map(|&(below, bytes, permissions)| {
            ((VMCTX - below) as usize, bytes as usize, permissions.to_string())
        });
        assert_eq!(mapped_parts(&slot), parts.collect::<Vec<_>>());
        assert!(slot.mapping.start().is_multiple_of(STACK_WINDOW as usize));
        assert!(slot.stack.top - slot.stack.low >= stack as usize);
        let cell = slot.stack.activation_cell() as usize;
        assert_eq!(cell, slot.vmctx() - ACTIVATION_CELL as usize);
    }

    #[test]
    fn only_stack_state_and_the_gap_above_constants_are_accessible() {
        let constants = CONSTANTS + HOST_PAGE;
        // 300 globals take more than a page, the first of which the stack shares.
        let rw = DEFAULT_STACK + 2 * HOST_PAGE;
        expect(DEFAULT_STACK, 300, 0, &[(constants, constants - rw, "r--p"), (rw, rw, "rw-p")]);
        let rw = (64 << 10) + HOST_PAGE;
        expect(64 << 10, 0, 100, &[(constants, constants - rw, "r--p"), (rw, rw, "rw-p")]);
    }

    #[test]
    fn a_large_stack_or_state_makes_the_stack_a_far_one() {
        let constants = CONSTANTS + HOST_PAGE;
        let gap = ("r--p", constants - HOST_PAGE);
        let parts = [
            (constants + MAX_STACK, MAX_STACK, "rw-p"),
            (constants, gap.1, gap.0),
            (HOST_PAGE, HOST_PAGE, "rw-p"),
        ];
        expect(MAX_STACK, 0, 1, &parts);
        // More state than there is room before the constants.
        let state = (100_000u64 * 16 + 64).next_multiple_of(HOST_PAGE);
        let constants = state + HOST_PAGE;
        let parts = [
            (constants + DEFAULT_STACK, DEFAULT_STACK, "rw-p"),
            (constants, HOST_PAGE, "r--p"),
            (state, state, "rw-p"),
        ];
        expect(DEFAULT_STACK, 100_000, 0, &parts);
    }

    #[test]
    fn function_references_share_the_pages_of_the_constants() {
        // Those of the constants' items, and 100 pages more.
        let funcrefs = 100 * HOST_PAGE as usize / size_of::<FuncRef>();
        let constants = CONSTANTS + 101 * HOST_PAGE;
        let rw = DEFAULT_STACK + HOST_PAGE;
        expect(DEFAULT_STACK, 0, funcrefs, &[(constants, constants - rw, "r--p"), (rw, rw, "rw-p")]);
        let parts = [
            (constants + MAX_STACK, MAX_STACK, "rw-p"),
            (constants, constants - HOST_PAGE, "r--p"),
            (HOST_PAGE, HOST_PAGE, "rw-p"),
        ];
        expect(MAX_STACK, 0, funcrefs, &parts);
        let slot = slot(DEFAULT_STACK, 0, funcrefs);
        let start = slot.funcrefs().unwrap();
        let end = start + funcrefs * size_of::<FuncRef>();
        let items = slot.vmctx() - CONSTANTS as usize - layout(0).const_used() as usize;
        assert!(slot.constants.contains(&start) && end <= items, "{start:#x}..{end:#x} and {items:#x}");
    }

    #[test]
    fn too_many_function_references_lie_elsewhere() {
        let constants = CONSTANTS + HOST_PAGE;
        let rw = DEFAULT_STACK + HOST_PAGE;
        for funcrefs in [VMCTX as usize / size_of::<FuncRef>(), usize::MAX] {
            assert_eq!(slot(DEFAULT_STACK, 0, funcrefs).funcrefs(), None);
            expect(DEFAULT_STACK, 0, funcrefs, &[(constants, constants - rw, "r--p"), (rw, rw, "rw-p")]);
        }
        // As many as leave room for the guard.
        let room = (VMCTX - CONSTANTS - STACK_GUARD) as usize - layout(0).const_used() as usize;
        assert!(slot(DEFAULT_STACK, 0, room / size_of::<FuncRef>()).funcrefs().is_some());
        assert!(slot(DEFAULT_STACK, 0, room / size_of::<FuncRef>() + 1).funcrefs().is_none());
        assert!(slot(MAX_STACK, 0, room / size_of::<FuncRef>()).funcrefs().is_none());
    }

    #[test]
    fn the_pages_of_a_stack_are_dropped() {
        for stack in [DEFAULT_STACK, MAX_STACK] {
            let slot = slot(stack, 0, 0);
            let (low, top) = (slot.stack.low, slot.stack.top);
            let cell = (slot.vmctx() - 8) as *mut u64;
            // SAFETY: all are in the accessible part of the slot, which nothing runs in.
            unsafe {
                ((low + 64) as *mut u64).write(1);
                ((top - HOST_PAGE as usize - 64) as *mut u64).write(2);
                cell.write(3);
                slot.discard_stack().unwrap();
                assert_eq!(((low + 64) as *mut u64).read(), 0);
                assert_eq!(((top - HOST_PAGE as usize - 64) as *mut u64).read(), 0);
                assert_eq!(cell.read(), 3);
            }
        }
    }

    #[test]
    fn the_instance_is_found_from_vmctx() {
        let slot = slot(64 << 10, 0, 0);
        let record = 7u32;
        slot.set_instance((&raw const record).cast());
        // SAFETY: the slot of this vmctx is the one above, which lives until the end of the test.
        assert_eq!(unsafe { instance_of(slot.vmctx() as u64) }, (&raw const record).cast());
    }
}
