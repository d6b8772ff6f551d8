//! One instance's address range, laid out as [`wasmaot_abi::slot`] draws it.
//!
//! The runtime keeps two words of its own at the end of the stack window: the activation cell, and below it the address of the
//! instance's record, so that the instance is found from a vmctx alone.
//!
//! **Invariant: whatever is not stack, state or memory is inaccessible**, but for the gap between stack and constants: it reads as
//! zeros, so that it is one mapping with those. A slot is registered exactly as long as it is mapped.

use crate::activation::Activation;
use crate::registry::{Kind, Region, Registration};
use crate::sys::map::{Access, Mapping};
use std::io;
use wasmaot_abi::slot::{ACTIVATION_CELL, HOST_PAGE, MAX_STACK, STACK_TOP, STACK_WINDOW, STRIDE, VMCTX};
use wasmaot_abi::state::StateLayout;

/// Distance of the word that holds the instance's record from the end of the stack window.
const INSTANCE_CELL: usize = ACTIVATION_CELL as usize + 8;

const _: () = assert!(INSTANCE_CELL <= STACK_TOP as usize);

/// A mapped slot.
#[derive(Debug)]
pub(crate) struct Slot {
    // Declared first, so dropped first: the region must be unknown before its addresses are given back.
    registration: Option<Registration>,
    mapping: Mapping,
    stack_low: usize,
    rw_start: usize,
}

impl Slot {
    /// Reserves a slot and opens its stack and state; everything in it is zero, and the memory still inaccessible.
    pub(crate) fn new(stack: u64, layout: &StateLayout) -> io::Result<Self> {
        let mut slot = Self::open(Mapping::reserve(STRIDE as usize, STACK_WINDOW as usize)?, stack, layout)?;
        let region = Region { range: slot.mapping.range(), kind: Kind::Slot { stack_low: slot.stack_low } };
        // SAFETY: the mapping is this slot's own and outlives the registration (see the order of the fields).
        slot.registration = Some(unsafe { Registration::new(region) });
        Ok(slot)
    }

    /// Opens stack and state of an inaccessible, empty slot that somebody else registers.
    pub(crate) fn open(mapping: Mapping, stack: u64, layout: &StateLayout) -> io::Result<Self> {
        debug_assert!(stack.is_multiple_of(HOST_PAGE) && stack <= MAX_STACK);
        let (window, vmctx) = (STACK_WINDOW as usize, VMCTX as usize);
        let stack_low = window - stack as usize;
        let rw_start = vmctx - layout.rw_bytes() as usize;
        let const_start = rw_start - layout.const_bytes() as usize;
        mapping.protect(stack_low, stack as usize, Access::ReadWrite)?;
        mapping.protect(const_start, vmctx - const_start, Access::ReadWrite)?;
        let base = mapping.start();
        Ok(Self { registration: None, mapping, stack_low: base + stack_low, rw_start })
    }

    /// Address of the end of the state and of byte 0 of memory 0.
    pub(crate) fn vmctx(&self) -> usize {
        self.mapping.start() + VMCTX as usize
    }

    /// The range that the slot occupies.
    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// Makes the constant part of the state read-only, and with it the gap below.
    pub(crate) fn freeze_constants(&self) -> io::Result<()> {
        let gap = STACK_WINDOW as usize;
        self.mapping.protect(gap, self.rw_start - gap, Access::Read)
    }

    /// Notes where the instance's record is.
    pub(crate) fn set_instance(&self, record: *const ()) {
        let cell = (self.mapping.start() + STACK_WINDOW as usize - INSTANCE_CELL) as *mut *const ();
        // SAFETY: the word lies above the first stack pointer in the accessible stack.
        unsafe { cell.write(record) };
    }

    /// Its stack.
    pub(crate) fn stack(&self) -> StackBounds {
        StackBounds { low: self.stack_low, end: self.mapping.start() + STACK_WINDOW as usize }
    }
}

/// The instance's record noted in the slot with this vmctx.
///
/// # Safety
/// `vmctx` is that of a live slot.
pub(crate) unsafe fn instance_of(vmctx: u64) -> *const () {
    let cell = vmctx as usize - (VMCTX - STACK_WINDOW) as usize - INSTANCE_CELL;
    // SAFETY: the word is in the accessible stack of the slot.
    unsafe { (cell as *const *const ()).read() }
}

/// The accessible part of a slot's stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StackBounds {
    /// Lowest accessible address.
    pub(crate) low: usize,
    /// End of the stack window.
    pub(crate) end: usize,
}

impl StackBounds {
    /// The first guest stack pointer.
    pub(crate) fn top(self) -> usize {
        self.end - STACK_TOP as usize
    }

    /// Where the address of the running activation is kept.
    pub(crate) fn activation_cell(self) -> *mut *mut Activation {
        (self.end - ACTIVATION_CELL as usize) as *mut *mut Activation
    }

    /// Whether `bytes` bytes at `address` are on the stack.
    pub(crate) fn holds(self, address: usize, bytes: usize) -> bool {
        address >= self.low && address.checked_add(bytes).is_some_and(|end| end <= self.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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

    #[test]
    fn only_stack_state_and_the_gap_between_are_accessible() {
        let layout =
            StateLayout::new(Counts { types: 3, defined_globals: 300, ..Counts::default() }).unwrap();
        let slot = Slot::new(1 << 20, &layout).unwrap();
        slot.freeze_constants().unwrap();
        let rw = layout.rw_bytes() as usize;
        let vmctx = VMCTX as usize;
        let window = STACK_WINDOW as usize;
        assert_eq!(
            mapped_parts(&slot),
            [
                (window - (1 << 20), 1 << 20, "rw-p".to_string()),
                (window, vmctx - rw - window, "r--p".to_string()),
                (vmctx - rw, rw, "rw-p".to_string()),
            ]
        );
        assert!(slot.mapping.start().is_multiple_of(window));
    }

    #[test]
    fn the_instance_is_found_from_vmctx() {
        let layout = StateLayout::new(Counts::default()).unwrap();
        let slot = Slot::new(64 << 10, &layout).unwrap();
        let record = 7u32;
        slot.set_instance((&raw const record).cast());
        // SAFETY: the slot is live.
        assert_eq!(unsafe { instance_of(slot.vmctx() as u64) }, (&raw const record).cast());
    }
}
