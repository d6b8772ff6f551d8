//! Resident memory per instance: what a process takes with many of them, less what it takes with one.
//!
//! Page tables count too. Each row comes from a process of its own.

use crate::{Places, theirs};
use clap::{Args, ValueEnum};
use std::any::Any;
use std::fs;
use std::io;
use std::process::Command;
use wasmaot_bench::guests::{self, Guest};
use wasmaot_bench::ours;
use wasmaot_runtime::PoolConfig;

/// Instances in one process.
const COUNTS: [u32; 2] = [1_000, 10_000];

/// Guests, and the states that their instances are left in.
const CASES: [(&str, State); 4] = [
    ("nop", State::Idle),
    ("dirty 3 pages", State::Idle),
    ("hello", State::Idle),
    ("hello", State::Suspended),
];

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
    guest: String,
    #[arg(long)]
    state: State,
    #[arg(long)]
    who: Who,
    #[arg(long)]
    count: u32,
}

/// What an instance waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    /// It has been called, and could be called again.
    Idle,
    /// Its first `fd_write` is to be answered.
    Suspended,
}

/// Whose instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Who {
    Wasmaot,
    /// With all pages of a finished instance dropped.
    WasmtimeDefaults,
    /// With pages kept for the next one.
    WasmtimeKeep,
}

impl Who {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Wasmaot, "wasmaot"),
        (Self::WasmtimeDefaults, "Wasmtime, defaults"),
        (Self::WasmtimeKeep, "Wasmtime, keep 1 MiB, scan"),
    ];
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
        Self {
            bytes: (self.bytes - before.bytes) / count,
            mappings: (self.mappings - before.mappings) / count,
        }
    }
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    println!("| per instance | | instances | KiB | mappings | once finished: KiB | mappings |");
    println!("|---|---|---|---|---|---|---|");
    for (guest, state) in CASES {
        for count in COUNTS {
            for (who, name) in Who::ALL {
                let (state, figures) = (value(state), row(opts, guest, state, who, count)?);
                println!("| {guest}, {} | {name} | {count} | {figures}", state.get_name());
            }
        }
    }
    Ok(())
}

fn value(of: impl ValueEnum) -> clap::builder::PossibleValue {
    of.to_possible_value().expect("no variant is hidden")
}

/// The figures of a row, or the reason why there are none, from a process of its own.
fn row(opts: &Opts, guest: &str, state: State, who: Who, count: u32) -> io::Result<String> {
    let output = Command::new(std::env::current_exe()?)
        .args(["resident", "--guest", guest, "--count", &count.to_string()])
        .args(["--state", value(state).get_name(), "--who", value(who).get_name()])
        .arg("--programs")
        .arg(&opts.places.programs)
        .arg("--scratch")
        .arg(&opts.places.scratch)
        .output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_string();
    let failed = || format!("{} | | | |", text(&output.stderr));
    Ok(if output.status.success() { text(&output.stdout) } else { failed() })
}

/// Prints the figures of a row: while the instances are there, and while their slots wait for the next.
pub(crate) fn resident(opts: &ResidentOpts) -> io::Result<()> {
    let mut guests = guests::all(&opts.places.programs)?.into_iter();
    let guest = guests.find(|guest| guest.name == opts.guest);
    let guest = guest.ok_or_else(|| io::Error::other(format!("there is no guest {}", opts.guest)))?;
    let make = maker(opts, &guest)?;
    let mut instances = Vec::with_capacity(opts.count as usize);
    let _first = make()?;
    let before = Taken::now()?;
    for _ in 0..opts.count {
        instances.push(make()?);
    }
    let there = Taken::now()?.each(before, opts.count);
    instances.clear();
    let finished = Taken::now()?.each(before, opts.count);
    let columns = |Taken { bytes, mappings }| format!("{:.1} | {mappings:.2} |", bytes / 1024.0);
    println!("{} {}", columns(there), columns(finished));
    Ok(())
}

/// Makes an instance in a given state, which it stays in until the result is dropped.
type Maker = Box<dyn Fn() -> io::Result<Box<dyn Any>>>;

fn maker(opts: &ResidentOpts, guest: &Guest) -> io::Result<Maker> {
    let (slots, scratch) = (opts.count + 1, &opts.places.scratch);
    let setting = match opts.who {
        Who::Wasmaot => {
            let module = ours::module(&guest.name, &guest.wasm, scratch)?;
            let config = PoolConfig { slots, ..PoolConfig::default() };
            if opts.state == State::Suspended {
                return Ok(Box::new(ours::suspended(&module, config)?));
            }
            let side = ours::side(&module, guest.entry, config)?;
            return Ok(Box::new(move || side.idle()));
        }
        Who::WasmtimeDefaults => theirs::DEFAULTS,
        Who::WasmtimeKeep => theirs::KEEP_AND_SCAN,
    };
    let artifact = theirs::artifact(&guest.name, &guest.wasm, scratch)?;
    if opts.state == State::Suspended {
        return Ok(Box::new(theirs::suspended(&artifact, setting, slots)?));
    }
    let side = theirs::side(&artifact, guest.entry, setting, slots)?;
    Ok(Box::new(move || side.idle()))
}
