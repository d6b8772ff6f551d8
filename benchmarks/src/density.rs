//! Resident memory per instance: what a process takes with many of them, less what it takes with one.
//!
//! **Invariant: each row comes from a process of its own**, so that nothing of one is left over for the next.
//! Page tables count too.

use crate::guests::{self, Guest};
use crate::results::{Density, Share, Taken, write_rows};
use clap::{Args, ValueEnum};
use std::any::Any;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::Command;

/// Guests, and the states that their instances are left in.
const CASES: [(&str, State); 4] = [
    ("nop", State::Idle),
    ("dirty 3 pages", State::Idle),
    ("hello", State::Idle),
    ("hello", State::Suspended),
];

/// Options of the density benchmark.
#[derive(Debug, Args)]
pub struct Opts {
    /// Directory of the programs.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
    /// Numbers of instances in one process, separated by commas.
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 10_000])]
    count: Vec<u32>,
    /// Write the figures to FILE, in the format of the suite's results.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// Options for measuring one row.
#[derive(Debug, Args)]
pub struct ResidentOpts {
    /// Directory of the programs.
    #[arg(long)]
    programs: PathBuf,
    /// Directory for compiled files during the measurement.
    #[arg(long)]
    pub scratch: PathBuf,
    /// Guest that runs in each instance.
    #[arg(long)]
    guest: String,
    /// State that the instances wait in.
    #[arg(long)]
    pub state: State,
    /// Runtime whose instances are created.
    #[arg(long)]
    pub side: String,
    /// Number of instances to create.
    #[arg(long)]
    pub count: u32,
}

/// State that an instance waits in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum State {
    /// Called once and ready for another call.
    Idle,
    /// Suspended in its first `fd_write`.
    Suspended,
}

/// Makes an instance in a given state, which it stays in until the result is dropped.
pub type Maker = Box<dyn Fn() -> io::Result<Box<dyn Any>>>;

/// What a process takes.
fn taken() -> io::Result<Share> {
    let status = fs::read_to_string("/proc/self/status")?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|rest| rest.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kib.ok_or_else(|| io::Error::other(format!("/proc/self/status has no {name}")))
    };
    let bytes = (field("VmRSS:")? + field("VmPTE:")?) * 1024.0;
    Ok(Share { bytes, mappings: fs::read_to_string("/proc/self/maps")?.lines().count() as f64 })
}

/// Prints a row per guest, state, number and side. The running program is started anew for each, with the
/// command `resident`.
pub fn run(opts: &Opts, sides: &[&str]) -> io::Result<()> {
    println!("| per instance | | instances | KiB | mappings | once finished: KiB | mappings |");
    println!("|---|---|---|---|---|---|---|");
    let mut rows = Vec::new();
    for (guest, state) in CASES {
        for &count in &opts.count {
            for side in sides {
                let row = row(opts, guest, state, side, count)?;
                println!("| {} | {side} | {count} | {}", row.guest, columns(&row.taken));
                rows.push(row);
            }
        }
    }
    opts.json.as_ref().map_or(Ok(()), |file| write_rows(file, &rows))
}

fn columns(taken: &Taken) -> String {
    let share = |Share { bytes, mappings }: &Share| format!("{:.1} | {mappings:.2} |", bytes / 1024.0);
    match taken {
        Taken::Measured { there, finished } => format!("{} {}", share(there), share(finished)),
        Taken::Failed(reason) => format!("{reason} | | | |"),
    }
}

/// The figures of a row, or the reason why there are none.
fn row(opts: &Opts, guest: &str, state: State, side: &str, count: u32) -> io::Result<Density> {
    let state = state.to_possible_value().expect("no state is hidden");
    let output = Command::new(std::env::current_exe()?)
        .args(["resident", "--guest", guest, "--count", &count.to_string()])
        .args(["--state", state.get_name(), "--side", side, "--programs"])
        .arg(&opts.programs)
        .arg("--scratch")
        .arg(&opts.scratch)
        .output()?;
    let taken = if output.status.success() {
        serde_json::from_slice(&output.stdout).map_err(io::Error::other)?
    } else {
        Taken::Failed(String::from_utf8_lossy(&output.stderr).trim().into())
    };
    Ok(Density { guest: format!("{guest}, {}", state.get_name()), side: side.into(), count, taken })
}

/// Prints the figures of a row as JSON: while the instances are there, and while their slots wait for the
/// next.
pub fn resident(
    opts: &ResidentOpts,
    maker: impl FnOnce(&ResidentOpts, &Guest) -> io::Result<Maker>,
) -> io::Result<()> {
    let mut guests = guests::all(&opts.programs)?.into_iter();
    let guest = guests.find(|guest| guest.name == opts.guest);
    let guest = guest.ok_or_else(|| io::Error::other(format!("there is no guest {}", opts.guest)))?;
    let make = maker(opts, &guest)?;
    let mut instances = Vec::with_capacity(opts.count as usize);
    let _first = make()?;
    let before = taken()?;
    for _ in 0..opts.count {
        instances.push(make()?);
    }
    let there = taken()?;
    instances.clear();
    let count = f64::from(opts.count);
    let each = |now: Share| Share {
        bytes: (now.bytes - before.bytes) / count,
        mappings: (now.mappings - before.mappings) / count,
    };
    let taken = Taken::Measured { there: each(there), finished: each(taken()?) };
    println!("{}", serde_json::to_string(&taken).map_err(io::Error::other)?);
    Ok(())
}
