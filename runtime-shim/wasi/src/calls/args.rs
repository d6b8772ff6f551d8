//! `args_*` and `environ_*`: two lists of strings, given out the same way.

use crate::access::Ctx;
use crate::errno::Errno;
use crate::given::Strings;
use crate::guest::Guest;

pub(crate) fn args_get(ctx: &mut Ctx<'_>, guest: Guest<'_>, pointers: u32, bytes: u32) -> Result<(), Errno> {
    get(&ctx.hold().table.given().args, guest, pointers, bytes)
}

pub(crate) fn args_sizes_get(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    count: u32,
    size: u32,
) -> Result<(), Errno> {
    sizes(&ctx.hold().table.given().args, guest, count, size)
}

pub(crate) fn environ_get(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    pointers: u32,
    bytes: u32,
) -> Result<(), Errno> {
    get(&ctx.hold().table.given().env, guest, pointers, bytes)
}

pub(crate) fn environ_sizes_get(
    ctx: &mut Ctx<'_>,
    guest: Guest<'_>,
    count: u32,
    size: u32,
) -> Result<(), Errno> {
    sizes(&ctx.hold().table.given().env, guest, count, size)
}

/// Writes the strings to `bytes` and a pointer to each to `pointers`.
fn get(strings: &Strings, guest: Guest<'_>, pointers: u32, bytes: u32) -> Result<(), Errno> {
    let (count, size) = lengths(strings)?;
    guest.check(pointers, count, 4, 4)?;
    guest.check(bytes, size, 1, 1)?;
    guest.write(bytes, &strings.bytes)?;
    for (at, start) in (pointers..).step_by(4).zip(&strings.starts) {
        // Both additions stay inside the ranges that were checked.
        guest.write_u32(at, bytes + *start as u32)?;
    }
    Ok(())
}

fn sizes(strings: &Strings, guest: Guest<'_>, count_at: u32, size_at: u32) -> Result<(), Errno> {
    let (count, size) = lengths(strings)?;
    guest.result::<4>(count_at)?;
    guest.write_u32(size_at, size)?;
    guest.write_u32(count_at, count)
}

/// How many strings, and how many bytes with their terminators.
fn lengths(strings: &Strings) -> Result<(u32, u32), Errno> {
    let count = u32::try_from(strings.starts.len()).map_err(|_| Errno::Overflow)?;
    let size = u32::try_from(strings.bytes.len()).map_err(|_| Errno::Overflow)?;
    Ok((count, size))
}
