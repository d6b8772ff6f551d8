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

/// Bytes of a signature.
pub const SIGNATURE: usize = 64;

/// A key that is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// The text is not the PEM form of such a key.
    #[error("it is no Ed25519 {kind} key in PEM ({label}): {reason}")]
    Pem {
        /// Private or public.
        kind: &'static str,
        /// The form that it should have.
        label: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// The bytes stand for no point of the curve.
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
    /// It is another text, or another kind of key, or a weak key.
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
    /// They are no key, or a weak one.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        Self::strong(VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NoPoint)?)
    }

    fn strong(key: VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() { Err(KeyError::Weak) } else { Ok(Self { key }) }
    }

    /// The PEM form.
    ///
    /// # Panics
    /// Never: every key has one.
    pub fn to_pem(&self) -> String {
        self.key.to_public_key_pem(LineEnding::LF).expect("every key has a form in PEM")
    }

    /// The 32 bytes of the key.
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

/// In hexadecimal digits.
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
    /// The key that 32 random bytes stand for.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self { key: SigningKey::from_bytes(seed) }
    }

    /// Reads the PEM form of PKCS#8, `-----BEGIN PRIVATE KEY-----`, not encrypted.
    ///
    /// # Errors
    /// It is another text, or another kind of key.
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

    /// The signature in the form that follows an artifact.
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

/// The first of these keys by which a file with an artifact and blocks is signed.
pub fn signed_by(file: &[u8], keys: &[PublicKey]) -> Option<PublicKey> {
    let (artifact, blocks) = split(file);
    block_signed_by(artifact, &blocks, keys)
}

/// The first of these keys by which an artifact is signed, according to blocks.
pub fn block_signed_by(artifact: &[u8], blocks: &[Block], keys: &[PublicKey]) -> Option<PublicKey> {
    let signs = |key: &PublicKey, block: &Block| {
        block.key == key.to_bytes() && key.has_signed(artifact, &block.signature)
    };
    keys.iter().find(|key| blocks.iter().any(|block| signs(key, block))).copied()
}

/// The first of these keys that a signature in a file of its own is by.
pub fn detached_signed_by(artifact: &[u8], signature: &[u8], keys: &[PublicKey]) -> Option<PublicKey> {
    let signature = signature.try_into().ok()?;
    keys.iter().find(|key| key.has_signed(artifact, signature)).copied()
}
