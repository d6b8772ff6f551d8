//! One run of compiled code, from its entry by the host to its end, or until it is suspended.
//!
//! A host function may call back in: that activation continues on the same stack below the frames of
//! the outer one, and the cell points back to the outer one afterwards.
//!
//! **Invariants.** A stack's cell holds its innermost activation, or null. A store runs at most one chain
//! of activations, all of it on the stack of the instance that the outermost call went to. A suspended
//! guest has no activation: it gets a new one when it is resumed.

use crate::code::raw_value::RawValue;
use crate::os::trace::span;
use crate::run::activation::{Activation, Left, Running, Suspends};
use crate::run::asm;
use crate::run::end::{Ended, Failed, Failure, Pending};
use crate::run::interrupt;
use crate::run::interrupt::thread::{self, Thread};
use crate::run::protocol::{SAVED_REGISTERS, reason};
use crate::run::signal;
use crate::run::store::StoreCore;
use crate::run::suspension::{Called, Suspension};
use crate::run::unwind;
use crate::space::slot::StackBounds;
use crate::state::host_signals::HostSignals;
use crate::state::instance::InstanceCore;
use std::io;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::trap::TrapCode;

/// Where a run begins.
#[derive(Clone, Copy)]
struct Begin {
    stack: StackBounds,
    /// Below everything of the guest that is alive.
    guest_rsp: u64,
    /// The activation around it, or null.
    outer: *mut Activation,
}

/// The failure of a thread that cannot be prepared.
#[cold]
fn failed(error: io::Error) -> Failed {
    Failure::Thread(error).into()
}

/// The calling thread, ready to run compiled code of a store.
///
/// # Safety
/// The store is valid.
#[inline]
unsafe fn prepared<'a>(core: *mut StoreCore) -> Result<&'a Thread, Failed> {
    let thread = thread::prepared().map_err(failed)?;
    // SAFETY: the caller says that the store is valid: it is alive, and nothing changes it meanwhile.
    if unsafe { (*core).host_signals } == HostSignals::Checked {
        thread.check().map_err(failed)?;
    }
    let marker = 0u8;
    if thread.is_on_alternate_stack(&raw const marker as usize) {
        return Err(failed(signal::on_alternate_stack()));
    }
    Ok(thread)
}

/// Finds the stack that a function is to run on.
///
/// # Safety
/// As for [`call`].
unsafe fn begin(core: *mut StoreCore, func: &FuncRef) -> Result<Begin, Failed> {
    // SAFETY: the store is alive and not otherwise in use, as the caller says.
    let (outer, suspended) = unsafe { ((*core).current, (*core).suspension.is_some()) };
    if outer.is_null() {
        if suspended {
            return Err(Failure::Suspended.into());
        }
        // SAFETY: the function belongs to an instance of the store.
        let stack = unsafe { InstanceCore::from_vmctx(func.vmctx) }.slot().stack();
        return Ok(Begin { stack, guest_rsp: stack.top() as u64, outer });
    }
    // SAFETY: the store's current activation is live, and waits for a host function: everything of the guest
    // lies above the stub's frame and what that may save.
    let (stack, guest_fp) = unsafe { ((*outer).stack(), (*outer).guest_fp) };
    Ok(Begin { stack, guest_rsp: (guest_fp - SAVED_REGISTERS) & !15, outer })
}

/// What a kind of calls has when a guest returns, or may be suspended.
trait Outcome {
    const RETURNED: Self;

    fn not_returned(ended: Ended) -> Self;
}

/// Of calls that cannot be suspended.
impl Outcome for () {
    const RETURNED: Self = ();

    fn not_returned(_: Ended) -> Self {
        unreachable!("a call that cannot be resumed is not suspended")
    }
}

impl Outcome for Ended {
    const RETURNED: Self = Ended::Returned;

    fn not_returned(ended: Ended) -> Self {
        ended
    }
}

/// Makes an activation current and lets `go` enter the guest with it, which says how control came back. If a
/// host function panics meanwhile, so does this.
///
/// # Safety
/// `store` is the store that owns `core`; it is not otherwise in use, and stays where it is. `go` enters a
/// guest on the stack where the run begins, with the activation.
#[inline]
unsafe fn run<R: Outcome>(
    thread: &Thread,
    store: *mut (),
    core: *mut StoreCore,
    Begin { stack, outer, .. }: Begin,
    suspends: Suspends,
    go: impl FnOnce(*mut Activation) -> u32,
) -> Result<R, Failed> {
    // SAFETY: the store is valid and not in use, and outlives the run.
    let causes =
        unsafe { if outer.is_null() { (*core).watch.causes((*core).id()) } else { *(*outer).causes() } };
    // What would have to be dropped is taken out of it if the guest does not just return.
    let mut record = ManuallyDrop::new(Activation::new(thread, store, core, causes, stack, suspends));
    // SAFETY: the store is valid and not in use, as the caller says; an outer activation waits for the host
    // function that made this call.
    record.meter = unsafe { if outer.is_null() { (*core).meter.shown } else { (*outer).meter } };
    let activation = &raw mut *record;
    // SAFETY: the store is alive, as the caller says, and nothing runs in it yet.
    if !thread.enter(activation, unsafe { (*core).nesting }) {
        return Err(Failure::trap(TrapCode::StackOverflow).into());
    }
    // SAFETY: the record was made here, and runs nothing yet.
    let unwatched = || unsafe { leave(activation, true, false) };
    // SAFETY: the record was made here, and its run is about to begin. The store is not in use, as the caller
    // says.
    let begin_slice = || unsafe { Activation::begin_slice(activation) };
    let watched =
        outer.is_null() && interrupt::begin(thread, &causes, begin_slice).inspect_err(|_| unwatched())?;
    let cell = stack.activation_cell().cast::<*mut Activation>();
    // SAFETY: the cell is in the accessible stack of a live slot. The record is reached only through
    // `activation` until the guest is left.
    let how = unsafe {
        cell.write(activation);
        let checked = (*core).host_signals == HostSignals::Checked;
        if checked {
            thread.set_checked(true);
        }
        (*core).current = activation;
        let how = go(activation);
        (*core).current = outer;
        if causes.limits_cpu_time() && outer.is_null() {
            (*core).watch.spend((*activation).causes(), (*activation).thread().cpu_time());
        }
        if (*core).counts {
            if how == reason::FAULT {
                (*activation).charge_fault(&*core);
            }
            let meter = if outer.is_null() { &raw mut (*core).meter.shown } else { &raw mut (*outer).meter };
            meter.write((*activation).meter);
        } else if how == reason::SUSPENDED {
            // Where nothing counts it is a register like others: the guest wants it back, and no other one
            // gets it.
            (*core).meter.shown = (*activation).meter;
        }
        // What is around it in the store runs on the same stack.
        cell.write(outer);
        leave(activation, watched, checked);
        how
    };
    if how == reason::RETURNED {
        return Ok(R::RETURNED);
    }
    // SAFETY: nothing else refers to the record or the store's core now.
    ended(&mut record, unsafe { &mut *core }, how)
}

/// Says how a run ended that did not just return. If a host function panicked, so does this.
#[cold]
#[inline(never)]
fn ended<R: Outcome>(activation: &mut Activation, core: &mut StoreCore, how: u32) -> Result<R, Failed> {
    match activation.end(core, how) {
        Ok(ended) => Ok(R::not_returned(ended)),
        Err(Left::Failed(failure)) => Err(failure.into()),
        Err(Left::Panicked(payload)) => std::panic::resume_unwind(payload),
    }
}

/// Ends a run, which was watched and checked or not.
///
/// # Safety
/// The record is the caller's, and its run is over.
#[inline]
unsafe fn leave(activation: *mut Activation, watched: bool, checked: bool) {
    // SAFETY: the record is in a frame of the caller of this, and its run is over, so nothing else uses it.
    let (thread, has_moved, causes) =
        unsafe { ((*activation).thread(), (*activation).has_moved(), (*activation).causes()) };
    if has_moved {
        // The thread could not be prepared for the guest.
        thread::take_away(thread, activation, causes);
        return;
    }
    if watched {
        interrupt::end(thread);
    }
    if checked {
        thread.set_checked(false);
    }
    thread.exit(activation);
}

/// Calls a function. If a host function panics meanwhile, so does this.
///
/// # Safety
/// `store` is the store that owns `core` and the function; it is not otherwise in use, and stays where it is.
/// `values` has as many cells as the function has parameters or results, whichever are more.
pub(crate) unsafe fn call(
    store: *mut (),
    core: *mut StoreCore,
    func: *const FuncRef,
    values: *mut RawValue,
) -> Result<(), Failed> {
    // SAFETY: the store is alive and not otherwise in use, as the caller says.
    let thread = unsafe { prepared(core)? };
    // SAFETY: the function is one of the store's, which keeps its record; the store is alive and not
    // otherwise in use, as the caller says.
    let (array_entry, vmctx, begin) = unsafe { ((*func).array_entry, (*func).vmctx, begin(core, &*func)?) };
    let guest_rsp = begin.guest_rsp;
    // SAFETY: the store is alive, as the caller says, and nothing changes it meanwhile.
    span!(
        DEBUG,
        "call",
        store = unsafe { (*core).id().number() },
        function = unsafe { named(&*core, &*func) }
    );
    // SAFETY: entry and vmctx are of one function, `values` has its cells, and nothing of the guest lies
    // below `guest_rsp`. `run` makes the activation current.
    let go = move |activation| unsafe { asm::enter(array_entry, vmctx, values, guest_rsp, activation) };
    // SAFETY: `store` owns `core`, is not otherwise in use and stays where it is, as the caller says. `go`
    // enters the guest where `begin` has found its stack to be free.
    unsafe { run(thread, store, core, begin, Suspends::Never, go) }
}

/// Calls a function that may be suspended. Its arguments and results lie on the guest's stack, in the cells
/// that are returned: there are `cells` of them, which `write` fills. `suspends` is what the call may wait
/// for.
///
/// # Safety
/// As for [`call`], with `cells` as many as the function has parameters or results, whichever are more. The
/// returned cells are valid until the next call.
pub(crate) unsafe fn call_suspendable(
    store: *mut (),
    core: *mut StoreCore,
    func: *const FuncRef,
    cells: usize,
    suspends: Suspends,
    write: impl FnOnce(&mut [RawValue]),
) -> Result<(Ended, *mut RawValue), Failed> {
    // SAFETY: the store is alive and not otherwise in use, as the caller says.
    let thread = unsafe { prepared(core)? };
    // SAFETY: the function is one of the store's, which keeps its record; the store is alive and not
    // otherwise in use, as the caller says.
    let (func, mut begin) = unsafe { (*func, begin(core, &*func)?) };
    begin.guest_rsp -= (cells * size_of::<RawValue>()) as u64;
    let values = begin.guest_rsp as *mut RawValue;
    // SAFETY: the store is alive, as the caller says, and nothing changes it meanwhile.
    span!(
        DEBUG,
        "call",
        store = unsafe { (*core).id().number() },
        function = unsafe { named(&*core, &func) }
    );
    if !begin.stack.holds(begin.guest_rsp as usize, cells * size_of::<RawValue>()) {
        return Err(Failure::trap(TrapCode::StackOverflow).into());
    }
    // SAFETY: the range is in the accessible part of the stack, and nothing else uses it.
    unsafe {
        values.write_bytes(0, cells);
        write(std::slice::from_raw_parts_mut(values, cells));
    }
    // SAFETY: entry and vmctx are of one function, `values` has its cells, and nothing of the guest lies
    // below `guest_rsp`. `run` makes the activation current.
    let go =
        |activation| unsafe { asm::enter(func.array_entry, func.vmctx, values, begin.guest_rsp, activation) };
    // Between this call and an outer one there are frames of the host's.
    let suspends = if begin.outer.is_null() { suspends } else { Suspends::Never };
    // SAFETY: `store` owns `core`, is not otherwise in use and stays where it is, as the caller says. `go`
    // enters the guest below the cells, where its stack is free.
    Ok((unsafe { run(thread, store, core, begin, suspends, go)? }, values))
}

/// What a span says of a function.
#[cfg(feature = "tracing")]
fn named(core: &StoreCore, func: &FuncRef) -> tracing::field::DisplayValue<String> {
    let located = core.instances().locate(func.tail_entry as usize);
    tracing::field::display(located.map_or_else(|| "unknown".into(), |located| located.frame.to_string()))
}

/// Goes on with a suspended guest that called a host function. `complete` does what is left of that: it
/// writes its results, or says why it does not return.
///
/// # Safety
/// As for [`call`]; the suspension is of the store, was not resumed before, and waits for this call.
pub(super) unsafe fn resume(
    store: *mut (),
    core: *mut StoreCore,
    suspension: &Suspension,
    called: &Called,
    suspends: Suspends,
    complete: impl FnOnce(&mut [RawValue]) -> Option<Pending>,
) -> Result<Ended, Failed> {
    let go = |activation: *mut Activation| {
        // SAFETY: the record's owner waits for this; the host function's cells are on the suspended stack.
        let cells = unsafe {
            (*activation).guest_fp = called.guest_fp;
            std::slice::from_raw_parts_mut(called.values, called.cells)
        };
        match complete(cells) {
            // SAFETY: the guest's stack is as the stub left it.
            None => unsafe { asm::resume(called.guest_fp, activation) },
            Some(pending) => {
                // SAFETY: the owner of the record waits for this closure, in which nothing else refers to it.
                unsafe { (*activation).set_pending(pending) };
                // SAFETY: the guest's stack is as the stub left it, with the registers of its caller.
                unsafe { throw_pending(activation) }
            }
        }
    };
    // SAFETY: `store` owns `core`, is not otherwise in use and stays where it is, and the suspension is its
    // own, as the caller says. `go` enters the guest where that stub has left it.
    unsafe { run_again(store, core, suspension, suspends, go) }
}

/// Goes on with a suspended guest in its next time slice.
///
/// # Safety
/// As for [`resume`], but the suspension waits for a time slice.
pub(crate) unsafe fn go_on(
    store: *mut (),
    core: *mut StoreCore,
    suspension: &Suspension,
) -> Result<Ended, Failed> {
    let go = |activation: *mut Activation| {
        // SAFETY: the record's owner waits for this, and nothing else refers to the store.
        unsafe {
            let (general, area, components) = (*activation).take_registers();
            asm::go_on(&raw const general, area, components, activation)
        }
    };
    // SAFETY: `store` owns `core`, is not otherwise in use and stays where it is, and the suspension is its
    // own, as the caller says. `go` enters the guest with the registers that it had.
    unsafe { run_again(store, core, suspension, Suspends::ForSlices, go) }
}

/// Makes an activation for a suspended guest. If that is to be stopped before it goes on, the error names the
/// functions that it is in.
///
/// # Safety
/// As for [`run`]; the suspension is of the store.
unsafe fn run_again(
    store: *mut (),
    core: *mut StoreCore,
    suspension: &Suspension,
    suspends: Suspends,
    go: impl FnOnce(*mut Activation) -> u32,
) -> Result<Ended, Failed> {
    // SAFETY: the store is alive and not otherwise in use, as the caller says.
    let thread = unsafe { prepared(core)? };
    // The guest's own stack pointer is among what it goes on with.
    let begin = Begin { stack: suspension.stack, guest_rsp: 0, outer: std::ptr::null_mut() };
    let mut has_begun = false;
    // SAFETY: the store is alive, as the caller says, and nothing changes it meanwhile.
    span!(DEBUG, "resume", store = unsafe { (*core).id().number() });
    let go = |activation| {
        has_begun = true;
        go(activation)
    };
    // SAFETY: `store` owns `core`, is not otherwise in use and stays where it is, as the caller says. `go`
    // enters the guest on the stack of the suspension, which is of this store.
    unsafe { run(thread, store, core, begin, suspends, go) }.map_err(|failure| match *failure {
        // SAFETY: the store is valid, and nothing runs in it.
        Failure::Trapped(code, _) if !has_begun => unsafe { (*core).stopped(suspension, code) }.into(),
        failure => failure.into(),
    })
}

/// Goes on with a guest whose host function was resumed and has failed: where it throws an exception that is
/// caught, there. Where it waits once more, the guest is left as it is.
///
/// # Safety
/// As for [`asm::resume`]; the activation's pending exit is set.
unsafe fn throw_pending(activation: *mut Activation) -> u32 {
    // SAFETY: the owner of the record waits for this, and holds no reference to it.
    let (throws, waits) = unsafe { ((*activation).throws(), (*activation).waits()) };
    if !throws {
        return if waits { reason::SUSPENDED } else { reason::HOST };
    }
    // SAFETY: the activation is the running one of its store, and its owner waits for this and holds no
    // reference to it.
    let result = unwind::throw_pending(unsafe { Running::of(NonNull::new_unchecked(activation)) });
    if result.value == 0 {
        return reason::HOST;
    }
    // SAFETY: the search found a landing pad on the guest's stack.
    unsafe { asm::land(&raw const (*activation).landing, activation) }
}
