//! References to functions, as C holds them.
//!
//! **Invariant: C gets numbers, never addresses.** What it made up, or got from another instance, is found to
//! be none of this one's.

use crate::boundary::{Result, usage};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmaot_runtime::Func;

/// See the header.
#[expect(missing_docs, reason = "the header documents the fields")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct wasmaot_funcref_t {
    pub instance: u64,
    pub index: u64,
}

/// The functions of an instance that C has got references to.
#[derive(Default)]
pub(crate) struct References {
    /// The number of the instance, unique in the process; 0 until it is needed.
    number: u64,
    funcs: Vec<Func>,
    /// Where each is in the list.
    places: HashMap<Func, u64>,
}

impl wasmaot_funcref_t {
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

    /// A reference for C. The same function has the same one.
    pub(crate) fn give(&mut self, func: Option<Func>) -> wasmaot_funcref_t {
        let Some(func) = func else { return wasmaot_funcref_t::NULL };
        let next = self.funcs.len() as u64;
        let index = *self.places.entry(func).or_insert(next);
        if index == next {
            self.funcs.push(func);
        }
        wasmaot_funcref_t { instance: self.number(), index }
    }

    /// What C refers to.
    pub(crate) fn find(&self, reference: wasmaot_funcref_t) -> Result<Option<Func>> {
        if reference == wasmaot_funcref_t::NULL {
            return Ok(None);
        }
        let is_own = reference.instance == self.number && self.number != 0;
        let func = self.funcs.get(reference.index as usize).filter(|_| is_own);
        func.map(|&func| Some(func)).ok_or_else(|| usage("the reference belongs to another instance"))
    }
}
