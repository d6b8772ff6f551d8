//! What an initialisation is run with.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;
use wasmaot_runtime::{ModuleLimits, ResourceLimits, Val};

/// What an initialisation is run with. The default is Wizer's convention, with nothing of the host's.
#[derive(Debug, Clone)]
pub struct Options {
    /// The export that initialises the module; by default `wizer.initialize` or `wizer-initialize`.
    pub initialiser: Option<String>,
    /// Exports that are called behind it, to their end.
    pub calls: Vec<Call>,
    /// Exports that get another name afterwards, `(new, old)`.
    pub renamed: Vec<(String, String)>,
    /// Time that the clocks show.
    pub clock: Clock,
    /// Where random bytes come from.
    pub random: Random,
    /// What the initialisation gets of the host's.
    pub grants: Grants,
    /// The most time that all calls together take.
    pub timeout: Duration,
    /// What the instance may take. The deadline is set by `timeout`.
    pub limits: ResourceLimits,
    /// What the module may ask for.
    pub module_limits: ModuleLimits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            initialiser: None,
            calls: Vec::new(),
            renamed: Vec::new(),
            clock: Clock::default(),
            random: Random::default(),
            grants: Grants::default(),
            timeout: Duration::from_secs(60),
            limits: ResourceLimits::default(),
            module_limits: ModuleLimits::default(),
        }
    }
}

/// A call of an export.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// Name of the export to call.
    pub export: String,
    /// Arguments of the call.
    pub arguments: Vec<Val>,
}

/// What clocks show during an initialisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// The real-time clock stands at this many seconds since 1970, all others at 0.
    Fixed(u64),
    /// The host's time: the result differs from run to run.
    Real,
}

impl Default for Clock {
    fn default() -> Self {
        Self::Fixed(0)
    }
}

/// Where random bytes come from during an initialisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Random {
    /// From a generator seeded with a hash of the module, so that each run reads the same bytes.
    #[default]
    Seeded,
    /// From the host: the result differs from run to run.
    Real,
}

/// What an initialisation gets of the host's. What it reads becomes a part of the result.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    /// Variables of the environment; with `None`, asking for them is denied.
    pub environment: Option<Vec<(OsString, OsString)>>,
    /// Directories to read, in the order of their descriptors.
    pub directories: Vec<Directory>,
    /// Whether it gets the standard streams of this process.
    pub stdio: bool,
}

/// A directory whose files can be read. Nothing in it can be changed: an initialisation may run any number of
/// times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Path on the host.
    pub host: PathBuf,
    /// Path that the guest sees.
    pub guest: String,
}
