//! `random_get`: the kernel's generator, straight into guest memory.

use crate::access::Ctx;
use crate::errno::Errno;
use crate::guest::Guest;
use crate::sys::kernel;

pub(crate) fn random_get(_: &mut Ctx<'_>, guest: Guest<'_>, buffer: u32, len: u32) -> Result<(), Errno> {
    guest.target(buffer, len)?.pieces().try_for_each(|piece| kernel::random(&piece.buffers()?))
}
