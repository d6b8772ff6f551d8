//! How calls wait: with their thread, or, in asynchronous calls, by being made again.
//!
//! **Invariant: nothing was done yet** where a call says that it is to be made again.

use rustix::event::PollFlags;
use rustix::fs::OFlags;

use super::clock::{MONOTONIC, now};
use crate::access::Ctx;
use crate::entry::{Entry, Handle};
use crate::errno::Errno;
use crate::guest::ranges::{Extent, Ranges};
use crate::sys::kernel;
use crate::wait::is_any_ready;

/// When a call was first made, in nanoseconds of the monotonic clock.
pub(super) fn since(ctx: &Ctx<'_>) -> Result<u64, Errno> {
    let Some(attempt) = ctx.attempt() else { return now(MONOTONIC) };
    let since = attempt.since.get().map_or_else(|| now(MONOTONIC), Ok)?;
    attempt.since.set(Some(since));
    Ok(since)
}

/// Suspends a call that would wait for something to be read.
///
/// # Errors
/// [`Errno::Intr`] if the call is to be made again.
pub(super) fn readable(ctx: &Ctx<'_>, entry: &Entry) -> Result<(), Errno> {
    let (Some(_), Some(host)) = (ctx.attempt(), entry.host()) else { return Ok(()) };
    let files = vec![(entry.handle.clone(), PollFlags::IN)];
    if is_any_ready(&files) || rustix::fs::fcntl_getfl(host)?.contains(OFlags::NONBLOCK) {
        return Ok(());
    }
    later(ctx, files, None)
}

/// Suspends a call that would wait for room to write. Returns what says whether there is room; `None` where a
/// call does not wait for it, or cannot write as far as there is: then it is to be made as it is.
///
/// # Errors
/// [`Errno::Intr`] if the call is to be made again.
pub(super) fn writable(
    ctx: &Ctx<'_>,
    entry: &Entry,
    ranges: &Ranges<'_>,
) -> Result<Option<Vec<(Handle, PollFlags)>>, Errno> {
    let (Some(_), Some(host)) = (ctx.attempt(), entry.host()) else { return Ok(None) };
    if !entry.may_break() || ranges.is_empty() || rustix::fs::fcntl_getfl(host)?.contains(OFlags::NONBLOCK) {
        return Ok(None);
    }
    let files = vec![(entry.handle.clone(), PollFlags::OUT)];
    if !is_any_ready(&files) {
        later(ctx, files.clone(), None)?;
        return Ok(None);
    }
    let is_message = kernel::extent_of_writing(host)? == Extent::Message;
    Ok((!is_message).then_some(files))
}

/// Suspends a call until one of these files is ready or this time in nanoseconds has passed.
///
/// # Errors
/// [`Errno::Intr`] if the call is to be made again.
pub(super) fn later(
    ctx: &Ctx<'_>,
    files: Vec<(Handle, PollFlags)>,
    nanoseconds: Option<u64>,
) -> Result<(), Errno> {
    let waits = ctx.attempt().map(|attempt| attempt.wait_for(files, nanoseconds));
    // Otherwise the thread waits.
    if matches!(waits, Some(Ok(()))) { Err(Errno::Intr) } else { Ok(()) }
}
