//! Signatures that follow an artifact in its file.
//!
//! ```text
//!  0                 file size of the header                      + 112
//!  | artifact        | block                | block ...           | end of the file
//!                    | "wasmaotS" | algorithm | 0 | key | signature |
//!                    0            8           12  16    48          112
//! ```
//!
//! Each block signs the artifact, and not the blocks before it: so any number of parties may sign it, in any
//! order, and a signature is the same whether it follows the artifact or lies in a file of its own. A block's
//! key says who claims to have signed; whether that is to be believed is for those who know the key.
//! **Invariant: no artifact ends like a block**, as it ends with a header of a section.

use crate::wire::{Decode, DecodeError, Encode, Reader, Writer};
use alloc::vec::Vec;

/// The first bytes of a block.
const MAGIC: [u8; 8] = *b"wasmaotS";

/// Ed25519 (RFC 8032), of the artifact itself and not of a digest.
const ED25519: u32 = 1;

/// The most blocks that are looked at.
pub const MOST: usize = 16;

/// A signature with the public key that it is to be checked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// An Ed25519 public key.
    pub key: [u8; 32],
    /// Ed25519 signature of the artifact.
    pub signature: [u8; 64],
}

impl Block {
    /// Bytes of the encoded form.
    pub const SIZE: usize = 112;

    /// Returns the encoded form of the block.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut w = Writer::default();
        w.raw(&MAGIC);
        ED25519.encode(&mut w);
        0u32.encode(&mut w);
        w.raw(&self.key);
        w.raw(&self.signature);
        w.into_bytes()
    }

    /// Reads a block, if the bytes are one.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Self::read(&mut Reader::new(bytes)).ok()
    }

    fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let is_block = r.raw(MAGIC.len(), "the magic number")? == MAGIC
            && u32::decode(r)? == ED25519
            && u32::decode(r)? == 0;
        let (mut key, mut signature) = ([0; 32], [0; 64]);
        key.copy_from_slice(r.raw(32, "a key")?);
        signature.copy_from_slice(r.raw(64, "a signature")?);
        if is_block && r.is_empty() { Ok(Self { key, signature }) } else { Err(r.invalid("a block")) }
    }
}

/// Splits a file into the artifact and the signature blocks that follow it, in file order.
pub fn split(mut file: &[u8]) -> (&[u8], Vec<Block>) {
    let mut blocks = Vec::new();
    while let Some((rest, last)) = file.split_last_chunk::<{ Block::SIZE }>()
        && let Some(block) = Block::from_bytes(last)
        && blocks.len() < MOST
    {
        (file, _) = (rest, blocks.push(block));
    }
    blocks.reverse();
    (file, blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_follow_the_artifact() {
        let block = |number| Block { key: [number; 32], signature: [number + 1; 64] };
        let mut file = b"artifact".to_vec();
        for number in 0..MOST as u8 + 1 {
            file.extend(block(number).to_bytes());
        }
        let (artifact, blocks) = split(&file[..8 + 3 * Block::SIZE]);
        assert_eq!((artifact, blocks), (&b"artifact"[..], Vec::from([block(0), block(1), block(2)])));
        assert_eq!(split(&file).1.len(), MOST);
        assert_eq!(split(b"artifact"), (&b"artifact"[..], Vec::new()));
        assert_eq!(split(b""), (&b""[..], Vec::new()));
    }

    #[test]
    fn other_bytes_are_no_block() {
        let bytes = Block { key: [1; 32], signature: [2; 64] }.to_bytes();
        assert!(Block::from_bytes(&bytes).is_some());
        for at in 0..16 {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Block::from_bytes(&changed), None, "byte {at}");
        }
        assert_eq!(Block::from_bytes(&bytes[..Block::SIZE - 1]), None);
        assert_eq!(Block::from_bytes(&[&bytes[..], &[0]].concat()), None);
    }
}
