//! `wasi:random`: the kernel's generator, for the interfaces that may be insecure, too.

use rustix::rand::{GetRandomFlags, getrandom};
use wasmaot_component::{Context, Linker};
use wasmaot_runtime::{HostError, LinkError};

use super::state::interface;
use crate::errno::Errno;
use crate::sys::again;

/// The most bytes of a call.
const MAX: u64 = 64 << 20;

/// Bytes between two looks at whether the instance is to be stopped.
const AT_ONCE: usize = 256 << 10;

/// Defines `wasi:random/random`, `wasi:random/insecure` and `wasi:random/insecure-seed`.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>) -> Result<(), LinkError> {
    let mut secure = linker.instance(interface!("wasi:random/random"))?;
    secure.func_wrap("get-random-bytes", |_: &mut Context<'_, '_, T>, count: u64| bytes(count))?;
    secure.func_wrap("get-random-u64", |_: &mut Context<'_, '_, T>| number())?;
    let mut insecure = linker.instance(interface!("wasi:random/insecure"))?;
    insecure.func_wrap("get-insecure-random-bytes", |_: &mut Context<'_, '_, T>, count: u64| bytes(count))?;
    insecure.func_wrap("get-insecure-random-u64", |_: &mut Context<'_, '_, T>| number())?;
    let mut seed = linker.instance(interface!("wasi:random/insecure-seed"))?;
    seed.func_wrap("insecure-seed", |_: &mut Context<'_, '_, T>| Ok((number()?, number()?)))?;
    Ok(())
}

fn bytes(count: u64) -> Result<Vec<u8>, HostError> {
    if count > MAX {
        let message = format!("{count} random bytes were asked for at once: at most {MAX} can be");
        return Err(HostError::other(message));
    }
    let mut bytes = vec![0; count as usize];
    bytes.chunks_mut(AT_ONCE).try_for_each(fill)?;
    Ok(bytes)
}

fn number() -> Result<u64, HostError> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(u64::from_le_bytes(bytes))
}

fn fill(mut bytes: &mut [u8]) -> Result<(), HostError> {
    while !bytes.is_empty() {
        wasmaot_runtime::check_interrupt()?;
        let filled = again(|| Ok(getrandom(&mut *bytes, GetRandomFlags::empty())?));
        let filled =
            filled.map_err(|error: Errno| HostError::other(format!("no random bytes: {error:?}")))?;
        bytes = &mut bytes[filled..];
    }
    Ok(())
}
