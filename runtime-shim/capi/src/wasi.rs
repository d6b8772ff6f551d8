//! What instances get of WASI, as C says it.
//!
//! **Invariant: descriptors that C names stay C's**: contexts hold duplicates.

use crate::boundary::{Result, at_mut, fallible, infallible, new, slice, string, take, text, usage};
use crate::error::{Kind, wasmaot_error_t};
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::net::SocketAddr;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr::null_mut;
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// A context, as C holds it.
pub struct wasmaot_wasi_t {
    builder: WasiCtxBuilder,
}

impl wasmaot_wasi_t {
    /// For one instance.
    pub(crate) fn build(&self) -> WasiCtx {
        self.builder.build()
    }
}

/// A duplicate of a descriptor of C's.
fn duplicate(fd: c_int) -> Result<OwnedFd> {
    if fd < 0 {
        return Err(usage(format!("{fd} is no descriptor")));
    }
    // SAFETY: it is only asked to be duplicated, which fails if it is not open.
    let duplicate = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned();
    duplicate.map_err(|error| {
        wasmaot_error_t::new(Kind::System, format!("cannot duplicate descriptor {fd}: {error}"))
    })
}

/// The error for a number that is none of the streams.
fn no_stream(number: c_int, which: &str) -> wasmaot_error_t {
    usage(format!("{number} is no standard {which}"))
}

/// A standard stream that is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    Stdout,
    Stderr,
}

impl Output {
    /// The one with a number.
    pub(crate) fn of(stream: c_int) -> Result<Self> {
        match stream {
            1 => Ok(Self::Stdout),
            2 => Ok(Self::Stderr),
            _ => Err(no_stream(stream, "output")),
        }
    }
}

fn os(string: &CStr) -> &OsStr {
    OsStr::from_bytes(string.to_bytes())
}

/// Implements `wasmaot_wasi_new` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_wasi_new() -> *mut wasmaot_wasi_t {
    infallible(null_mut(), || Some(new(wasmaot_wasi_t { builder: WasiCtxBuilder::new() })))
}

/// Implements `wasmaot_wasi_delete` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_delete(wasi: *mut wasmaot_wasi_t) {
    // SAFETY: C passes NULL, or an object that it was given as `wasi` and does not use any more.
    unsafe { take(wasi) };
}

/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
unsafe fn change(
    wasi: *mut wasmaot_wasi_t,
    change: impl FnOnce(&mut WasiCtxBuilder) -> Result<()>,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a context that it has not deleted, and that no other thread uses while one
    // changes it.
    fallible(|| change(&mut unsafe { at_mut(wasi, "wasi")? }.builder))
}

/// Implements `wasmaot_wasi_arg` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_arg(
    wasi: *mut wasmaot_wasi_t,
    arg: *const c_char,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`,
    // and NULL or a string that ends with NUL as `arg`.
    unsafe {
        change(wasi, |builder| {
            builder.args([os(string(arg, "arg")?)]);
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_env` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_env(
    wasi: *mut wasmaot_wasi_t,
    name: *const c_char,
    value: *const c_char,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`,
    // and NULL or a string that ends with NUL as `name` and `value`.
    unsafe {
        change(wasi, |builder| {
            builder.env(os(string(name, "name")?), os(string(value, "value")?));
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_inherit_env` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_inherit_env(wasi: *mut wasmaot_wasi_t) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`.
    unsafe {
        change(wasi, |builder| {
            builder.inherit_env();
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_inherit_stdio` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_inherit_stdio(wasi: *mut wasmaot_wasi_t) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`.
    unsafe {
        change(wasi, |builder| {
            builder.inherit_stdio();
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_stream` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_stream(
    wasi: *mut wasmaot_wasi_t,
    stream: c_int,
    fd: c_int,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`.
    unsafe {
        change(wasi, |builder| {
            let give = match stream {
                0 => WasiCtxBuilder::stdin,
                1 => WasiCtxBuilder::stdout,
                2 => WasiCtxBuilder::stderr,
                _ => return Err(no_stream(stream, "stream")),
            };
            give(builder, duplicate(fd)?);
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_stdin_bytes` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_stdin_bytes(
    wasi: *mut wasmaot_wasi_t,
    bytes: *const c_void,
    length: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`,
    // and `length` bytes as `bytes`.
    unsafe {
        change(wasi, |builder| {
            builder.stdin_bytes(slice(bytes.cast::<u8>(), length, "bytes")?);
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_capture` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_capture(
    wasi: *mut wasmaot_wasi_t,
    stream: c_int,
    limit: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: the header requires `wasi` to be NULL, or not deleted and not in use by another thread.
    unsafe {
        change(wasi, |builder| {
            match Output::of(stream)? {
                Output::Stdout => builder.capture_stdout(limit),
                Output::Stderr => builder.capture_stderr(limit),
            };
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_preopen` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_preopen(
    wasi: *mut wasmaot_wasi_t,
    host_path: *const c_char,
    guest_path: *const c_char,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`,
    // and NULL or a string that ends with NUL as `host_path` and `guest_path`.
    unsafe {
        change(wasi, |builder| {
            builder.preopen_dir(os(string(host_path, "host_path")?), text(guest_path, "guest_path")?)?;
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_preopen_read_only` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_preopen_read_only(
    wasi: *mut wasmaot_wasi_t,
    host_path: *const c_char,
    guest_path: *const c_char,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`,
    // and NULL or a string that ends with NUL as `host_path` and `guest_path`.
    unsafe {
        change(wasi, |builder| {
            let (host, guest) = (string(host_path, "host_path")?, text(guest_path, "guest_path")?);
            builder.preopen_dir_read_only(os(host), guest)?;
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_listener` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_listener(wasi: *mut wasmaot_wasi_t, fd: c_int) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`.
    unsafe {
        change(wasi, |builder| {
            builder.preopen_listener(duplicate(fd)?);
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_listen` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_listen(
    wasi: *mut wasmaot_wasi_t,
    address: *const c_char,
    port: *mut u16,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`,
    // NULL or a string that ends with NUL as `address`, and NULL or a place to write as `port`.
    unsafe {
        change(wasi, |builder| {
            let text = text(address, "address")?;
            let address: SocketAddr = text
                .parse()
                .map_err(|_| usage(format!("`{text}` is no address like 127.0.0.1:8080 or [::1]:8080")))?;
            let local = builder.listen(address)?;
            if let Some(port) = port.as_mut() {
                *port = local.port();
            }
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_max_transfer` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_max_transfer(
    wasi: *mut wasmaot_wasi_t,
    bytes: u64,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`.
    unsafe {
        change(wasi, |builder| {
            builder.max_transfer(bytes);
            Ok(())
        })
    }
}

/// Implements `wasmaot_wasi_max_descriptors` of `wasmaot.h`.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_wasi_max_descriptors(
    wasi: *mut wasmaot_wasi_t,
    count: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `wasi`.
    unsafe {
        change(wasi, |builder| {
            builder.max_descriptors(count);
            Ok(())
        })
    }
}
