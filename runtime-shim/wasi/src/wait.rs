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
pub(crate) use watcher::now;
use watcher::{Files, Watcher};

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

    /// Says that the next one is to be made when one of these files is ready or this number of nanoseconds
    /// has passed.
    ///
    /// # Errors
    /// Nothing can be waited for without a thread.
    pub(crate) fn wait_for(
        &self,
        files: Vec<(Handle, PollFlags)>,
        nanoseconds: Option<u64>,
    ) -> io::Result<()> {
        let until = nanoseconds.map(|left| now().saturating_add(left));
        self.wait.set(Some(Wait::new(files, until)?));
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
    /// Waits for one of these files, or until this time of the monotonic clock.
    ///
    /// # Errors
    /// Nothing can be waited for without a thread.
    pub(crate) fn new(files: Vec<(Handle, PollFlags)>, until: Option<u64>) -> io::Result<Self> {
        Ok(Self { watcher: Watcher::get()?, files: files.into(), until, number: None })
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::in_child;
    use std::io::{PipeReader, PipeWriter, Write};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::task::{Wake, Waker};
    use std::time::Duration;

    /// Says on a channel that a task is woken.
    struct Told(Sender<()>);

    impl Wake for Told {
        fn wake(self: Arc<Self>) {
            _ = self.0.send(());
        }
    }

    fn told() -> (Waker, Receiver<()>) {
        let (sender, receiver) = channel();
        (Arc::new(Told(sender)).into(), receiver)
    }

    fn wait_for(input: PipeReader, nanoseconds: Option<u64>) -> Wait {
        let mut attempt = Attempt::default();
        let files = vec![(Handle::Owned(Arc::new(input.into())), PollFlags::IN)];
        attempt.wait_for(files, nanoseconds).expect("a watcher");
        attempt.take_wait().expect("it is to wait")
    }

    /// A wait that something ends, and whether it was woken for that.
    fn ends(mut wait: Wait, end: impl FnOnce()) -> bool {
        let (waker, woken) = told();
        let mut context = Context::from_waker(&waker);
        assert!(Pin::new(&mut wait).poll(&mut context).is_pending());
        end();
        woken.recv_timeout(Duration::from_secs(60)).is_ok()
            && Pin::new(&mut wait).poll(&mut context).is_ready()
    }

    fn pipe() -> (PipeReader, PipeWriter) {
        std::io::pipe().expect("a pipe")
    }

    /// Which leaves what its parent waits for as it is.
    #[test]
    fn the_child_of_a_fork_waits_by_itself() {
        let (input, mut output) = pipe();
        let fork = || {
            assert!(in_child(|| {
                let (input, mut output) = pipe();
                let is_woken = ends(wait_for(input, None), || output.write_all(&[1]).expect("room"));
                is_woken && ends(wait_for(pipe().0, Some(1_000_000)), || ())
            }));
            output.write_all(&[1]).expect("room");
        };
        assert!(ends(wait_for(input, None), fork));
    }

    #[test]
    fn what_is_forgotten_is_not_woken() {
        let (input, mut output) = pipe();
        let copy = input.try_clone().expect("a copy");
        let (waker, woken) = told();
        let mut forgotten = wait_for(copy, Some(1_000_000_000));
        assert!(Pin::new(&mut forgotten).poll(&mut Context::from_waker(&waker)).is_pending());
        drop(forgotten);
        // Another one waits for the same.
        assert!(ends(wait_for(input, None), || output.write_all(&[1]).expect("room")));
        assert!(woken.try_recv().is_err());
    }

    /// Two that wait for the same file are both woken, whatever they wait for.
    #[test]
    fn all_that_wait_for_a_file_are_woken() {
        let (input, mut output) = pipe();
        let file: Arc<std::os::fd::OwnedFd> = Arc::new(input.into());
        let (waker, woken) = told();
        let mut waits: Vec<Wait> = [PollFlags::IN, PollFlags::IN | PollFlags::PRI]
            .map(|wanted| {
                let mut attempt = Attempt::default();
                attempt.wait_for(vec![(Handle::Shared(file.clone()), wanted)], None).expect("a watcher");
                attempt.take_wait().expect("it is to wait")
            })
            .into();
        for wait in &mut waits {
            assert!(Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_pending());
        }
        output.write_all(&[1]).expect("room");
        for wait in &mut waits {
            woken.recv_timeout(Duration::from_secs(60)).expect("each is woken");
            assert!(Pin::new(wait).poll(&mut Context::from_waker(&waker)).is_ready());
        }
    }
}
