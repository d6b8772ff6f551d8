//! What an artifact says of the initialisation that was run before it was compiled.
//!
//! The module that is compiled carries both records as custom sections, so that a module that was written out
//! and compiled later gives the same artifact. **Invariant: nothing but speed and what people are shown
//! depends on them**, as the author of a module may have written anything there.

use crate::wire::{Decode, Encode, Reader, Writer, record};
use alloc::string::String;
use alloc::vec::Vec;

/// Name of the custom section of a module that holds a [`Preinit`].
pub const PREINIT_SECTION: &str = "wasmaot.preinit";

/// Name of the custom section of a module that holds a list of [`PageRun`]s of its first memory.
pub const HOT_PAGES_SECTION: &str = "wasmaot.hot-pages";

record! {
    /// The initialisation whose result a module starts with, and what it got from the host.
    #[derive(Default, PartialEq, Eq)]
    pub struct Preinit {
        /// The exports that were called, in order, each with its arguments if it has some.
        pub calls: Vec<String>,
        /// Variables of the environment that it was granted, as `NAME=VALUE`; `None` if it was granted none.
        pub environment: Option<Vec<String>>,
        /// Directories that it was granted, by their names for the guest.
        pub directories: Vec<String>,
        /// Paths that it opened, relative to a directory.
        pub files: Vec<String>,
        /// Whether it was granted the standard streams.
        pub stdio: bool,
        /// How often it read a clock, or waited for one.
        pub clock_reads: u64,
        /// Whether the clocks were the host's, not fixed.
        pub real_clock: bool,
        /// How many random bytes it read.
        pub random_bytes: u64,
        /// Whether they were the host's, not those of a seeded generator.
        pub real_random: bool,
    }
}

record! {
    /// Consecutive pages of 4 KiB of a memory.
    #[derive(Copy, PartialEq, Eq)]
    pub struct PageRun {
        /// Index of the first page.
        pub first: u32,
        /// Number of consecutive pages.
        pub count: u32,
    }
}

impl Preinit {
    /// Returns whether another run of the initialisation gives the same result, as far as clocks and random
    /// bytes go.
    pub fn is_reproducible(&self) -> bool {
        !(self.real_clock && self.clock_reads > 0 || self.real_random && self.random_bytes > 0)
    }
}

/// Encodes a record as a custom section holds it.
pub fn to_section(record: &impl Encode) -> Vec<u8> {
    let mut w = Writer::default();
    record.encode(&mut w);
    w.into_bytes()
}

/// Reads the record in a custom section. What is malformed is as if it were not there, as custom sections
/// never make a module invalid.
pub fn from_section<T: Decode>(bytes: &[u8]) -> Option<T> {
    let mut r = Reader::new(bytes);
    T::decode(&mut r).ok().filter(|_| r.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec;

    #[test]
    fn sections_read_back_or_not_at_all() {
        let record = Preinit {
            calls: vec!["wizer.initialize".to_string()],
            environment: Some(vec!["LANG=C".to_string()]),
            random_bytes: 16,
            ..Preinit::default()
        };
        let bytes = to_section(&record);
        assert_eq!(from_section::<Preinit>(&bytes), Some(record));
        assert_eq!(from_section::<Preinit>(&bytes[1..]), None);
        assert_eq!(from_section::<Preinit>(&[&bytes[..], &[0]].concat()), None);
        let runs = vec![PageRun { first: 3, count: 2 }];
        assert_eq!(from_section::<Vec<PageRun>>(&to_section(&runs)), Some(runs));
    }

    #[test]
    fn real_clocks_and_random_bytes_count_once_they_are_read() {
        let record = Preinit { real_clock: true, real_random: true, ..Preinit::default() };
        assert!(record.is_reproducible());
        assert!(!Preinit { clock_reads: 1, ..record.clone() }.is_reproducible());
        assert!(!Preinit { random_bytes: 1, ..record }.is_reproducible());
    }
}
