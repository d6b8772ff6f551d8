//! The record of one run of compiled code.
//!
//! It lies in the frame of the function that enters the guest. The slot's activation cell points to it,
//! so that stubs and the signal handler find it from any stack pointer of the slot.
//!
//! **Invariant: while the guest runs, its owner waits and holds no reference to it.**

use crate::code::raw_value::RawValue;
use crate::os::{self, peek};
use crate::run::backtrace::{self, Start};
use crate::run::end::{Ended, Failure, Pending};
use crate::run::interrupt::causes::Causes;
use crate::run::interrupt::thread::Thread;
use crate::run::protocol::{SAVED_REGISTERS, reason};
use crate::run::store::StoreCore;
use crate::space::slot::StackBounds;
use crate::state::host_signals::HostSignals;
use std::any::Any;
use std::mem::offset_of;
use std::ops::Range;
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
    /// The meter, while the guest waits for the host.
    pub(crate) meter: i64,
    fault: At,
    /// The store, with its data, that it runs in.
    store: *mut (),
    /// The thread that it runs on, and that thread's pointer.
    thread: *const Thread,
    thread_pointer: usize,
    stack: StackBounds,
    causes: Causes,
    can_suspend: bool,
    pending: Option<Pending>,
    core: *mut StoreCore,
    /// Where an exception lands that was thrown last.
    pub(crate) landing: Landing,
}

/// A landing pad of compiled code, and what it gets, see [`wasmaot_abi::exception`].
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Landing {
    pub(crate) pc: u64,
    pub(crate) sp: u64,
    pub(crate) fp: u64,
    /// Number of the exception.
    pub(crate) exception: u64,
    /// Its values.
    pub(crate) values: *const RawValue,
}

/// Where a thread was interrupted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct At {
    /// The instruction.
    pub(crate) pc: usize,
    /// Stack pointer.
    pub(crate) rsp: usize,
    /// Frame pointer.
    pub(crate) rbp: usize,
    /// The meter, where metered code runs.
    pub(crate) r15: usize,
}

/// Why a run is over that did not return.
pub(crate) enum Left {
    Failed(Failure),
    Panicked(Box<dyn Any + Send>),
}

impl Activation {
    /// A record that has not run.
    pub(crate) fn new(
        thread: &Thread,
        store: *mut (),
        core: *mut StoreCore,
        causes: Causes,
        stack: StackBounds,
        can_suspend: bool,
    ) -> Self {
        Self {
            host_rsp: 0,
            guest_fp: 0,
            trap: 0,
            meter: 0,
            fault: At { pc: 0, rsp: 0, rbp: 0, r15: 0 },
            store,
            thread,
            thread_pointer: os::stack::thread_pointer(),
            stack,
            causes,
            can_suspend,
            pending: None,
            core,
            landing: Landing { pc: 0, sp: 0, fp: 0, exception: 0, values: std::ptr::null() },
        }
    }

    /// Notes a fault and gives the host's stack pointer. Callable in the signal handler.
    ///
    /// # Safety
    /// `this` is the running activation of the current thread.
    pub(crate) unsafe fn note_fault(this: *mut Self, code: TrapCode, at: At) -> u64 {
        // SAFETY: its owner waits in `enter` or `resume` and holds no reference to it.
        let activation = unsafe { &mut *this };
        activation.trap = code as u32;
        activation.fault = at;
        activation.host_rsp
    }

    /// Takes the count of a run that faulted.
    #[cold]
    pub(crate) fn charge_fault(&mut self, core: &StoreCore) {
        let At { pc, r15, .. } = self.fault;
        core.charge_fault(self, pc, r15 as i64);
    }

    /// The store that it runs in.
    #[inline]
    pub(crate) fn store(&self) -> *mut () {
        self.store
    }

    /// The core of that store.
    #[inline]
    pub(crate) fn core(&self) -> *mut StoreCore {
        self.core
    }

    /// Addresses of the guest's stack above what the last stub saved, while the guest waits for it.
    pub(crate) fn used_stack(&self) -> Range<usize> {
        (self.guest_fp - SAVED_REGISTERS) as usize..self.stack.top()
    }

    /// Whether the return of a host function needs more than returning: it returns on another thread, or its thread was poked, has
    /// other runs or is to be checked.
    #[inline]
    pub(crate) fn needs_attention(&self) -> bool {
        // SAFETY: a thread's record outlives its runs.
        self.has_moved() || unsafe { (*self.thread).needs_attention() }
    }

    /// Whether it is on another thread than that which it was on last.
    #[inline]
    pub(crate) fn has_moved(&self) -> bool {
        self.thread_pointer != os::stack::thread_pointer()
    }

    /// The thread that it was on last.
    #[inline]
    pub(crate) fn thread(&self) -> &'static Thread {
        // SAFETY: a thread's record outlives its runs.
        unsafe { &*self.thread }
    }

    /// Notes that it is on this thread now, which is the calling one.
    pub(crate) fn move_to(&mut self, thread: &Thread) {
        (self.thread, self.thread_pointer) = (thread, os::stack::thread_pointer());
    }

    /// Whether this is the record of a run of the calling thread. It may be gone, and unless it `is_readable`, its memory, too.
    pub(crate) fn is_of(this: *mut Self, thread: &Thread, is_readable: bool) -> bool {
        let word = |offset: usize| match is_readable {
            // SAFETY: the fields are words, whose memory can be read.
            true => Some(unsafe { this.byte_add(offset).cast::<usize>().read_volatile() }),
            false => peek::word(this as usize + offset),
        };
        word(offset_of!(Self, thread_pointer)) == Some(os::stack::thread_pointer())
            && word(offset_of!(Self, thread)) == Some(&raw const *thread as usize)
    }

    /// Whether its thread is checked when a host function returns to it.
    pub(crate) fn is_checked(&self) -> bool {
        // SAFETY: the store outlives its runs.
        unsafe { (*self.core).host_signals == HostSignals::Checked }
    }

    /// Drops inner runs of the same store, which a jump of the host's has left.
    ///
    /// # Safety
    /// A host function has just returned to `this`, to which nothing else refers. `is_dropped` says whether the record at an address is gone, when
    /// another address is in use.
    pub(crate) unsafe fn becomes_innermost(this: *mut Self, is_dropped: impl Fn(usize, usize) -> bool) {
        // SAFETY: as the caller states. The store outlives its runs, and the stack's cell is accessible.
        unsafe {
            let inner = (*(*this).core).current;
            if inner == this {
                return;
            }
            // One that may be alive would go on, some time, with a stack that is not its own any more.
            if !is_dropped(inner as usize, this as usize) {
                eprintln!("wasmaot: a host function has returned while a guest runs that it has called");
                std::process::abort();
            }
            (*(*this).core).current = this;
            (*this).stack.activation_cell().cast::<*mut Self>().write(this);
        }
    }

    /// The stack that it runs on.
    pub(crate) fn stack(&self) -> StackBounds {
        self.stack
    }

    /// What it is stopped by.
    pub(crate) fn causes(&self) -> &Causes {
        &self.causes
    }

    /// Whether a host function may suspend it.
    pub(crate) fn can_suspend(&self) -> bool {
        self.can_suspend
    }

    /// Notes why the running host function does not return.
    pub(crate) fn set_pending(&mut self, pending: Pending) {
        self.pending = Some(pending);
    }

    /// Whether the host function has left an exception.
    pub(crate) fn throws(&self) -> bool {
        matches!(self.pending, Some(Pending::Throw(_)))
    }

    /// Takes back why a host function does not return.
    pub(crate) fn take_pending(&mut self) -> Option<Pending> {
        self.pending.take()
    }

    fn trapped(&self, core: &StoreCore, start: Start) -> Failure {
        let code = u8::try_from(self.trap).ok().and_then(TrapCode::from_u8);
        let code = code.expect("stubs and the signal handler store only trap codes");
        Failure::Trapped(code, backtrace::frames(core.instances(), self.stack, start))
    }

    /// How it ended that did not return.
    #[cold]
    pub(crate) fn end(&mut self, core: &StoreCore, how: u32) -> Result<Ended, Left> {
        let stub = Start::Stub { fp: self.guest_fp };
        let failure = match how {
            reason::FAULT => {
                let At { pc, rsp, rbp, .. } = self.fault;
                self.trapped(core, Start::Fault { pc: pc as u64, rsp: rsp as u64, rbp: rbp as u64 })
            }
            reason::BUILTIN => self.trapped(core, stub),
            _ => match self.pending.take() {
                Some(Pending::Suspend(value, suspension)) => {
                    return Ok(Ended::Suspended(value, suspension));
                }
                Some(Pending::Panic(payload)) => return Err(Left::Panicked(payload)),
                Some(Pending::Trap(code)) => {
                    self.trap = code as u32;
                    self.trapped(core, stub)
                }
                Some(Pending::Exit(status)) => Failure::Exit(status),
                Some(Pending::Throw(thrown)) => Failure::Thrown(thrown),
                Some(Pending::CannotSuspend) => Failure::CannotSuspend,
                Some(Pending::Thread(error)) => Failure::Thread(error),
                Some(Pending::Error(error)) => Failure::Error(error),
                None => unreachable!("a host function that does not return leaves its reason"),
            },
        };
        Err(Left::Failed(failure))
    }
}
