//! Resident memory per instance: what a process takes with many of them, less what it takes with one.
//!
//! Page tables count, and each side has a process of its own. What counts is the state that the instances are left in.

use crate::{Places, theirs};
use clap::{Args, ValueEnum};
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;
use wasmaot_bench::guests::{self, Entry, Guest};
use wasmaot_bench::ours;
use wasmaot_bench::turns::Side;
use wasmaot_runtime::PoolConfig;

/// Instances in one process.
const COUNTS: [u32; 2] = [1_000, 10_000];

/// Guests that are measured.
const GUESTS: [&str; 3] = ["nop", "hello", "dirty 3 pages"];

#[derive(Args)]
pub(crate) struct Opts {
    #[command(flatten)]
    places: Places,
}

#[derive(Args)]
pub(crate) struct ResidentOpts {
    #[command(flatten)]
    places: Places,
    #[arg(long)]
    who: Who,
    #[arg(long)]
    guest: String,
    #[arg(long)]
    count: u32,
}

/// Whose instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    Wasmaot,
    /// With all pages of a finished instance dropped.
    WasmtimeDefaults,
    /// With what is fastest for most guests.
    WasmtimeKeep,
}

impl Who {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Wasmaot, "wasmaot"),
        (Self::WasmtimeDefaults, "Wasmtime, defaults"),
        (Self::WasmtimeKeep, "Wasmtime, keep 1 MiB, scan"),
    ];

    fn side(self, guest: &Guest, slots: u32, scratch: &Path) -> io::Result<Box<dyn Side>> {
        let setting = match self {
            Self::Wasmaot => {
                let module = ours::module(&guest.name, &guest.wasm, scratch)?;
                return ours::side(&module, guest.entry, PoolConfig { slots, ..PoolConfig::default() });
            }
            Self::WasmtimeDefaults => theirs::DEFAULTS,
            Self::WasmtimeKeep => theirs::KEEP_AND_SCAN,
        };
        theirs::side(&theirs::artifact(&guest.name, &guest.wasm, scratch)?, guest.entry, setting, slots)
    }
}

/// What a process takes.
#[derive(Debug, Clone, Copy)]
struct Taken {
    /// `VmRSS` and `VmPTE` together, in bytes.
    bytes: f64,
    /// Mappings, of which the kernel allows a process 65,530 unless told otherwise.
    mappings: f64,
}

impl Taken {
    fn now() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<f64>().ok());
            kib.ok_or_else(|| io::Error::other(format!("/proc/self/status has no {name}")))
        };
        let bytes = (field("VmRSS:")? + field("VmPTE:")?) * 1024.0;
        Ok(Self { bytes, mappings: fs::read_to_string("/proc/self/maps")?.lines().count() as f64 })
    }

    /// What each of so many instances added since.
    fn each(self, before: Self, count: u32) -> Self {
        let count = f64::from(count);
        Self { bytes: (self.bytes - before.bytes) / count, mappings: (self.mappings - before.mappings) / count }
    }
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| per instance | | instances | idle: KiB | idle: mappings | finished: KiB | finished: mappings |");
    println!("|---|---|---|---|---|---|---|");
    for guest in GUESTS {
        for count in COUNTS {
            for (who, name) in Who::ALL {
                let value = who.to_possible_value().expect("no variant is hidden");
                let output = Command::new(std::env::current_exe()?)
                    .args(["resident", "--who", value.get_name(), "--guest", guest])
                    .args(["--count", &count.to_string()])
                    .arg("--programs")
                    .arg(&opts.places.programs)
                    .arg("--scratch")
                    .arg(&opts.places.scratch)
                    .output()?;
                let figures = if output.status.success() {
                    String::from_utf8_lossy(&output.stdout).trim().to_string()
                } else {
                    format!("{} | | | |", String::from_utf8_lossy(&output.stderr).trim())
                };
                println!("| {guest} | {name} | {count} | {figures}");
            }
        }
    }
    Ok(())
}

/// Prints the figures of a row: of instances that have been called and could be again, and of their slots once they are finished.
pub(crate) fn resident(opts: &ResidentOpts) -> io::Result<()> {
    let guests = guests::all(&opts.places.programs)?;
    let guest = guests.into_iter().find(|guest| guest.name == opts.guest && guest.entry != Entry::StartQuiet);
    let guest = guest.ok_or_else(|| io::Error::other(format!("there is no guest {}", opts.guest)))?;
    let side = opts.who.side(&guest, opts.count + 1, &opts.places.scratch)?;
    let mut instances = Vec::with_capacity(opts.count as usize);
    let _first = side.idle()?;
    let before = Taken::now()?;
    for _ in 0..opts.count {
        instances.push(side.idle()?);
    }
    let idle = Taken::now()?.each(before, opts.count);
    instances.clear();
    let finished = Taken::now()?.each(before, opts.count);
    let row = |Taken { bytes, mappings }| format!("{:.1} | {mappings:.2} |", bytes / 1024.0);
    println!("{} {}", row(idle), row(finished));
    Ok(())
}
