//! What C reaches instances by: a pooled instance, a store, or the caller of a host function.
//!
//! **Invariant: all lead to the same data**, that of the store.

use crate::references::References;
use std::ffi::c_void;
use wasmaot_runtime::{AsStore, Caller, PooledInstance, Store};
use wasmaot_wasi::WasiCtx;

/// Data of an instance that its host functions access.
pub(crate) struct Data {
    /// The host's own.
    pub(crate) host: *mut c_void,
    /// Its context; made when a function of WASI is called, if it was given none.
    pub(crate) wasi: Option<WasiCtx>,
    /// The functions that C has references to.
    pub(crate) references: References,
}

// SAFETY: the header says that an instance, with the host's data, may go from thread to thread; the rest is
// `Send`.
unsafe impl Send for Data {}

impl Data {
    pub(crate) fn new(host: *mut c_void, wasi: Option<WasiCtx>) -> Self {
        Self { host, wasi, references: References::default() }
    }
}

/// What C reaches instances by.
pub(crate) trait Place: AsStore<Data = Data> {
    /// What its host functions work on.
    fn data(&mut self) -> &mut Data;
}

impl Place for PooledInstance<Data> {
    fn data(&mut self) -> &mut Data {
        self.data_mut()
    }
}

impl Place for Store<Data> {
    fn data(&mut self) -> &mut Data {
        self.data_mut()
    }
}

impl Place for Caller<'_, Data> {
    fn data(&mut self) -> &mut Data {
        self.data_mut()
    }
}
