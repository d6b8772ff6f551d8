//! Enumerations of the header: the numbers that C has for values of the runtime's.
//!
//! **Invariant: each number is stated here once**, for both directions. The tests compare them with the
//! header's.

use crate::boundary::{Result, usage};
use crate::error::Kind;
#[cfg(feature = "verify")]
use wasmaot_runtime::Signers;
use wasmaot_runtime::{HostSignals, HotSets, ModulePolicy, ResetWay};

/// An enumeration of the header.
pub struct Numbers<T: 'static> {
    what: &'static str,
    values: &'static [(&'static str, u32, T)],
}

/// Error kinds, `WASMAOT_ERROR_*` in the header.
pub static ERROR_KINDS: Numbers<Kind> = Numbers {
    what: "kind of error",
    values: &[
        ("USAGE", 1, Kind::Usage),
        ("OPEN", 2, Kind::Open),
        ("LINK", 3, Kind::Link),
        ("EXHAUSTED", 4, Kind::Exhausted),
        ("LIMIT", 5, Kind::Limit),
        ("SYSTEM", 6, Kind::System),
        ("TRAP", 7, Kind::Trap),
        ("EXIT", 8, Kind::Exit),
        ("HOST", 9, Kind::Host),
        ("ACCESS", 10, Kind::Access),
        ("INTERNAL", 11, Kind::Internal),
        ("EXCEPTION", 12, Kind::Exception),
        ("SUSPEND", 13, Kind::Suspend),
    ],
};

/// How a slot was reset, or is to be; `None` if it was emptied.
pub static RESETS: Numbers<Option<ResetWay>> = Numbers {
    what: "way of resetting",
    values: &[
        ("NONE", 0, None),
        ("COPY", 1, Some(ResetWay::Copy)),
        ("SCAN", 2, Some(ResetWay::Scan)),
        ("DROP", 3, Some(ResetWay::Drop)),
    ],
};

/// Choices of hot sets.
pub static HOT_SETS: Numbers<HotSets> = Numbers {
    what: "choice of hot sets",
    values: &[
        ("SHARED", 1, HotSets::Shared),
        ("PER_TENANT", 2, HotSets::PerTenant),
        ("FROZEN", 3, HotSets::Frozen),
    ],
};

/// Signal contracts, `WASMAOT_SIGNALS_*` in the header.
pub static HOST_SIGNALS: Numbers<HostSignals> = Numbers {
    what: "contract about signals",
    values: &[("UNCHANGED", 0, HostSignals::Unchanged), ("CHECKED", 1, HostSignals::Checked)],
};

/// Which modules a store takes.
pub static MODULES: Numbers<ModulePolicy> = Numbers {
    what: "choice of modules",
    values: &[
        ("UNIFORM", 0, ModulePolicy::Uniform),
        ("PROVEN", 1, ModulePolicy::Proven),
        ("MIXED", 2, ModulePolicy::Mixed),
        #[cfg(feature = "verify")]
        ("SIGNED", 3, ModulePolicy::Signed(Signers::ANY)),
        #[cfg(feature = "verify")]
        ("PROVEN_AND_SIGNED", 4, ModulePolicy::ProvenAndSigned(Signers::ANY)),
    ],
};

impl<T: Copy + PartialEq> Numbers<T> {
    /// The ends of the names that the header has, with their numbers.
    pub fn names(&self) -> impl Iterator<Item = (&'static str, u32)> {
        self.values.iter().map(|&(name, number, _)| (name, number))
    }

    /// The value with a number.
    pub(crate) fn read(&self, number: u32) -> Result<T> {
        let found = self.values.iter().find(|value| value.1 == number);
        found.map(|value| value.2).ok_or_else(|| usage(format!("{number} is no {}", self.what)))
    }

    /// The number of a value.
    ///
    /// # Panics
    /// It has none.
    pub(crate) fn number(&self, value: T) -> u32 {
        self.values.iter().find(|known| known.2 == value).expect("each value has a number").1
    }
}
