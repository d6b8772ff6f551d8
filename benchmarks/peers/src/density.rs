//! Resident memory per instance, of both runtimes.

use crate::theirs;
use std::io;
use wasmaot_bench::density::{self, Maker, ResidentOpts, State};
use wasmaot_bench::guests::Guest;
use wasmaot_bench::ours;

/// The name of wasmaot's side.
const OWN: &str = "wasmaot";

/// Wasmtime's settings, by the names of their sides: with all pages of a finished instance dropped, and with
/// pages kept for the next one.
const THEIRS: [(&str, theirs::Setting); 2] =
    [("Wasmtime, defaults", theirs::DEFAULTS), ("Wasmtime, keep 1 MiB, scan", theirs::KEEP_AND_SCAN)];

pub(crate) fn run(opts: &density::Opts) -> io::Result<()> {
    density::run(opts, &[OWN, THEIRS[0].0, THEIRS[1].0])
}

pub(crate) fn resident(opts: &ResidentOpts) -> io::Result<()> {
    density::resident(
        opts,
        |opts, guest| if opts.side == OWN { ours::maker(opts, guest) } else { maker(opts, guest) },
    )
}

fn maker(opts: &ResidentOpts, guest: &Guest) -> io::Result<Maker> {
    let setting = THEIRS.iter().find(|(name, _)| *name == opts.side).map(|(_, setting)| *setting);
    let setting = setting.ok_or_else(|| io::Error::other(format!("there is no side {}", opts.side)))?;
    let artifact = theirs::artifact(&guest.name, &guest.wasm, &opts.scratch)?;
    let slots = opts.count + 1;
    if opts.state == State::Suspended {
        return Ok(Box::new(theirs::suspended(&artifact, setting, slots)?));
    }
    let side = theirs::side(&artifact, guest.entry, setting, slots)?;
    Ok(Box::new(move || side.idle()))
}
