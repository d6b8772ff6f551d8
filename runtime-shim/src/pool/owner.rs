//! Tenants, and whom the instance in a slot is kept for.
//!
//! **Invariant: two owners are equal only if their requests may use the same instance one after the
//! other** without its pages being dropped in between.

/// A tenant: requests with the same number may learn from each other which pages their module
/// writes, see [`HotSets`](crate::HotSets). The number is the embedder's choice.
///
/// ```
/// use wasmaot_runtime::{Pool, PoolConfig, Tenant};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = Pool::new(PoolConfig { slots: 2, ..PoolConfig::default() })?;
/// // The same slots, for requests of one customer.
/// let pool = pool.for_tenant(Tenant(17));
/// assert_eq!(pool.stats().slots, 2);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tenant(pub u64);

/// Whom the instance in a slot is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Number of the linked module.
    pub(crate) module: u64,
    /// The tenant, where pages of different tenants are kept apart.
    pub(crate) tenant: Option<Tenant>,
}

impl Owner {
    /// Two words that tell it from all others.
    pub(super) fn words(self) -> [u64; 2] {
        let tenant = self.tenant.map_or(0, |tenant| tenant.0);
        [self.module << 1 | u64::from(self.tenant.is_some()), tenant]
    }

    /// A number by which owners are spread over lists: neighbouring tenants get different ones, and
    /// so do those that differ in their upper bits only.
    pub(super) fn spread(self) -> u64 {
        let tenant = self.tenant.map_or(0, |tenant| tenant.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32);
        self.module.wrapping_add(tenant)
    }
}
