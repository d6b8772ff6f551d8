//! Proofs that outlive the process: a folder of files, each of which says that an artifact was proven.
//!
//! A file's name is the artifact's digest, and its content a message authentication code (HMAC-SHA-256) of
//! that, and of the version of the verifier, by a key of the host's. So a folder that others can write to, or
//! that comes from a backup or another machine, proves nothing that the host has not proven itself.
//! **Invariant: a file that is missing, damaged, of another key or of another version is as good as none**,
//! and a folder that cannot be used never keeps a module from being opened.

use super::ArtifactDigest;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::SystemTime;
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR};

/// Bytes of a file's content.
const TAG: usize = 32;

/// The most proofs that a folder keeps. Beyond that, the older half is deleted.
const MOST: usize = 8192;

/// What the codes are about, so that the key may have other uses.
const PURPOSE: &[u8] = b"wasmaot: these bytes are proven\0";

/// A folder in which a host keeps what it has proven, for other processes that have the same key.
///
/// The folder need not be trusted, the key has to be secret: who knows it can have any machine code taken for
/// proven. A version of the runtime relies on its own proofs only.
///
/// ```no_run
/// use wasmaot_runtime::{Loader, ProofCache};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = std::fs::read("/etc/my-host/proof.key")?;
/// let proofs = ProofCache::new("/var/cache/my-host/proofs", key.as_slice().try_into()?);
/// let loader = Loader { proofs: Some(proofs), ..Loader::default() };
/// let module = loader.open("app.so")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ProofCache {
    folder: PathBuf,
    code: Hmac<Sha256>,
}

/// Without the key.
impl fmt::Debug for ProofCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProofCache").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl ProofCache {
    /// Uses a folder, which is made when something is to be kept in it, with a key of random bytes.
    pub fn new(folder: impl Into<PathBuf>, key: &[u8; 32]) -> Self {
        let mut code = Hmac::new_from_slice(key).expect("a key may have any length");
        code.update(PURPOSE);
        code.update(env!("CARGO_PKG_VERSION").as_bytes());
        code.update(&[0]);
        code.update(&ABI_MAJOR.to_le_bytes());
        code.update(&ABI_MINOR.to_le_bytes());
        Self { folder: folder.into(), code }
    }

    fn path(&self, digest: &ArtifactDigest) -> PathBuf {
        let mut name = String::with_capacity(2 * digest.len() + ".proof".len());
        for byte in digest {
            let _ = write!(name, "{byte:02x}");
        }
        self.folder.join(name + ".proof")
    }

    fn code(&self, digest: &ArtifactDigest) -> Hmac<Sha256> {
        self.code.clone().chain_update(digest)
    }

    /// Whether an artifact was proven.
    pub(super) fn has(&self, digest: &ArtifactDigest) -> bool {
        let read = || -> io::Result<Vec<u8>> {
            let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
            let file = File::options().read(true).custom_flags(flags).open(self.path(digest))?;
            let mut tag = Vec::with_capacity(TAG + 1);
            file.take(TAG as u64 + 1).read_to_end(&mut tag)?;
            Ok(tag)
        };
        // The comparison takes the same time wherever the codes differ.
        read().is_ok_and(|tag| self.code(digest).verify_slice(&tag).is_ok())
    }

    /// Keeps that an artifact was proven, if the folder allows it.
    pub(super) fn remember(&self, digest: &ArtifactDigest) {
        let tag = self.code(digest).finalize().into_bytes();
        let kept = self.write(&self.path(digest), &tag).or_else(|error| {
            fs::create_dir_all(&self.folder).map_err(|_| error)?;
            self.write(&self.path(digest), &tag)
        });
        if kept.is_ok() {
            let _ = self.evict();
        }
    }

    /// Makes a file that is complete whenever it is there.
    fn write(&self, path: &Path, tag: &[u8]) -> io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!(".{}-{}.tmp", std::process::id(), NEXT.fetch_add(1, Relaxed));
        let temporary = self.folder.join(name);
        let mut file = File::options().write(true).create_new(true).mode(0o600).open(&temporary)?;
        let written = file.write_all(tag).and_then(|()| fs::rename(&temporary, path));
        written.inspect_err(|_| _ = fs::remove_file(&temporary))
    }

    /// Deletes the older half of too many files.
    fn evict(&self) -> io::Result<()> {
        let files = fs::read_dir(&self.folder)?.filter_map(|file| {
            let file = file.ok()?;
            let is_ours =
                [".proof", ".tmp"].iter().any(|end| file.file_name().to_string_lossy().ends_with(end));
            is_ours.then_some(file)
        });
        let files: Vec<_> = files.collect();
        if files.len() <= MOST {
            return Ok(());
        }
        let time = |file: &fs::DirEntry| file.metadata().and_then(|metadata| metadata.modified());
        let mut files: Vec<_> = files
            .into_iter()
            .map(|file| (time(&file).unwrap_or(SystemTime::UNIX_EPOCH), file.path()))
            .collect();
        files.sort();
        files.iter().take(MOST / 2).try_for_each(|(_, path)| fs::remove_file(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: ArtifactDigest = [7; 32];

    /// A folder that is gone at the end of the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("wasmaot-{name}-{}", std::process::id()));
            Self(path.join("made/when/needed"))
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ =
                fs::remove_dir_all(self.0.ancestors().nth(3).expect("the folder in that of temporary files"));
        }
    }

    #[test]
    fn only_what_has_the_key_counts() {
        let folder = Folder::new("proofs");
        let cache = ProofCache::new(&folder.0, &[1; 32]);
        assert!(!cache.has(&DIGEST));
        cache.remember(&DIGEST);
        cache.remember(&DIGEST);
        assert!(cache.has(&DIGEST) && !cache.has(&[8; 32]));
        assert!(ProofCache::new(&folder.0, &[1; 32]).has(&DIGEST));
        assert!(!ProofCache::new(&folder.0, &[2; 32]).has(&DIGEST));
        // The file of one artifact is none of another's.
        fs::copy(cache.path(&DIGEST), cache.path(&[8; 32])).unwrap();
        assert!(!cache.has(&[8; 32]));
        let whole = fs::read(cache.path(&DIGEST)).unwrap();
        let longer = [&whole[..], &[0]].concat();
        let mut changed = whole.clone();
        changed[31] ^= 1;
        for damaged in [&whole[..31], &longer, &changed, b""] {
            fs::write(cache.path(&DIGEST), damaged).unwrap();
            assert!(!cache.has(&DIGEST), "{damaged:?}");
        }
        cache.remember(&DIGEST);
        assert!(cache.has(&DIGEST));
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2, "no temporary file is left");
    }

    #[test]
    fn a_full_folder_forgets_the_older_half() {
        let folder = Folder::new("many-proofs");
        let cache = ProofCache::new(&folder.0, &[1; 32]);
        let digest = |number: usize| {
            let mut digest = DIGEST;
            digest[..8].copy_from_slice(&number.to_le_bytes());
            digest
        };
        cache.remember(&digest(0));
        let old = File::open(cache.path(&digest(0))).unwrap();
        old.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        fs::write(folder.0.join("other"), "").unwrap();
        for number in 1..MOST {
            fs::write(cache.path(&digest(number)), "").unwrap();
        }
        assert!(cache.has(&digest(0)));
        cache.remember(&digest(MOST));
        assert!(!cache.has(&digest(0)) && cache.has(&digest(MOST)));
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), MOST + 1 - MOST / 2 + 1);
    }

    #[test]
    fn a_folder_that_cannot_be_used_is_none() {
        let cache = ProofCache::new("/dev/null/proofs", &[1; 32]);
        cache.remember(&DIGEST);
        assert!(!cache.has(&DIGEST));
    }
}
