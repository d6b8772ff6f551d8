//! References to functions and exceptions held by C.
//!
//! **Invariant: C receives numbers, never addresses.** A number that C made up, that belongs to another
//! instance, or that refers to the other kind is detected.

use crate::boundary::{Result, usage};
use crate::error::wasmaot_error_t;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmaot_runtime::{ExnRef, Func};

/// Defines `wasmaot_funcref_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct wasmaot_funcref_t {
    pub instance: u64,
    pub index: u64,
}

/// Defines `wasmaot_exnref_t` of `wasmaot.h`.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct wasmaot_exnref_t {
    pub instance: u64,
    pub index: u64,
}

/// What a number stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Reference {
    Func(Func),
    Exn(ExnRef),
}

/// What of an instance C has got references to.
#[derive(Default)]
pub(crate) struct References {
    /// The number of the instance, unique in the process; 0 until it is needed.
    number: u64,
    given: Vec<Reference>,
    /// Where each is in the list.
    places: HashMap<Reference, u64>,
}

impl wasmaot_funcref_t {
    /// The null reference.
    pub(crate) const NULL: Self = Self { instance: 0, index: 0 };
}

impl wasmaot_exnref_t {
    /// The null reference.
    pub(crate) const NULL: Self = Self { instance: 0, index: 0 };
}

impl References {
    /// The number of the instance.
    pub(crate) fn number(&mut self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        if self.number == 0 {
            self.number = NEXT.fetch_add(1, Relaxed);
        }
        self.number
    }

    /// A reference to a function for C. The same function has the same one.
    pub(crate) fn give(&mut self, func: Option<Func>) -> wasmaot_funcref_t {
        let Some(func) = func else { return wasmaot_funcref_t::NULL };
        let index = self.place(Reference::Func(func));
        wasmaot_funcref_t { instance: self.number(), index }
    }

    /// A reference to an exception for C.
    pub(crate) fn give_exception(&mut self, exception: Option<ExnRef>) -> wasmaot_exnref_t {
        let Some(exception) = exception else { return wasmaot_exnref_t::NULL };
        let index = self.place(Reference::Exn(exception));
        wasmaot_exnref_t { instance: self.number(), index }
    }

    /// The function that C refers to.
    pub(crate) fn find(&self, reference: wasmaot_funcref_t) -> Result<Option<Func>> {
        if reference == wasmaot_funcref_t::NULL {
            return Ok(None);
        }
        match self.given(reference.instance, reference.index) {
            Some(Reference::Func(func)) => Ok(Some(func)),
            _ => Err(not_its_own()),
        }
    }

    /// The exception that C refers to.
    pub(crate) fn find_exception(&self, reference: wasmaot_exnref_t) -> Result<Option<ExnRef>> {
        if reference == wasmaot_exnref_t::NULL {
            return Ok(None);
        }
        match self.given(reference.instance, reference.index) {
            Some(Reference::Exn(exception)) => Ok(Some(exception)),
            _ => Err(not_its_own()),
        }
    }

    fn place(&mut self, reference: Reference) -> u64 {
        let next = self.given.len() as u64;
        let index = *self.places.entry(reference).or_insert(next);
        if index == next {
            self.given.push(reference);
        }
        index
    }

    fn given(&self, instance: u64, index: u64) -> Option<Reference> {
        let is_own = instance == self.number && self.number != 0;
        self.given.get(index as usize).copied().filter(|_| is_own)
    }
}

fn not_its_own() -> wasmaot_error_t {
    usage("the reference belongs to another instance")
}
