//! `proc_raise` and `sched_yield`. (`proc_exit` ends the call into the instance, so it stands where the
//! functions are registered.)

use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::guest::Guest;

/// A guest has no process to send a signal to.
pub(crate) fn proc_raise(_: &mut WasiCtx, _: Guest<'_>, _signal: u32) -> Result<(), Errno> {
    Err(Errno::NotSup)
}

pub(crate) fn sched_yield(_: &mut WasiCtx, _: Guest<'_>) -> Result<(), Errno> {
    rustix::thread::sched_yield();
    Ok(())
}
