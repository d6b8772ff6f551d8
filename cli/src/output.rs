//! Writes results: files by way of a temporary name, text to stdout.
//!
//! **Invariant: an artifact that exists under its name is whole and never changes.** A new one replaces it as
//! a new file with the same permissions, so processes that have the old one mapped keep it.

use crate::error::CliError;
use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The purpose of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Data.
    Data,
    /// An executable.
    Program,
}

/// The most symbolic links that lead from one to the next.
const MAX_LINKS: usize = 40;

/// Whether both name one file that exists.
pub(crate) fn same_file(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// Writes a file under a temporary name beside `path` and renames it. A device or a pipe, which renaming
/// would remove, is written to directly.
pub(crate) fn write_file(path: &Path, bytes: &[u8], kind: Kind) -> Result<(), CliError> {
    replace(path, bytes, kind).map_err(|source| CliError::Write { path: path.into(), source })
}

/// [`write_file`], with the bare error.
pub(crate) fn replace(path: &Path, bytes: &[u8], kind: Kind) -> io::Result<()> {
    let target = target_of_links(path)?;
    let permissions = match std::fs::metadata(&target) {
        Ok(metadata) if metadata.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => {
            return OpenOptions::new().write(true).open(target)?.write_all(bytes);
        }
        Ok(metadata) => Some(replacement_permissions(&metadata.permissions(), kind)),
        Err(_) => None,
    };
    let (mut file, temporary) = create_beside(&target, kind)?;
    let written = permissions
        .map_or(Ok(()), |permissions| file.set_permissions(permissions))
        .and_then(|()| file.write_all(bytes))
        .and_then(|()| std::fs::rename(&temporary, &target));
    if written.is_err() {
        // The failure is worth reporting; that the temporary file cannot be removed is not.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Returns the file that a chain of symbolic links ends at, whether it exists or not: the file is replaced,
/// not the link.
fn target_of_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..=MAX_LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // It is not a link, or does not exist.
            Err(_) => return Ok(path),
        }
    }
    Err(rustix::io::Errno::LOOP.into())
}

/// Returns the permissions of a file for the one that replaces it. Every user who can read an executable can
/// start it.
fn replacement_permissions(old: &Permissions, kind: Kind) -> Permissions {
    let mode = old.mode() & 0o777;
    let executable = if kind == Kind::Program { (mode & 0o444) >> 2 } else { 0 };
    Permissions::from_mode(mode | executable)
}

/// Creates a file in the directory of `path`, under a name that no other process or thread uses.
fn create_beside(path: &Path, kind: Kind) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_file_name(format!(".wasmaot-{}-{number}.tmp", std::process::id()));
        let mode = if kind == Kind::Program { 0o777 } else { 0o666 };
        match OpenOptions::new().write(true).create_new(true).mode(mode).open(&temporary) {
            // Left behind by a process of the same number that was killed.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            opened => return opened.map(|file| (file, temporary)),
        }
    }
}

/// Writes to stdout.
pub(crate) fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    unless_closed(stdout.write_all(bytes).and_then(|()| stdout.flush())).map_err(CliError::Stdout)
}

/// Ignores that the other end of a pipe was closed: the reader has seen enough.
pub(crate) fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::fs::{FileType, Mode};
    use std::os::unix::fs::{MetadataExt, symlink};

    #[test]
    fn replaces_by_a_new_file_and_leaves_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        replace(&path, b"old", Kind::Data).unwrap();
        let old = File::open(&path).unwrap();
        replace(&path, b"new", Kind::Data).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_ne!(old.metadata().unwrap().ino(), std::fs::metadata(&path).unwrap().ino());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn keeps_links_and_pipes() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        replace(&file, b"old", Kind::Data).unwrap();
        symlink(&file, &link).unwrap();
        replace(&link, b"new", Kind::Data).unwrap();
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read(&file).unwrap(), b"new");
        let pipe = dir.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        let reader = std::thread::spawn({
            let pipe = pipe.clone();
            move || std::fs::read(pipe).unwrap()
        });
        replace(&pipe, b"through", Kind::Data).unwrap();
        assert_eq!(reader.join().unwrap(), b"through");
        assert!(!std::fs::metadata(&pipe).unwrap().is_file());
        assert_eq!(replace(dir.path(), b"x", Kind::Data).unwrap_err().kind(), ErrorKind::IsADirectory);
    }

    #[test]
    fn dangling_links_are_followed_and_circles_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("folder")).unwrap();
        symlink("folder/second", at("first")).unwrap();
        symlink("target", at("folder/second")).unwrap();
        replace(&at("first"), b"x", Kind::Data).unwrap();
        assert_eq!(std::fs::read(at("folder/target")).unwrap(), b"x");
        assert!(std::fs::symlink_metadata(at("first")).unwrap().is_symlink());
        symlink("circle", at("circle")).unwrap();
        assert!(replace(&at("circle"), b"x", Kind::Data).is_err());
    }

    #[test]
    fn permissions_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        let after = |mode, kind| {
            std::fs::write(&path, b"old").unwrap();
            std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            replace(&path, b"new", kind).unwrap();
            std::fs::metadata(&path).unwrap().mode() & 0o7777
        };
        for mode in [0o600, 0o640, 0o666, 0o755] {
            assert_eq!(after(mode, Kind::Data), mode);
        }
        assert_eq!(after(0o640, Kind::Program), 0o750);
        assert_eq!(after(0o700, Kind::Program), 0o700);
        assert_eq!(after(0o4755, Kind::Program), 0o755, "new contents get no rights of another user");
    }

    #[test]
    fn a_stale_temporary_file_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..64 {
            let stale = format!(".wasmaot-{}-{number}.tmp", std::process::id());
            std::fs::write(dir.path().join(stale), b"").unwrap();
        }
        replace(&dir.path().join("a"), b"x", Kind::Data).unwrap();
        assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"x");
    }
}
