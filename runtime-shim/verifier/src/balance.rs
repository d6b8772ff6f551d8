//! How the meter stands at a place. See [`crate::meter`].

/// The lattice of metering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Balance {
    /// The most that was taken from the meter since the entry, less what was added, and one for each way
    /// backwards.
    pub(crate) debt: i64,
    /// It was compared since the entry.
    pub(crate) compared: bool,
    /// How often control went backwards since it was compared, at most.
    pub(crate) backwards: u8,
}

impl Balance {
    /// What is true here and there.
    pub(crate) fn join(self, other: Self) -> Self {
        Self {
            debt: self.debt.max(other.debt),
            compared: self.compared && other.compared,
            backwards: self.backwards.max(other.backwards),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joins_are_the_least_upper_bounds() {
        let mut all = Vec::new();
        for debt in [-7, 0, 3] {
            for compared in [false, true] {
                for backwards in [0, 1, 16] {
                    all.push(Balance { debt, compared, backwards });
                }
            }
        }
        let holds = |weak: Balance, strong: Balance| weak.join(strong) == weak;
        for &a in &all {
            assert_eq!(a.join(a), a);
            for &b in &all {
                let joined = a.join(b);
                assert_eq!(joined, b.join(a));
                assert!(holds(joined, a) && holds(joined, b));
                for &c in &all {
                    assert_eq!(joined.join(c), a.join(b.join(c)));
                    let bounds = holds(c, a) && holds(c, b);
                    assert!(!bounds || holds(c, joined), "{joined:?} is no more than {c:?}");
                }
            }
        }
    }
}
