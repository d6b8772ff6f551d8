//! Waiting without a thread: in asynchronous calls, a call that finds nothing to do suspends its guest until
//! there may be something, and is made again.
//!
//! **Invariants.** A call suspends before it has done anything, and what it finds when it is made again
//! decides, not why it was woken. A wait keeps the files open that it is for. Where the thread that watches
//! them cannot be made, the calling thread waits itself.

mod watcher;

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::entry::Handle;
use watcher::{Files, Watcher, now};

/// One attempt at a call, after others that found nothing to do.
#[derive(Default)]
pub(crate) struct Attempt {
    /// When the first one was made, in nanoseconds of the monotonic clock, if that matters.
    pub(crate) since: Cell<Option<u64>>,
    /// What this one found that it has to wait for.
    wait: Cell<Option<Wait>>,
}

impl Attempt {
    /// What is to be waited for before the next one, if this one said so.
    pub(crate) fn take_wait(&mut self) -> Option<Wait> {
        self.wait.take()
    }

    /// Says that the next one is to be made when one of these files is ready or so many nanoseconds have
    /// passed.
    ///
    /// # Errors
    /// Nothing can be waited for without a thread.
    pub(crate) fn wait_for(
        &self,
        files: Vec<(Handle, PollFlags)>,
        nanoseconds: Option<u64>,
    ) -> io::Result<()> {
        let watcher = Watcher::get()?;
        let until = nanoseconds.map(|left| now().saturating_add(left));
        self.wait.set(Some(Wait { watcher, files: files.into(), until, number: None }));
        Ok(())
    }
}

/// Ends when one of its files is ready, or its time has come.
pub(crate) struct Wait {
    watcher: Arc<Watcher>,
    files: Files,
    /// Nanoseconds of the monotonic clock.
    until: Option<u64>,
    /// By which the watcher knows it.
    number: Option<u64>,
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let is_late = self.until.is_some_and(|until| now() >= until);
        if is_late || is_any_ready(&self.files) {
            return Poll::Ready(());
        }
        self.forget();
        // In the child of a fork it is another one.
        if let Ok(watcher) = Watcher::get() {
            self.watcher = watcher;
        }
        let number = self.watcher.watch(self.files.clone(), self.until, context.waker().clone());
        self.number = Some(number);
        Poll::Pending
    }
}

impl Wait {
    fn forget(&mut self) {
        if let Some(number) = self.number.take() {
            self.watcher.forget(number);
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Whether one of the files is ready now, or cannot be asked. None is never ready.
pub(crate) fn is_any_ready(files: &[(Handle, PollFlags)]) -> bool {
    let Some(mut polled) = files.iter().map(asked).collect::<Option<Vec<_>>>() else { return true };
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    !polled.is_empty() && rustix::event::poll(&mut polled, Some(&at_once)) != Ok(0)
}

fn asked((handle, wanted): &(Handle, PollFlags)) -> Option<PollFd<'_>> {
    Some(PollFd::from_borrowed_fd(handle.host()?, *wanted))
}
