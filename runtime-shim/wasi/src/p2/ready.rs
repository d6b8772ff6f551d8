//! Pollables, and how a call waits for them: with its thread, or, in asynchronous calls, by suspending its
//! guest.
//!
//! ```text
//!  attempt ──▶ done
//!     ▲   └──▶ pollables ──▶ asynchronous call: a future that owns them ──┐
//!     │                 └──▶ other call: ppoll, until the deadline ───────┤
//!     └───────────────────────────────────────────────────────────────────┘
//! ```
//!
//! **Invariants.** A pollable owns a share of what it asks, so that it is of use however long its guest keeps
//! it, and while the guest is suspended. What an attempt finds decides, not why it was woken.

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll, Wake, Waker};

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd};
use rustix::io::Errno as HostErrno;
use wasmaot_component::Context;
use wasmaot_runtime::{HostError, check_interrupt};

use super::host::{HostInput, HostOutput, Readiness};
use crate::entry::Handle;
use crate::p2::open::Permit;
use crate::wait::{Wait, now};

/// Locks what resources share, which a panic leaves usable.
pub(crate) fn lock<T: ?Sized>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a socket is to be ready for, which changes with its state; for nothing if it is ready.
#[derive(Debug, Default)]
pub(crate) struct Wanted(AtomicU16);

impl Wanted {
    pub(crate) fn set(&self, wanted: PollFlags) {
        self.0.store(wanted.bits(), Ordering::Relaxed);
    }

    fn get(&self) -> PollFlags {
        PollFlags::from_bits_retain(self.0.load(Ordering::Relaxed))
    }
}

/// What a guest waits for: the resource `pollable`.
///
/// ```
/// use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
/// use std::task::{Context, Poll};
/// use wasmaot_wasi::p2::{Pollable, Readiness};
///
/// struct Answer(Option<u32>);
///
/// impl Readiness for Answer {
///     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<()> {
///         if self.0.is_some() { Poll::Ready(()) } else { Poll::Pending }
///     }
/// }
///
/// let answer = Arc::new(Mutex::new(Answer(Some(42))));
/// let pollable = Pollable::new(answer.clone());
/// ```
#[derive(Clone)]
pub struct Pollable(Kind);

#[derive(Clone)]
enum Kind {
    Ready,
    /// At a time of the monotonic clock, in nanoseconds.
    At(u64),
    File {
        handle: Handle,
        wanted: PollFlags,
        /// Counts the file as open, if the guest has opened it.
        _permit: Option<Permit>,
    },
    Socket {
        handle: Handle,
        wanted: Arc<Wanted>,
        _permit: Option<Permit>,
    },
    Shared(Arc<Mutex<dyn Readiness>>),
    Input(Arc<Mutex<dyn HostInput>>),
    Output(Arc<Mutex<dyn HostOutput>>),
}

impl Pollable {
    /// Returns one that asks what it shares with its user.
    pub fn new<R: Readiness + 'static>(shared: Arc<Mutex<R>>) -> Self {
        Self(Kind::Shared(shared))
    }

    /// Returns one that is always ready.
    pub fn ready() -> Self {
        Self(Kind::Ready)
    }

    /// Returns one that is ready from a time of the monotonic clock on, in nanoseconds.
    pub fn at(nanoseconds: u64) -> Self {
        Self(Kind::At(nanoseconds))
    }

    /// Returns one that is ready as a file is. What lies in memory always is.
    pub(crate) fn file(handle: &Handle, wanted: PollFlags, permit: Option<&Permit>) -> Self {
        match handle.host() {
            Some(_) => Self(Kind::File { handle: handle.clone(), wanted, _permit: permit.cloned() }),
            None => Self::ready(),
        }
    }

    /// Returns one that is ready as a socket is in whatever state it is then.
    pub(crate) fn socket(handle: &Handle, wanted: &Arc<Wanted>, permit: Option<&Permit>) -> Self {
        Self(Kind::Socket { handle: handle.clone(), wanted: wanted.clone(), _permit: permit.cloned() })
    }

    pub(crate) fn input(stream: &Arc<Mutex<dyn HostInput>>) -> Self {
        Self(Kind::Input(stream.clone()))
    }

    pub(crate) fn output(stream: &Arc<Mutex<dyn HostOutput>>) -> Self {
        Self(Kind::Output(stream.clone()))
    }

    /// The file that it asks, if it asks one.
    fn file_asked(&self) -> Option<(&Handle, PollFlags)> {
        match &self.0 {
            Kind::File { handle, wanted, .. } => Some((handle, *wanted)),
            Kind::Socket { handle, wanted, .. } => Some((handle, wanted.get())),
            _ => None,
        }
        .filter(|(_, wanted)| !wanted.is_empty())
    }

    /// The host's descriptor of that.
    fn host(&self) -> Option<(BorrowedFd<'_>, PollFlags)> {
        self.file_asked().and_then(|(handle, wanted)| Some((handle.host()?, wanted)))
    }

    /// Whether it is ready, where no system call is needed to know that.
    fn poll_shared(&self, cx: &mut task::Context<'_>) -> Poll<()> {
        match &self.0 {
            Kind::Ready => Poll::Ready(()),
            Kind::At(time) if now() >= *time => Poll::Ready(()),
            Kind::Socket { wanted, .. } if wanted.get().is_empty() => Poll::Ready(()),
            Kind::At(_) | Kind::File { .. } | Kind::Socket { .. } => Poll::Pending,
            Kind::Shared(shared) => lock(shared).poll_ready(cx),
            Kind::Input(stream) => lock(stream).poll_ready(cx),
            Kind::Output(stream) => lock(stream).poll_ready(cx),
        }
    }

    fn is_shared(&self) -> bool {
        matches!(self.0, Kind::Shared(_) | Kind::Input(_) | Kind::Output(_))
    }

    fn time(&self) -> Option<u64> {
        match self.0 {
            Kind::At(time) => Some(time),
            _ => None,
        }
    }
}

/// Whether each of these is ready now.
pub(crate) fn are_ready(pollables: &[Pollable]) -> Vec<bool> {
    let mut cx = task::Context::from_waker(Waker::noop());
    let mut ready: Vec<bool> =
        pollables.iter().map(|pollable| pollable.poll_shared(&mut cx).is_ready()).collect();
    let mut asked = Asked::of(pollables);
    if !asked.files.is_empty() {
        // What cannot be asked is taken as ready: its use says what is wrong.
        let failed = asked.poll(Some(0)).is_err();
        for (ready, pollable) in ready.iter_mut().zip(pollables) {
            *ready |= pollable.host().is_some_and(|(file, wanted)| failed || asked.is_ready(file, wanted));
        }
    }
    ready
}

/// The descriptors of pollables, each once.
struct Asked<'a> {
    files: Vec<PollFd<'a>>,
    /// Positions by descriptor.
    positions: BTreeMap<RawFd, usize>,
}

impl<'a> Asked<'a> {
    fn of(pollables: &'a [Pollable]) -> Self {
        let mut wanted = BTreeMap::<RawFd, (BorrowedFd<'a>, PollFlags)>::new();
        for (file, flags) in pollables.iter().filter_map(Pollable::host) {
            wanted.entry(file.as_raw_fd()).or_insert((file, PollFlags::empty())).1 |= flags;
        }
        let positions = wanted.keys().copied().zip(0..).collect();
        let files = wanted.into_values().map(|(file, flags)| PollFd::from_borrowed_fd(file, flags));
        Self { files: files.collect(), positions }
    }

    /// Asks the kernel, for at most this number of nanoseconds.
    fn poll(&mut self, nanoseconds: Option<u64>) -> rustix::io::Result<usize> {
        let timeout = nanoseconds.map(|nanoseconds| Timespec {
            tv_sec: (nanoseconds / 1_000_000_000).cast_signed(),
            tv_nsec: (nanoseconds % 1_000_000_000).cast_signed(),
        });
        rustix::event::poll(&mut self.files, timeout.as_ref())
    }

    fn is_ready(&self, file: BorrowedFd<'_>, wanted: PollFlags) -> bool {
        let always = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
        let position = self.positions.get(&file.as_raw_fd());
        position.is_some_and(|&position| self.files[position].revents().intersects(wanted | always))
    }
}

/// Ends when one of its pollables is ready.
pub(crate) struct AnyReady {
    pollables: Vec<Pollable>,
    /// For files and times.
    wait: Option<Wait>,
}

impl AnyReady {
    /// Returns the wait for one of these.
    ///
    /// # Errors
    /// Nothing can be waited for without a thread.
    pub(crate) fn new(pollables: &[Pollable]) -> io::Result<Self> {
        let files = pollables.iter().filter_map(Pollable::file_asked);
        let files: Vec<_> = files.map(|(handle, wanted)| (handle.clone(), wanted)).collect();
        let until = pollables.iter().filter_map(Pollable::time).min();
        let wait = if files.is_empty() && until.is_none() { None } else { Some(Wait::new(files, until)?) };
        Ok(Self { pollables: pollables.to_vec(), wait })
    }
}

impl Future for AnyReady {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        if self.pollables.iter().any(|pollable| pollable.poll_shared(cx).is_ready()) {
            return Poll::Ready(());
        }
        self.wait.as_mut().map_or(Poll::Pending, |wait| Pin::new(wait).poll(cx))
    }
}

/// Waits until one of these is ready, without a thread if that can be.
pub async fn any_ready(pollables: Vec<Pollable>) {
    match AnyReady::new(&pollables) {
        Ok(wait) => wait.await,
        // The thread waits itself, and the call looks at its deadline afterwards.
        Err(_) => _ = block(&pollables),
    }
}

/// Wakes a thread out of `ppoll`.
struct Bell(OwnedFd);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // It fails only if the bell was rung so often that it rings anyway.
        _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }
}

/// Waits with this thread until one of these is ready.
///
/// # Errors
/// The instance that waits is to be stopped, or nothing can be waited for.
pub(crate) fn block(pollables: &[Pollable]) -> Result<(), HostError> {
    let bell = match pollables.iter().any(Pollable::is_shared) {
        true => {
            let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK);
            Some(Arc::new(Bell(bell.map_err(HostError::other)?)))
        }
        false => None,
    };
    let waker = bell.clone().map_or_else(|| Waker::noop().clone(), Waker::from);
    let mut cx = task::Context::from_waker(&waker);
    let until = pollables.iter().filter_map(Pollable::time).min();
    let mut asked = Asked::of(pollables);
    if let Some(bell) = &bell {
        asked.files.push(PollFd::from_borrowed_fd(bell.0.as_fd(), PollFlags::IN));
    }
    loop {
        if pollables.iter().any(|pollable| pollable.poll_shared(&mut cx).is_ready()) {
            return Ok(());
        }
        match asked.poll(until.map(|until| until.saturating_sub(now()))) {
            Err(HostErrno::INTR) => check_interrupt()?,
            // What cannot be asked is taken as ready: its use says what is wrong.
            Err(_) => return Ok(()),
            Ok(_) => {
                if pollables
                    .iter()
                    .filter_map(Pollable::host)
                    .any(|(file, flags)| asked.is_ready(file, flags))
                {
                    return Ok(());
                }
                if let Some(bell) = &bell {
                    _ = rustix::io::read(&bell.0, &mut [0; 8]);
                }
            }
        }
    }
}

/// What came of an attempt at something that may have to wait.
pub enum Attempt<R> {
    /// It is done.
    Done(R),
    /// It is to be made again when one of these is ready.
    Wait(Vec<Pollable>),
}

/// Makes attempts until one is done. In between, the guest is suspended if it was called asynchronously;
/// otherwise the thread waits, and looks at the deadline.
///
/// An attempt that waits has done nothing, or keeps what it has done. `R` is the result type of the host
/// function that this is called in, which returns what this does.
///
/// # Errors
/// What an attempt returns; the instance is suspended or is to be stopped.
pub fn wait<T: 'static, R: Send + 'static>(
    cx: &mut Context<'_, '_, T>,
    mut attempt: impl FnMut(&mut Context<'_, '_, T>) -> Result<Attempt<R>, HostError> + Send + 'static,
) -> Result<R, HostError> {
    loop {
        let pollables = match attempt(cx)? {
            Attempt::Done(result) => return Ok(result),
            Attempt::Wait(pollables) => pollables,
        };
        // Where nothing can be waited for without a thread, this one waits.
        if cx.is_async()
            && let Ok(ready) = AnyReady::new(&pollables)
        {
            return Err(cx.suspend(async move {
                ready.await;
                move |cx: &mut Context<'_, '_, T>| wait(cx, attempt)
            }));
        }
        block(&pollables)?;
    }
}
