//! Artifacts of modules that `run` was given, under `$XDG_CACHE_HOME/wasmaot`.
//!
//! An entry's name is a SHA-256 over the module's bytes, the options that shape the code, and the versions of the tool and
//! of the artifact ABI. (The tool's version goes together with the size and time of its executable, so that a build from
//! changed sources does not run what the last one made.) **Invariants: an entry is only used if it loads**, and is made anew if it does not; entries appear by
//! renaming, so any number of processes may run at once; a cache that cannot be used never keeps a program from running.
//! Entries can be deleted at any time.

use crate::error::CliError;
use crate::output;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fmt::Write;
use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR, TAIL_CONVENTION};
use wasmaot_compiler::{OptLevel, Options, RelaxedSimd, TargetCpu};
use wasmaot_runtime::{Module, OpenError};

/// The module that `source` compiles to: from the user's cache, or by way of `compile` and into it.
pub(crate) fn module(
    source: &[u8],
    options: &Options,
    compile: impl FnOnce() -> Result<Vec<u8>, CliError>,
) -> Result<Result<Module, OpenError>, CliError> {
    let entry = user_directory().map(|directory| directory.join(key(source, options)));
    if let Some(Ok(module)) = entry.as_ref().map(Module::open) {
        return Ok(Ok(module));
    }
    let artifact = compile()?;
    // A full disk, or a file system that maps nothing executable, is no reason to fail.
    let stored = entry.filter(|entry| output::replace(entry, &artifact, output::Kind::Data).is_ok());
    match stored.map(Module::open) {
        Some(Ok(module)) => Ok(Ok(module)),
        _ => Ok(Module::from_bytes(&artifact)),
    }
}

/// The user's cache directory, made if it is not there yet. None if there is no place for it, or if somebody
/// else could put code there.
fn user_directory() -> Option<PathBuf> {
    let directory = directory(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"))?;
    prepare(&directory).then_some(directory)
}

/// As the XDG base directory specification has it: a relative path counts as unset.
fn directory(xdg: Option<OsString>, home: Option<OsString>) -> Option<PathBuf> {
    let absolute = |path: Option<OsString>| path.map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute(xdg).or_else(|| Some(absolute(home)?.join(".cache")))?;
    Some(base.join("wasmaot"))
}

/// Makes the directory, or finds it to be the user's own.
fn prepare(directory: &Path) -> bool {
    // The common case costs one system call.
    let metadata = std::fs::metadata(directory).or_else(|_| {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        std::fs::metadata(directory)
    });
    const OTHERS_WRITE: u32 = 0o022;
    let user = rustix::process::geteuid().as_raw();
    metadata.is_ok_and(|m| m.is_dir() && m.uid() == user && m.mode() & OTHERS_WRITE == 0)
}

/// Name of an entry. Whatever can change the artifact goes in, each part in a fixed number of bytes.
fn key(source: &[u8], options: &Options) -> String {
    let mut hash = Sha256::new();
    hash.update(Sha256::digest(env!("CARGO_PKG_VERSION")));
    let executable = std::fs::metadata("/proc/self/exe");
    let (size, seconds, nanoseconds) =
        executable.map_or((0, 0, 0), |m| (m.size(), m.mtime(), m.mtime_nsec()));
    hash.update(size.to_le_bytes());
    hash.update(seconds.to_le_bytes());
    hash.update(nanoseconds.to_le_bytes());
    for number in [u32::from(ABI_MAJOR), u32::from(ABI_MINOR), TAIL_CONVENTION] {
        hash.update(number.to_le_bytes());
    }
    hash.update([match options.opt {
        OptLevel::None => 0,
        OptLevel::Speed => 1,
        OptLevel::Full => 2,
    }]);
    let features = match options.cpu {
        TargetCpu::Level(level) => level.features,
        // A home directory may be shared by machines.
        TargetCpu::Native => wasmaot_abi::detect_cpu_features!(),
    };
    hash.update(features.to_le_bytes());
    hash.update([match options.relaxed_simd {
        RelaxedSimd::Deterministic => 0,
        RelaxedSimd::Native => 1,
    }]);
    hash.update([u8::from(options.meter)]);
    hash.update(Sha256::digest(options.features.names().collect::<Vec<_>>().join(" ")));
    hash.update(source);
    let mut name = String::with_capacity(2 * 32 + 3);
    for byte in hash.finalize() {
        let _ = write!(name, "{byte:02x}");
    }
    name.push_str(".so");
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmaot_abi::cpu;

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
    fn all_that_shapes_the_code_is_in_the_key() {
        let base = Options::default();
        let of = |cpu, opt| Options { cpu: TargetCpu::Level(cpu), opt, ..base.clone() };
        let without = |name| {
            let feature = wasmaot_compiler::feature(name).expect("it is listed");
            Options { features: base.features.without(feature), ..base.clone() }
        };
        let keys = [
            key(b"a", &base),
            key(b"b", &base),
            key(b"a", &of(cpu::BASELINE, base.opt)),
            key(b"a", &of(cpu::V3, base.opt)),
            key(b"a", &of(cpu::V2, OptLevel::None)),
            key(b"a", &of(cpu::V2, OptLevel::Full)),
            key(b"a", &Options { relaxed_simd: RelaxedSimd::Native, ..base.clone() }),
            key(b"a", &Options { meter: true, ..base.clone() }),
            key(b"a", &without("bulk-memory")),
            key(b"a", &without("multi-value")),
        ];
        let different: std::collections::HashSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(key(b"a", &Options { jobs: 7, ..base.clone() }), keys[0]);
        assert_eq!(keys[0].len(), 67);
    }
}
