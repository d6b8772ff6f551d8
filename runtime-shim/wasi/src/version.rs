//! The two versions of WASI that modules are built for, and where they differ.
//!
//! **Invariant.** All differences in what a function does are stated here: the origin of `fd_seek`, and the
//! layout of a file's status and of a subscription. Which functions only one version has is in `add` of
//! `lib.rs`. Everything else is the same, numbers included.

use crate::errno::Errno;
use crate::types::{FileStat, Subscription};

/// A version of WASI, named by the module that its functions are imported from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// The module `wasi_unstable`, of 2019.
    Unstable,
    /// `wasi_snapshot_preview1`, which programs are built for today.
    Preview1,
}

/// What a position is relative to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Whence {
    Set,
    Current,
    End,
}

impl Version {
    /// All supported versions of WASI.
    pub const ALL: [Self; 2] = [Self::Unstable, Self::Preview1];

    /// The name of the module that its functions are imported from.
    #[must_use]
    pub fn module(self) -> &'static str {
        match self {
            Self::Unstable => "wasi_unstable",
            Self::Preview1 => "wasi_snapshot_preview1",
        }
    }

    pub(crate) fn whence(self, number: u32) -> Result<Whence, Errno> {
        match (self, number) {
            (Self::Preview1, 0) | (Self::Unstable, 2) => Ok(Whence::Set),
            (Self::Preview1, 1) | (Self::Unstable, 0) => Ok(Whence::Current),
            (Self::Preview1, 2) | (Self::Unstable, 1) => Ok(Whence::End),
            _ => Err(Errno::Inval),
        }
    }

    /// Lays out a file's status in `bytes` and gives the part that is used.
    pub(crate) fn encode_stat(self, stat: &FileStat, bytes: &mut [u8; 64]) -> usize {
        *bytes = stat.encode();
        match self {
            Self::Preview1 => bytes.len(),
            Self::Unstable => {
                // The count of links is an `u32` in what is padding for the other version; all else moves up.
                let links = u32::try_from(stat.nlink).unwrap_or(u32::MAX);
                bytes[20..24].copy_from_slice(&links.to_le_bytes());
                bytes.copy_within(32..64, 24);
                56
            }
        }
    }

    /// Bytes of a subscription.
    pub(crate) fn subscription_size(self) -> u32 {
        match self {
            Self::Unstable => Subscription::SIZE + 8,
            Self::Preview1 => Subscription::SIZE,
        }
    }

    /// Reads a subscription from the start of `bytes`.
    pub(crate) fn decode_subscription(self, mut bytes: [u8; 56]) -> Result<Subscription, Errno> {
        if self == Self::Unstable && bytes[8] == Subscription::CLOCK {
            // A name for the clock, of which nothing comes, stands in front of the rest.
            bytes.copy_within(24..56, 16);
        }
        let (record, _) = bytes.split_first_chunk::<48>().ok_or(Errno::Inval)?;
        Subscription::decode(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{FileType, Trigger};

    #[test]
    fn origins_are_numbered_differently() {
        let origins = |version: Version| [0, 1, 2].map(|number| version.whence(number));
        assert_eq!(origins(Version::Preview1), [Ok(Whence::Set), Ok(Whence::Current), Ok(Whence::End)]);
        assert_eq!(origins(Version::Unstable), [Ok(Whence::Current), Ok(Whence::End), Ok(Whence::Set)]);
        for version in Version::ALL {
            assert_eq!(version.whence(3), Err(Errno::Inval));
        }
    }

    #[test]
    fn the_older_status_is_shorter() {
        let stat = FileStat {
            dev: 1,
            ino: 2,
            filetype: FileType::RegularFile,
            nlink: 0x1_0000_0000,
            size: 4,
            atim: 5,
            mtim: 6,
            ctim: 7,
        };
        let mut bytes = [0xff; 64];
        assert_eq!(Version::Unstable.encode_stat(&stat, &mut bytes), 56);
        assert_eq!(bytes[16..24], [4, 0, 0, 0, 255, 255, 255, 255]);
        for (at, value) in [(0, 1), (8, 2), (24, 4), (32, 5), (40, 6), (48, 7)] {
            assert_eq!(bytes[at..at + 8], u64::to_le_bytes(value), "at {at}");
        }
        assert_eq!(Version::Preview1.encode_stat(&stat, &mut bytes), 64);
        assert_eq!(bytes, stat.encode());
    }

    #[test]
    fn the_older_clocks_have_a_name_in_front() {
        let mut bytes = [0; 56];
        bytes[0] = 9;
        for (at, value) in [(16, 77), (24, 1), (32, 1000), (40, 3), (48, 1)] {
            bytes[at] = u64::to_le_bytes(value)[0];
            bytes[at + 1] = u64::to_le_bytes(value)[1];
        }
        let clock =
            Subscription { userdata: 9, trigger: Trigger::Clock { id: 1, timeout: 1000, absolute: true } };
        assert_eq!(Version::Unstable.decode_subscription(bytes), Ok(clock));
        bytes[8] = 1;
        let read = Subscription { userdata: 9, trigger: Trigger::Read(77) };
        for version in Version::ALL {
            assert_eq!(version.decode_subscription(bytes), Ok(read));
        }
    }
}
