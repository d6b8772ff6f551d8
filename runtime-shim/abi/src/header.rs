//! The fixed bytes at the start of the descriptor, where the symbol `wasmaot_module` points.
//!
//! ```text
//!  0         8        10       12           16             24          32         36
//!  | magic   | major  | minor  | convention | CPU features | file size | CRC-32   | length of the rest |
//! ```
//!
//! **Invariant: this form never changes**, so that any runtime can tell any artifact's version. The
//! checksum covers the whole file with its own four bytes taken as zero.

use crate::wire::{Decode, DecodeError, Encode, Reader, Writer, record};

/// The first bytes of every descriptor.
pub const MAGIC: [u8; 8] = *b"wasmaot\0";

/// Section of the artifact that holds header and descriptor.
pub const SECTION: &str = ".wasmaot.module";

record! {
    /// What can be told of an artifact before its descriptor is read.
    #[derive(Copy, PartialEq, Eq)]
    pub struct Header {
        /// Major version, see [`crate::version::ABI_MAJOR`].
        pub major: u16,
        /// Minor version, see [`crate::version::ABI_MINOR`].
        pub minor: u16,
        /// Calling convention, see [`crate::version::TAIL_CONVENTION`].
        pub convention: u32,
        /// What the code needs, see [`crate::cpu`].
        pub cpu_features: u64,
        /// Bytes of the whole file.
        pub file_size: u64,
        /// CRC-32 (IEEE 802.3) of the whole file.
        pub checksum: u32,
        /// Bytes of the descriptor that follows.
        pub descriptor_size: u32,
    }
}

impl Header {
    /// Bytes of the encoded header, magic included.
    pub const SIZE: usize = 40;

    /// Offset of the checksum from the start of the header.
    pub const CHECKSUM_OFFSET: usize = 32;

    /// The encoded form, magic included.
    pub fn to_bytes(&self) -> [u8; Self::SIZE] {
        let mut w = Writer::default();
        w.raw(&MAGIC);
        self.encode(&mut w);
        let mut bytes = [0; Self::SIZE];
        bytes.copy_from_slice(&w.into_bytes());
        bytes
    }

    /// Reads magic and header.
    ///
    /// # Errors
    /// The bytes are too few, or are no header.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        if r.raw(MAGIC.len(), "the magic number")? != MAGIC {
            return Err(DecodeError { offset: 0, expected: "the magic number" });
        }
        Header::decode(&mut r)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_checksum_offset() {
        let header = Header {
            major: 1,
            minor: 2,
            convention: 3,
            cpu_features: 4,
            file_size: 5,
            checksum: 0x0a0b_0c0d,
            descriptor_size: 6,
        };
        let bytes = header.to_bytes();
        assert_eq!(Header::from_bytes(&bytes), Ok(header));
        assert_eq!(bytes[Header::CHECKSUM_OFFSET..][..4], [0x0d, 0x0c, 0x0b, 0x0a]);
        assert!(Header::from_bytes(&bytes[..39]).is_err());
        assert_eq!(Header::from_bytes(&[0; 40]).unwrap_err().expected, "the magic number");
    }
}
