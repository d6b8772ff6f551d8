//! The address range of one instance.
//!
//! ```text
//!  low                                                                                         high
//!  base                    base + 8 MiB                base + 17 MiB = vmctx
//!  | guard | stack window ........... |A| guard | constants | state | linear memory 0 ...| guard |
//!           <-- grows down            |         <-- CONST -> <- RW -> 4 GiB index + 4 GiB offset
//!                                     +-- activation cell
//! ```
//!
//! **Invariants.** The base is aligned to [`STACK_WINDOW`], so the activation cell is found from
//! any stack pointer of the slot by setting its low bits. An access `vmctx + zext32(index) +
//! offset32` of up to [`MAX_ACCESS`] bytes ends inside the slot or in its trailing guard. Everything
//! between the parts is inaccessible.

/// Page size of the host; protections change at this granularity.
pub const HOST_PAGE: u64 = 4096;

/// Bytes in front of the state area that hold the native stack, a power of two and the alignment
/// of a slot.
pub const STACK_WINDOW: u64 = 8 << 20;

/// Inaccessible bytes at the low end of every stack, at least. Frames larger than
/// [`STACK_PROBE`] are probed at that interval, so no frame jumps over the guard.
pub const STACK_GUARD: u64 = 64 << 10;

/// Frames up to this many bytes are not probed.
pub const STACK_PROBE: u64 = 1 << STACK_PROBE_LOG2;

/// Base-two logarithm of [`STACK_PROBE`].
pub const STACK_PROBE_LOG2: u8 = 15;

/// Distance of the activation cell, which holds the address of the running activation's record,
/// from the end of the stack window.
pub const ACTIVATION_CELL: u64 = 8;

/// Distance of the first guest stack pointer from the end of the stack window. A multiple of 16.
pub const STACK_TOP: u64 = 64;

/// Usable native stack of an instance unless the embedder asks otherwise.
pub const DEFAULT_STACK: u64 = 1 << 20;

/// The most native stack that a slot can offer.
pub const MAX_STACK: u64 = STACK_WINDOW - STACK_GUARD;

/// Distance of vmctx from the base of its slot. One page of the kernel's page tables maps 2 MiB: in the middle of those lies vmctx, so
/// that state and the first pages of memory share it.
pub const VMCTX: u64 = 2 * STACK_WINDOW + (1 << 20);

/// The most bytes of constants and state (both parts together) that fit below vmctx.
pub const MAX_STATE: u64 = VMCTX - STACK_WINDOW - STACK_GUARD;

/// Addresses reserved from vmctx on: 4 GiB of index, 4 GiB of static offset.
pub const MEMORY_RESERVATION: u64 = 8 << 30;

/// The widest access of one instruction, in bytes.
pub const MAX_ACCESS: u64 = 64;

/// Inaccessible bytes behind the reservation.
pub const MEMORY_GUARD: u64 = 3 * STACK_WINDOW - VMCTX;

/// Bytes from one slot to the next.
pub const STRIDE: u64 = VMCTX + MEMORY_RESERVATION + MEMORY_GUARD;

/// Static offsets from here on do not fit an x86-64 displacement and are added apart.
pub const MAX_FOLDED_OFFSET: u64 = i32::MAX as u64;

const _: () = {
    assert!(STACK_WINDOW.is_power_of_two());
    assert!(STRIDE.is_multiple_of(STACK_WINDOW));
    assert!(STACK_TOP.is_multiple_of(16) && STACK_TOP >= ACTIVATION_CELL + 8);
    assert!(MEMORY_GUARD >= MAX_ACCESS);
    assert!(STACK_GUARD >= STACK_PROBE);
};
