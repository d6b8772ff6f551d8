//! Files in tar archives.
//!
//! **Invariant: equal files in equal order make equal bytes.** Owner, time and permissions are stated, never
//! taken from the machine.

use crate::blob::Packed;
use crate::error::ImageError;
use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};
use tar::{Builder, EntryType, Header};

/// A file of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its path from the root of the image, without a slash in front.
    pub path: String,
    /// Its content.
    pub bytes: Vec<u8>,
    /// Whether every user may execute it. Every user may read it.
    pub executable: bool,
}

/// Packs files, in the order of their paths, with the folders that they are in. `time` is in seconds since
/// 1970.
pub(crate) fn layer(entries: &[Entry], time: u64) -> Packed {
    let mut entries: Vec<&Entry> = entries.iter().collect();
    entries.sort_by(|a, b| a.path.cmp(&b.path));
    let mut archive = Builder::new(Vec::new());
    let mut folders = BTreeSet::new();
    let mut last = None;
    for Entry { path, bytes, executable } in entries {
        let checked = checked(path)?;
        if last == Some(path) {
            return Err(ImageError::Twice { path: path.clone() });
        }
        last = Some(path);
        let mut parents: Vec<&Path> =
            checked.ancestors().skip(1).filter(|path| *path != Path::new("")).collect();
        parents.reverse();
        for folder in parents {
            if folders.insert(folder.to_path_buf()) {
                add_folder(&mut archive, folder, time)?;
            }
        }
        add_file(&mut archive, &checked, bytes, if *executable { 0o755 } else { 0o644 }, time)?;
    }
    Ok(archive.into_inner()?)
}

/// A path that stays in the image.
fn checked(path: &str) -> Result<PathBuf, ImageError> {
    let is_plain = |part: Component| matches!(part, Component::Normal(_));
    match !path.is_empty() && Path::new(path).components().all(is_plain) {
        true => Ok(path.into()),
        false => Err(ImageError::Path { path: path.into() }),
    }
}

/// Adds a folder.
pub(crate) fn add_folder(archive: &mut Builder<Vec<u8>>, path: &Path, time: u64) -> io::Result<()> {
    let mut header = header(EntryType::Directory, 0, 0o755, time);
    archive.append_data(&mut header, path, io::empty())
}

/// Adds a file.
pub(crate) fn add_file(
    archive: &mut Builder<Vec<u8>>,
    path: &Path,
    bytes: &[u8],
    mode: u32,
    time: u64,
) -> io::Result<()> {
    let mut header = header(EntryType::Regular, bytes.len() as u64, mode, time);
    archive.append_data(&mut header, path, bytes)
}

fn header(kind: EntryType, size: u64, mode: u32, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(mode);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str) -> Entry {
        Entry { path: path.into(), bytes: path.as_bytes().to_vec(), executable: path.ends_with("run") }
    }

    #[test]
    fn files_and_their_folders_are_packed_in_order() {
        let packed = layer(&[entry("b/c/run"), entry("b/a"), entry("a")], 7).expect("plain paths");
        assert_eq!(packed, layer(&[entry("a"), entry("b/a"), entry("b/c/run")], 7).expect("the same"));
        let mut archive = tar::Archive::new(&packed[..]);
        let listed: Vec<_> = archive
            .entries()
            .expect("an archive")
            .map(|entry| {
                let entry = entry.expect("an entry");
                let header = entry.header();
                assert_eq!((header.mtime().expect("a time"), header.uid().expect("an owner")), (7, 0));
                let path = entry.path().expect("a path").to_string_lossy().into_owned();
                (path, header.mode().expect("permissions"))
            })
            .collect();
        let expected = [("a", 0o644), ("b", 0o755), ("b/a", 0o644), ("b/c", 0o755), ("b/c/run", 0o755)];
        assert_eq!(listed, expected.map(|(path, mode)| (path.to_string(), mode)));
    }

    #[test]
    fn paths_stay_in_the_image() {
        for path in ["", "/a", "../a", "a/../../b", "./a"] {
            assert!(matches!(layer(&[entry(path)], 0), Err(ImageError::Path { .. })), "{path:?}");
        }
        assert!(matches!(layer(&[entry("a"), entry("a")], 0), Err(ImageError::Twice { .. })));
        let long = format!("{}/run", "x".repeat(180));
        layer(&[entry(&long)], 0).expect("long names are no fault");
    }
}
