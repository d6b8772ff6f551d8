//! Proves from the machine code of an artifact that it obeys the sandbox, without trusting the compiler.
//!
//! [`verify`] reads a file, examines every function on its own by abstract interpretation, and returns what
//! it proved, or one reason per function that was not proven. It shares no code with the compiler; it trusts
//! itself, its decoder (iced-x86), the contract of `wasmaot-abi`, the runtime and the processor.
//!
//! | file | property |
//! |---|---|
//! | `decode`, `cpu` | the list of allowed instructions, and the CPU features that they need |
//! | `code` | control flow: what each byte is |
//! | `body`, `effect`, `rows` | the interpretation, and its bounds of time and memory |
//! | `memory` | operands in memory |
//! | `stack` | the stack pointer, frames, and registers that callers rely on |
//! | `calls`, `signature` | calls and returns: code and context, and where values are |
//! | `references` | references to functions, constant tables |
//! | `builtins` | arguments of builtins |
//! | `faults` | instructions that may fault |
//! | `landing` | the exception table |
//! | `meter`, `balance` | metering that cannot be dodged |
//! | `lattice`, `state`, `facts`, `step` | what is known of values, and what instructions and conditions do to that |
//! | `module` | the file and its tables |
//!
//! # What a proof says
//!
//! Of a file that [`verify`] accepts, every execution that begins at an entry of the code table, with the
//! state that a runtime of this ABI prepares, keeps to these [properties](Property):
//!
//! * it executes allowed instructions only, each at its beginning, and none that a CPU with the features of
//!   the header lacks;
//! * it accesses linear memories within their reservations, its frame, its parameters and cells, globals,
//!   elements below a table's length, and reads the instance's constants; nothing else;
//! * calls lead to entries with the vmctx that belongs to them, and returns to the caller with preserved
//!   registers restored;
//! * references to functions are never made up: what is called through one, stored as one or passed as one
//!   came from the runtime;
//! * builtins get the instance's own vmctx, and indices that the module has;
//! * metered code compares its meter with zero in each loop and before each call, and has added to it;
//! * instructions that trap are in the trap table, and calls with handlers land in the function that they are
//!   in.
//!
//! # What it does not say yet
//!
//! * that metered code counts what it executes: the count can be wrong, but it grows in each loop and before
//!   each call;
//! * that addresses stay secret: code can store what its registers hold, such as its stack pointer;
//! * that references to host values and to exceptions are genuine: they are indices that code can make up,
//!   which the runtime checks;
//! * that the address map, names, symbols and unwinding information are right: they are for people;
//! * that trap codes and exception clauses are the right ones: they decide how a run ends or continues, not
//!   what it can access;
//! * that an access beyond a memory's length but inside its last page traps, where the page is smaller than
//!   the host's;
//! * anything about execution that the processor only speculates on.
//!
//! # Bounds
//!
//! A proof takes at most 64 bytes of memory and 64 executions of instructions for each byte of code, and 1
//! MiB and 65,536 executions beside that for each function that is examined at a time. What exceeds them is
//! not proven.
//!
//! A proof is about the bytes that were given: a loader has to map those and no others, and to check the
//! file's form on its own, as that of `wasmaot-runtime` does.
#![forbid(unsafe_code)]

mod balance;
mod body;
mod builtins;
mod calls;
mod code;
mod cpu;
mod decode;
mod effect;
mod facts;
mod faults;
mod landing;
mod lattice;
mod memory;
mod meter;
mod module;
mod references;
mod registers;
mod reject;
mod rows;
mod signature;
mod stack;
mod state;
mod step;

pub use reject::{Place, Property, Rejection};

use body::{Body, Checks};
use iced_x86::{Decoder, DecoderOptions, Formatter, IntelFormatter};
use module::Module;
use reject::Problem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use wasmaot_abi::addrmap::{function_at, wasm_offset};
use wasmaot_abi::code::{CodeKind, CodeRange};
use wasmaot_abi::entry::VALUE;

/// What the verifier found in a file that it accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Functions, thunks, array entries and helpers.
    pub functions: usize,
    /// Bytes of machine code.
    pub code_bytes: u64,
}

/// Why a file is not accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// One for each function that is not proven, in the order of the text; or the one of the whole file.
    pub rejections: Vec<Rejection>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (position, rejection) in self.rejections.iter().enumerate() {
            if position > 0 {
                f.write_str("\n")?;
            }
            rejection.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Refused {}

/// Proves a file, on as many threads as there are cores.
///
/// # Errors
///
/// With the reasons, if the file does not have the [properties](Property), or the verifier does not see that
/// it has.
pub fn verify(file: &[u8]) -> Result<Proof, Refused> {
    verify_with(file, 0, &|_, _| {})
}

/// As [`verify`], with a number of threads, 0 being one per core, of which the calling one is one. The others
/// end with the proof; little code needs none. Calls `progress` after each function with the number of those
/// examined and of all.
///
/// # Errors
///
/// As [`verify`].
pub fn verify_with(
    file: &[u8],
    jobs: usize,
    progress: &(dyn Fn(usize, usize) + Sync),
) -> Result<Proof, Refused> {
    let of_file = |problem: Problem| Refused {
        rejections: vec![Rejection::of_file(problem.property(), problem.into_text())],
    };
    let module = Module::read(file).map_err(of_file)?;
    check_gaps(&module).map_err(of_file)?;
    let Examined { sites, mut rejections } = examine_all(&module, jobs, progress);
    rejections.sort_by_key(|&(position, _)| position);
    let mut rejections: Vec<_> = rejections.into_iter().map(|(_, rejection)| *rejection).collect();
    if rejections.is_empty() && sites != module.exceptions.sites().count() {
        let text = "the exception table has a site that is no call";
        rejections.push(Rejection::of_file(Property::Metadata, text));
    }
    match rejections.is_empty() {
        true => Ok(Proof { functions: module.ranges.len(), code_bytes: module.text.len() as u64 }),
        false => Err(Refused { rejections }),
    }
}

/// Functions that a thread takes at a time.
const BATCH: usize = 16;

/// Bytes of code for each thread beside the calling one: less is proven while a thread starts.
const SHARE: usize = 64 << 10;

/// What threads have found.
#[derive(Default)]
struct Examined {
    /// Calls that are in the exception table.
    sites: usize,
    /// By position of the function.
    rejections: Vec<(usize, Box<Rejection>)>,
}

/// Examines all functions. What was found is in no order.
fn examine_all(module: &Module<'_>, jobs: usize, progress: &(dyn Fn(usize, usize) + Sync)) -> Examined {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let (mut checks, mut found) = (Checks::default(), Examined::default());
        loop {
            let first = next.fetch_add(BATCH, Ordering::Relaxed);
            let batch = module.ranges.iter().enumerate().skip(first).take(BATCH);
            if batch.len() == 0 {
                return found;
            }
            for (position, range) in batch {
                match function(module, &mut checks, *range) {
                    Ok(sites) => found.sites += sites,
                    Err(rejection) => found.rejections.push((position, rejection)),
                }
                progress(done.fetch_add(1, Ordering::Relaxed) + 1, module.ranges.len());
            }
        }
    };
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let others = (if jobs == 0 { cores() } else { jobs } - 1).min(module.text.len() / SHARE);
    thread::scope(|scope| {
        // Where the system has no room for one, the others do its share.
        let others: Vec<_> =
            (0..others).map_while(|_| thread::Builder::new().spawn_scoped(scope, work).ok()).collect();
        let own = work();
        others.into_iter().fold(own, |mut all, other| {
            let found = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            all.sites += found.sites;
            all.rejections.extend(found.rejections);
            all
        })
    })
}

/// What a proof does not say, in a few words each. See [the crate's documentation](self).
pub const NOT_PROVEN: &[&str] = &[
    "exact counts of metered code",
    "secrecy of addresses",
    "genuine references to host values and exceptions",
    "the right trap codes and exception clauses",
    "traps behind the length of memories with pages smaller than the host's",
    "names, address map, symbols and unwinding information",
    "speculative execution",
];

/// What an artifact without functions has as its text.
const NOTHING: &[u8] = &[0xcc];

/// Bytes between functions are zero.
fn check_gaps(module: &Module<'_>) -> Result<(), Problem> {
    if module.ranges.is_empty() && module.text == NOTHING {
        return Ok(());
    }
    let ends = module.ranges.iter().map(|range| range.end()).chain([module.text.len() as u32]);
    let starts = std::iter::once(0).chain(module.ranges.iter().map(|range| range.end()));
    let begins = module.ranges.iter().map(|range| range.start).chain(ends.last());
    for (from, to) in starts.zip(begins) {
        let gap = &module.text[from as usize..to as usize];
        reject::ensure(
            gap.iter().all(|&byte| byte == 0),
            Property::Control,
            format_args!("the text has bytes at {from:#x} that belong to no function and are no padding"),
        )?;
    }
    Ok(())
}

/// Proves a function. Returns how many of its calls are in the exception table.
fn function(module: &Module<'_>, checks: &mut Checks, range: CodeRange) -> Result<usize, Box<Rejection>> {
    let Some(signature) = module.signature_of(&range) else {
        return Err(Box::new(Rejection::of_file(Property::Metadata, "a function is of an unknown type")));
    };
    let area = match (range.kind, module.ty(range.ty)) {
        (CodeKind::ArrayEntry, Some(ty)) => ty.params.len().max(ty.results.len()) as u32 * VALUE,
        _ => signature.cells,
    };
    let mut examine = |guesses| {
        let mut body = Body::new(module, checks, range, signature, area, guesses);
        let entry = calls::entry_state(&body);
        let problem = match body.prove(&entry) {
            Ok(()) => return Ok(body.code.sites),
            Err(problem) => problem,
        };
        let (at, state) = (body.at, body.last.as_ref().map(|state| state.describe()));
        Err(Box::new(Rejection {
            property: problem.property(),
            problem: problem.into_text(),
            place: Some(Box::new(place(module, range, at, state.unwrap_or_default()))),
        }))
    };
    match examine(true) {
        // It may be proven without guesses, which takes no less time and memory.
        Err(rejection) if rejection.property != Property::Limits => examine(false),
        result => result,
    }
}

/// Where an instruction is.
fn place(module: &Module<'_>, range: CodeRange, at: u32, state: String) -> Place {
    let names = module.part(module.descriptor.places.function_map);
    let name = match range.kind {
        CodeKind::Function => {
            function_at(names, range.start).and_then(|function| function.name.map(str::to_owned))
        }
        _ => None,
    };
    let bytes = module.text.get(at as usize..range.end() as usize).unwrap_or_default();
    let mut instruction = String::new();
    IntelFormatter::new()
        .format(&Decoder::with_ip(64, bytes, at.into(), DecoderOptions::NONE).decode(), &mut instruction);
    Place {
        kind: range.kind,
        index: range.index,
        name,
        address: at,
        offset: at - range.start,
        instruction,
        wasm_offset: wasm_offset(module.part(module.descriptor.places.address_map), at),
        state,
    }
}
