//! Instances as C sees them.
//!
//! **Invariant: an instance is used by one function at a time.** C holds nothing but pointers and can use an instance inside a
//! host function of its own, or from two threads: whoever comes second is refused.

use crate::boundary::{Out, Result, at, fallible, infallible, list, slice, slice_mut, usage};
use crate::error::wasmaot_error_t;
use crate::numbers::RESETS;
use crate::place::Data;
use crate::wasi::Output;
use std::cell::UnsafeCell;
use std::ffi::{c_char, c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use std::time::{Duration, Instant};
use wasmaot_runtime::{PooledInstance, Usage};
use wasmaot_wasi::{Transferred, WasiCtx};

/// An instance, as C holds it.
pub struct wasmaot_instance_t {
    /// Somebody uses it.
    entered: AtomicBool,
    host: *mut c_void,
    instance: UnsafeCell<PooledInstance<Data>>,
}

/// The right to use an instance, until it is dropped.
pub(crate) struct Entered<'a>(&'a wasmaot_instance_t);

impl Entered<'_> {
    pub(crate) fn instance(&mut self) -> &mut PooledInstance<Data> {
        // SAFETY: whoever set `entered` is the only one to use the instance.
        unsafe { &mut *self.0.instance.get() }
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.entered.store(false, Release);
    }
}

impl wasmaot_instance_t {
    pub(crate) fn new(instance: PooledInstance<Data>) -> Self {
        let host = instance.data().host;
        Self { entered: AtomicBool::new(false), host, instance: UnsafeCell::new(instance) }
    }

    /// Refused while somebody uses it.
    pub(crate) fn enter(&self) -> Result<Entered<'_>> {
        if self.entered.swap(true, Acquire) {
            let hint = "a host function uses it through `caller`";
            return Err(usage(format!("the instance is in use, by a call or by another thread; {hint}")));
        }
        Ok(Entered(self))
    }
}

/// See the header.
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

/// The deadline so many nanoseconds from now; none if that is later than any clock shows.
pub(crate) fn deadline(timeout: u64) -> Option<Instant> {
    Instant::now().checked_add(Duration::from_nanos(timeout)).filter(|_| timeout != u64::MAX)
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_finish(
    instance: *mut wasmaot_instance_t,
    out: *mut wasmaot_usage_t,
) -> *mut wasmaot_error_t {
    fallible(|| {
        if instance.is_null() {
            return Ok(());
        }
        // SAFETY: C passes an instance that it does not use any more. Having entered it, this alone uses it,
        // and so may end it.
        let (data, usage) = unsafe {
            std::mem::forget((*instance).enter()?);
            Box::from_raw(instance).instance.into_inner().finish_with_data()
        };
        // SAFETY: C passes NULL or a place to write as `out`.
        if let Ok(out) = unsafe { Out::at(out) } {
            out.set(wasmaot_usage_t::new(usage, data.wasi.as_ref()));
        }
        Ok(())
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_data(instance: *const wasmaot_instance_t) -> *mut c_void {
    // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
    infallible(null_mut(), || Some(unsafe { at(instance, "instance") }.ok()?.host))
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_set_deadline(
    instance: *mut wasmaot_instance_t,
    nanoseconds: u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let mut entered = unsafe { at(instance, "instance")? }.enter()?;
        Ok(entered.instance().set_deadline(deadline(nanoseconds))?)
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_set_cpu_time(
    instance: *mut wasmaot_instance_t,
    nanoseconds: u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let mut entered = unsafe { at(instance, "instance")? }.enter()?;
        let limit = (nanoseconds != u64::MAX).then(|| Duration::from_nanos(nanoseconds));
        Ok(entered.instance().set_cpu_time(limit)?)
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_operators(instance: *const wasmaot_instance_t) -> u64 {
    infallible(NOT_COUNTED, || {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        unsafe { at(instance, "instance") }.ok()?.enter().ok()?.instance().operators()
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_set_fuel(
    instance: *mut wasmaot_instance_t,
    operators: u64,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let mut entered = unsafe { at(instance, "instance")? }.enter()?;
        Ok(entered.instance().set_fuel(operators)?)
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
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
        let mut entered = instance.enter()?;
        match &mut entered.instance().data_mut().wasi {
            Some(wasi) if wasi.has_stdin_bytes() => wasi.set_stdin_bytes(bytes),
            _ => return Err(usage("the instance was not given a standard input in memory")),
        }
        Ok(())
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_captured(
    instance: *const wasmaot_instance_t,
    stream: c_int,
    length: *mut usize,
) -> *const c_char {
    let captured = || {
        // SAFETY: C passes NULL or an instance that it has not finished.
        let instance = unsafe { at(instance, "instance") }.ok()?;
        let mut entered = instance.enter().ok()?;
        let wasi = entered.instance().data().wasi.as_ref()?;
        let bytes = match Output::of(stream).ok()? {
            Output::Stdout => wasi.stdout(),
            Output::Stderr => wasi.stderr(),
        };
        Some(std::ptr::from_ref(bytes))
    };
    infallible(null(), || {
        // SAFETY: the bytes are the instance's, and stay until C uses that again, as the header makes it its
        // duty.
        let bytes = captured().map(|bytes| unsafe { &*bytes });
        // SAFETY: C passes NULL or a place to write as `length`.
        Some(unsafe { list(bytes, length) }.cast())
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_capture_overflowed(
    instance: *const wasmaot_instance_t,
    stream: c_int,
) -> bool {
    infallible(false, || {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let mut entered = unsafe { at(instance, "instance") }.ok()?.enter().ok()?;
        let wasi = entered.instance().data().wasi.as_ref()?;
        Some(match Output::of(stream).ok()? {
            Output::Stdout => wasi.stdout_overflowed(),
            Output::Stderr => wasi.stderr_overflowed(),
        })
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_discard_captured(
    instance: *mut wasmaot_instance_t,
    stream: c_int,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let (instance, output) = (unsafe { at(instance, "instance")? }, Output::of(stream)?);
        let mut entered = instance.enter()?;
        if let Some(wasi) = &mut entered.instance().data_mut().wasi {
            drop(match output {
                Output::Stdout => wasi.take_stdout(),
                Output::Stderr => wasi.take_stderr(),
            });
        }
        Ok(())
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_memory_size(instance: *const wasmaot_instance_t) -> u64 {
    infallible(0, || {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`.
        let mut entered = unsafe { at(instance, "instance") }.ok()?.enter().ok()?;
        let instance = entered.instance();
        instance.memory().ok()?.data_size(instance).ok()
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_instance_read(
    instance: *const wasmaot_instance_t,
    from: u64,
    into: *mut c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    fallible(|| {
        // SAFETY: C passes NULL or an object that it has not deleted as `instance`, and room for `length` bytes
        // as `into`.
        let (instance, into) =
            unsafe { (at(instance, "instance")?, slice_mut(into.cast::<u8>(), length, "into")?) };
        Ok(instance.enter()?.instance().read(from, into)?)
    })
}

/// See the header.
///
/// # Safety
/// As the header states.
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
        Ok(instance.enter()?.instance().write(to, bytes)?)
    })
}
