//! The host of an initialisation: what it grants, what it denies, and what it counts.
//!
//! **Invariants.** A call that would have to get something of the host's that is not granted ends the
//! initialisation; it never goes on with an answer that is only true of the host that initialises. Two runs
//! with fixed clocks and the seeded generator get the same answers, as long as what was granted holds the
//! same. `gate` lets through what it does not name: a call that gets something of the host's is named there.

use crate::options::{Clock, Directory, Grants, Options, Random};
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fmt;
use wasmaot_abi::descriptor::{Import, ImportKind};
use wasmaot_abi::preinit::Preinit;
use wasmaot_runtime::{Caller, HostError, LinkError, Linker, MemoryError, Module, TrapCode};
use wasmaot_wasi::{Errno, Version, WasiCall, WasiCtx, WasiCtxBuilder, WasiError};

/// A call of the host that is not granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denied {
    /// Module name of the import.
    pub module: String,
    /// Item name of the import.
    pub name: String,
    /// What would grant it.
    pub grant: Option<Grant>,
}

/// What of [`Grants`] would grant a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// An environment, by [`Grants::environment`].
    Environment,
    /// A directory, by [`Grants::directories`].
    Directory,
    /// The standard streams, by [`Grants::stdio`].
    Stdio,
    /// The host's clocks, by [`Clock::Real`].
    RealClock,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}, which is denied during the initialisation", self.module, self.name)
    }
}

/// The data of an initialisation's store.
pub(crate) struct Host {
    wasi: WasiCtx,
    grants: Granted,
    clock: Clock,
    random: Option<Generator>,
    /// What ended the initialisation.
    pub(crate) denied: Option<Denied>,
    pub(crate) record: Preinit,
}

/// What is granted, as the gate asks.
#[derive(Clone, Copy)]
struct Granted {
    environment: bool,
    directories: bool,
    stdio: bool,
}

impl Host {
    pub(crate) fn new(options: &Options, wasm: &[u8]) -> Result<Self, WasiError> {
        let Grants { environment, directories, stdio } = &options.grants;
        let mut builder = WasiCtxBuilder::new();
        for (name, value) in environment.iter().flatten() {
            builder.env(name, value);
        }
        for Directory { host, guest } in directories {
            builder.preopen_dir_read_only(host, guest)?;
        }
        if *stdio {
            builder.inherit_stdio();
        }
        let granted = Granted {
            environment: environment.is_some(),
            directories: !directories.is_empty(),
            stdio: *stdio,
        };
        let record = Preinit {
            environment: environment.as_ref().map(|variables| variables.iter().map(shown).collect()),
            directories: directories.iter().map(|directory| directory.guest.clone()).collect(),
            stdio: *stdio,
            real_clock: options.clock == Clock::Real,
            real_random: options.random == Random::Real,
            ..Preinit::default()
        };
        let random = (options.random == Random::Seeded).then(|| Generator::seeded(wasm));
        Ok(Self {
            wasi: builder.build(),
            grants: granted,
            clock: options.clock,
            random,
            denied: None,
            record,
        })
    }

    /// Returns the first descriptor that is not as it was given.
    pub(crate) fn changed_descriptor(&self) -> Option<u32> {
        self.wasi.changed_descriptors().next()
    }
}

fn shown((name, value): &(OsString, OsString)) -> String {
    format!("{}={}", name.to_string_lossy(), value.to_string_lossy())
}

/// Functions that are answered here unless clocks and random bytes are the host's.
const CLOCKS: [&str; 3] = ["clock_time_get", "clock_res_get", "poll_oneoff"];
const RANDOM: &str = "random_get";

/// Returns definitions for all functions that a module imports: those of WASI behind a gate, all others
/// denied.
pub(crate) fn linker(module: &Module, options: &Options) -> Result<Linker<Host>, LinkError> {
    let mut linker = Linker::new();
    linker.set_module_limits(options.module_limits);
    let is_own = |import: &Import| {
        is_wasi(import)
            && (options.clock != Clock::Real && CLOCKS.contains(&&*import.name)
                || options.random != Random::Real && import.name == RANDOM)
    };
    let imports = &module.descriptor().imports;
    let (own, others): (Vec<&Import>, Vec<&Import>) = imports.iter().partition(|import| is_own(import));
    let others = others.iter().map(|import| (&*import.module, &*import.name));
    wasmaot_wasi::add_gated_imports_to_linker(&mut linker, others, |host: &mut Host| &mut host.wasi, gate)?;
    for Import { module, name, .. } in own {
        match &**name {
            "clock_time_get" => _ = linker.func_wrap(module, name, clock_time_get)?,
            "clock_res_get" => _ = linker.func_wrap(module, name, clock_res_get)?,
            "poll_oneoff" if *module == Version::Preview1.module() => {
                linker.func_wrap(module, name, poll_oneoff)?;
            }
            "poll_oneoff" => {
                let denied =
                    Denied { module: module.clone(), name: name.clone(), grant: Some(Grant::RealClock) };
                linker.func_wrap(
                    module,
                    name,
                    move |caller: &mut Caller<'_, Host>, _: u32, _: u32, _: u32, _: u32| {
                        Err::<i32, _>(deny(caller, denied.clone()))
                    },
                )?;
            }
            _ => _ = linker.func_wrap(module, name, random_get)?,
        }
    }
    for import in imports {
        deny_unknown(&mut linker, module, import)?;
    }
    Ok(linker)
}

fn is_wasi(import: &Import) -> bool {
    Version::ALL.iter().any(|version| version.module() == import.module)
}

/// Defines an imported function that is not one of WASI's. Those of WASI are defined already, which fails
/// here.
fn deny_unknown(linker: &mut Linker<Host>, module: &Module, import: &Import) -> Result<(), LinkError> {
    let ImportKind::Func { ty } = import.kind else { return Ok(()) };
    let denied = Denied { module: import.module.clone(), name: import.name.clone(), grant: None };
    let ty = module.descriptor().types[ty as usize].clone();
    let defined = linker
        .func_new(&import.module, &import.name, ty, move |caller, _, _| Err(deny(caller, denied.clone())));
    match defined {
        Ok(_) | Err(LinkError::Duplicate { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// Notes what is denied, and ends the initialisation.
fn deny(caller: &mut Caller<'_, Host>, denied: Denied) -> HostError {
    caller.data_mut().denied = Some(denied);
    // A trap has a backtrace.
    HostError::Trap(TrapCode::Unreachable)
}

/// The last of the standard streams.
const STDERR: u64 = 2;

/// Looks at each call of WASI before it is made.
fn gate(caller: &mut Caller<'_, Host>, call: &WasiCall<'_>) -> Result<(), HostError> {
    let granted = caller.data().grants;
    let is_stream = call.arguments.first().is_some_and(|&descriptor| descriptor <= STDERR);
    let (is_granted, grant) = match call.name {
        "environ_get" | "environ_sizes_get" => (granted.environment, Some(Grant::Environment)),
        "fd_read" | "fd_write" | "fd_pread" | "fd_pwrite" if is_stream => (granted.stdio, Some(Grant::Stdio)),
        name if name.starts_with("path_") => (granted.directories, Some(Grant::Directory)),
        name if name.starts_with("sock_") => (false, None),
        _ => (true, None),
    };
    if !is_granted {
        let (module, name) = (call.version.module().to_string(), call.name.to_string());
        return Err(deny(caller, Denied { module, name, grant }));
    }
    match (call.name, call.arguments) {
        ("path_open", &[_, _, address, length, ..]) => note_path(caller, address as u32, length as u32),
        ("clock_time_get" | "clock_res_get" | "poll_oneoff", _) => caller.data_mut().record.clock_reads += 1,
        ("random_get", &[_, length]) => caller.data_mut().record.random_bytes += length,
        _ => {}
    }
    Ok(())
}

/// Bytes of a path that are noted.
const MAX_PATH: u32 = 4096;

/// Notes a path that is about to be opened, once.
fn note_path(caller: &mut Caller<'_, Host>, address: u32, length: u32) {
    let mut bytes = vec![0; length.min(MAX_PATH) as usize];
    if caller.read(address, &mut bytes).is_ok() {
        let path = String::from_utf8_lossy(&bytes).into_owned();
        let files = &mut caller.data_mut().record.files;
        if let Err(position) = files.binary_search(&path) {
            files.insert(position, path);
        }
    }
}

const SUCCESS: i32 = 0;

fn number(error: Errno) -> i32 {
    i32::from(error.raw())
}

fn answer(written: Result<(), MemoryError>) -> i32 {
    written.map_or_else(|_| number(Errno::Fault), |()| SUCCESS)
}

/// What a clock shows, in nanoseconds.
fn now(host: &Host, clock: u32) -> Option<u64> {
    match (clock, host.clock) {
        (0, Clock::Fixed(seconds)) => Some(seconds.saturating_mul(1_000_000_000)),
        (0..=3, _) => Some(0),
        _ => None,
    }
}

fn clock_time_get(caller: &mut Caller<'_, Host>, clock: u32, _precision: u64, out: u32) -> i32 {
    caller.data_mut().record.clock_reads += 1;
    match now(caller.data(), clock) {
        Some(time) if out.is_multiple_of(8) => answer(caller.write(out, &time.to_le_bytes())),
        _ => number(Errno::Inval),
    }
}

/// The resolution of all clocks, in nanoseconds.
const RESOLUTION: u64 = 1;

fn clock_res_get(caller: &mut Caller<'_, Host>, clock: u32, out: u32) -> i32 {
    match now(caller.data(), clock) {
        Some(_) if out.is_multiple_of(8) => answer(caller.write(out, &RESOLUTION.to_le_bytes())),
        _ => number(Errno::Inval),
    }
}

/// Bytes of a subscription, and of an event.
const SUBSCRIPTION: u32 = 48;
const EVENT: u32 = 32;

/// Waits for the clocks, which stand: a wait is over at once. Nothing else can be waited for.
fn poll_oneoff(
    caller: &mut Caller<'_, Host>,
    input: u32,
    output: u32,
    count: u32,
    out: u32,
) -> Result<i32, HostError> {
    if !input.is_multiple_of(8) || !output.is_multiple_of(8) || !out.is_multiple_of(4) {
        return Ok(number(Errno::Inval));
    }
    let mut timeouts = Vec::new();
    for index in 0..count {
        let mut subscription = [0; SUBSCRIPTION as usize];
        let Some(address) = index.checked_mul(SUBSCRIPTION).and_then(|offset| input.checked_add(offset))
        else {
            return Ok(number(Errno::Fault));
        };
        if caller.read(address, &mut subscription).is_err() {
            return Ok(number(Errno::Fault));
        }
        let word = |at: usize| u64::from_le_bytes(subscription[at..at + 8].try_into().expect("8 bytes"));
        if subscription[8] != 0 {
            let module = Version::Preview1.module().to_string();
            let denied = Denied { module, name: "poll_oneoff".into(), grant: None };
            return Err(deny(caller, denied));
        }
        let (clock, is_absolute) = (word(16) as u32, subscription[40] & 1 != 0);
        let Some(now) = now(caller.data(), clock) else { return Ok(number(Errno::Inval)) };
        timeouts.push((word(0), if is_absolute { word(24).saturating_sub(now) } else { word(24) }));
    }
    let Some(first) = timeouts.iter().map(|(_, timeout)| *timeout).min() else {
        return Ok(number(Errno::Inval));
    };
    caller.data_mut().record.clock_reads += 1;
    let due = timeouts.iter().filter(|(_, timeout)| *timeout == first);
    let mut events = Vec::new();
    for (user_data, _) in due {
        events.extend(user_data.to_le_bytes());
        events.resize(events.len() + EVENT as usize - 8, 0);
    }
    let happened = events.len() as u32 / EVENT;
    let written = caller.write(output, &events).and_then(|()| caller.write(out, &happened.to_le_bytes()));
    Ok(answer(written))
}

/// Random bytes that are made at a time.
const RANDOM_CHUNK: usize = 1 << 16;

fn random_get(caller: &mut Caller<'_, Host>, buffer: u32, length: u32) -> i32 {
    let mut at = u64::from(buffer);
    let end = at + u64::from(length);
    while at < end {
        let mut bytes = vec![0; RANDOM_CHUNK.min((end - at) as usize)];
        let host = caller.data_mut();
        host.record.random_bytes += bytes.len() as u64;
        if let Some(generator) = &mut host.random {
            generator.fill(&mut bytes);
        }
        if caller.write(at, &bytes).is_err() {
            return number(Errno::Fault);
        }
        at += bytes.len() as u64;
    }
    SUCCESS
}

/// Gives bytes that depend on a module only: the hashes of a seed and a counter.
struct Generator {
    seed: [u8; 32],
    counter: u64,
    /// What is left of the last hash.
    left: Vec<u8>,
}

impl Generator {
    fn seeded(wasm: &[u8]) -> Self {
        Self { seed: Sha256::digest(wasm).into(), counter: 0, left: Vec::new() }
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            if self.left.is_empty() {
                let block = Sha256::new().chain_update(self.seed).chain_update(self.counter.to_le_bytes());
                self.left = block.finalize().to_vec();
                self.counter += 1;
            }
            *byte = self.left.pop().unwrap_or_default();
        }
    }
}
