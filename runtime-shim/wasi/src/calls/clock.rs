//! `clock_*`: the four clocks.

use rustix::time::{ClockId, Timespec};

use crate::access::Ctx;
use crate::errno::Errno;
use crate::guest::Guest;

/// WASI's numbers for the clocks that can also be waited for.
pub(crate) const REALTIME: u32 = 0;
pub(crate) const MONOTONIC: u32 = 1;

pub(crate) fn clock_res_get(_: &mut Ctx<'_>, guest: Guest<'_>, clock: u32, out: u32) -> Result<(), Errno> {
    let resolution = rustix::time::clock_getres(host_clock(clock)?);
    guest.write_u64(out, nanoseconds(resolution)?)
}

/// The precision that the guest asks for is a hint; the host's clocks are at their best always.
pub(crate) fn clock_time_get(
    _: &mut Ctx<'_>,
    guest: Guest<'_>,
    clock: u32,
    _precision: u64,
    out: u32,
) -> Result<(), Errno> {
    guest.write_u64(out, now(clock)?)
}

/// The time of a clock in nanoseconds.
pub(crate) fn now(clock: u32) -> Result<u64, Errno> {
    nanoseconds(rustix::time::clock_gettime(host_clock(clock)?))
}

/// An instance runs on one thread at a time, and what the process's other threads use is not its affair:
/// both CPU clocks are the thread's.
fn host_clock(clock: u32) -> Result<ClockId, Errno> {
    match clock {
        REALTIME => Ok(ClockId::Realtime),
        MONOTONIC => Ok(ClockId::Monotonic),
        2 | 3 => Ok(ClockId::ThreadCPUTime),
        _ => Err(Errno::Inval),
    }
}

fn nanoseconds(time: Timespec) -> Result<u64, Errno> {
    let whole = u64::try_from(time.tv_sec).ok().and_then(|seconds| seconds.checked_mul(1_000_000_000));
    let part = u64::try_from(time.tv_nsec).ok();
    whole.zip(part).and_then(|(whole, part)| whole.checked_add(part)).ok_or(Errno::Overflow)
}
