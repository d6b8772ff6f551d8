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
use crate::run::store::{Changes, InStore, StoreCore};
use crate::run::store_id::StoreId;
use crate::state::error::WrongStore;
use crate::state::tag::TagRecord;
use std::fmt;
use std::num::NonZeroU32;
use std::rc::Rc;
use wasmaot_abi::types::{FuncType, ValType};

/// A kind of exceptions, told from others of the same type by its identity.
///
/// ```
/// use wasmaot_runtime::{Store, Tag, ValType};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut store = Store::new(());
/// let (one, other) = (Tag::new(&mut store, &[ValType::I32]), Tag::new(&mut store, &[ValType::I32]));
/// assert_ne!(one, other);
/// assert_eq!(one.values(&store)?, [ValType::I32]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tag(InStore<TagRecord>);

impl Tag {
    /// Makes a tag of exceptions with values of these types.
    pub fn new(store: &mut impl AsStore, values: &[ValType]) -> Self {
        let ty = FuncType { params: values.to_vec(), results: Vec::new() };
        let (number, lease) = number_of(&ty);
        let record = Rc::new(TagRecord { number, ty, _lease: Some(lease) });
        Self(store::changes(store).keep_tag(record))
    }

    pub(crate) fn of(record: InStore<TagRecord>) -> Self {
        Self(record)
    }

    /// Its record.
    pub(crate) fn record(self) -> InStore<TagRecord> {
        self.0
    }

    /// Returns the types of its exceptions' values.
    ///
    /// # Errors
    /// It is of another store.
    pub fn values<'a>(&self, store: &'a impl AsStore) -> Result<&'a [ValType], WrongStore> {
        Ok(&self.0.get(store::core(store)).ok_or(WrongStore::Other)?.ty.params)
    }
}

/// A reference to an exception that a guest gave to the host.
///
/// It does not keep the exception: that is kept while a guest can reach it. Throwing one that is
/// gone is a [`TrapCode::ExceptionLimit`](crate::TrapCode::ExceptionLimit).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ExnRef {
    pub(crate) store: StoreId,
    pub(crate) id: NonZeroU32,
}

/// An exception on the host's side: what no guest has caught, or what a host function throws by
/// returning it as a [`HostError::Exception`](crate::HostError::Exception).
///
/// ```
/// use wasmaot_runtime::{CallError, Extern, Linker, Module, Store, Tag, Val, ValType};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (import "host" "tag" (tag (param i32))) (func (export "throw") (throw 0 (i32.const 7))))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// let mut store = Store::new(());
/// let tag = Tag::new(&mut store, &[ValType::I32]);
/// let mut linker = Linker::new();
/// linker.define("host", "tag", Extern::Tag(tag))?;
/// let instance = linker.instantiate(&mut store, &module)?;
/// let error = instance.call(&mut store, "throw", &[]).expect_err("nothing catches it");
/// let CallError::Exception(exception) = error else { panic!("{error}") };
/// assert_eq!((exception.tag, &exception.values[..]), (tag, &[Val::I32(7)][..]));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    /// Tag of the exception.
    pub tag: Tag,
    /// Values that the exception carries.
    pub values: Vec<Val>,
    /// Wasm functions that were running when it was thrown, innermost first; at most
    /// [`MAX_FRAMES`](crate::MAX_FRAMES).
    pub backtrace: Vec<Frame>,
    /// Machine frames beyond those.
    pub omitted_frames: usize,
}

impl Exception {
    /// An exception to be thrown.
    ///
    /// # Errors
    /// The values are not of the tag's types, or the tag or a value is of another store.
    pub fn new(store: &impl AsStore, tag: Tag, values: Vec<Val>) -> Result<Self, CallError> {
        let exception = Self { tag, values, backtrace: Vec::new(), omitted_frames: 0 };
        exception.cells(store::core(store)).map(|_| exception)
    }

    /// Returns the backtrace of the throw in displayable form.
    pub fn frames(&self) -> Backtrace<'_> {
        Backtrace { frames: &self.backtrace, omitted: self.omitted_frames }
    }

    /// Its values as cells.
    fn cells(&self, core: &StoreCore) -> Result<Box<[RawValue]>, CallError> {
        let types = &self.tag.0.get(core).ok_or(WrongStore::Other)?.ty.params;
        if types.len() != self.values.len() {
            return Err(CallError::ArgumentCount { expected: types.len(), found: self.values.len() });
        }
        let cells = types.iter().zip(&self.values).enumerate().map(|(position, (&ty, value))| {
            value.to_raw(core, ty).map_err(|error| CallError::Value { position, error })
        });
        cells.collect()
    }

    /// What a guest of the store has thrown.
    pub(crate) fn of(thrown: Thrown, core: &mut Changes<'_>) -> Self {
        let values = Val::all_from_raw(thrown.values(), core, &thrown.tag().ty.params);
        let tag = Tag(core.keep_tag(thrown.tag().clone()));
        let Frames { named, omitted } = thrown.into_frames();
        Exception { tag, values, backtrace: named, omitted_frames: omitted }
    }

    /// As it is thrown in a store's guest.
    pub(crate) fn thrown(self, core: &StoreCore) -> Result<Thrown, CallError> {
        let values = self.cells(core)?;
        let frames = Frames { named: self.backtrace, omitted: self.omitted_frames };
        let tag = core.shared_tag(self.tag.0).ok_or(WrongStore::Other)?;
        Ok(Thrown::new(tag, values, frames))
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
