//! Bodies of the builtins. Their stubs (see [`crate::run::asm`]) bring them to the host's stack.
//!
//! **Invariants.** Operands are what compiled code passed: indices are the module's own, everything else is
//! checked. A body that traps says so in its result and its stub does not return.

use crate::os::trace;
use crate::run::atomic::Atomic;
use crate::run::fuel::Payer;
use crate::run::interrupt::{self, Next};
use crate::run::park::Outcome;
use crate::run::protocol::BuiltinResult;
use crate::state::instance::{InstanceCore, Vmctx};
use crate::state::limits::Refused;
use crate::state::table::Element;
use wasmaot_abi::trap::TrapCode;

/// Returns to the guest, unless it was to be stopped meanwhile, or to yield: a program that is hardly ever
/// outside of builtins would seldom be found there.
fn value(value: u64) -> BuiltinResult {
    match interrupt::after_poke() {
        Next::GoOn => BuiltinResult { value, trap: 0 },
        Next::Yield => BuiltinResult { value, trap: u64::from(BuiltinResult::YIELDS) },
        Next::Stop(code) => BuiltinResult::trap(code),
    }
}

fn checked(result: Result<(), TrapCode>) -> BuiltinResult {
    result.map_or_else(BuiltinResult::trap, |()| value(0))
}

/// What growing gives: the old size, or -1, or a trap if the embedder wants that.
fn grown(
    instance: &InstanceCore,
    result: Result<Result<u64, Refused>, TrapCode>,
    code: TrapCode,
) -> BuiltinResult {
    if let Ok(Err(Refused::Limit)) = result {
        trace::limit_hit(if code == TrapCode::MemoryLimit { "memory" } else { "table" });
    }
    match result {
        Err(code) => BuiltinResult::trap(code),
        Ok(Err(Refused::Limit)) if instance.traps_at_limits() => BuiltinResult::trap(code),
        Ok(Err(Refused::InDoubt)) => BuiltinResult::trap(TrapCode::OutOfMemory),
        Ok(result) => value(result.unwrap_or(u64::MAX)),
    }
}

pub(crate) extern "C" fn memory_grow(vmctx: Vmctx, memory: u64, pages: u64) -> BuiltinResult {
    let instance = vmctx.instance();
    grown(instance, instance.memory_grow(memory as u32, pages), TrapCode::MemoryLimit)
}

pub(crate) extern "C" fn memory_fill(
    vmctx: Vmctx,
    memory: u64,
    to: u64,
    byte: u64,
    length: u64,
) -> BuiltinResult {
    checked(vmctx.instance().memory_fill(memory as u32, to, byte as u8, length))
}

pub(crate) extern "C" fn memory_copy(
    vmctx: Vmctx,
    to_memory: u64,
    from_memory: u64,
    to: u64,
    from: u64,
    length: u64,
) -> BuiltinResult {
    checked(vmctx.instance().memory_copy(to_memory as u32, from_memory as u32, to, from, length))
}

pub(crate) extern "C" fn memory_init(
    vmctx: Vmctx,
    memory: u64,
    segment: u64,
    to: u64,
    from: u64,
    length: u64,
) -> BuiltinResult {
    checked(vmctx.instance().memory_init(Payer::Guest, memory as u32, segment as u32, to, from, length))
}

pub(crate) extern "C" fn data_drop(vmctx: Vmctx, segment: u64) -> BuiltinResult {
    vmctx.instance().drop_data(segment as u32);
    value(0)
}

pub(crate) extern "C" fn table_grow(vmctx: Vmctx, table: u64, element: Element, count: u64) -> BuiltinResult {
    let instance = vmctx.instance();
    grown(instance, instance.table_grow(table as u32, count, element), TrapCode::TableLimit)
}

pub(crate) extern "C" fn table_fill(
    vmctx: Vmctx,
    table: u64,
    to: u64,
    element: Element,
    length: u64,
) -> BuiltinResult {
    checked(vmctx.instance().table_fill(table as u32, to, element, length))
}

pub(crate) extern "C" fn table_copy(
    vmctx: Vmctx,
    to_table: u64,
    from_table: u64,
    to: u64,
    from: u64,
    length: u64,
) -> BuiltinResult {
    checked(vmctx.instance().table_copy(to_table as u32, from_table as u32, to, from, length))
}

pub(crate) extern "C" fn table_init(
    vmctx: Vmctx,
    table: u64,
    segment: u64,
    to: u64,
    from: u64,
    length: u64,
) -> BuiltinResult {
    checked(vmctx.instance().table_init(Payer::Guest, table as u32, segment as u32, to, from, length))
}

pub(crate) extern "C" fn elem_drop(vmctx: Vmctx, segment: u64) -> BuiltinResult {
    vmctx.instance().drop_elem(segment as u32);
    value(0)
}

/// Names an access of a memory by an atomic operator.
fn place(memory: u64, address: u64, offset: u64, bytes: u64) -> Atomic {
    Atomic { memory: memory as u32, address, offset, bytes }
}

fn waited(result: Result<Outcome, TrapCode>) -> BuiltinResult {
    result.map_or_else(BuiltinResult::trap, |outcome| value(outcome as u64))
}

pub(crate) extern "C" fn memory_wait32(
    vmctx: Vmctx,
    memory: u64,
    offset: u64,
    address: u64,
    expected: u64,
    timeout: u64,
) -> BuiltinResult {
    waited(vmctx.instance().wait(&place(memory, address, offset, 4), expected, timeout as i64))
}

pub(crate) extern "C" fn memory_wait64(
    vmctx: Vmctx,
    memory: u64,
    offset: u64,
    address: u64,
    expected: u64,
    timeout: u64,
) -> BuiltinResult {
    waited(vmctx.instance().wait(&place(memory, address, offset, 8), expected, timeout as i64))
}

pub(crate) extern "C" fn memory_notify(
    vmctx: Vmctx,
    memory: u64,
    offset: u64,
    address: u64,
    count: u64,
) -> BuiltinResult {
    let woken = vmctx.instance().notify(&place(memory, address, offset, 4), count as u32);
    woken.map_or_else(BuiltinResult::trap, |count| value(u64::from(count)))
}
