//! Files that are watched while an application is developed.
//!
//! **Invariant: a change that is made in several steps is one change**, as editors and compilers write,
//! rename and write again.

use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;

/// How long nothing happens after a change.
const QUIET: Duration = Duration::from_millis(100);

/// Files whose changes are waited for.
pub(crate) struct Files {
    _watcher: RecommendedWatcher,
    changes: mpsc::UnboundedReceiver<()>,
}

impl Files {
    /// Begins to watch files. Their folders are watched, as files are replaced.
    ///
    /// # Errors
    /// The system does not watch them.
    pub(crate) fn new(files: impl Iterator<Item = PathBuf>) -> notify::Result<Self> {
        let files: BTreeSet<PathBuf> = files.map(|file| file.canonicalize().unwrap_or(file)).collect();
        let folders: BTreeSet<PathBuf> =
            files.iter().filter_map(|file| Some(file.parent()?.to_path_buf())).collect();
        let (sender, changes) = mpsc::unbounded_channel();
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let is_change = |event: &Event| {
                !matches!(event.kind, EventKind::Access(_))
                    && event.paths.iter().any(|path| files.contains(path))
            };
            if event.is_ok_and(|event| is_change(&event)) {
                // The server may have ended.
                _ = sender.send(());
            }
        })?;
        let here = Path::new(".");
        folders.iter().try_for_each(|folder| {
            let folder = if folder.as_os_str().is_empty() { here } else { folder };
            watcher.watch(folder, RecursiveMode::NonRecursive)
        })?;
        Ok(Self { _watcher: watcher, changes })
    }

    /// Becomes ready when a file has changed, and nothing more happens to it.
    pub(crate) async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            return std::future::pending().await;
        }
        while tokio::time::timeout(QUIET, self.changes.recv()).await.is_ok() {}
    }
}
