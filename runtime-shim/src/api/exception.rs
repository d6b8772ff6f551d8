//! Exceptions as the embedder sees them: tags, references, and what is thrown or was not caught.
//!
//! The exceptions of a store are kept by [`crate::state::exceptions`], and find their handlers by
//! [`crate::run::unwind`].
//!
//! An exception passes the frames of one activation. Where that ends, at a call by the host, it
//! becomes a [`CallError::Exception`](crate::CallError::Exception): a host function that returns it
//! throws it on in its own caller.

use crate::api::error::{CallError, HostError};
use crate::api::store::{self, AsStore};
use crate::api::val::Val;
use crate::code::frame::{Backtrace, Frame};
use crate::code::raw_value::RawValue;
use crate::code::types::number_of;
use crate::run::backtrace::Frames;
use crate::run::end::Thrown;
use crate::run::store::StoreCore;
use crate::run::store_id::StoreId;
use crate::state::tag::TagRecord;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;
use wasmaot_abi::types::{FuncType, ValType};

/// A kind of exceptions, told from others of the same type by its identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag {
    store: StoreId,
    record: *const TagRecord,
}

// SAFETY: the record never changes, and is only read with access to its store.
unsafe impl Send for Tag {}
// SAFETY: as above.
unsafe impl Sync for Tag {}

impl Tag {
    /// Makes a tag of exceptions with values of these types.
    pub fn new(store: &mut impl AsStore, values: &[ValType]) -> Self {
        let core = store::core_mut(store);
        let ty = FuncType { params: values.to_vec(), results: Vec::new() };
        let (number, lease) = number_of(&ty);
        let record = Rc::new(TagRecord { number, ty, _lease: Some(lease) });
        let tag = Self { store: core.id, record: Rc::as_ptr(&record) };
        core.tags.push(record);
        tag
    }

    /// # Safety
    /// The store keeps the record.
    pub(crate) unsafe fn from_record(record: *const TagRecord, store: StoreId) -> Self {
        Self { store, record }
    }

    /// Its record, in its own store.
    pub(crate) fn record<'a>(&self, core: &'a StoreCore) -> Option<&'a TagRecord> {
        // SAFETY: its store keeps the record.
        (core.id == self.store).then(|| unsafe { &*self.record })
    }

    /// What keeps its record, in its own store.
    pub(crate) fn shared(&self, core: &StoreCore) -> Option<Rc<TagRecord>> {
        self.record(core)?;
        // SAFETY: all records are made in an `Rc`, which the store keeps.
        Some(unsafe {
            Rc::increment_strong_count(self.record);
            Rc::from_raw(self.record)
        })
    }

    /// The types of its exceptions' values; `None` in another store.
    pub fn values<'a>(&self, store: &'a impl AsStore) -> Option<&'a [ValType]> {
        Some(&self.record(store::core(store))?.ty.params)
    }
}

/// A reference to an exception that a guest gave to the host.
///
/// It does not keep the exception: that is kept while a guest can reach it. Throwing one that is
/// gone is a [`TrapCode::ExceptionLimit`](crate::TrapCode::ExceptionLimit).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExnRef {
    pub(crate) store: StoreId,
    pub(crate) id: NonZeroU32,
}

/// An exception on the host's side: what no guest has caught, or what a host function throws by
/// returning it as a [`HostError::Exception`](crate::HostError::Exception).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// What it is.
    pub tag: Tag,
    /// What it carries.
    pub values: Vec<Val>,
    /// Wasm functions that were running when it was thrown, innermost first; at most
    /// [`MAX_FRAMES`](crate::MAX_FRAMES).
    pub backtrace: Vec<Frame>,
    /// Machine frames beyond those.
    pub omitted_frames: usize,
}

impl Exception {
    /// An exception to be thrown. Fails if the values are not of the tag's types.
    pub fn new(store: &impl AsStore, tag: Tag, values: Vec<Val>) -> Result<Self, CallError> {
        let exception = Self { tag, values, backtrace: Vec::new(), omitted_frames: 0 };
        exception.cells(store::core(store)).map(|_| exception)
    }

    /// The functions that were running when it was thrown, to be displayed.
    pub fn frames(&self) -> Backtrace<'_> {
        Backtrace { frames: &self.backtrace, omitted: self.omitted_frames }
    }

    /// Its values as cells.
    fn cells(&self, core: &StoreCore) -> Result<Box<[RawValue]>, CallError> {
        let types = &self.tag.record(core).ok_or(CallError::WrongStore)?.ty.params;
        if types.len() != self.values.len() {
            return Err(CallError::ArgumentCount { expected: types.len(), found: self.values.len() });
        }
        let cells = types.iter().zip(&self.values).enumerate().map(|(position, (&ty, value))| {
            value.to_raw(core, ty).map_err(|error| CallError::Value { position, error })
        });
        cells.collect()
    }

    /// As it is thrown in a store's guest.
    pub(crate) fn thrown(self, core: &StoreCore) -> Result<Thrown, CallError> {
        let values = self.cells(core)?;
        let frames = Frames { named: self.backtrace, omitted: self.omitted_frames };
        // SAFETY: that there are cells says that the tag is one of the store's and the values are
        // of its types.
        Ok(unsafe { Thrown::new(core.id, self.tag.record, values, frames) })
    }
}

impl From<Thrown> for Exception {
    fn from(thrown: Thrown) -> Self {
        let store = thrown.store();
        let (tag, values) =
            (Tag { store, record: thrown.tag() }, thrown.tag().ty.params.iter().zip(thrown.values()));
        // SAFETY: the values have the types of the tag, and come from an instance of the store.
        let values = values.map(|(&ty, value)| unsafe { Val::from_raw(*value, store, ty) }).collect();
        let Frames { named, omitted } = thrown.into_frames();
        Exception { tag, values, backtrace: named, omitted_frames: omitted }
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("uncaught exception")?;
        let mut values = self.values.iter().enumerate();
        values.try_for_each(|(position, value)| {
            write!(f, "{}{value}", if position == 0 { " with " } else { ", " })
        })
    }
}

impl From<Exception> for HostError {
    fn from(exception: Exception) -> Self {
        HostError::Exception(Box::new(exception))
    }
}
