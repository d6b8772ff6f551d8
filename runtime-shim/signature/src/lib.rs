//! Who has signed an artifact: Ed25519 keys in PEM, signatures, and where they lie.
//!
//! A signature is of an artifact's bytes as they are, so that `openssl pkeyutl -rawin` makes and checks the
//! same ones. It follows the artifact in its file ([`wasmaot_abi::signature`]) or lies in a file of its own,
//! 64 bytes long.
//!
//! ```
//! use wasmaot_signature::{SecretKey, signed_by};
//!
//! // From the system's random numbers, in earnest.
//! let key = SecretKey::from_seed(&[7; 32]);
//! let artifact = b"an artifact";
//! let file = [&artifact[..], &key.block(artifact).to_bytes()].concat();
//! assert_eq!(signed_by(&file, &[key.public_key()]), Some(key.public_key()));
//! assert_eq!(signed_by(artifact, &[key.public_key()]), None);
//! ```
//!
//! **Invariants.** Only keys that the caller names are believed: a block's key chooses among them.
//! Verification is strict: keys and signatures have one form each, and keys of small order are refused.
#![forbid(unsafe_code)]

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{
    DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey, KeypairBytes,
};
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use std::fmt;
use std::str::FromStr;
use wasmaot_abi::signature::{Block, split};

/// Length of a signature in bytes.
pub const SIGNATURE: usize = 64;

/// Error for a malformed or weak key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not the PEM form of such a key.
    #[error("it is no Ed25519 {kind} key in PEM ({label}): {reason}")]
    Pem {
        /// Kind of key, `private` or `public`.
        kind: &'static str,
        /// The form that it should have.
        label: &'static str,
        /// Why the text was rejected.
        reason: String,
    },
    /// The bytes do not encode a point on the curve.
    #[error("its 32 bytes are no Ed25519 key")]
    NoPoint,
    /// The point has a small order: anyone can sign for it.
    #[error("it is a weak Ed25519 key, for which anyone can make signatures")]
    Weak,
}

/// A key that signatures are checked with.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct PublicKey {
    key: VerifyingKey,
}

impl PublicKey {
    /// Reads the PEM form of a SubjectPublicKeyInfo, `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// The text is not a PEM public key, the key is of another kind, or it is weak.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_public_key_pem(pem.trim_ascii()).map_err(|error| KeyError::Pem {
            kind: "public",
            label: "BEGIN PUBLIC KEY",
            reason: error.to_string(),
        })?;
        Self::strong(key)
    }

    /// Reads the 32 bytes of a key.
    ///
    /// # Errors
    /// The bytes are not a valid key, or the key is weak.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        Self::strong(VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NoPoint)?)
    }

    fn strong(key: VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self { key }) }
    }

    /// Returns the key in PEM form.
    ///
    /// # Panics
    /// Never panics: every key has a PEM form.
    pub fn to_pem(&self) -> String {
        self.key.to_public_key_pem(LineEnding::LF).expect("every key has a form in PEM")
    }

    /// Returns the 32 bytes of the key.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.key.to_bytes()
    }

    /// Whether a signature is one of these bytes by this key.
    pub fn has_signed(&self, artifact: &[u8], signature: &[u8; SIGNATURE]) -> bool {
        self.key.verify_strict(artifact, &Signature::from_bytes(signature)).is_ok()
    }
}

impl FromStr for PublicKey {
    type Err = KeyError;

    fn from_str(pem: &str) -> Result<Self, KeyError> {
        Self::from_pem(pem)
    }
}

/// Formats the key as lowercase hexadecimal digits.
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}

/// A key that signatures are made with.
pub struct SecretKey {
    key: SigningKey,
}

impl SecretKey {
    /// Derives the key from 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(seed) }
    }

    /// Reads an unencrypted PKCS#8 key in PEM form, `-----BEGIN PRIVATE KEY-----`.
    ///
    /// # Errors
    /// The text is not such a key, or the key is of another kind.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        let key = SigningKey::from_pkcs8_pem(pem.trim_ascii()).map_err(|error| KeyError::Pem {
            kind: "private",
            label: "BEGIN PRIVATE KEY, not encrypted",
            reason: error.to_string(),
        })?;
        Ok(Self { key })
    }

    /// The PEM form, as openssl writes it.
    ///
    /// # Panics
    /// Never: every key has one.
    pub fn to_pem(&self) -> String {
        // With the public key it would be of a later version, which not every reader knows.
        let bytes = KeypairBytes { secret_key: self.key.to_bytes(), public_key: None };
        bytes.to_pkcs8_pem(LineEnding::LF).expect("every key has a form in PEM").as_str().into()
    }

    /// The key that its signatures are checked with.
    pub fn public_key(&self) -> PublicKey {
        PublicKey { key: self.key.verifying_key() }
    }

    /// The signature of an artifact.
    pub fn sign(&self, artifact: &[u8]) -> [u8; SIGNATURE] {
        self.key.sign(artifact).to_bytes()
    }

    /// Signs an artifact and returns the block to append to it.
    pub fn block(&self, artifact: &[u8]) -> Block {
        Block { key: self.public_key().to_bytes(), signature: self.sign(artifact) }
    }
}

/// Without the key.
impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {})", self.public_key())
    }
}

/// Returns the first of `keys` that signed the artifact in this file.
pub fn signed_by(file: &[u8], keys: &[PublicKey]) -> Option<PublicKey> {
    let (artifact, blocks) = split(file);
    block_signed_by(artifact, &blocks, keys)
}

/// Returns the first of `keys` that signed the artifact, according to its signature blocks.
pub fn block_signed_by(artifact: &[u8], blocks: &[Block], keys: &[PublicKey]) -> Option<PublicKey> {
    let signs = |key: &PublicKey, block: &Block| {
        block.key == key.to_bytes() && key.has_signed(artifact, &block.signature)
    };
    keys.iter().find(|key| blocks.iter().any(|block| signs(key, block))).copied()
}

/// Returns the first of `keys` that made a detached signature.
pub fn detached_signed_by(artifact: &[u8], signature: &[u8], keys: &[PublicKey]) -> Option<PublicKey> {
    let signature = signature.try_into().ok()?;
    keys.iter().find(|key| key.has_signed(artifact, signature)).copied()
}
