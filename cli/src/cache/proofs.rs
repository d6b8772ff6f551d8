//! Which artifacts `run` has proven: a folder `proofs` in the cache, with the key that its files are made
//! with.
//!
//! **Invariant: a proof counts for the executable that has made it**, told by its size and time, so that a
//! build whose verifier has changed relies on nothing that another one has proven. The folder is as private
//! as the cache is: who could write to it could as well put machine code there.

use sha2::{Digest, Sha256};
use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use wasmaot_runtime::ProofCache;

/// The folder's name.
const FOLDER: &str = "proofs";

/// The name of the file with random bytes.
const SECRET: &str = "key";

type Key = [u8; 32];

/// Opens the proofs in a cache's folder, and makes their folder if there is none.
pub(super) fn open(cache: &Path) -> io::Result<ProofCache> {
    let folder = cache.join(FOLDER);
    let secret = read(&folder).or_else(|error| match error.kind() {
        ErrorKind::NotFound => make(&folder).and_then(|()| read(&folder)),
        _ => Err(error),
    })?;
    let executable = fs::metadata("/proc/self/exe")?;
    let mut hash = Sha256::new_with_prefix(secret);
    hash.update(executable.size().to_le_bytes());
    hash.update(executable.mtime().to_le_bytes());
    hash.update(executable.mtime_nsec().to_le_bytes());
    Ok(ProofCache::new(folder, &hash.finalize().into()))
}

/// Deletes all proofs, and the key with them.
pub(super) fn clear(cache: &Path) -> io::Result<()> {
    match fs::remove_dir_all(cache.join(FOLDER)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn read(folder: &Path) -> io::Result<Key> {
    let mut key = Key::default();
    File::open(folder.join(SECRET))?.read_exact(&mut key)?;
    Ok(key)
}

/// Makes the folder with a key, unless another process has just done so.
fn make(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut key = Key::default();
    rustix::rand::getrandom(&mut key, rustix::rand::GetRandomFlags::empty())?;
    // Complete whenever it is there; the first one stays.
    let temporary = folder.join(format!(".key-{}.tmp", std::process::id()));
    let written = write(&temporary, &key).and_then(|()| fs::hard_link(&temporary, folder.join(SECRET)));
    let _ = fs::remove_file(&temporary);
    match written {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        written => written,
    }
}

fn write(path: &PathBuf, key: &Key) -> io::Result<()> {
    File::options().write(true).create_new(true).mode(0o600).open(path)?.write_all(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_private() {
        let cache = tempfile::tempdir().unwrap();
        open(cache.path()).unwrap();
        let key = read(&cache.path().join(FOLDER)).unwrap();
        open(cache.path()).unwrap();
        make(&cache.path().join(FOLDER)).unwrap();
        assert_eq!(read(&cache.path().join(FOLDER)).unwrap(), key);
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!(mode(&cache.path().join("proofs")), 0o700);
        assert_eq!(mode(&cache.path().join("proofs/key")), 0o600);
        clear(cache.path()).unwrap();
        clear(cache.path()).unwrap();
        assert!(!cache.path().join(FOLDER).exists());
        open(cache.path()).unwrap();
        assert_ne!(read(&cache.path().join(FOLDER)).unwrap(), key);
    }
}
