//! WASI preview 1 as host functions of wasmaot's runtime, and WASI 0.2.
//!
//! [`WasiCtxBuilder`] says what an instance gets, [`add_to_linker`] defines the functions, those of the older
//! `wasi_unstable` among them. An instance has no authority but what its context was given: no arguments,
//! environment, streams or files otherwise.
//!
//! ```text
//! guest ──▶ lib.rs (table) ──▶ calls/* ──▶ access.rs: one's own context, or a shared one ──▶ fdtable.rs: descriptor and rights
//!                                 │   ├──▶ guest.rs:   checked linear memory ──▶ sys/:     transfers
//!                                 └───┴──▶ path.rs:    beneath a directory (walk.rs: old kernels)
//! ```
//!
//! In asynchronous calls, `fd_read`, `fd_write`, `sock_recv`, `sock_send`, `sock_accept` and `poll_oneoff`
//! wait without a thread (`wait.rs`); otherwise, and in all other functions, the calling thread waits.
//!
//! The feature `p2` adds WASI 0.2, for components: the module `p2`.
//!
//! **Invariants.** Guest memory is reached through `guest.rs` alone, paths reach the kernel through
//! `path.rs` alone, host descriptors are reached through `fdtable.rs` alone. A call that a signal interrupts
//! is made again: where it waits (`sys::again`), with the file that it waits for, or else from the start
//! (`call`).

mod access;
mod builder;
mod calls;
mod ctx;
mod entry;
mod errno;
mod fdtable;
mod given;
mod guest;
#[cfg(feature = "p2")]
pub mod p2;
mod path;
mod sys;
mod types;
mod version;
mod wait;
mod walk;

use std::sync::Mutex;
use wasmaot_runtime::{Caller, Complete, HostError, LinkError, Linker, Suspend, check_interrupt};

use access::{Access, Ctx};
use calls::{args, clock, fd, fdstat, path as paths, poll, proc, random, readdir, sock};
use guest::Guest;
use wait::Attempt;

pub use builder::{WasiCtxBuilder, WasiError};
pub use ctx::{Transferred, WasiCtx};
pub use errno::Errno;
pub use version::Version;

/// Defines those functions that are wanted, by [`call`] or [`call_waiting`], one line each: its name, what
/// runs it, whether that depends on the version, and the guest's arguments as they come.
macro_rules! define {
    ($by:ident: $linker:ident, $version:ident, $wanted:ident, $ctx:ident, $gate:ident;
     $($name:ident => $call:path $([$by_version:ident])?, ($($arg:ident: $ty:ty),*);)*) => {
        $(if $wanted(stringify!($name)) {
            $linker.func_wrap($version.module(), stringify!($name), move |caller: &mut Caller<'_, T>, $($arg: $ty),*| {
                if let Some(gate) = $gate {
                    gate(caller, &WasiCall { version: $version, name: stringify!($name), arguments: &[$($arg as u64),*] })?;
                }
                $by(caller, $ctx, move |ctx, guest| $call(ctx, guest, $($by_version,)? $($arg),*))
            })?;
        })*
    };
}

/// A call of WASI that a guest makes, as a [`Gate`] sees it.
#[derive(Debug, Clone, Copy)]
pub struct WasiCall<'a> {
    /// The version whose function it is.
    pub version: Version,
    /// Name of the called function.
    pub name: &'static str,
    /// Arguments of the call, zero-extended.
    pub arguments: &'a [u64],
}

/// Is called before each call of WASI, and ends the caller where it returns an error.
pub type Gate<T> = fn(&mut Caller<'_, T>, &WasiCall<'_>) -> Result<(), HostError>;

/// Defines all functions of WASI preview 1 and those of the older `wasi_unstable`. `ctx` finds the context in
/// the store's data.
///
/// # Errors
///
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    ctx: fn(&mut T) -> &mut WasiCtx,
) -> Result<(), LinkError> {
    Version::ALL.into_iter().try_for_each(|version| add_version_to_linker(linker, version, ctx))
}

/// As [`add_imports_to_linker`], for instances on several threads that have one context together. A call that
/// waits keeps none of the others from theirs. It keeps the files open that it works on, until it returns:
/// what another thread closes or renumbers meanwhile is gone for calls that begin later.
///
/// # Errors
///
/// [`LinkError`] when the linker has one of the names already.
pub fn add_shared_imports_to_linker<'a, T: 'static>(
    linker: &mut Linker<T>,
    imports: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ctx: fn(&mut T) -> &Mutex<WasiCtx>,
) -> Result<(), LinkError> {
    add_imports(linker, imports, Access::Shared(ctx), None)
}

/// Defines all functions of one version. `ctx` finds the context in the store's data.
///
/// # Errors
///
/// [`LinkError`] when the linker has one of the names already.
pub fn add_version_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    version: Version,
    ctx: fn(&mut T) -> &mut WasiCtx,
) -> Result<(), LinkError> {
    add(linker, version, &|_| true, Access::Own(ctx), None)
}

/// Defines those functions, of either version, that a module imports by these two names: one that is
/// instantiated only once does not pay for the others.
///
/// # Errors
///
/// [`LinkError`] when the linker has one of the names already.
pub fn add_imports_to_linker<'a, T: 'static>(
    linker: &mut Linker<T>,
    imports: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ctx: fn(&mut T) -> &mut WasiCtx,
) -> Result<(), LinkError> {
    add_imports(linker, imports, Access::Own(ctx), None)
}

/// As [`add_imports_to_linker`], with a gate in front of each function: a host that has to know which calls a
/// guest makes, or to end the guest at some of them.
///
/// # Errors
///
/// [`LinkError`] when the linker has one of the names already.
pub fn add_gated_imports_to_linker<'a, T: 'static>(
    linker: &mut Linker<T>,
    imports: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ctx: fn(&mut T) -> &mut WasiCtx,
    gate: Gate<T>,
) -> Result<(), LinkError> {
    add_imports(linker, imports, Access::Own(ctx), Some(gate))
}

fn add_imports<'a, T: 'static>(
    linker: &mut Linker<T>,
    imports: impl Iterator<Item = (&'a str, &'a str)> + Clone,
    ctx: Access<T>,
    gate: Option<Gate<T>>,
) -> Result<(), LinkError> {
    Version::ALL.into_iter().try_for_each(|version| {
        let named = |name: &str| imports.clone().any(|import| import == (version.module(), name));
        add(linker, version, &named, ctx, gate)
    })
}

/// Defines those functions of one version that are wanted.
fn add<T: 'static>(
    linker: &mut Linker<T>,
    version: Version,
    wanted: &dyn Fn(&str) -> bool,
    ctx: Access<T>,
    gate: Option<Gate<T>>,
) -> Result<(), LinkError> {
    if version == Version::Preview1 {
        define! { call_waiting: linker, version, wanted, ctx, gate;
            sock_accept => sock::sock_accept, (fd: u32, flags: u32, out: u32);
        }
    }
    define! { call_waiting: linker, version, wanted, ctx, gate;
        fd_read => fd::fd_read, (fd: u32, list: u32, count: u32, out: u32);
        fd_write => fd::fd_write, (fd: u32, list: u32, count: u32, out: u32);
        poll_oneoff => poll::poll_oneoff [version], (input: u32, output: u32, count: u32, out: u32);
        sock_recv => sock::sock_recv,
            (fd: u32, list: u32, count: u32, flags: u32, out: u32, flags_out: u32);
        sock_send => sock::sock_send, (fd: u32, list: u32, count: u32, flags: u32, out: u32);
    }
    define! { call: linker, version, wanted, ctx, gate;
        args_get => args::args_get, (pointers: u32, bytes: u32);
        args_sizes_get => args::args_sizes_get, (count: u32, size: u32);
        environ_get => args::environ_get, (pointers: u32, bytes: u32);
        environ_sizes_get => args::environ_sizes_get, (count: u32, size: u32);
        clock_res_get => clock::clock_res_get, (clock: u32, out: u32);
        clock_time_get => clock::clock_time_get, (clock: u32, precision: u64, out: u32);
        fd_advise => fd::fd_advise, (fd: u32, offset: u64, len: u64, advice: u32);
        fd_allocate => fd::fd_allocate, (fd: u32, offset: u64, len: u64);
        fd_close => fd::fd_close, (fd: u32);
        fd_datasync => fd::fd_datasync, (fd: u32);
        fd_fdstat_get => fdstat::fd_fdstat_get, (fd: u32, out: u32);
        fd_fdstat_set_flags => fdstat::fd_fdstat_set_flags, (fd: u32, flags: u32);
        fd_fdstat_set_rights => fdstat::fd_fdstat_set_rights, (fd: u32, rights: u64, inheriting: u64);
        fd_filestat_get => fdstat::fd_filestat_get [version], (fd: u32, out: u32);
        fd_filestat_set_size => fdstat::fd_filestat_set_size, (fd: u32, size: u64);
        fd_filestat_set_times => fdstat::fd_filestat_set_times, (fd: u32, atim: u64, mtim: u64, flags: u32);
        fd_pread => fd::fd_pread, (fd: u32, list: u32, count: u32, offset: u64, out: u32);
        fd_prestat_get => fd::fd_prestat_get, (fd: u32, out: u32);
        fd_prestat_dir_name => fd::fd_prestat_dir_name, (fd: u32, buffer: u32, len: u32);
        fd_pwrite => fd::fd_pwrite, (fd: u32, list: u32, count: u32, offset: u64, out: u32);
        fd_readdir => readdir::fd_readdir, (fd: u32, buffer: u32, len: u32, cookie: u64, out: u32);
        fd_renumber => fd::fd_renumber, (from: u32, to: u32);
        fd_seek => fd::fd_seek [version], (fd: u32, offset: i64, whence: u32, out: u32);
        fd_sync => fd::fd_sync, (fd: u32);
        fd_tell => fd::fd_tell, (fd: u32, out: u32);
        path_create_directory => paths::path_create_directory, (fd: u32, path: u32, len: u32);
        path_filestat_get => paths::path_filestat_get [version], (fd: u32, lookup: u32, path: u32, len: u32, out: u32);
        path_filestat_set_times => paths::path_filestat_set_times,
            (fd: u32, lookup: u32, path: u32, len: u32, atim: u64, mtim: u64, flags: u32);
        path_link => paths::path_link,
            (old_fd: u32, lookup: u32, old: u32, old_len: u32, new_fd: u32, new: u32, new_len: u32);
        path_open => paths::path_open,
            (fd: u32, lookup: u32, path: u32, len: u32, open: u32, rights: u64, inheriting: u64, flags: u32, out: u32);
        path_readlink => paths::path_readlink,
            (fd: u32, path: u32, path_len: u32, buffer: u32, len: u32, out: u32);
        path_remove_directory => paths::path_remove_directory, (fd: u32, path: u32, len: u32);
        path_rename => paths::path_rename,
            (old_fd: u32, old: u32, old_len: u32, new_fd: u32, new: u32, new_len: u32);
        path_symlink => paths::path_symlink, (target: u32, target_len: u32, fd: u32, path: u32, len: u32);
        path_unlink_file => paths::path_unlink_file, (fd: u32, path: u32, len: u32);
        random_get => random::random_get, (buffer: u32, len: u32);
        sched_yield => proc::sched_yield, ();
        sock_shutdown => sock::sock_shutdown, (fd: u32, how: u32);
    }
    let module = version.module();
    if wanted("proc_exit") {
        linker.func_wrap(module, "proc_exit", move |caller: &mut Caller<'_, T>, code: u32| {
            let call = WasiCall { version, name: "proc_exit", arguments: &[code.into()] };
            gate.map_or(Ok(()), |gate| gate(caller, &call))?;
            proc::proc_exit(code)
        })?;
    }
    if wanted("proc_raise") {
        linker.func_wrap(module, "proc_raise", move |caller: &mut Caller<'_, T>, signal: u32| {
            let call = WasiCall { version, name: "proc_raise", arguments: &[signal.into()] };
            gate.map_or(Ok(()), |gate| gate(caller, &call))?;
            proc::proc_raise(signal).map(number)
        })?;
    }
    Ok(())
}

/// Runs one call for `caller` and gives the guest its error number. A call that a signal interrupted ends the
/// instance if that is to be stopped, and is made again otherwise.
fn call<T>(
    caller: &mut Caller<'_, T>,
    ctx: Access<T>,
    run: impl Fn(&mut Ctx<'_>, Guest<'_>) -> Result<(), Errno>,
) -> Result<i32, HostError> {
    loop {
        let (memory, data) = caller.memory_and_data();
        let result = run(&mut ctx.of(data), Guest::new(memory));
        if result != Err(Errno::Intr) {
            return Ok(number(result));
        }
        check_interrupt()?;
    }
}

/// Runs one call that may wait. Where the guest is called asynchronously, the call suspends it as long as
/// there is nothing to do, and is made again, from the start, when there may be.
fn call_waiting<T: 'static>(
    caller: &mut Caller<'_, T>,
    ctx: Access<T>,
    run: impl Fn(&mut Ctx<'_>, Guest<'_>) -> Result<(), Errno> + Send + 'static,
) -> Result<i32, HostError> {
    if caller.is_async() { attempt(caller, ctx, Attempt::default(), run) } else { call(caller, ctx, run) }
}

fn attempt<T: 'static>(
    caller: &mut Caller<'_, T>,
    ctx: Access<T>,
    mut attempt: Attempt,
    run: impl Fn(&mut Ctx<'_>, Guest<'_>) -> Result<(), Errno> + Send + 'static,
) -> Result<i32, HostError> {
    loop {
        let (memory, data) = caller.memory_and_data();
        let result = run(&mut ctx.of(data).attempted(&attempt), Guest::new(memory));
        if result != Err(Errno::Intr) {
            return Ok(number(result));
        }
        if let Some(wait) = attempt.take_wait() {
            let again = async move {
                wait.await;
                Complete(move |caller: &mut Caller<'_, T>| self::attempt(caller, ctx, attempt, run))
            };
            return Err(Suspend::until::<T, _>(again).into());
        }
        check_interrupt()?;
    }
}

/// What a call returns to the guest: an error number, 0 for none.
fn number(result: Result<(), Errno>) -> i32 {
    result.map_or_else(|error| i32::from(error.raw()), |()| 0)
}
