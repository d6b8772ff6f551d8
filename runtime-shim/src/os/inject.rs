//! Failures of system calls about memory, injected by tests.
//!
//! Code that makes such a call asks here first. Outside of unit tests the answer is always to go on, and
//! costs nothing. **Invariant: a plan concerns the thread that made it**, also in its signal handlers, so
//! tests run side by side.

use std::io;

/// Fails if the running test's plan says so.
#[inline(always)]
pub(crate) fn check() -> io::Result<()> {
    #[cfg(test)]
    if let Some(failure) = plan::next() {
        return Err(failure.error());
    }
    Ok(())
}

/// Makes a call about a range of this length, unless the running test's plan says that it fails: then it may
/// be made for a first part of the range, as the kernel does when it fails between two mappings.
#[inline(always)]
pub(super) fn check_range(length: usize, mut call: impl FnMut(usize) -> io::Result<()>) -> io::Result<()> {
    #[cfg(test)]
    if let Some(failure) = plan::next() {
        match failure.done(length) {
            0 => {}
            done => call(done)?,
        }
        return Err(failure.error());
    }
    call(length)
}

#[cfg(test)]
pub(crate) mod plan {
    use std::cell::Cell;
    use std::io;
    use wasmaot_abi::slot::HOST_PAGE;

    /// How a call fails.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Failure {
        /// The kernel's reason.
        pub(crate) errno: i32,
        /// Failing calls about ranges that are carried out for the first half of their range. Later ones do
        /// nothing.
        pub(crate) halves: u32,
        /// All later calls fail, too.
        pub(crate) lasting: bool,
    }

    impl Failure {
        pub(super) fn error(self) -> io::Error {
            io::Error::from_raw_os_error(self.errno)
        }

        /// Bytes of a range for which the call is carried out.
        pub(super) fn done(self, length: usize) -> usize {
            let half = (length / 2).next_multiple_of(HOST_PAGE as usize);
            if self.halves > 0 { half.min(length) } else { 0 }
        }
    }

    #[derive(Clone, Copy)]
    struct Plan {
        /// Calls that succeed before one fails.
        before: u32,
        failure: Option<Failure>,
        made: u32,
        failed: u32,
    }

    const NONE: Plan = Plan { before: u32::MAX, failure: None, made: 0, failed: 0 };

    thread_local! {
        static PLAN: Cell<Plan> = const { Cell::new(NONE) };
    }

    /// What came of a plan.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Outcome {
        /// Calls that failed.
        pub(crate) failed: u32,
    }

    /// Carries `run` out while the thread's call number `position`, counted from 0, fails.
    pub(crate) fn with<R>(position: u32, failure: Failure, run: impl FnOnce() -> R) -> (R, Outcome) {
        PLAN.set(Plan { before: position, failure: Some(failure), ..NONE });
        let result = run();
        let failed = PLAN.replace(NONE).failed;
        (result, Outcome { failed })
    }

    /// The failure of the call that is about to be made.
    pub(super) fn next() -> Option<Failure> {
        let mut plan = PLAN.get();
        let failure = plan.failure?;
        let fails = if failure.lasting { plan.made >= plan.before } else { plan.made == plan.before };
        let halves = failure.halves.saturating_sub(plan.failed);
        plan.made += 1;
        plan.failed += u32::from(fails);
        PLAN.set(plan);
        fails.then_some(Failure { halves, ..failure })
    }
}
