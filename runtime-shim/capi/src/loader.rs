//! How C opens modules by proof and by signature.
//!
//! **Invariant: code comes into the process as the loader's options ask for**, or by functions whose names
//! say that C trusts it.

use crate::boundary::{Result, at, at_mut, fallible, infallible, new, slice, string, take, text, usage};
use crate::error::{Kind, wasmaot_error_t};
use crate::module::{open, read, wasmaot_module_t};
use std::ffi::{OsStr, c_char, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::null_mut;
use wasmaot_runtime::{Loader, ProofCache, PublicKey, UnchangingFolder};

/// `WASMAOT_KEY_BYTES` of the header.
pub const KEY_BYTES: usize = 32;

/// A loader, as C holds it.
pub struct wasmaot_loader_t {
    loader: Loader,
}

impl wasmaot_loader_t {
    /// The loader, for code that is not proven.
    fn by_signature(&self) -> Result<&Loader> {
        if self.loader.keys.is_empty() {
            return Err(usage("the loader has no keys, so nothing says who made the code"));
        }
        Ok(&self.loader)
    }
}

/// See the header.
#[unsafe(no_mangle)]
pub extern "C" fn wasmaot_loader_new() -> *mut wasmaot_loader_t {
    infallible(null_mut(), || Some(new(wasmaot_loader_t { loader: Loader::default() })))
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_delete(loader: *mut wasmaot_loader_t) {
    // SAFETY: C passes NULL, or an object that it was given as `loader` and does not use any more.
    unsafe { take(loader) };
}

/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
unsafe fn change(
    loader: *mut wasmaot_loader_t,
    change: impl FnOnce(&mut Loader) -> Result<()>,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a loader that it has not deleted, and that no other thread uses while one
    // changes it.
    fallible(|| change(&mut unsafe { at_mut(loader, "loader")? }.loader))
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_set_jobs(
    loader: *mut wasmaot_loader_t,
    jobs: usize,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `loader`.
    unsafe {
        change(loader, |loader| {
            loader.jobs = jobs;
            Ok(())
        })
    }
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_set_proofs(
    loader: *mut wasmaot_loader_t,
    folder: *const c_char,
    key: *const u8,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `loader`,
    // NULL or a string that ends with NUL as `folder`, and NULL or 32 bytes as `key`.
    unsafe {
        change(loader, |loader| {
            let (folder, key) = (string(folder, "folder")?, slice(key, KEY_BYTES, "key")?);
            let key = key.try_into().map_err(|_| usage("`key` has another length"))?;
            loader.proofs = Some(ProofCache::new(OsStr::from_bytes(folder.to_bytes()), key));
            Ok(())
        })
    }
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_add_key(
    loader: *mut wasmaot_loader_t,
    pem: *const c_char,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `loader`,
    // and NULL or a string that ends with NUL as `pem`.
    unsafe {
        change(loader, |loader| {
            let key = PublicKey::from_pem(text(pem, "pem")?);
            loader.keys.push(key.map_err(|error| usage(format!("`pem`: {error}")))?);
            Ok(())
        })
    }
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_add_unchanging_folder(
    loader: *mut wasmaot_loader_t,
    folder: *const c_char,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or an object that it has not deleted, and that no other thread uses, as `loader`,
    // and NULL or a string that ends with NUL as `folder`. It answers for what happens to the files there.
    unsafe {
        change(loader, |loader| {
            let path = Path::new(OsStr::from_bytes(string(folder, "folder")?.to_bytes()));
            let declared = UnchangingFolder::declare(path);
            let system = |error| wasmaot_error_t::new(Kind::System, format!("{}: {error}", path.display()));
            loader.unchanging.push(declared.map_err(system)?);
            Ok(())
        })
    }
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_open(
    loader: *const wasmaot_loader_t,
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a loader that it has not deleted and that nothing changes meanwhile, NULL or a
    // string that ends with NUL as `path`, and NULL or a place to write as `out`.
    fallible(|| unsafe {
        let loader = at(loader, "loader")?;
        open(path, out, |path| loader.loader.open(path))
    })
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_from_bytes(
    loader: *const wasmaot_loader_t,
    bytes: *const c_void,
    length: usize,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a loader that it has not deleted and that nothing changes meanwhile, NULL or
    // `length` bytes as `bytes`, and NULL or a place to write as `out`.
    fallible(|| unsafe {
        let loader = at(loader, "loader")?;
        read(bytes, length, out, |bytes| loader.loader.from_bytes(bytes))
    })
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_open_trusted(
    loader: *const wasmaot_loader_t,
    path: *const c_char,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a loader that it has not deleted and that nothing changes meanwhile, NULL or a
    // string that ends with NUL as `path`, and NULL or a place to write as `out`. It answers for what the
    // owners of the keys sign, and there are keys.
    fallible(|| unsafe {
        let loader = at(loader, "loader")?.by_signature()?;
        open(path, out, |path| loader.open_trusted(path))
    })
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_loader_from_bytes_trusted(
    loader: *const wasmaot_loader_t,
    bytes: *const c_void,
    length: usize,
    out: *mut *mut wasmaot_module_t,
) -> *mut wasmaot_error_t {
    // SAFETY: C passes NULL or a loader that it has not deleted and that nothing changes meanwhile, NULL or
    // `length` bytes as `bytes`, and NULL or a place to write as `out`. It answers for what the owners of the
    // keys sign, and there are keys.
    fallible(|| unsafe {
        let loader = at(loader, "loader")?.by_signature()?;
        read(bytes, length, out, |bytes| loader.from_bytes_trusted(bytes))
    })
}

/// See the header.
///
/// # Safety
/// The arguments satisfy the contract stated in `wasmaot.h`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn wasmaot_module_signer(module: *const wasmaot_module_t, key: *mut u8) -> bool {
    // SAFETY: C passes NULL or a module that it has not deleted, and NULL or a place for 32 bytes as `key`,
    // which nothing else uses meanwhile.
    infallible(false, || unsafe {
        let signer = at(module, "module").ok()?.module.signer()?;
        if !key.is_null() {
            key.cast::<[u8; KEY_BYTES]>().write(signer.to_bytes());
        }
        Some(true)
    })
}
