//! Names of the compiler's own passes, and sets of them.
//!
//! **Invariant: [`Pass::ALL`] is the only list.**

/// A pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// Blocks that can only follow one another become one.
    Merge,
    /// Rotations of vectors' lanes by whole bytes become one shuffle.
    Rotates,
    /// Operations within a block are done in an order that takes few registers.
    Order,
    /// Innermost loops carry the values that they use.
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
    /// Without any pass.
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
