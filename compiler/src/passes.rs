//! Names of the compiler's own passes, and sets of them.
//!
//! **Invariant: [`Pass::ALL`] is the only list.**

/// An optimisation pass of this compiler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Merges a block into its only predecessor if it is that block's only successor.
    Merge,
    /// Turns rotations of vector lanes by whole bytes into one shuffle.
    Rotates,
    /// Reorders the operations of a block to reduce register pressure.
    Order,
    /// Keeps values used by innermost loops in registers, as block parameters.
    Carry,
}

impl Pass {
    /// All passes, in the order in which they run.
    pub const ALL: &[Self] = &[Self::Merge, Self::Rotates, Self::Order, Self::Carry];

    /// Returns the pass's name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Rotates => "rotates",
            Self::Order => "order",
            Self::Carry => "carry",
        }
    }
}

/// Which passes run at [`OptLevel::Full`](crate::OptLevel::Full); by default all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassSet(u32);

impl Default for PassSet {
    fn default() -> Self {
        Self(Pass::ALL.iter().fold(0, |all, &pass| all | 1 << pass as u32))
    }
}

impl PassSet {
    /// The empty set of passes.
    pub const NONE: Self = Self(0);

    /// Returns the set of one pass.
    pub fn only(pass: Pass) -> Self {
        Self(1 << pass as u32)
    }

    /// Returns the set without a pass.
    #[must_use]
    pub fn without(self, pass: Pass) -> Self {
        Self(self.0 & !(1 << pass as u32))
    }

    /// Returns whether a pass is in the set.
    pub fn contains(self, pass: Pass) -> bool {
        self.0 & 1 << pass as u32 != 0
    }

    /// Returns the names of the passes in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Pass::ALL.iter().filter(move |&&pass| self.contains(pass)).map(|pass| pass.name())
    }
}
