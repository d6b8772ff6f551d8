//! The contract about signals between the runtime and the process that it is a part of.
//!
//! **Invariant: what the host may change at any time is stated here**, with what the runtime checks and when.

/// What the host does with signals on threads that have run guests. An option of
/// [`Store::set_host_signals`](crate::Store::set_host_signals) and [`PoolConfig`](crate::PoolConfig).
///
/// The first [`Module`](crate::Module) that is opened installs handlers of `SIGSEGV`, `SIGBUS`, `SIGILL` and
/// `SIGFPE`, by which guests trap, and of the *interrupt signal*, by which they are stopped. That is
/// `SIGURG`, or a free real-time signal if the host handles `SIGURG`;
/// [`set_interrupt_signal`](crate::set_interrupt_signal) chooses another one. A fault that is not a guest's
/// goes on to the handler that was there before. A thread's first call of a guest lets these signals through
/// and makes an alternate signal stack of 256 KiB, unless the thread has one of at least
/// [`LEAST_ALTERNATE_STACK`](crate::LEAST_ALTERNATE_STACK) bytes.
///
/// **Handlers** belong to the process. Those of the runtime's signals are checked whenever a module is
/// opened, a pool is made, [`prepare_thread`](crate::prepare_thread) is called, and every 100 ms by the
/// thread that enforces deadlines while there are any. A handler of the host's that has replaced one of them
/// then gets the runtime's in front of it, and faults that are not a guest's are passed on to it. Until the
/// next check, it has to call the runtime's for faults that are not its own, with its own arguments, or a
/// guest's trap ends in it. Up to eight different handlers of a signal can be passed like that; with more,
/// all three fail.
///
/// A handler of any other signal should be installed with `SA_ONSTACK`. Without it, it may start on the stack
/// of a guest. If the kernel finds no room there, the guest traps with
/// [`StackOverflow`](crate::TrapCode::StackOverflow) and the signal is lost. If the handler runs out of room,
/// up to 256 KiB more are opened for it until it returns, as far as the slot has them (180 KiB with the
/// default stack; none with the largest stack that still fits). A handler that needs more, or that blocks
/// `SIGSEGV`, ends the process.
///
/// A signal handler calls nothing of the runtime, not even
/// [`InterruptHandle::kill`](crate::InterruptHandle::kill), and does not fork: either may wait for a lock
/// that the interrupted thread holds. It wakes a thread that does, by `sem_post` or a write to a pipe. A call
/// on the alternate stack is refused.
///
/// A thread that does not receive the interrupt signal within 20 ms, as it blocks a signal that was chosen
/// later, or the kernel has no room to queue it, is sent `SIGILL` in its place, which the runtime handles.
/// That ends system calls with `EINTR` as the interrupt signal does.
///
/// **Masks and alternate stacks** belong to each thread, and what the host changes after the first entry is
/// seen only by system calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostSignals {
    /// A thread that has called a guest, and may do so again, keeps these signals unblocked and its alternate
    /// stack in place, or calls [`prepare_thread`](crate::prepare_thread) after it has changed them. No
    /// system call is made to check that.
    #[default]
    Unchanged,
    /// The host promises nothing. Each entry from the host, by a call or by the return of a host function,
    /// makes two system calls: one unblocks the signals, the other asks for the alternate stack, and a third
    /// one sets it if it is gone.
    Checked,
}
