//! How the meter of a function stands, position by position, while it is translated. See
//! [`super::meter`].

/// How the count stands at a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Operators executed that the meter lacks, the current one included.
    pub(super) uncharged: u8,
    /// The most that were executed since the meter was compared.
    pub(super) unchecked: u8,
}

/// How far the translation of a metered function is.
#[derive(Default)]
pub(super) struct Meter {
    pub(super) now: Tally,
    /// What is uncharged at each operator, where anything is, by offset in the Wasm file.
    pub(super) rows: Vec<(u32, u8)>,
}

impl Tally {
    /// Joins the tally of a way to a label with that of those before it: what is to be added to the
    /// meter on this way, so that the label's row goes on as on theirs.
    pub(super) fn join(self, label: &mut Option<Tally>) -> i16 {
        let joined = label.get_or_insert(self);
        joined.unchecked = joined.unchecked.max(self.unchecked);
        i16::from(self.uncharged) - i16::from(joined.uncharged)
    }
}
