//! Which modules a store takes.
//!
//! Proven code relies on what surrounds it: tables, memories and functions of other instances are what their
//! types say. Code that is only trusted can break that for all instances of its store. **Invariant: a store
//! has proven instances and others only if its policy asks for it.**

use super::module::Module;
#[cfg(feature = "verify")]
use wasmaot_signature::PublicKey;

/// Which modules a store makes instances of: for [`Store::set_policy`](crate::Store::set_policy) and
/// [`PoolConfig::modules`](crate::PoolConfig::modules). Every instance of a pool is in a store of its own.
///
/// ```
/// use wasmaot_runtime::{ModulePolicy, Store};
///
/// # fn main() -> Result<(), wasmaot_runtime::PolicyError> {
/// let mut store = Store::new(());
/// store.set_policy(ModulePolicy::Proven)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ModulePolicy {
    /// All of them are proven, or all are trusted: what the first one is.
    #[default]
    Uniform,
    /// All of them are proven: opened by `Module::open` or the like.
    Proven,
    /// Proven and trusted ones together. What was proven of some then holds as far as the others deserve the
    /// trust.
    Mixed,
    /// All of them are signed, proven or not: opened by a [`Loader`](crate::Loader) with keys.
    #[cfg(feature = "verify")]
    Signed(Signers),
    /// All of them are proven and signed.
    #[cfg(feature = "verify")]
    ProvenAndSigned(Signers),
}

/// The keys of which one has to have signed a module, among those that its [`Loader`](crate::Loader) has
/// asked for.
///
/// ```
/// use std::sync::OnceLock;
/// use wasmaot_runtime::{ModulePolicy, PoolConfig, PublicKey, Signers};
///
/// static RELEASE_KEYS: OnceLock<Vec<PublicKey>> = OnceLock::new();
///
/// let keys = RELEASE_KEYS.get_or_init(Vec::new);
/// let modules = ModulePolicy::ProvenAndSigned(Signers::of(keys));
/// let config = PoolConfig { modules, ..PoolConfig::default() };
/// ```
#[cfg(feature = "verify")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signers(Option<&'static [PublicKey]>);

#[cfg(feature = "verify")]
impl Signers {
    /// Every key of the loader that opened the module.
    pub const ANY: Self = Self(None);

    /// One of these keys.
    pub const fn of(keys: &'static [PublicKey]) -> Self {
        Self(Some(keys))
    }

    fn have_signed(self, module: &Module) -> bool {
        module.signer().is_some_and(|signer| self.0.is_none_or(|keys| keys.contains(&signer)))
    }
}

/// A module that a store's policy does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// [`ModulePolicy::Uniform`]: others of the store's modules are of the other kind.
    #[error(
        "a module was {}, another one of the store was {}: one store has both only with `ModulePolicy::Mixed`",
        kind(*.proven), kind(!.proven)
    )]
    Mixed {
        /// Whether the refused module is proven.
        proven: bool,
    },
    /// [`ModulePolicy::Proven`]: the module was opened without a proof.
    #[error(
        "the module was opened as trusted, but the store's policy asks for proven ones: open it by `Module::open`"
    )]
    NotProven,
    /// [`ModulePolicy::Signed`]: none of the keys has signed the module.
    #[error(
        "the module was opened without one of the signatures that the store's policy asks for: open it by a `Loader` with these keys"
    )]
    NotSigned,
}

fn kind(proven: bool) -> &'static str {
    if proven { "proven" } else { "opened as trusted" }
}

impl ModulePolicy {
    /// Whether a store may have a module beside others.
    pub(crate) fn check<'a>(
        self,
        module: &Module,
        mut others: impl Iterator<Item = &'a Module>,
    ) -> Result<(), PolicyError> {
        let proven = module.is_proven();
        match self {
            #[cfg(feature = "verify")]
            ModulePolicy::ProvenAndSigned(_) if !proven => Err(PolicyError::NotProven),
            #[cfg(feature = "verify")]
            ModulePolicy::Signed(signers) | ModulePolicy::ProvenAndSigned(signers)
                if !signers.have_signed(module) =>
            {
                Err(PolicyError::NotSigned)
            }
            ModulePolicy::Proven if !proven => Err(PolicyError::NotProven),
            ModulePolicy::Uniform if others.any(|other| other.is_proven() != proven) => {
                Err(PolicyError::Mixed { proven })
            }
            _ => Ok(()),
        }
    }
}
