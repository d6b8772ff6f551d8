//! The record of one run of compiled code.
//!
//! It lies in the frame of the function that enters the guest. The slot's activation cell points to it,
//! so that stubs and the signal handler find it from any stack pointer of the slot.
//!
//! **Invariant: while the guest runs, its owner waits and holds no reference to it.**

use crate::code::raw_value::RawValue;
use crate::os::{self, clock, guarded};
use crate::run::backtrace::{self, Start};
use crate::run::end::{Ended, Failure, Pending};
use crate::run::interrupt::causes::{Announcement, Causes};
use crate::run::interrupt::thread::Thread;
use crate::run::protocol::{SAVED_REGISTERS, reason};
use crate::run::registers::{General, Registers};
use crate::run::slices::{NEVER, Slices};
use crate::run::store::StoreCore;
use crate::run::suspension::{Place, Suspension};
use crate::space::registry::SlotAt;
use crate::space::slot::{GuestStack, StackBounds};
use crate::state::host_signals::HostSignals;
use std::any::Any;
use std::cell::Cell;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::ptr::NonNull;
use wasmaot_abi::trap::TrapCode;

/// The record of a run of compiled code.
#[repr(C)]
pub(crate) struct Activation {
    /// The host's stack pointer while the guest runs.
    pub(crate) host_rsp: u64,
    /// Frame pointer of the stub through which the guest was last left for a host function or builtin.
    pub(crate) guest_fp: u64,
    /// Trap code of a fault or builtin. As wide as its neighbours: where a record is made and then moved,
    /// padding would be copied along in words that straddle the stores before, which the CPU has to wait for.
    pub(crate) trap: u64,
    /// The meter, while the guest waits for the host.
    pub(crate) meter: i64,
    /// The host's x87 control word, from when the guest is first left for a host function or builtin.
    pub(crate) x87: u64,
    fault: At,
    /// The store, with its data, that it runs in.
    store: *mut (),
    /// The thread that it runs on, and that thread's pointer.
    thread: *const Thread,
    thread_pointer: usize,
    stack: StackBounds,
    causes: Causes,
    suspends: Suspends,
    pending: Option<Pending>,
    core: *mut StoreCore,
    /// Where an exception lands that was thrown last.
    pub(crate) landing: Landing,
}

/// The running activation, as a stub passes it to a body that it calls. Nothing else makes one, but for
/// [`Running::of`].
#[repr(transparent)]
pub(crate) struct Running(NonNull<Activation>);

impl Running {
    /// That of a guest that the caller is about to go on with.
    ///
    /// # Safety
    /// The activation is the running one of its store, and its owner waits for the guest and holds no
    /// reference to it.
    pub(crate) unsafe fn of(activation: NonNull<Activation>) -> Self {
        Self(activation)
    }

    /// The record, and the core of its store.
    pub(crate) fn parts(&mut self) -> (&mut Activation, &mut StoreCore) {
        // SAFETY: a stub passes the activation that the slot's cell holds. That is the running one, whose
        // owner waits for the guest and holds no reference to it, nor to the store. The body that has this is
        // all that runs, and there is one of it.
        unsafe {
            let activation = self.0.as_mut();
            let core = &mut *activation.core;
            (activation, core)
        }
    }
}

/// The activation of a guest on whose stack the calling thread was interrupted, as a handler of signals sees
/// it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Interrupted<'a> {
    record: NonNull<Activation>,
    slot: PhantomData<SlotAt<'a>>,
}

impl<'a> Interrupted<'a> {
    /// The innermost one on the stack of a slot, if the calling thread was interrupted there.
    pub(crate) fn on(slot: &SlotAt<'a>, at: At) -> Option<Self> {
        let record = slot.activation(at.rsp)?;
        NonNull::new(record.cast()).map(|record| Self { record, slot: PhantomData })
    }

    /// The record.
    pub(crate) fn record(self) -> *mut Activation {
        self.record.as_ptr()
    }

    /// What stops it.
    pub(crate) fn causes(self) -> Causes {
        // SAFETY: a cell holds the innermost activation of its stack. This thread was interrupted there, as
        // `on` has compared, so the run's owner waits for it, in `enter` or `resume`, and does not change its
        // causes.
        unsafe { (*self.record.as_ptr()).causes }
    }

    /// Whether its time slice is over.
    pub(crate) fn is_slice_over(self) -> bool {
        // SAFETY: a cell holds the innermost activation of its stack. This thread was interrupted there, as
        // `on` has compared, so the run's owner waits for it and does not change its time slice.
        unsafe { (*self.record.as_ptr()).is_slice_over() }
    }

    /// The stack that it runs on.
    pub(crate) fn stack(self) -> GuestStack<'a> {
        // SAFETY: a cell holds the innermost activation of its stack. This thread was interrupted there, as
        // `on` has compared, so the run's owner waits for it, in `enter` or `resume`, and does not change its
        // stack. The slot was found in regions that are still read, so it is mapped, and its guest does not
        // run: it is interrupted.
        unsafe { (*self.record.as_ptr()).stack.in_use() }
    }
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

/// What the stub of a host function or builtin has preserved for its caller, and the builtin's result.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct StubRegisters {
    rax: u64,
    rbx: u64,
    r12: u64,
    r13: u64,
    r14: u64,
    r15: u64,
}

/// Where a thread was interrupted, as its handlers are told, which alone have one.
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
    _made: (),
}

impl At {
    /// With these registers: those named by the fields, in that order.
    ///
    /// # Safety
    /// The calling thread is in a handler of signals and was interrupted with these registers. Nothing
    /// outside of the handler uses the value, but for the record that notes it.
    pub(crate) unsafe fn new([pc, rsp, rbp, r15]: [usize; 4]) -> Self {
        Self { pc, rsp, rbp, r15, _made: () }
    }
}

/// What a run may wait for, with its stack as it is. As wide as a word, as [`Activation::trap`] is.
#[repr(u64)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Suspends {
    /// Nothing.
    Never,
    /// A host function that suspends it.
    ForHost,
    /// That, and its next time slice.
    ForSlices,
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
        suspends: Suspends,
    ) -> Self {
        Self {
            host_rsp: 0,
            guest_fp: 0,
            trap: 0,
            meter: 0,
            x87: 0,
            fault: At { pc: 0, rsp: 0, rbp: 0, r15: 0, _made: () },
            store,
            thread,
            thread_pointer: os::stack::thread_pointer(),
            stack,
            causes,
            suspends,
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
        activation.trap = code as u64;
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

    /// The guest's stack, while the guest waits for the host.
    pub(crate) fn guest_stack(&self) -> GuestStack<'_> {
        // SAFETY: the slot whose stack it is has its instance as long as the store, which outlives the run.
        // Rust code reaches the record only while the guest waits.
        unsafe { self.stack.in_use() }
    }

    /// The guest's stack from what the last stub saved on, while the guest waits for it.
    pub(crate) fn used_stack(&self) -> &[Cell<u32>] {
        self.guest_stack().words_from(self.guest_fp - SAVED_REGISTERS)
    }

    /// Cells of values that the guest passes on its stack.
    ///
    /// # Panics
    /// They are not on its stack.
    pub(crate) fn guest_cells(&self, address: u64, count: usize) -> Box<[RawValue]> {
        let word = |at: u64| self.guest_stack().load(at).expect("a guest passes values on its stack");
        let cell = |at: u64| RawValue { low: word(at), high: word(at + 8) };
        (0..count as u64).map(|position| cell(address + position * size_of::<RawValue>() as u64)).collect()
    }

    /// Whether the return of a host function needs more than returning: it returns on another thread, or its
    /// thread was poked, has other runs or is to be checked.
    #[inline]
    pub(crate) fn needs_attention(&self) -> bool {
        // SAFETY: a thread's record outlives its runs, of which this is one (see
        // `Thread::outlives_its_thread`).
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
        // SAFETY: a thread's record outlives its runs, of which this is one (see
        // `Thread::outlives_its_thread`).
        unsafe { &*self.thread }
    }

    /// Notes that it is on this thread now, which is the calling one. What it has used of its CPU time was
    /// used on the one before.
    pub(crate) fn move_to(&mut self, thread: &Thread) {
        self.causes = self.causes.on_this_thread(self.thread().cpu_time());
        (self.thread, self.thread_pointer) = (thread, os::stack::thread_pointer());
    }

    /// Whether this is the record of a run of the calling thread. It may be gone, and unless it
    /// `is_readable`, its memory, too.
    pub(crate) fn is_of(this: *mut Self, thread: &Thread, is_readable: bool) -> bool {
        let word = |offset: usize| match is_readable {
            // SAFETY: the fields are words, whose memory can be read.
            true => Some(unsafe { this.byte_add(offset).cast::<usize>().read_volatile() }),
            false => guarded::peek(this as usize + offset),
        };
        word(offset_of!(Self, thread_pointer)) == Some(os::stack::thread_pointer())
            && word(offset_of!(Self, thread)) == Some(&raw const *thread as usize)
    }

    /// Whether its thread is checked when a host function returns to it.
    pub(crate) fn is_checked(&self) -> bool {
        // SAFETY: the store outlives its runs, of which this is one, and Rust code uses the record only while
        // the guest waits.
        unsafe { (*self.core).host_signals == HostSignals::Checked }
    }

    /// Drops inner runs of the same store, which a jump of the host's has left.
    ///
    /// # Safety
    /// A host function has just returned to `this`, to which nothing else refers. `is_dropped` says whether
    /// the record at an address is gone, when another address is in use.
    pub(crate) unsafe fn becomes_innermost(this: *mut Self, is_dropped: impl Fn(usize, usize) -> bool) {
        // SAFETY: the host function has returned to this run, so its record is alive, and nothing else refers
        // to it, as the caller says. The store outlives its runs, and the stack's cell is accessible.
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
        self.suspends != Suspends::Never
    }

    /// Whether the caller of this run waits for futures.
    pub(crate) fn is_async(&self) -> bool {
        self.suspends == Suspends::ForSlices
    }

    /// The time slices that it runs in. Callable in the signal handler.
    fn slices(&self) -> Option<&Slices> {
        // SAFETY: the store outlives its runs, and changes its slices only between them.
        self.is_async().then(|| unsafe { (*self.core).watch.slices() }).flatten()
    }

    /// What the watchdog is told of it.
    pub(crate) fn announcement(&self) -> Announcement {
        let slice = self.slices().map_or(NEVER, Slices::until);
        Announcement { causes: self.causes, slice, at: std::ptr::from_ref(self) as usize }
    }

    /// Begins its time slice, if it has any, and gives what the watchdog is told.
    ///
    /// # Safety
    /// The run is about to begin, and its store is not otherwise in use.
    pub(crate) unsafe fn begin_slice(this: *mut Self) -> Announcement {
        // SAFETY: the run is about to begin, so the record and the core of its store are alive, and the
        // caller says that nothing else uses the store.
        unsafe {
            let slices = (*(*this).core).watch.slices_mut();
            if (*this).is_async()
                && let Some(slices) = slices
            {
                slices.begin();
            }
            (*this).announcement()
        }
    }

    /// Whether its time slice is over. Callable in the signal handler.
    fn is_slice_over(&self) -> bool {
        self.slices().is_some_and(|slices| clock::now() >= slices.until())
    }

    /// Where its registers are kept when its time slice is over.
    fn registers(&mut self) -> Option<&mut Registers> {
        // SAFETY: the store outlives its runs, and the registers are those of the run that stands still.
        unsafe { (*self.core).watch.slices_mut() }.map(|slices| &mut slices.registers)
    }

    /// Keeps the registers of the guest, which was interrupted here, and gives the host's stack pointer;
    /// `None` if they cannot be kept. Callable in the signal handler.
    ///
    /// # Safety
    /// `this` is the running activation of the current thread, and the rest is what its signal handler got.
    pub(crate) unsafe fn interrupt(this: *mut Self, general: General, vectors: &[u8]) -> Option<u64> {
        // SAFETY: it is the running one of this thread, which handles a signal, so its owner waits in
        // `enter`, `resume` or `go_on` and holds no reference to it.
        let activation = unsafe { &mut *this };
        let registers = activation.registers()?;
        if !registers.copy_vectors(vectors) {
            return None;
        }
        registers.general = general;
        activation.interrupted_at(&general);
        Some(activation.host_rsp)
    }

    fn interrupted_at(&mut self, general: &General) {
        let General { rip, rsp, rbp, r15, .. } = *general;
        self.fault =
            At { pc: rip as usize, rsp: rsp as usize, rbp: rbp as usize, r15: r15 as usize, _made: () };
        self.meter = r15 as i64;
    }

    /// Keeps the registers of the guest where its stub returns, with those that its caller preserves.
    pub(crate) fn yield_at_stub(&mut self, saved: &StubRegisters) {
        let frame = self.guest_fp;
        let word = |offset| self.guest_stack().load(frame + offset).unwrap_or_default();
        let (rbp, rip) = (word(0), word(8));
        let &StubRegisters { rax, rbx, r12, r13, r14, r15 } = saved;
        let general =
            General { rax, rbx, rbp, rsp: frame + 16, r12, r13, r14, r15, rip, ..General::default() };
        self.keep(general);
    }

    /// Keeps the registers of the guest where the last exception lands. Those that its caller preserves are
    /// saved below the stub's frame.
    pub(crate) fn yield_at_landing(&mut self) {
        let frame = self.guest_fp;
        let saved = |position: u64| self.guest_stack().load(frame - 8 * position).unwrap_or_default();
        let [rbx, r12, r13, r14, r15] = [1, 2, 3, 4, 5].map(saved);
        // SAFETY: the store outlives its runs, of which this is one, and Rust code uses the record only while
        // the guest waits.
        let r15 = if unsafe { (*self.core).counts } { self.meter as u64 } else { r15 };
        let Landing { pc: rip, sp: rsp, fp: rbp, exception: rax, values } = self.landing;
        let rdx = values as u64;
        let general = General { rax, rbx, rdx, rbp, rsp, r12, r13, r14, r15, rip, ..General::default() };
        self.interrupted_at(&general);
        self.keep(general);
    }

    /// The registers that the guest goes on with: general ones, and the area of vectors with the components
    /// to be restored.
    pub(crate) fn take_registers(&mut self) -> (General, *const u8, u32) {
        // SAFETY: the store outlives its runs, of which this is one, and Rust code uses the record only while
        // the guest waits.
        let counts = unsafe { (*self.core).counts };
        let meter = self.meter as u64;
        let registers = self.registers().expect("a run that goes on has time slices");
        let (area, components) = registers.area();
        let r15 = if counts { meter } else { registers.general.r15 };
        (General { r15, ..registers.general }, area, components)
    }

    fn keep(&mut self, general: General) {
        let registers = self.registers().expect("a run that yields has time slices");
        registers.clear_vectors();
        registers.general = general;
    }

    /// Notes why the running host function does not return.
    pub(crate) fn set_pending(&mut self, pending: Pending) {
        self.pending = Some(pending);
    }

    /// Whether the host function has left an exception.
    pub(crate) fn throws(&self) -> bool {
        matches!(self.pending, Some(Pending::Throw(_)))
    }

    /// Whether the host function waits.
    pub(crate) fn waits(&self) -> bool {
        matches!(self.pending, Some(Pending::Suspend(..)))
    }

    /// Takes back why a host function does not return.
    pub(crate) fn take_pending(&mut self) -> Option<Pending> {
        self.pending.take()
    }

    fn trapped(&self, core: &StoreCore, start: Start) -> Failure {
        let code = u8::try_from(self.trap).ok().and_then(TrapCode::from_u8);
        let code = code.expect("stubs and the signal handler store only trap codes");
        Failure::Trapped(code, backtrace::frames(core.instances(), self.guest_stack(), start))
    }

    /// Notes in the store where it goes on in its next time slice.
    fn yields(&self, core: &mut StoreCore, start: Start) -> Ended {
        core.suspension = Some(Suspension {
            store: core.id(),
            stack: self.stack,
            results: (std::ptr::null_mut(), 0),
            at: Place::Slice(start),
        });
        Ended::Yielded
    }

    /// How it ended that did not return.
    #[cold]
    pub(crate) fn end(&mut self, core: &mut StoreCore, how: u32) -> Result<Ended, Left> {
        let At { pc, rsp, rbp, .. } = self.fault;
        let interrupted = Start::Fault { pc: pc as u64, rsp: rsp as u64, rbp: rbp as u64 };
        let stub = Start::Stub { fp: self.guest_fp };
        let failure = match how {
            reason::INTERRUPTED => return Ok(self.yields(core, interrupted)),
            reason::YIELDED => return Ok(self.yields(core, stub)),
            reason::FAULT => self.trapped(core, interrupted),
            reason::BUILTIN => self.trapped(core, stub),
            _ => match self.pending.take() {
                Some(Pending::Suspend(value, suspension)) => {
                    core.suspension = Some(suspension);
                    return Ok(Ended::Suspended(value));
                }
                Some(Pending::Panic(payload)) => return Err(Left::Panicked(payload)),
                Some(Pending::Trap(code)) => {
                    self.trap = code as u64;
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
