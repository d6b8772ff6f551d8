//! What the kernel passes to a handler.

use std::ffi::{c_int, c_void};

/// A handler with `SA_SIGINFO`.
pub(super) type Handler = extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);

/// The registers of the interrupted thread.
pub(super) type Registers = [libc::greg_t; 23];
