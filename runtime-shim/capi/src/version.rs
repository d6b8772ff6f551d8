//! The library's version.

use std::ffi::c_char;

/// Implements `wasmaot_version` of `wasmaot.h`.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}
