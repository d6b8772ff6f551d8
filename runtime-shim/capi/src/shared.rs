//! Memories that instances of several stores use at a time, as C sees them.
//!
//! **Invariant: a memory lives as long as anything uses it**: C's handle is one of several.

use crate::boundary::{Out, at, at_mut, fallible, infallible, slice, slice_mut, take, text, usage};
use crate::error::wasmaot_error_t;
use crate::exports::NOT_GROWN;
use crate::linker::wasmaot_linker_t;
use crate::module::wasmaot_memorytype_t;
use std::ffi::{c_char, c_void};
use wasmaot_runtime::SharedMemory;

/// A shared memory, as C holds it.
pub struct wasmaot_sharedmemory_t {
    memory: SharedMemory,
}

/// Implements `wasmaot_sharedmemory_new` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_sharedmemory_new(
    ty: *const wasmaot_memorytype_t,
    out: *mut *mut wasmaot_sharedmemory_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (ty, out) = unsafe { (at(ty, "type")?.read()?, Out::at(out)?) };
        if !ty.shared {
            return Err(usage("`is_shared` is false, and the memory is to be shared"));
        }
        out.give(wasmaot_sharedmemory_t { memory: SharedMemory::new(ty)? });
        Ok(())
    })
}

/// Implements `wasmaot_sharedmemory_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_sharedmemory_delete(memory: *mut wasmaot_sharedmemory_t) {
    // SAFETY: null, or an object of this crate's that is not used any more, as the header states.
    unsafe { take(memory) };
}

/// Implements `wasmaot_sharedmemory_size` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_sharedmemory_size(memory: *const wasmaot_sharedmemory_t) -> u64 {
    // SAFETY: C passes NULL or an object that it has not deleted as `memory`.
    infallible(0, || Some(unsafe { at(memory, "memory") }.ok()?.memory.data_size()))
}

/// Implements `wasmaot_sharedmemory_grow` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_sharedmemory_grow(
    memory: *const wasmaot_sharedmemory_t,
    pages: u64,
    out: *mut u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (memory, out) = unsafe { (at(memory, "memory")?, Out::at(out)?) };
        out.set(memory.memory.grow(pages).unwrap_or(NOT_GROWN));
        Ok(())
    })
}

/// Implements `wasmaot_sharedmemory_read` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_sharedmemory_read(
    memory: *const wasmaot_sharedmemory_t,
    address: u64,
    into: *mut c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: null or valid until the function returns, and `into` may be written, as the header states.
        let (memory, into) =
            unsafe { (at(memory, "memory")?, slice_mut(into.cast::<u8>(), length, "into")?) };
        Ok(memory.memory.read(address, into)?)
    })
}

/// Implements `wasmaot_sharedmemory_write` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_sharedmemory_write(
    memory: *const wasmaot_sharedmemory_t,
    address: u64,
    bytes: *const c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: null or valid until the function returns, as the header states.
        let (memory, bytes) = unsafe { (at(memory, "memory")?, slice(bytes.cast::<u8>(), length, "bytes")?) };
        Ok(memory.memory.write(address, bytes)?)
    })
}

/// Implements `wasmaot_linker_sharedmemory` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_linker_sharedmemory(
    linker: *mut wasmaot_linker_t,
    module: *const c_char,
    name: *const c_char,
    memory: *const wasmaot_sharedmemory_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, and the linker is used by nothing else,
        // as the header states.
        let (linker, module, name, memory) = unsafe {
            let (module, name) = (text(module, "module")?, text(name, "name")?);
            (at_mut(linker, "linker")?, module, name, at(memory, "memory")?)
        };
        linker.linker.define_shared(module, name, memory.memory.clone())?;
        Ok(())
    })
}
