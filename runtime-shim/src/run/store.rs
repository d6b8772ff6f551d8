//! The part of a store that runs: what its instances share, whatever data the embedder keeps with it.
//!
//! **Invariant: nothing in a store goes away before the store does**, so handles are checked by the store's number alone.

use crate::activation::Activation;
use crate::code::raw_value::RawValue;
use crate::exception::heap::Heap;
use crate::instance::memory::MemoryBody;
use crate::instance::shared::SharedMemory;
use crate::instance::table::TableBody;
use crate::interrupt::Watch;
use crate::limits::ResourceLimits;
use crate::meter::Meter;
use crate::run::store_id::StoreId;
use crate::run::suspension::Suspension;
use crate::state::instances::Instances;
use crate::state::tag::TagRecord;
use std::cell::UnsafeCell;
use std::rc::Rc;

/// What does not depend on the type of the embedder's data.
pub(crate) struct StoreCore {
    pub(crate) id: StoreId,
    /// The innermost running activation, or null.
    pub(crate) current: *mut Activation,
    pub(crate) instances: Instances,
    pub(crate) memories: Vec<Rc<MemoryBody>>,
    pub(crate) tables: Vec<Rc<TableBody>>,
    /// Globals that the host made.
    pub(crate) globals: Vec<Rc<UnsafeCell<RawValue>>>,
    /// What instances that are made in it may take.
    pub(crate) limits: ResourceLimits,
    /// What its instances have executed.
    pub(crate) meter: Meter,
    /// Whether they count it.
    pub(crate) counts: bool,
    /// How often they have called host functions.
    pub(crate) host_calls: u64,
    /// When its runs are to be stopped.
    pub(crate) watch: Watch,
    /// A call that waits to be resumed.
    pub(crate) suspension: Option<Suspension>,
    /// Tags that the host made.
    pub(crate) tags: Vec<Rc<TagRecord>>,
    /// Exceptions that its guests have thrown.
    pub(crate) exceptions: Heap,
}

impl Default for StoreCore {
    fn default() -> Self {
        Self {
            id: StoreId::next(),
            current: std::ptr::null_mut(),
            instances: Instances::default(),
            memories: Vec::new(),
            tables: Vec::new(),
            globals: Vec::new(),
            limits: ResourceLimits::default(),
            meter: Meter::new(None),
            counts: false,
            host_calls: 0,
            watch: Watch::default(),
            suspension: None,
            tags: Vec::new(),
            exceptions: Heap::default(),
        }
    }
}

impl StoreCore {
    /// Keeps a memory that other stores may use, too.
    pub(crate) fn add_shared(&mut self, shared: SharedMemory) -> Rc<MemoryBody> {
        let body = Rc::new(MemoryBody::of_shared(self.memories.len(), shared, self.limits.memory));
        self.memories.push(body.clone());
        body
    }
}
