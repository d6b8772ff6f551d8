//! The instances of a store.
//!
//! **Invariant: an instance keeps its position** for as long as the store.

use crate::code::module::Located;
use crate::state::instance::InstanceCore;
use std::rc::Rc;

/// The instances of a store, in the order they were made.
#[derive(Default)]
pub(crate) struct Instances(Vec<Rc<InstanceCore>>);

impl Instances {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The one at a position.
    pub(crate) fn get(&self, index: usize) -> Option<&Rc<InstanceCore>> {
        self.0.get(index)
    }

    /// All of them.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Rc<InstanceCore>> {
        self.0.iter()
    }

    /// The operators that are uncharged where the instruction at an address traps; `None` if it is
    /// not one of metered code.
    pub(crate) fn uncharged(&self, address: usize) -> Option<u8> {
        self.0.iter().find_map(|instance| instance.module().uncharged(address))
    }

    /// Adds one.
    pub(crate) fn push(&mut self, instance: Rc<InstanceCore>) {
        self.0.push(instance);
    }

    /// The one with this vmctx, if its code starts at an address.
    pub(crate) fn running(&self, vmctx: u64, text: u64) -> Option<&InstanceCore> {
        let found = self.0.iter().find(|instance| instance.slot().vmctx() as u64 == vmctx)?;
        (found.module().code_address(0) == text).then_some(found)
    }

    /// What globals hold that refer to exceptions.
    pub(crate) fn exception_globals(&self) -> impl Iterator<Item = u32> {
        self.0.iter().flat_map(|instance| instance.exception_globals())
    }

    /// What the instruction at an address stems from.
    pub(crate) fn locate(&self, address: usize) -> Option<Located> {
        self.0.iter().find_map(|instance| instance.module().locate(address))
    }
}
