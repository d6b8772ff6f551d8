//! `poll_oneoff`: waits for clocks and descriptors together.
//!
//! **Invariant.** It returns with at least one event, and never before a time that it says has come. It waits
//! in `ppoll` only, which a signal wakes; after one, it waits for no longer than it would have. In
//! asynchronous calls it waits without a thread, and spans of time begin with the first attempt.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno as HostErrno;

use super::clock::{self, MONOTONIC, REALTIME};
use super::waits;
use crate::access::{Ctx, Found};
use crate::entry::Handle;
use crate::errno::Errno;
use crate::guest::Guest;
use crate::sys::go_on;
use crate::types::{Event, EventFlags, Rights, Subscription, Trigger};
use crate::version::Version;

/// More subscriptions than this are refused: no program waits for more descriptors than it can open.
const MAX_SUBSCRIPTIONS: u32 = 16_384;

pub(crate) fn poll_oneoff(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    version: Version,
    input: u32,
    output: u32,
    count: u32,
    out: u32,
) -> Result<(), Errno> {
    if count == 0 || count > MAX_SUBSCRIPTIONS {
        return Err(Errno::Inval);
    }
    let size = version.subscription_size();
    guest.check(input, count, size, Subscription::ALIGN)?;
    guest.check(output, count, Event::SIZE, Event::ALIGN)?;
    guest.result::<4>(out)?;
    let since = waits::since(ctx)?;
    let input_left = ctx.hold().input_left().len();
    let mut all = Vec::with_capacity(count as usize);
    for index in 0..count {
        look(index as usize)?;
        let mut bytes = [0; 56];
        guest.copy_out(input + index * size, &mut bytes[..size as usize])?;
        let subscription = version.decode_subscription(bytes)?;
        all.push(Wait { subscription, target: target(ctx, subscription.trigger, since) });
    }
    let events = wait(ctx, &all, input_left)?;
    for (at, event) in (output..).step_by(Event::SIZE as usize).zip(&events) {
        guest.write(at, &event.encode())?;
    }
    guest.write_u32(out, events.len() as u32)
}

/// Subscriptions that take some system calls each, between two looks at whether the instance is to be
/// stopped.
const AT_ONCE: usize = 256;

/// Looks whether the instance is to be stopped, if it is time for that.
fn look(index: usize) -> Result<(), Errno> {
    if index.is_multiple_of(AT_ONCE) && index > 0 { go_on() } else { Ok(()) }
}

/// A subscription and what it comes down to.
struct Wait<'a> {
    subscription: Subscription,
    target: Result<Target<'a>, Errno>,
}

enum Target<'a> {
    /// A clock, and its time to wait for in nanoseconds.
    Time { clock: u32, deadline: u64 },
    /// A stream, which has a descriptor of the host's unless it lies in memory, where it is always ready.
    Stream { entry: Found<'a>, wanted: PollFlags },
}

/// A wait that cannot be is an event with an error, not a failed call.
fn target<'a>(ctx: &'a Ctx<'_>, trigger: Trigger, since: u64) -> Result<Target<'a>, Errno> {
    let stream = |fd, rights, wanted| {
        Ok(Target::Stream { entry: ctx.get(fd, Rights::POLL_FD_READWRITE | rights)?, wanted })
    };
    match trigger {
        // A span of time is not stretched when someone sets the clock.
        Trigger::Clock { id: REALTIME | MONOTONIC, timeout, absolute: false } => {
            Ok(Target::Time { clock: MONOTONIC, deadline: since.saturating_add(timeout) })
        }
        Trigger::Clock { id: clock @ (REALTIME | MONOTONIC), timeout, absolute: true } => {
            Ok(Target::Time { clock, deadline: timeout })
        }
        // The clocks of CPU time stand still while their thread waits.
        Trigger::Clock { id: 2 | 3, .. } => Err(Errno::NotSup),
        Trigger::Clock { .. } => Err(Errno::Inval),
        Trigger::Read(fd) => stream(fd, Rights::FD_READ, PollFlags::IN),
        Trigger::Write(fd) => stream(fd, Rights::FD_WRITE, PollFlags::OUT),
    }
}

/// Waits until there is something to report. `input` bytes can be read of an input in memory.
fn wait(ctx: &Ctx<'_>, all: &[Wait<'_>], input: usize) -> Result<Vec<Event>, Errno> {
    let mut polled: Vec<PollFd<'_>> = all.iter().filter_map(Wait::polled).collect();
    if ctx.attempt().is_some() {
        rustix::event::poll(&mut polled, Some(&timespec(Duration::ZERO)))?;
        let events = collect(all, &polled, input)?;
        if !events.is_empty() {
            return Ok(events);
        }
        let files = all.iter().filter_map(Wait::file).collect();
        waits::later(ctx, files, timeout(all)?)?;
    }
    loop {
        let timeout = timeout(all)?.map(|nanoseconds| timespec(Duration::from_nanos(nanoseconds)));
        match rustix::event::poll(&mut polled, timeout.as_ref()) {
            Err(HostErrno::INTR) => {
                go_on()?;
                continue;
            }
            result => result?,
        };
        let events = collect(all, &polled, input)?;
        if !events.is_empty() {
            return Ok(events);
        }
    }
}

impl Wait<'_> {
    fn polled(&self) -> Option<PollFd<'_>> {
        match &self.target {
            Ok(Target::Stream { entry, wanted }) => Some(PollFd::from_borrowed_fd(entry.host()?, *wanted)),
            Ok(Target::Time { .. }) | Err(_) => None,
        }
    }

    fn file(&self) -> Option<(Handle, PollFlags)> {
        match &self.target {
            Ok(Target::Stream { entry, wanted }) => Some((entry.handle.clone(), *wanted)),
            Ok(Target::Time { .. }) | Err(_) => None,
        }
    }

    fn event(&self, error: Option<Errno>) -> Event {
        Event { subscription: self.subscription, error, bytes: 0, flags: EventFlags::empty() }
    }
}

/// Nanoseconds until the first deadline; none at all if an event is there already.
fn timeout(waits: &[Wait<'_>]) -> Result<Option<u64>, Errno> {
    let mut first: Option<u64> = None;
    for wait in waits {
        let left = match &wait.target {
            Err(_) => 0,
            Ok(Target::Time { clock, deadline }) => deadline.saturating_sub(clock::now(*clock)?),
            Ok(Target::Stream { entry, .. }) if entry.host().is_none() => 0,
            Ok(Target::Stream { .. }) => continue,
        };
        first = Some(first.map_or(left, |first| first.min(left)));
    }
    Ok(first)
}

fn timespec(duration: Duration) -> Timespec {
    // 2^64 nanoseconds are fewer than 2^35 seconds.
    Timespec { tv_sec: duration.as_secs().cast_signed(), tv_nsec: i64::from(duration.subsec_nanos()) }
}

/// What has happened, in the order of the subscriptions.
fn collect(waits: &[Wait<'_>], polled: &[PollFd<'_>], input: usize) -> Result<Vec<Event>, Errno> {
    let mut events = Vec::new();
    let mut results = polled.iter().map(PollFd::revents);
    for (index, wait) in waits.iter().enumerate() {
        look(index)?;
        match &wait.target {
            Err(error) => events.push(wait.event(Some(*error))),
            Ok(Target::Time { clock, deadline }) => {
                if clock::now(*clock)? >= *deadline {
                    events.push(wait.event(None));
                }
            }
            Ok(Target::Stream { entry, .. }) => match entry.host() {
                None => {
                    let reads = matches!(wait.subscription.trigger, Trigger::Read(_));
                    events.push(Event { bytes: if reads { input as u64 } else { 1 }, ..wait.event(None) });
                }
                Some(host) => {
                    let result = results.next().unwrap_or(PollFlags::empty());
                    if !result.is_empty() {
                        events.push(ready(wait, host, result));
                    }
                }
            },
        }
    }
    Ok(events)
}

fn ready(wait: &Wait<'_>, host: BorrowedFd<'_>, result: PollFlags) -> Event {
    if result.contains(PollFlags::NVAL) {
        return wait.event(Some(Errno::BadF));
    }
    let gone = result.intersects(PollFlags::HUP | PollFlags::RDHUP | PollFlags::ERR);
    let flags = if gone { EventFlags::HANGUP } else { EventFlags::empty() };
    let bytes = match wait.subscription.trigger {
        Trigger::Read(_) => readable_bytes(host),
        // The kernel does not say how many; one at least.
        _ => 1,
    };
    Event { bytes, flags, ..wait.event(None) }
}

/// How many bytes can be read without waiting: what is left of a file, or what a pipe or socket holds.
/// What cannot say (a listening socket, some devices) has one thing at least.
fn readable_bytes(host: BorrowedFd<'_>) -> u64 {
    let file = rustix::fs::fstat(host).ok();
    let file = file.filter(|stat| rustix::fs::FileType::from_raw_mode(stat.st_mode).is_file());
    match file {
        Some(stat) => {
            let position = rustix::fs::tell(host).unwrap_or(0);
            stat.st_size.max(0).unsigned_abs().saturating_sub(position)
        }
        None => rustix::io::ioctl_fionread(host).unwrap_or(1),
    }
}
