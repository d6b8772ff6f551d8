//! Puts results where they belong: files by way of a temporary name, text on stdout.
//!
//! **Invariant: an artifact that exists under its name is whole and never changes.** A new one replaces
//! it as a new file, so processes that have the old one mapped keep it.

use crate::error::CliError;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// To be read.
    Data,
    /// To be started.
    Program,
}

/// Writes a file under a temporary name beside `path` and renames it. A device or a pipe, which renaming
/// would do away with, is written to as it is.
pub(crate) fn write_file(path: &Path, bytes: &[u8], kind: Kind) -> Result<(), CliError> {
    replace(path, bytes, kind).map_err(|source| CliError::Write { path: path.into(), source })
}

/// [`write_file`], with the bare error.
pub(crate) fn replace(path: &Path, bytes: &[u8], kind: Kind) -> io::Result<()> {
    let target = match std::fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => return Err(ErrorKind::IsADirectory.into()),
        Ok(metadata) if !metadata.is_file() => {
            return OpenOptions::new().write(true).open(path)?.write_all(bytes);
        }
        // Behind a symbolic link, the file is replaced and not the link.
        Ok(_) => path.canonicalize()?,
        Err(_) => path.to_path_buf(),
    };
    let (mut file, temporary) = create_beside(&target, kind)?;
    let written = file.write_all(bytes).and_then(|()| std::fs::rename(&temporary, &target));
    if written.is_err() {
        // What failed is worth reporting; that its remains cannot be removed is not.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// A new file in the directory of `path`, under a name that no other process or thread uses.
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

/// Writes to stdout. That nobody wants to read on is not an error.
pub(crate) fn print(bytes: &[u8]) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(CliError::Stdout),
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
    fn a_stale_temporary_file_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..64 {
            let stale = format!(".wasmaot-{}-{number}.tmp", std::process::id());
            std::fs::write(dir.path().join(stale), b"").unwrap();
        }
        replace(&dir.path().join("a"), b"x", Kind::Data).unwrap();
        assert_eq!(std::fs::read(dir.path().join("a")).unwrap(), b"x");
    }
}
