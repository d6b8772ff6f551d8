//! Proofs of machine code, and which ones are remembered.
//!
//! A proof takes as long as reading some hundred times the file, and is about bytes, not about a file. So
//! what was proven is remembered by the SHA-256 of the whole artifact: in the process, and in a
//! [`ProofCache`] beyond it. The digest covers more than the verifier reads, so that what it reads next year
//! is covered too.
//!
//! **Invariants.** A digest is remembered only when this verifier has accepted bytes that have it, and looked
//! up only for bytes that cannot change between the hash and the mapping. What is remembered says nothing
//! about who made or signed a file, so everyone in the process may rely on it.

mod cache;

pub use cache::ProofCache;

use super::module::OpenError;
use crate::os::fork::{self, List};
use sha2::{Digest, Sha256};
use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use wasmaot_verifier::verify_with;

/// The SHA-256 of an artifact.
type ArtifactDigest = [u8; 32];

/// Digests that a process remembers; 80 bytes of memory each.
const REMEMBERED: usize = 4096;

/// What was proven in this process, and in which order.
#[derive(Default)]
struct Proven {
    digests: HashSet<ArtifactDigest>,
    order: VecDeque<ArtifactDigest>,
}

static PROVEN: Mutex<Option<Proven>> = Mutex::new(None);

fn lock() -> MutexGuard<'static, Option<Proven>> {
    PROVEN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with<R>(f: impl FnOnce(&mut Proven) -> R) -> R {
    fork::attend(List::Proofs, || {
        let proven = lock();
        Box::new(move || drop(proven))
    });
    f(lock().get_or_insert_default())
}

impl Proven {
    fn remember(&mut self, digest: ArtifactDigest) {
        if self.digests.insert(digest) {
            self.order.push_back(digest);
        }
        while self.order.len() > REMEMBERED {
            let oldest = self.order.pop_front();
            oldest.map(|oldest| self.digests.remove(&oldest));
        }
    }
}

/// Proves an artifact, unless it is remembered, with a number of threads, 0 being one per core. The bytes do
/// not change.
pub(crate) fn prove(
    bytes: &[u8],
    cache: Option<&ProofCache>,
    jobs: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<(), OpenError> {
    let digest = ArtifactDigest::from(Sha256::digest(bytes));
    if with(|proven| proven.digests.contains(&digest)) {
        return Ok(());
    }
    if !cache.is_some_and(|cache| cache.has(&digest)) {
        verify_with(bytes, jobs, progress).map_err(|refused| OpenError::NotProven(Box::new(refused)))?;
        if let Some(cache) = cache {
            cache.remember(&digest);
        }
    }
    with(|proven| proven.remember(digest));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_digests_are_forgotten() {
        let mut proven = Proven::default();
        let digest = |number: usize| {
            let mut digest = ArtifactDigest::default();
            digest[..8].copy_from_slice(&number.to_le_bytes());
            digest
        };
        for number in 0..REMEMBERED + 2 {
            proven.remember(digest(number));
            proven.remember(digest(number));
        }
        assert_eq!((proven.digests.len(), proven.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!proven.digests.contains(&digest(1)) && proven.digests.contains(&digest(2)));
    }
}
