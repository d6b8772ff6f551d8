//! The thread that watches files and the time for calls that wait without one, for the whole process.
//!
//! **Invariants.** A wait is woken at most once, and not after it was forgotten. Wakers are the embedder's
//! code: they are called and dropped when no lock is held. The child of a fork has a watcher of its own, and
//! leaves the descriptors of its parent's alone.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::task::Waker;

use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{EventfdFlags, PollFlags, Timespec, eventfd};
use rustix::io::Errno as HostErrno;
use rustix::time::{ClockId, clock_gettime};
use wasmaot_runtime::Undivided;

use crate::entry::Handle;
use crate::sys::signals::block_all;

/// What is waited for: files, each with what it is to be ready for.
pub(super) type Files = Arc<[(Handle, PollFlags)]>;

/// Nanoseconds of the monotonic clock.
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// What the bell is known by, which no descriptor is.
const BELL: u64 = u64::MAX;

/// Events that are taken at once.
const EVENTS: usize = 256;

/// Nanoseconds after which a wait is woken whose file cannot be watched.
const RETRY: u64 = 10_000_000;

/// The longest that the thread sleeps, in seconds: the kernel's call takes some weeks at most.
const LONGEST: u64 = 3600;

/// Bytes of the thread's stack, on which the embedder's wakers run.
const STACK: usize = 256 << 10;

static WATCHER: Mutex<Option<Arc<Watcher>>> = Mutex::new(None);

/// The thread's record.
pub(super) struct Watcher {
    /// The process that has it.
    process: rustix::process::Pid,
    epoll: OwnedFd,
    /// Rung when the thread is to wake earlier than it would.
    bell: OwnedFd,
    waits: Mutex<Waits>,
}

/// What is waited for.
#[derive(Default)]
struct Waits {
    /// The last number given.
    last: u64,
    by_number: BTreeMap<u64, Waiting>,
    by_file: BTreeMap<RawFd, Vec<u64>>,
    by_time: BTreeSet<(u64, u64)>,
    /// When the thread wakes by itself.
    wakes: u64,
}

struct Waiting {
    files: Files,
    until: Option<u64>,
    waker: Waker,
}

impl Watcher {
    /// The process's, which is made where there is none.
    pub(super) fn get() -> io::Result<Arc<Self>> {
        let mut known = Undivided::lock(&WATCHER);
        if let Some(watcher) = known.as_ref().filter(|watcher| watcher.is_here()) {
            return Ok(watcher.clone());
        }
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        epoll::add(&epoll, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        let process = rustix::process::getpid();
        let watcher = Arc::new(Self { process, epoll, bell, waits: Mutex::default() });
        let watching = watcher.clone();
        let builder = std::thread::Builder::new().name("wasmaot-waits".into()).stack_size(STACK);
        builder.spawn(move || watching.run())?;
        *known = Some(watcher.clone());
        Ok(watcher)
    }

    /// Whether its thread is one of this process.
    fn is_here(&self) -> bool {
        self.process == rustix::process::getpid()
    }

    /// Wakes a task, once, when one of the files is ready or the time has come. Returns a number by which to
    /// forget it.
    pub(super) fn watch(&self, files: Files, until: Option<u64>, waker: Waker) -> u64 {
        if !self.is_here() {
            // The wait was begun before a fork, and nothing can watch it here, so its task looks for itself.
            waker.wake();
            return 0;
        }
        let mut waits = Undivided::lock(&self.waits);
        waits.last += 1;
        let number = waits.last;
        let is_watched = files.iter().all(|(handle, wanted)| {
            handle.host().is_some_and(|file| waits.add_file(&self.epoll, file, *wanted, number))
        });
        let retry = (!is_watched).then(|| now().saturating_add(RETRY));
        let until = until.into_iter().chain(retry).min();
        if let Some(until) = until {
            waits.by_time.insert((until, number));
        }
        waits.by_number.insert(number, Waiting { files, until, waker });
        let is_earlier = until.is_some_and(|until| until < waits.wakes);
        drop(waits);
        if is_earlier {
            // It fails only if the bell was rung so often that it rings anyway.
            _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
        }
        number
    }

    /// Forgets a wait, which may have been woken.
    pub(super) fn forget(&self, number: u64) {
        let epoll = self.is_here().then_some(&self.epoll);
        let waker = Undivided::lock(&self.waits).take(epoll, number);
        drop(waker);
    }

    fn run(&self) {
        block_all();
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            let timeout = self.next();
            events.clear();
            // Nothing but a signal can end it early, and those are blocked.
            _ = epoll::wait(&self.epoll, rustix::buffer::spare_capacity(&mut events), timeout.as_ref());
            for waker in self.take_due(&events) {
                // What it panics with is the executor's affair.
                _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
            }
        }
    }

    /// How long to sleep; without end if there is no time to wait for.
    fn next(&self) -> Option<Timespec> {
        let mut waits = Undivided::lock(&self.waits);
        let first = waits.by_time.first().map(|&(until, _)| until);
        waits.wakes = first.unwrap_or(u64::MAX);
        let left = first?.saturating_sub(now());
        let seconds = (left / 1_000_000_000).min(LONGEST);
        Some(Timespec { tv_sec: seconds.cast_signed(), tv_nsec: (left % 1_000_000_000).cast_signed() })
    }

    /// Takes what waits for these files, or whose time has come.
    fn take_due(&self, events: &[epoll::Event]) -> Vec<Waker> {
        let mut waits = Undivided::lock(&self.waits);
        let mut due = Vec::new();
        for event in events {
            let data = event.data;
            match RawFd::try_from(data.u64()) {
                Ok(file) => due.extend(waits.by_file.get(&file).into_iter().flatten().copied()),
                Err(_) => _ = rustix::io::read(&self.bell, &mut [0; 8]),
            }
        }
        let now = now();
        due.extend(waits.by_time.iter().take_while(|&&(until, _)| until <= now).map(|&(_, number)| number));
        due.into_iter().filter_map(|number| waits.take(Some(&self.epoll), number)).collect()
    }
}

impl Waits {
    /// Watches a file for a wait. `false` if that cannot be.
    fn add_file(&mut self, epoll: &OwnedFd, file: BorrowedFd<'_>, wanted: PollFlags, number: u64) -> bool {
        let key = file.as_raw_fd();
        let others = self.by_file.get(&key).into_iter().flatten();
        let others =
            others.filter_map(|other| self.by_number.get(other)).flat_map(|other| other.files.iter());
        let others = others.filter(|(handle, _)| handle.host().is_some_and(|other| other.as_raw_fd() == key));
        let all = others.fold(wanted, |all, (_, wanted)| all | *wanted);
        let flags = EventFlags::from_bits_truncate(u32::from(all.bits()));
        let data = EventData::new_u64(u64::from(key.cast_unsigned()));
        let added = match epoll::add(epoll, file, data, flags) {
            Err(HostErrno::EXIST) => epoll::modify(epoll, file, data, flags),
            added => added,
        };
        self.by_file.entry(key).or_default().push(number);
        added.is_ok()
    }

    /// Takes the waker of a wait, and watches its files no more, unless others wait for them.
    fn take(&mut self, epoll: Option<&OwnedFd>, number: u64) -> Option<Waker> {
        let Waiting { files, until, waker } = self.by_number.remove(&number)?;
        if let Some(until) = until {
            self.by_time.remove(&(until, number));
        }
        for file in files.iter().filter_map(|(handle, _)| handle.host()) {
            let key = file.as_raw_fd();
            let Some(waiting) = self.by_file.get_mut(&key) else { continue };
            waiting.retain(|&other| other != number);
            if waiting.is_empty() {
                self.by_file.remove(&key);
                if let Some(epoll) = epoll {
                    // A file that could not be watched is not there.
                    _ = epoll::delete(epoll, file);
                }
            }
        }
        Some(waker)
    }
}
