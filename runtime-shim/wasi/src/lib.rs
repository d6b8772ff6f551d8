//! WASI preview 1 as host functions of wasmaot's runtime.
//!
//! [`WasiCtxBuilder`] says what an instance gets, [`add_to_linker`] defines the functions. An instance
//! has no authority but what its context was given: no arguments, environment, streams or files otherwise.
//!
//! ```text
//! guest ──▶ lib.rs (table) ──▶ calls/* ──▶ fdtable.rs: descriptor and rights
//!                                 │   ├──▶ guest.rs:   checked linear memory ──▶ sys/:     transfers
//!                                 └───┴──▶ path.rs:    beneath a directory (walk.rs: old kernels)
//! ```
//!
//! **Invariants.** Guest memory is reached through `guest.rs` alone, paths reach the kernel through
//! `path.rs` alone, host descriptors are reached through `fdtable.rs` alone.

mod calls;
mod ctx;
mod errno;
mod fdtable;
mod guest;
mod path;
mod sys;
mod types;
mod walk;

use wasmaot_runtime::{Caller, HostError, LinkError, Linker};

use calls::{args, clock, fd, fdstat, path as paths, poll, proc, random, readdir, sock};
use guest::Guest;

pub use ctx::{WasiCtx, WasiCtxBuilder, WasiError};
pub use errno::Errno;

/// The module that guests import from.
const MODULE: &str = "wasi_snapshot_preview1";

/// Defines functions, one line each: its name, what runs it, and the guest's arguments as they come.
macro_rules! define {
    ($linker:ident, $ctx:ident; $($name:ident => $call:path, ($($arg:ident: $ty:ty),*);)*) => {
        $($linker.func(MODULE, stringify!($name), move |caller: &mut Caller<'_, T>, $($arg: $ty),*| {
            call(caller, $ctx, |ctx, guest| $call(ctx, guest, $($arg),*))
        })?;)*
    };
}

/// Defines all functions of WASI preview 1. `ctx` finds the context in the store's data.
///
/// # Errors
///
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(
    linker: &mut Linker<T>,
    ctx: fn(&mut T) -> &mut WasiCtx,
) -> Result<(), LinkError> {
    define! { linker, ctx;
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
        fd_filestat_get => fdstat::fd_filestat_get, (fd: u32, out: u32);
        fd_filestat_set_size => fdstat::fd_filestat_set_size, (fd: u32, size: u64);
        fd_filestat_set_times => fdstat::fd_filestat_set_times, (fd: u32, atim: u64, mtim: u64, flags: u32);
        fd_pread => fd::fd_pread, (fd: u32, list: u32, count: u32, offset: u64, out: u32);
        fd_prestat_get => fd::fd_prestat_get, (fd: u32, out: u32);
        fd_prestat_dir_name => fd::fd_prestat_dir_name, (fd: u32, buffer: u32, len: u32);
        fd_pwrite => fd::fd_pwrite, (fd: u32, list: u32, count: u32, offset: u64, out: u32);
        fd_read => fd::fd_read, (fd: u32, list: u32, count: u32, out: u32);
        fd_readdir => readdir::fd_readdir, (fd: u32, buffer: u32, len: u32, cookie: u64, out: u32);
        fd_renumber => fd::fd_renumber, (from: u32, to: u32);
        fd_seek => fd::fd_seek, (fd: u32, offset: i64, whence: u32, out: u32);
        fd_sync => fd::fd_sync, (fd: u32);
        fd_tell => fd::fd_tell, (fd: u32, out: u32);
        fd_write => fd::fd_write, (fd: u32, list: u32, count: u32, out: u32);
        path_create_directory => paths::path_create_directory, (fd: u32, path: u32, len: u32);
        path_filestat_get => paths::path_filestat_get, (fd: u32, lookup: u32, path: u32, len: u32, out: u32);
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
        poll_oneoff => poll::poll_oneoff, (input: u32, output: u32, count: u32, out: u32);
        proc_raise => proc::proc_raise, (signal: u32);
        random_get => random::random_get, (buffer: u32, len: u32);
        sched_yield => proc::sched_yield, ();
        sock_accept => sock::sock_accept, (fd: u32, flags: u32, out: u32);
        sock_recv => sock::sock_recv,
            (fd: u32, list: u32, count: u32, flags: u32, out: u32, flags_out: u32);
        sock_send => sock::sock_send, (fd: u32, list: u32, count: u32, flags: u32, out: u32);
        sock_shutdown => sock::sock_shutdown, (fd: u32, how: u32);
    }
    linker.func(MODULE, "proc_exit", |_: &mut Caller<'_, T>, code: u32| -> Result<(), HostError> {
        Err(HostError::Exit(code.cast_signed()))
    })?;
    Ok(())
}

/// Runs one call for `caller` and gives the guest its error number, 0 for none.
fn call<T>(
    caller: &mut Caller<'_, T>,
    ctx: fn(&mut T) -> &mut WasiCtx,
    run: impl FnOnce(&mut WasiCtx, Guest<'_>) -> Result<(), Errno>,
) -> i32 {
    let (memory, data) = caller.memory_and_data();
    run(ctx(data), Guest::new(memory)).map_or_else(|error| i32::from(error.raw()), |()| 0)
}
