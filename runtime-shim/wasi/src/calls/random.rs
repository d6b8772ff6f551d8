//! `random_get`: the kernel's generator, straight into guest memory.

use crate::ctx::WasiCtx;
use crate::errno::Errno;
use crate::guest::Guest;
use crate::sys::kernel;

pub(crate) fn random_get(_: &mut WasiCtx, guest: Guest<'_>, buffer: u32, len: u32) -> Result<(), Errno> {
    kernel::random(&guest.buffer(buffer, len)?)
}
