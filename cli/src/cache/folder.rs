//! The cache's folder and what lies in it.
//!
//! **Invariants.** Only files that the cache has made are counted or deleted: entries, and temporary files
//! that a killed process has left. Any number of processes may do so at once: a file that another one has
//! deleted is no error.

use super::key::is_key;
use std::ffi::OsString;
use std::fs::{DirBuilder, DirEntry, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// A temporary file that is older than this belongs to a process that was killed.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);

/// A cached artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
    pub(super) used: SystemTime,
}

/// Returns the path of the user's cache, or `None` if the environment names no place for it.
pub(super) fn path() -> Option<PathBuf> {
    directory(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"))
}

/// Follows the XDG base directory specification: a relative path counts as unset.
fn directory(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(xdg).or_else(|| Some(absolute(home)?.join(".cache")))?;
    Some(base.join("wasmaot"))
}

/// Creates the directory if it does not exist. Returns whether it belongs to the user and to no one else:
/// others could put code there.
pub(super) fn prepare(directory: &Path) -> bool {
    // The common case costs one system call.
    let metadata = std::fs::metadata(directory).or_else(|_| {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        std::fs::metadata(directory)
    });
    const OTHERS_WRITE: u32 = 0o022;
    let user = rustix::process::geteuid().as_raw();
    metadata.is_ok_and(|m| m.is_dir() && m.uid() == user && m.mode() & OTHERS_WRITE == 0)
}

/// Marks an entry as used now.
pub(super) fn touch(entry: &Path) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW};
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    // Without it, the entry is only evicted earlier.
    let _ = rustix::fs::utimensat(CWD, entry, &times, AtFlags::empty());
}

/// Returns all entries, the one that was used longest ago first.
pub(super) fn entries(directory: &Path) -> io::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    each(directory, |file, metadata| {
        if file.file_name().to_str().is_some_and(is_key) {
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            entries.push(Entry { path: file.path(), bytes: metadata.len(), used });
        }
        Ok(())
    })?;
    entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
    Ok(entries)
}

/// Deletes the entries that were used longest ago, until the others have at most `limit` bytes. Returns what
/// is deleted.
pub(super) fn evict(directory: &Path, limit: u64) -> io::Result<Vec<Entry>> {
    let mut entries = entries(directory)?;
    let mut left: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let evicted = entries.iter().take_while(|entry| {
        let is_over = left > limit;
        left -= if is_over { entry.bytes } else { 0 };
        is_over
    });
    let count = evicted.count();
    entries.truncate(count);
    delete_all(directory, &entries)?;
    Ok(entries)
}

/// Deletes all entries, and returns them.
pub(super) fn clear(directory: &Path) -> io::Result<Vec<Entry>> {
    let entries = entries(directory)?;
    delete_all(directory, &entries)?;
    Ok(entries)
}

fn delete_all(directory: &Path, entries: &[Entry]) -> io::Result<()> {
    entries.iter().try_for_each(|entry| delete(&entry.path))?;
    delete_stale(directory)
}

fn delete_stale(directory: &Path) -> io::Result<()> {
    each(directory, |file, metadata| {
        let name = file.file_name();
        let is_temporary =
            name.to_str().is_some_and(|name| name.starts_with(".wasmaot-") && name.ends_with(".tmp"));
        let age = metadata.modified().ok().and_then(|time| time.elapsed().ok());
        match is_temporary && age > Some(STALE) {
            true => delete(&file.path()),
            false => Ok(()),
        }
    })
}

fn each(directory: &Path, mut visit: impl FnMut(&DirEntry, &Metadata) -> io::Result<()>) -> io::Result<()> {
    let files = match std::fs::read_dir(directory) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        files => files?,
    };
    for file in files {
        let file = file?;
        match file.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            metadata => {
                let metadata = metadata?;
                if metadata.is_file() {
                    visit(&file, &metadata)?;
                }
            }
        }
    }
    Ok(())
}

fn delete(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        deleted => deleted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directory_follows_the_xdg_specification() {
        let at = |xdg: Option<&str>, home: Option<&str>| directory(xdg.map(Into::into), home.map(Into::into));
        assert_eq!(at(Some("/x"), Some("/h")), Some("/x/wasmaot".into()));
        assert_eq!(at(None, Some("/h")), Some("/h/.cache/wasmaot".into()));
        assert_eq!(at(Some(""), Some("/h")), Some("/h/.cache/wasmaot".into()));
        assert_eq!(at(Some("relative"), Some("/h")), Some("/h/.cache/wasmaot".into()));
        assert_eq!(at(None, Some("")), None);
        assert_eq!(at(None, None), None);
    }

    #[test]
    fn a_directory_that_others_write_to_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b");
        assert!(prepare(&path));
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o700);
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o777)).unwrap();
        assert!(!prepare(&path));
        assert!(!prepare(Path::new("/dev/null/wasmaot")));
    }

    #[test]
    fn the_least_recently_used_entries_are_evicted() {
        let dir = tempfile::tempdir().unwrap();
        let name = |number: u8| format!("{number:064x}.so");
        for number in 0..6 {
            let path = dir.path().join(name(number));
            std::fs::write(&path, [0; 100]).unwrap();
            let used = SystemTime::now() - Duration::from_secs(100 - u64::from(number));
            std::fs::File::open(&path).unwrap().set_modified(used).unwrap();
        }
        std::fs::write(dir.path().join("other"), [0; 1000]).unwrap();
        touch(&dir.path().join(name(0)));
        let evicted = evict(dir.path(), 350).unwrap();
        assert_eq!(
            evicted.iter().map(|entry| &entry.path).collect::<Vec<_>>(),
            [1, 2, 3].map(|n| dir.path().join(name(n))).iter().collect::<Vec<_>>()
        );
        assert_eq!(entries(dir.path()).unwrap().len(), 3);
        assert_eq!(evict(dir.path(), 350).unwrap(), []);
        std::fs::write(dir.path().join(name(9)), "").unwrap();
        assert_eq!(clear(dir.path()).unwrap().len(), 4);
        assert_eq!(entries(dir.path()).unwrap(), []);
        assert!(dir.path().join("other").exists());
    }

    #[test]
    fn temporary_files_of_killed_processes_are_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let (old, new) = (dir.path().join(".wasmaot-1-1.tmp"), dir.path().join(".wasmaot-2-1.tmp"));
        for path in [&old, &new] {
            std::fs::write(path, "x").unwrap();
        }
        std::fs::File::open(&old).unwrap().set_modified(SystemTime::now() - 2 * STALE).unwrap();
        evict(dir.path(), 1000).unwrap();
        assert!(!old.exists() && new.exists());
    }
}
