//! One run of compiled code, from its entry by the host to its end.
//!
//! The record lies in the frame of [`call`]. The slot's activation cell points to it, so that stubs and the signal handler find
//! it from any stack pointer of the slot. A host function may call back in: that activation continues on the same stack below the
//! frames of the outer one, and the cell points back to the outer one afterwards.
//!
//! **Invariants.** A stack's cell holds its innermost activation, or null. A store runs at most one chain of activations, all
//! of it on the stack of the instance that the outermost call went to.

use crate::error::{CallError, HostError};
use crate::fault::Fault;
use crate::instance::InstanceCore;
use crate::slot::StackBounds;
use crate::store::StoreCore;
use crate::sys::asm::{self, reason};
use crate::sys::{signal, stack};
use crate::trap::{self, Start, Trap};
use crate::val::RawValue;
use std::any::Any;
use wasmaot_abi::state::FuncRef;
use wasmaot_abi::trap::TrapCode;

/// The record of a run of compiled code.
#[repr(C)]
pub(crate) struct Activation {
    /// The host's stack pointer while the guest runs.
    pub(crate) host_rsp: u64,
    /// Frame pointer of the stub through which the guest was last left for a host function or builtin.
    pub(crate) guest_fp: u64,
    /// Trap code of a fault or builtin.
    pub(crate) trap: u32,
    fault_pc: u64,
    fault_rsp: u64,
    fault_rbp: u64,
    /// The store, with its data, that it runs in.
    store: *mut (),
    stack: StackBounds,
    pending: Option<Pending>,
}

/// Why a host function does not return to its caller.
pub(crate) enum Pending {
    /// It failed.
    Error(HostError),
    /// It panicked.
    Panic(Box<dyn Any + Send>),
}

impl Activation {
    fn new(store: *mut (), stack: StackBounds) -> Self {
        Self {
            host_rsp: 0,
            guest_fp: 0,
            trap: 0,
            fault_pc: 0,
            fault_rsp: 0,
            fault_rbp: 0,
            store,
            stack,
            pending: None,
        }
    }

    /// Notes a fault and gives the host's stack pointer. Callable in the signal handler.
    ///
    /// # Safety
    /// `this` is the running activation of the current thread.
    pub(crate) unsafe fn note_fault(this: *mut Self, code: TrapCode, fault: &Fault) -> u64 {
        // SAFETY: its owner waits in `enter` and holds no reference to it.
        let activation = unsafe { &mut *this };
        activation.trap = code as u32;
        activation.fault_pc = fault.pc as u64;
        activation.fault_rsp = fault.rsp as u64;
        activation.fault_rbp = fault.rbp as u64;
        activation.host_rsp
    }

    /// The store that it runs in.
    pub(crate) fn store(&self) -> *mut () {
        self.store
    }

    /// Notes why the running host function does not return.
    pub(crate) fn set_pending(&mut self, pending: Pending) {
        self.pending = Some(pending);
    }

    fn trapped(&self, core: &StoreCore, start: Start) -> CallError {
        let code = u8::try_from(self.trap).ok().and_then(TrapCode::from_u8);
        let code = code.expect("stubs and the signal handler store only trap codes");
        CallError::Trap(trap::backtrace(code, &core.instances, self.stack, start))
    }

    fn end(&mut self, core: &StoreCore, how: u32) -> Result<(), Ended> {
        let stub = Start::Stub { fp: self.guest_fp };
        match how {
            reason::RETURNED => Ok(()),
            reason::FAULT => {
                let (pc, rsp, rbp) = (self.fault_pc, self.fault_rsp, self.fault_rbp);
                Err(Ended::Error(self.trapped(core, Start::Fault { pc, rsp, rbp })))
            }
            reason::BUILTIN => Err(Ended::Error(self.trapped(core, stub))),
            _ => Err(match self.pending.take() {
                Some(Pending::Panic(payload)) => Ended::Panic(payload),
                Some(Pending::Error(HostError::Trap(code))) => {
                    self.trap = code as u32;
                    Ended::Error(self.trapped(core, stub))
                }
                Some(Pending::Error(HostError::Exit(status))) => Ended::Error(CallError::Exit(status)),
                Some(Pending::Error(HostError::Other(error))) => Ended::Error(nested(error)),
                None => unreachable!("a host function that does not return leaves its reason"),
            }),
        }
    }
}

enum Ended {
    Error(CallError),
    Panic(Box<dyn Any + Send>),
}

/// The error of a nested call goes on as it is.
fn nested(error: crate::error::BoxError) -> CallError {
    match error.downcast::<CallError>() {
        Ok(error) => *error,
        Err(error) => CallError::Host(error),
    }
}

/// Calls a function. If a host function panics meanwhile, so does this.
///
/// # Safety
/// `store` is the store that owns `core` and the function; it is not otherwise in use, and stays where it is. `values`
/// has as many cells as the function has parameters or results, whichever are more.
pub(crate) unsafe fn call(
    store: *mut (),
    core: *mut StoreCore,
    func: *const FuncRef,
    values: *mut RawValue,
) -> Result<(), CallError> {
    signal::ensure_thread().map_err(CallError::Thread)?;
    // SAFETY: the store is valid and keeps the function's record.
    let (outer, func) = unsafe { ((*core).current, *func) };
    let (stack, guest_rsp) = if outer.is_null() {
        // SAFETY: the function belongs to an instance of the store.
        let stack = unsafe { InstanceCore::from_vmctx(func.vmctx) }.slot().stack();
        (stack, stack.top() as u64)
    } else {
        if !stack::has_room() {
            return Err(CallError::Trap(Trap::new(TrapCode::StackOverflow)));
        }
        // SAFETY: the store's current activation is live, and waits for a host function: everything of the guest lies
        // above the stub's frame.
        unsafe { ((*outer).stack, (*outer).guest_fp & !15) }
    };
    let mut record = Activation::new(store, stack);
    let activation = &raw mut record;
    let cell = stack.activation_cell();
    // SAFETY: the cell is in the accessible stack of a live slot; `enter` gets what it asks for. The record is reached only
    // through `activation` until the guest is left.
    let how = unsafe {
        let displaced = cell.replace(activation);
        (*core).current = activation;
        let how = asm::enter(func.array_entry, func.vmctx, values, guest_rsp, activation);
        (*core).current = outer;
        cell.write(displaced);
        how
    };
    // SAFETY: nothing else refers to the record or the store's core now.
    let ended = unsafe { (*activation).end(&*core, how) };
    match ended {
        Ok(()) => Ok(()),
        Err(Ended::Error(error)) => Err(error),
        Err(Ended::Panic(payload)) => std::panic::resume_unwind(payload),
    }
}
