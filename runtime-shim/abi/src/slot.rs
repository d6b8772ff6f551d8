//! The address range of one instance.
//!
//! ```text
//!  low                                                                                                      high
//!  base                                                                base + 15.5 MiB = vmctx
//!  | guard | far stack | constants <-CONST-> | guard | near stack <-RW-> state | linear memory 0 ... | guard |
//!                                            <-------- CONSTANTS ------------->  4 GiB index + 4 GiB offset
//! ```
//!
//! The native stack usually is the near one, which shares a page with the state: with those and the first
//! pages of memory in one 2 MiB range of addresses, an instance that does little takes one page of stack and
//! state, one of constants, and one of the kernel's page tables. A stack that has no room there is the far
//! one, below the constants. The instance's function references lie below the items of the constants, in the
//! same read-only pages; only where there is no room for them do they lie outside of the slot.
//!
//! **Invariants.** The base is aligned to [`STACK_WINDOW`], and vmctx has the same distance from it in every
//! slot, so the activation cell ([`crate::state::ACTIVATION_CELL`]) is found from any stack pointer of the
//! slot by setting its low bits. An access `vmctx + zext32(index) + offset32` of up to [`MAX_ACCESS`] bytes
//! ends inside the slot or in its trailing guard. Nothing between the parts can be written.

/// Page size of the host; protections change at this granularity.
pub const HOST_PAGE: u64 = 4096;

/// The alignment of a slot, a power of two. Stacks, constants, state and the first bytes of memory lie in the
/// first bytes.
pub const STACK_WINDOW: u64 = 16 << 20;

/// Bytes at the low end of every stack that cannot be written, at least. Frames larger than
/// [`STACK_PROBE`] are probed at that interval, so no frame jumps over the guard.
pub const STACK_GUARD: u64 = 64 << 10;

/// Frames up to this many bytes are not probed.
pub const STACK_PROBE: u64 = 1 << STACK_PROBE_LOG2;

/// Base-two logarithm of [`STACK_PROBE`].
pub const STACK_PROBE_LOG2: u8 = 15;

/// Usable native stack of an instance unless the embedder asks otherwise.
pub const DEFAULT_STACK: u64 = 1 << 20;

/// The most native stack that a slot can offer.
pub const MAX_STACK: u64 = 7 << 20;

/// Distance of vmctx from the base of its slot. One page of the kernel's page tables maps 2 MiB: three
/// quarters of such a range lie below vmctx.
pub const VMCTX: u64 = STACK_WINDOW - (512 << 10);

/// Distance from vmctx of the end of the constants, unless the state needs more: room for the default stack
/// and its guard.
pub const CONSTANTS: u64 = DEFAULT_STACK + (256 << 10);

/// The most bytes of constants and state (both parts together) that fit below vmctx.
pub const MAX_STATE: u64 = 8 << 20;

/// Bytes that 32 bits address.
pub const ADDRESSABLE32: u64 = 1 << 32;

/// Addresses reserved from vmctx on: 4 GiB of index, 4 GiB of static offset.
pub const MEMORY_RESERVATION: u64 = 8 << 30;

/// The most bytes of a memory with addresses of 64 bits: 64 GiB. More would take addresses from others, of
/// which the machine has 128 TiB in all.
pub const MAX_MEMORY64: u64 = 64 << 30;

/// Addresses reserved behind the most bytes of every memory: static offsets below this many need not be
/// compared.
pub const OFFSET_GUARD: u64 = 1 << 32;

/// The widest access of one instruction, in bytes.
pub const MAX_ACCESS: u64 = 64;

/// Inaccessible bytes behind the reservation.
pub const MEMORY_GUARD: u64 = 2 * STACK_WINDOW - VMCTX;

/// Bytes from one slot to the next.
pub const STRIDE: u64 = VMCTX + MEMORY_RESERVATION + MEMORY_GUARD;

/// Static offsets from here on do not fit an x86-64 displacement and are added apart.
pub const MAX_FOLDED_OFFSET: u64 = i32::MAX as u64;

const _: () = {
    assert!(STACK_WINDOW.is_power_of_two());
    assert!(STRIDE.is_multiple_of(STACK_WINDOW));
    assert!(MAX_STATE + MAX_STACK + STACK_GUARD <= VMCTX);
    assert!(CONSTANTS.is_multiple_of(HOST_PAGE) && VMCTX.is_multiple_of(HOST_PAGE));
    assert!(MEMORY_GUARD >= MAX_ACCESS);
    assert!(STACK_GUARD >= STACK_PROBE);
};
