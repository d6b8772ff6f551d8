//! Which requests share what is learned about the pages that a module's instances write.
//!
//! A write to a hot page costs nothing, one to a cold page a fault of some microseconds, so a guest
//! can measure which pages are hot. If one request's writes made them so, another request of the
//! same module learns where the first one wrote. Hot sets are therefore kept apart by [`HotSets`]:
//! requests that must not learn of each other never run with the same learning set.
//!
//! **Invariant: what a request wrote decides neither which pages are hot nor which are present in
//! memory for a request of another tenant.** A slot that goes from one tenant to another is emptied
//! of all pages in between ([`super::kept::Kept::hand_over`]). Pages that a run only read stay
//! present for the next one of the same tenant, or, without tenants, of the same module.

use super::hot::HotSet;
use super::owner::Tenant;
use crate::os::fork::Undivided;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use wasmaot_abi::preinit::PageRun;

/// Tenants of a module whose hot sets are kept although no slot is theirs.
const MAX_TENANTS: usize = 4096;

/// Which requests of a module share a hot set: the pages that the module usually writes, which are
/// restored by a copy after each run and are writable without a fault.
///
/// What is hot is learned from the writes of earlier requests, and a guest can tell hot pages from
/// others by the time that a write takes (tens of nanoseconds against some microseconds). So
/// requests that share a learning set can learn which pages of 4 KiB the others wrote, though never
/// what. This matters where one module serves requests of different tenants and the addresses that
/// it writes depend on secrets.
///
/// Not covered by any choice: what the processor's caches and the host's allocator show, pages of
/// the artifact in the system's file cache, and, in requests without a tenant, which pages earlier
/// requests *read*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HotSets {
    /// One set for all requests of a module, learned from all of them; tenants are ignored. The
    /// fastest, for pools whose requests may learn which pages the others wrote.
    Shared,
    /// A set for each [`Tenant`], learned from that tenant's requests. A slot that changes tenants
    /// drops all its pages. Requests without a tenant are treated as by [`HotSets::Frozen`].
    #[default]
    PerTenant,
    /// One set for all requests of a module, which none of them changes: the set that
    /// [`InstancePre::freeze_hot_set`](crate::InstancePre::freeze_hot_set) stored, and before that the pages
    /// that the artifact names.
    /// Written pages outside of it are dropped after each run. A slot that changes tenants drops
    /// all its pages.
    Frozen,
}

/// What all slots share that run a module's instances for the same tenant.
pub(crate) struct Shared {
    /// Whether runs change the hot set.
    pub(super) learns: bool,
    hot: Mutex<HotSet>,
    /// Counts the times that pages left the hot set. Slots that were made for an earlier one
    /// follow.
    pub(super) hot_version: AtomicU32,
}

impl Shared {
    fn new(learns: bool, hot: HotSet) -> Arc<Self> {
        Arc::new(Self { learns, hot: Mutex::new(hot), hot_version: AtomicU32::new(0) })
    }

    pub(super) fn hot(&self) -> Undivided<'_, HotSet> {
        Undivided::lock(&self.hot)
    }
}

/// The hot sets of a linked module.
pub(super) struct Sets {
    shared: Arc<Shared>,
    frozen: Arc<Shared>,
    tenants: Mutex<HashMap<Tenant, Arc<Shared>>>,
    /// What each begins with.
    initial: HotSet,
}

impl Sets {
    /// Returns sets that begin with the pages that the artifact names.
    pub(super) fn new(pages: &[PageRun]) -> Self {
        let initial = HotSet::seeded(pages);
        let (shared, frozen) = (Shared::new(true, initial.clone()), Shared::new(false, initial.clone()));
        Self { shared, frozen, tenants: Mutex::default(), initial }
    }

    /// Returns the pages that requests of all tenants have taught so far, or `None` if they are too many.
    pub(super) fn learned(&self) -> Option<Vec<PageRun>> {
        self.shared.hot().pages()
    }

    /// Returns the set that a request runs with.
    pub(super) fn get(&self, sets: HotSets, tenant: Option<Tenant>) -> Arc<Shared> {
        match (sets, tenant) {
            (HotSets::Shared, _) => self.shared.clone(),
            (HotSets::PerTenant, Some(tenant)) => self.of_tenant(tenant),
            (HotSets::PerTenant, None) | (HotSets::Frozen, _) => self.frozen.clone(),
        }
    }

    fn of_tenant(&self, tenant: Tenant) -> Arc<Shared> {
        let mut tenants = Undivided::lock(&self.tenants);
        if tenants.len() >= MAX_TENANTS && !tenants.contains_key(&tenant) {
            // Those that no slot is used for are learned again when they come back.
            tenants.retain(|_, shared| Arc::strong_count(shared) > 1);
        }
        tenants.entry(tenant).or_insert_with(|| Shared::new(true, self.initial.clone())).clone()
    }

    /// Makes the frozen set the one that all requests of pools with [`HotSets::Shared`] have taught
    /// so far.
    pub(super) fn freeze(&self) {
        let hot = self.shared.hot().frozen();
        *self.frozen.hot() = hot;
        self.frozen.hot_version.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_that_no_slot_is_used_for_are_forgotten() {
        let sets = Sets::new(&[]);
        let used = sets.of_tenant(Tenant(0));
        used.hot().learn(&[1]);
        used.hot().learn(&[1]);
        for tenant in 0..2 * MAX_TENANTS as u64 {
            drop(sets.get(HotSets::PerTenant, Some(Tenant(tenant))));
        }
        assert!(sets.tenants.lock().unwrap().len() <= MAX_TENANTS);
        assert_eq!(sets.of_tenant(Tenant(0)).hot().runs(), [std::ops::Range { start: 1, end: 2 }]);
        assert!(sets.of_tenant(Tenant(1)).hot().runs().is_empty());
    }
}
