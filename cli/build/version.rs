//! The text of `--version`: the package's version, and in a checkout of the repository the commit with its
//! date.
//!
//! **Invariant: the text depends on the commit alone**, not on the time or the place of the build.

use std::path::Path;
use std::process::Command;

/// Returns the version text, for example `0.1.0 (06b38a4f1 2026-11-27)`.
pub(crate) fn text() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    match root.and_then(commit) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    }
}

/// Returns the abbreviated hash and the date of the checked-out commit. `None` outside a checkout: the
/// sources come from an archive or a package, possibly below the checkout of some other project.
fn commit(root: &Path) -> Option<String> {
    if !root.join(".git").exists() {
        return None;
    }
    let commit = git(root, &["log", "-1", "--abbrev=9", "--format=%h %cs"])?;
    // `HEAD` changes with the branch, its log with every commit.
    for file in ["HEAD", "logs/HEAD"] {
        let path = root.join(git(root, &["rev-parse", "--git-path", file])?);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    Some(commit)
}

/// Runs git at the root of the repository and returns the line that it prints. `None` if git fails or is not
/// installed.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let mut git = Command::new("git");
    git.arg("-C").arg(root).args(arguments);
    // Set inside hooks, for a repository that may be another one.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        git.env_remove(variable);
    }
    let output = git.output().ok().filter(|output| output.status.success())?;
    let line = String::from_utf8(output.stdout).ok()?;
    Some(line.trim_end().to_owned()).filter(|line| !line.is_empty())
}
