//! Instances as C sees them.
//!
//! **Invariant: an instance is used by one function at a time**, and so are those of a store together.

use crate::boundary::{Out, Result, at, fallible, infallible, list, slice, slice_mut, usage};
use crate::error::wasmaot_error_t;
use crate::guarded::Guarded;
use crate::numbers::RESETS;
use crate::place::Data;
use crate::wasi::Output;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmaot_runtime::{Instance, PooledInstance, Store, Usage};
use wasmaot_wasi::{Transferred, WasiCtx};

/// An instance, as C holds it.
pub struct wasmaot_instance_t {
    host: *mut c_void,
    pub(crate) held: Held,
}

/// Where an instance is.
#[expect(
    clippy::large_enum_variant,
    reason = "a start in a pool makes one allocation, and most are in pools"
)]
pub(crate) enum Held {
    /// In a slot of a pool: it is a store of its own.
    Pooled(Guarded<PooledInstance<Data>>),
    /// In a store that others are in, too.
    Plain(Arc<Guarded<Store<Data>>>, Instance),
}

/// Uses an instance: its store, and what it is there. Refused while its store is in use.
macro_rules! within {
    ($instance:expr, |$store:ident, $handle:ident| $body:expr) => {
        match &$instance.held {
            crate::instance::Held::Pooled(pooled) => {
                let mut entered = pooled.enter()?;
                let $store = entered.get();
                let $handle = $store.instance();
                $body
            }
            crate::instance::Held::Plain(store, handle) => {
                let mut entered = store.enter()?;
                let ($store, $handle) = (entered.get(), *handle);
                $body
            }
        }
    };
}

pub(crate) use within;

impl wasmaot_instance_t {
    pub(crate) fn new(host: *mut c_void, held: Held) -> Self {
        Self { host, held }
    }
}

/// Defines `wasmaot_usage_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[repr(C)]
pub struct wasmaot_usage_t {
    pub memory: u64,
    pub operators: u64,
    pub fuel: u64,
    pub host_calls: u64,
    pub bytes_read: u64,
    pub bytes_written: u64,
    pub reset: u32,
}

/// `WASMAOT_NOT_COUNTED` of the header.
pub const NOT_COUNTED: u64 = u64::MAX;

impl wasmaot_usage_t {
    /// What an instance used, and what it transferred if it had a context.
    fn new(usage: Usage, wasi: Option<&WasiCtx>) -> Self {
        let transferred = wasi.map_or_else(Transferred::default, WasiCtx::transferred);
        Self {
            memory: usage.memory,
            operators: usage.operators.unwrap_or(NOT_COUNTED),
            fuel: usage.fuel.unwrap_or(NOT_COUNTED),
            host_calls: usage.host_calls,
            bytes_read: transferred.read,
            bytes_written: transferred.written,
            reset: RESETS.number(usage.reset),
        }
    }
}

/// Ends an instance, and says what it used; one in a store, what all of that have used so far.
///
/// # Safety
/// It came from [`new`](crate::boundary::new), and is not used any more unless this fails.
unsafe fn finish(instance: *mut wasmaot_instance_t) -> Result<wasmaot_usage_t> {
    // SAFETY: the caller says that it is valid and used by nothing else.
    let so_far = match unsafe { &(*instance).held } {
        Held::Pooled(pooled) => {
            // Nothing else uses it from here on.
            std::mem::forget(pooled.enter()?);
            None
        }
        // SAFETY: the caller says that it is valid and used by nothing else.
        Held::Plain(..) => Some(so_far(unsafe { &*instance })?),
    };
    // SAFETY: the caller says that it is valid and used by nothing else.
    let held = unsafe { Box::from_raw(instance) }.held;
    Ok(match (held, so_far) {
        (Held::Pooled(pooled), _) => {
            let (data, usage) = pooled.into_inner().finish_with_data();
            wasmaot_usage_t::new(usage, data.wasi.as_ref())
        }
        (Held::Plain(..), usage) => usage.expect("it was asked for above"),
    })
}

/// What an instance has used so far; one in a store, what all of that have.
fn so_far(instance: &wasmaot_instance_t) -> Result<wasmaot_usage_t> {
    within!(instance, |store, _handle| {
        let usage = Usage {
            memory: store.memory_bytes(),
            operators: store.operators(),
            fuel: store.used_fuel(),
            host_calls: store.host_calls(),
            reset: None,
        };
        Ok(wasmaot_usage_t::new(usage, store.data().wasi.as_ref()))
    })
}

/// Returns the deadline `timeout` nanoseconds from now, or `None` if it overflows or `timeout` is `u64::MAX`.
pub(crate) fn deadline(timeout: u64) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_nanos(timeout)).filter(|_| timeout != u64::MAX)
}

/// Implements `wasmaot_instance_finish` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_finish(
    instance: *mut wasmaot_instance_t,
    out: *mut wasmaot_usage_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        if instance.is_null() {
            return Ok(());
        }
        // SAFETY: C keeps what it passes valid until this function returns.
        let usage = unsafe { finish(instance)? };
        // SAFETY: null, or may be written, as the header states.
        if let Ok(out) = unsafe { Out::at(out) } {
            out.set(usage);
        }
        Ok(())
    })
}

/// Implements `wasmaot_instance_usage` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_usage(
    instance: *const wasmaot_instance_t,
    out: *mut wasmaot_usage_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: each is null or valid until the function returns, as the header states; null is refused.
        let (instance, out) = unsafe { (at(instance, "instance")?, Out::at(out)?) };
        out.set(so_far(instance)?);
        Ok(())
    })
}

/// Implements `wasmaot_instance_data` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_data(instance: *const wasmaot_instance_t) -> *mut c_void {
    // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
    infallible(null_mut(), || Some(unsafe { at(instance, "instance") }.ok()?.host))
}

/// Implements `wasmaot_instance_set_deadline` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_set_deadline(
    instance: *mut wasmaot_instance_t,
    nanoseconds: u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, _handle| Ok(store.set_deadline(deadline(nanoseconds))?))
    })
}

/// Implements `wasmaot_instance_set_cpu_time` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_set_cpu_time(
    instance: *mut wasmaot_instance_t,
    nanoseconds: u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let instance = unsafe { at(instance, "instance")? };
        let limit = (nanoseconds != u64::MAX).then(|| Duration::from_nanos(nanoseconds));
        within!(instance, |store, _handle| Ok(store.set_cpu_time(limit)?))
    })
}

/// Implements `wasmaot_instance_operators` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_operators(instance: *const wasmaot_instance_t) -> u64 {
    infallible(NOT_COUNTED, || {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let instance = unsafe { at(instance, "instance") }.ok()?;
        let counted = || Result::Ok(within!(instance, |store, _handle| store.operators()));
        counted().ok()?
    })
}

/// Implements `wasmaot_instance_set_fuel` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_set_fuel(
    instance: *mut wasmaot_instance_t,
    operators: u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let instance = unsafe { at(instance, "instance")? };
        within!(instance, |store, _handle| Ok(store.set_fuel(operators)?))
    })
}

/// Implements `wasmaot_instance_set_stdin` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_set_stdin(
    instance: *mut wasmaot_instance_t,
    bytes: *const c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`, and `length` bytes as
        // `bytes`.
        let (instance, bytes) =
            unsafe { (at(instance, "instance")?, slice(bytes.cast::<u8>(), length, "bytes")?) };
        within!(instance, |store, _handle| match &mut store.data_mut().wasi {
            Some(wasi) if wasi.has_stdin_bytes() => {
                wasi.set_stdin_bytes(bytes);
                Ok(())
            }
            _ => Err(usage("the instance was not given a standard input in memory")),
        })
    })
}

/// Implements `wasmaot_instance_captured` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_captured(
    instance: *const wasmaot_instance_t,
    stream: c_int,
    length: *mut usize,
) -> *const c_char {
    let captured = || {
        // SAFETY: C has not deleted the instance, and the bytes stay until C uses the instance again.
        let (instance, output) = (unsafe { at(instance, "instance")? }, Output::of(stream)?);
        within!(instance, |store, _handle| {
            let wasi = store.data().wasi.as_ref();
            Result::Ok(wasi.map(|wasi| match output {
                Output::Stdout => std::ptr::from_ref(wasi.stdout()),
                Output::Stderr => std::ptr::from_ref(wasi.stderr()),
            }))
        })
    };
    infallible(null(), || {
        // SAFETY: they are the instance's, and stay until C uses it again.
        let bytes = captured().ok().flatten().map(|bytes| unsafe { &*bytes });
        // SAFETY: C keeps what it passes valid until this function returns.
        Some(unsafe { list(bytes, length) }.cast())
    })
}

/// Implements `wasmaot_instance_capture_overflowed` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_capture_overflowed(
    instance: *const wasmaot_instance_t,
    stream: c_int,
) -> bool {
    infallible(false, || {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let (instance, output) = (unsafe { at(instance, "instance") }.ok()?, Output::of(stream).ok()?);
        let overflowed = || {
            within!(instance, |store, _handle| {
                let wasi = store.data().wasi.as_ref();
                Result::Ok(wasi.map(|wasi| match output {
                    Output::Stdout => wasi.stdout_overflowed(),
                    Output::Stderr => wasi.stderr_overflowed(),
                }))
            })
        };
        overflowed().ok()?
    })
}

/// Implements `wasmaot_instance_discard_captured` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_discard_captured(
    instance: *mut wasmaot_instance_t,
    stream: c_int,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let (instance, output) = (unsafe { at(instance, "instance")? }, Output::of(stream)?);
        within!(instance, |store, _handle| {
            if let Some(wasi) = &mut store.data_mut().wasi {
                drop(match output {
                    Output::Stdout => wasi.take_stdout(),
                    Output::Stderr => wasi.take_stderr(),
                });
            }
            Ok(())
        })
    })
}

/// Implements `wasmaot_instance_memory_size` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_memory_size(instance: *const wasmaot_instance_t) -> u64 {
    infallible(0, || {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let instance = unsafe { at(instance, "instance") }.ok()?;
        let size = || within!(instance, |store, handle| Result::Ok(handle.memory(store)?.data_size(store)?));
        size().ok()
    })
}

/// Implements `wasmaot_instance_read` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_read(
    instance: *const wasmaot_instance_t,
    from: u64,
    into: *mut c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`, and room for `length`
        // bytes as `into`.
        let (instance, into) =
            unsafe { (at(instance, "instance")?, slice_mut(into.cast::<u8>(), length, "into")?) };
        within!(instance, |store, handle| Ok(handle.read(store, from, into)?))
    })
}

/// Implements `wasmaot_instance_write` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_write(
    instance: *mut wasmaot_instance_t,
    to: u64,
    bytes: *const c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`, and `length` bytes as
        // `bytes`.
        let (instance, bytes) =
            unsafe { (at(instance, "instance")?, slice(bytes.cast::<u8>(), length, "bytes")?) };
        within!(instance, |store, handle| Ok(handle.write(store, to, bytes)?))
    })
}
