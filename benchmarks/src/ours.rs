//! wasmaot's side: instances of a guest in a pool.

use crate::density::{Maker, ResidentOpts, State};
use crate::guests::{self, Entry, Guest};
use crate::turns::Side;
use std::any::Any;
use std::fs::File;
use std::io;
use std::path::Path;
use wasmaot_compiler::{Options, TargetCpu};
use wasmaot_runtime::{
    Caller, HostError, InstancePre, LinkError, Linker, Module, Outcome, Pool, PoolConfig, PooledInstance,
    Suspend, TypedFunc, WasmValues,
};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// Bytes that a WASI program may print.
const MAX_OUTPUT: usize = 1 << 16;

/// A guest that is linked once, and a pool for it.
struct Ours<T, P, F> {
    pool: Pool,
    linked: InstancePre<T>,
    entry: TypedFunc<P, ()>,
    params: P,
    /// What an instance gets.
    data: F,
}

impl<T, P: WasmValues + Copy, F: Fn() -> T> Ours<T, P, F> {
    fn start(&self) -> io::Result<PooledInstance<T>> {
        let mut instance = self.pool.start(&self.linked, (self.data)()).map_err(io::Error::other)?;
        self.entry.call(&mut instance, self.params).map_err(io::Error::other)?;
        Ok(instance)
    }
}

impl<T: 'static, P: WasmValues + Copy + Sync, F: Fn() -> T + Sync> Side for Ours<T, P, F> {
    fn instance(&self) -> io::Result<()> {
        self.start()?.finish();
        Ok(())
    }

    fn idle(&self) -> io::Result<Box<dyn Any>> {
        Ok(Box::new(self.start()?))
    }
}

/// Opens the artifact of a guest, which is compiled for this CPU and kept in the folder `scratch`.
pub fn module(name: &str, wasm: &[u8], scratch: &Path) -> io::Result<Module> {
    std::fs::create_dir_all(scratch)?;
    let options = Options { cpu: TargetCpu::Native, ..Options::default() };
    let output = wasmaot_compiler::compile(wasm, &options, &|_| ()).map_err(io::Error::other)?;
    let path = scratch.join(name).with_extension("so");
    // A file that is in use may not change.
    _ = std::fs::remove_file(&path);
    std::fs::write(&path, output.bytes)?;
    // SAFETY: it was compiled just now.
    unsafe { Module::open_trusted(path) }.map_err(io::Error::other)
}

/// Starts an instance that stays alive for repeated calls.
pub fn warm<T>(linked: &InstancePre<T>, data: T) -> io::Result<PooledInstance<T>> {
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).map_err(io::Error::other)?;
    pool.start(linked, data).map_err(io::Error::other)
}

/// A pool for instances of a module. What WASI programs print is kept in memory, without a system call.
pub fn side(module: &Module, entry: Entry, config: PoolConfig) -> io::Result<Box<dyn Side>> {
    let pool = Pool::new(config).map_err(io::Error::other)?;
    match entry {
        Entry::Run(pages) => {
            let linked = Linker::new().instantiate_pre(module).map_err(io::Error::other)?;
            let entry = linked.get_typed_func("run").map_err(io::Error::other)?;
            Ok(Box::new(Ours { pool, linked, entry, params: pages, data: || () }))
        }
        Entry::Start => {
            let mut linker = Linker::<WasiCtx>::new();
            wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
            let linked = linker.instantiate_pre(module).map_err(io::Error::other)?;
            let entry = linked.get_typed_func(guests::START).map_err(io::Error::other)?;
            let mut builder = WasiCtxBuilder::new();
            builder.capture_stdout(MAX_OUTPUT);
            Ok(Box::new(Ours { pool, linked, entry, params: (), data: move || builder.build() }))
        }
        Entry::StartQuiet => {
            let linked =
                quiet_wasi().and_then(|linker| linker.instantiate_pre(module).map_err(io::Error::other))?;
            let entry = linked.get_typed_func(guests::START).map_err(io::Error::other)?;
            Ok(Box::new(Ours { pool, linked, entry, params: (), data: || () }))
        }
    }
}

/// Instances of `hello` that wait in their first `fd_write`, each made by a call of the result.
fn suspended(
    module: &Module,
    config: PoolConfig,
) -> io::Result<impl Fn() -> io::Result<Box<dyn Any>> + use<>> {
    let pool = Pool::new(config).map_err(io::Error::other)?;
    let mut linker = Linker::<WasiCtx>::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
    let unanswered = |_: &mut Caller<'_, WasiCtx>, _: i32, _: i32, _: i32, _: i32| {
        Err::<i32, HostError>(Suspend::new(()).into())
    };
    linker.allow_shadowing(true).func_wrap(guests::WASI, "fd_write", unanswered).map_err(io::Error::other)?;
    let linked = linker.instantiate_pre(module).map_err(io::Error::other)?;
    let entry = linked.get_typed_func::<(), ()>(guests::START).map_err(io::Error::other)?;
    let mut builder = WasiCtxBuilder::new();
    builder.stdout(File::create("/dev/null")?);
    Ok(move || {
        let mut instance = pool.start(&linked, builder.build()).map_err(io::Error::other)?;
        match entry.call_resumable(&mut instance, ()).map_err(io::Error::other)? {
            Outcome::Suspended(call) => Ok(Box::new((call, instance)) as Box<dyn Any>),
            Outcome::Returned(()) => Err(io::Error::other("the call is over")),
        }
    })
}

/// Makes instances of a guest that stay as they are, for [`crate::density`].
pub fn maker(opts: &ResidentOpts, guest: &Guest) -> io::Result<Maker> {
    let module = module(&guest.name, &guest.wasm, &opts.scratch)?;
    let config = PoolConfig { slots: opts.count + 1, ..PoolConfig::default() };
    if opts.state == State::Suspended {
        return Ok(Box::new(suspended(&module, config)?));
    }
    let side = side(&module, guest.entry, config)?;
    Ok(Box::new(move || side.idle()))
}

/// The functions of WASI that `hello` imports, doing as little as they can.
pub fn quiet_wasi() -> io::Result<Linker<()>> {
    type Host<'a, 'b> = &'a mut Caller<'b, ()>;
    let module = guests::WASI;
    let mut linker = Linker::new();
    let define = |linker: &mut Linker<()>| {
        linker
            .func_wrap(module, "fd_close", |_: Host<'_, '_>, _: i32| guests::EBADF)?
            .func_wrap(module, "fd_fdstat_get", |_: Host<'_, '_>, _: i32, _: i32| guests::EBADF)?
            .func_wrap(module, "fd_seek", |_: Host<'_, '_>, _: i32, _: i64, _: i32, _: i32| guests::EBADF)?
            .func_wrap(module, "fd_write", quiet_write)?
            .func_wrap(module, "proc_exit", |_: Host<'_, '_>, _: i32| ())?;
        Ok::<_, LinkError>(())
    };
    define(&mut linker).map_err(io::Error::other)?;
    Ok(linker)
}

/// Says that all was written.
fn quiet_write(
    caller: &mut Caller<'_, ()>,
    _: i32,
    list: u32,
    count: u32,
    out: u32,
) -> Result<i32, HostError> {
    let mut total = 0;
    for index in 0..count {
        let mut length = [0; 4];
        caller.read(list + index * 8 + 4, &mut length)?;
        total += u32::from_le_bytes(length);
    }
    caller.write(out, &total.to_le_bytes())?;
    Ok(0)
}
