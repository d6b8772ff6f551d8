//! Wasmtime's side: instances of a guest in its pooling allocator, by one of its settings.
//!
//! It gets what its documentation names as fast: code compiled ahead of time for this CPU and mapped from a
//! file, guard pages and signals instead of bounds checks, copy-on-write images, imports resolved once,
//! exports looked up by number, neither fuel nor epochs, and no support for garbage collection or concurrency
//! that stores would have to set up.

use crate::quiet;
use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use tokio::runtime::Runtime;
use wasmaot_bench::guests::{self, Entry};
use wasmaot_bench::turns::Side;
use wasmtime::{
    Caller, Config, Enabled, Engine, InstanceAllocationStrategy, InstancePre, Linker, Module, ModuleExport,
    PoolingAllocationConfig, Store, TypedFunc, WasmParams,
};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p1::{self, WasiP1Ctx};

/// How the pool gives the next instance fresh memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// Its name in the results.
    pub(crate) name: &'static str,
    /// Bytes of each memory and table that are restored by copying rather than dropped.
    keep_resident: usize,
    /// Whether the kernel is asked which pages to restore.
    pagemap_scan: Enabled,
}

impl Setting {
    const fn new(name: &'static str, keep_resident: usize, pagemap_scan: Enabled) -> Self {
        Self { name, keep_resident, pagemap_scan }
    }
}

/// Wasmtime's defaults.
pub(crate) const DEFAULTS: Setting = Setting::new("defaults", 0, Enabled::No);

/// What is fastest for most guests.
pub(crate) const KEEP_AND_SCAN: Setting = Setting::new("keep 1 MiB, scan", 1 << 20, Enabled::Yes);

/// The settings that are compared.
pub(crate) const SETTINGS: [Setting; 7] = [
    DEFAULTS,
    Setting::new("keep 64 KiB", 64 << 10, Enabled::No),
    Setting::new("keep 1 MiB", 1 << 20, Enabled::No),
    Setting::new("keep 16 MiB", 16 << 20, Enabled::No),
    Setting::new("keep 64 KiB, scan", 64 << 10, Enabled::Yes),
    KEEP_AND_SCAN,
    Setting::new("keep 16 MiB, scan", 16 << 20, Enabled::Yes),
];

/// An engine with a pool of `slots` slots.
pub(crate) fn engine(setting: Setting, slots: u32) -> io::Result<Engine> {
    let mut pool = PoolingAllocationConfig::new();
    pool.total_core_instances(slots)
        .total_memories(slots)
        .total_tables(slots)
        .total_stacks(slots)
        .max_unused_warm_slots(slots)
        .linear_memory_keep_resident(setting.keep_resident)
        .table_keep_resident(setting.keep_resident)
        .pagemap_scan(setting.pagemap_scan);
    let mut config = Config::new();
    config
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool))
        .memory_init_cow(true)
        .concurrency_support(false);
    Engine::new(&config).map_err(io::Error::other)
}

/// The file of a guest's code, compiled for this CPU and kept in the folder `scratch`. All settings share it.
pub(crate) fn artifact(name: &str, wasm: &[u8], scratch: &Path) -> io::Result<PathBuf> {
    std::fs::create_dir_all(scratch)?;
    let bytes = engine(DEFAULTS, 1)?.precompile_module(wasm).map_err(io::Error::other)?;
    let path = scratch.join(name).with_extension("cwasm");
    // A file that is in use may not change.
    _ = std::fs::remove_file(&path);
    std::fs::write(&path, bytes)?;
    Ok(path)
}

/// Opens what [`artifact`] wrote.
pub(crate) fn module(engine: &Engine, artifact: &Path) -> io::Result<Module> {
    // SAFETY: Wasmtime itself made the file, and nothing changes it.
    unsafe { Module::deserialize_file(engine, artifact) }.map_err(io::Error::other)
}

/// A guest that is linked once, and a pool for it.
struct Theirs<T: 'static, P, F> {
    engine: Engine,
    linked: InstancePre<T>,
    entry: ModuleExport,
    params: P,
    /// What an instance gets.
    data: F,
}

impl<T, P: WasmParams + Copy, F: Fn() -> T> Theirs<T, P, F> {
    fn new(
        engine: &Engine,
        linker: &Linker<T>,
        module: &Module,
        entry: &str,
        params: P,
        data: F,
    ) -> io::Result<Self> {
        let linked = linker.instantiate_pre(module).map_err(io::Error::other)?;
        let entry = module.get_export_index(entry).ok_or_else(|| io::Error::other("no such export"))?;
        Ok(Self { engine: engine.clone(), linked, entry, params, data })
    }

    fn start(&self) -> wasmtime::Result<Store<T>> {
        let mut store = Store::new(&self.engine, (self.data)());
        let instance = self.linked.instantiate(&mut store)?;
        let export = instance.get_module_export(&mut store, &self.entry);
        let entry = export.and_then(wasmtime::Extern::into_func).expect("the export is a function");
        let entry: TypedFunc<P, ()> = entry.typed(&store)?;
        entry.call(&mut store, self.params)?;
        Ok(store)
    }
}

impl<T: 'static, P: WasmParams + Copy + Sync, F: Fn() -> T + Sync> Side for Theirs<T, P, F> {
    fn instance(&self) -> io::Result<()> {
        self.start().map(drop).map_err(io::Error::other)
    }

    fn idle(&self) -> io::Result<Box<dyn Any>> {
        Ok(Box::new(self.start().map_err(io::Error::other)?))
    }
}

/// A pool for instances of a module. What WASI programs print goes to Wasmtime's own sink, without a system
/// call.
pub(crate) fn side(artifact: &Path, entry: Entry, setting: Setting, slots: u32) -> io::Result<Box<dyn Side>> {
    let engine = engine(setting, slots)?;
    let module = module(&engine, artifact)?;
    match entry {
        Entry::Run(pages) => {
            let linker = Linker::<()>::new(&engine);
            Ok(Box::new(Theirs::new(&engine, &linker, &module, "run", pages, || ())?))
        }
        Entry::Start => {
            let mut linker = Linker::<WasiP1Ctx>::new(&engine);
            p1::add_to_linker_sync(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
            // The output of a new context goes nowhere.
            let data = || {
                enter_runtime();
                WasiCtxBuilder::new().build_p1()
            };
            Ok(Box::new(Theirs::new(&engine, &linker, &module, "_start", (), data)?))
        }
        Entry::StartQuiet => {
            let linker = quiet::wasi(&engine)?;
            Ok(Box::new(Theirs::new(&engine, &linker, &module, "_start", (), || ())?))
        }
    }
}

/// What Wasmtime's WASI runs its futures in. Without a runtime around it, every call would enter one of its
/// own.
static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| tokio::runtime::Builder::new_current_thread().build().expect("no runtime"));

/// Enters the runtime on this thread, once.
pub(crate) fn enter_runtime() {
    IN_RUNTIME.with(|()| ());
}

thread_local! {
    /// Enters the runtime once per thread.
    static IN_RUNTIME: () = std::mem::forget(RUNTIME.enter());
}

/// Instances of `hello` that wait in their first `fd_write`, each made by a call of the result.
pub(crate) fn suspended(
    artifact: &Path,
    setting: Setting,
    slots: u32,
) -> io::Result<impl Fn() -> io::Result<Box<dyn Any>> + use<>> {
    let engine = engine(setting, slots)?;
    let module = module(&engine, artifact)?;
    let mut linker = Linker::<WasiP1Ctx>::new(&engine);
    p1::add_to_linker_async(&mut linker, |ctx| ctx).map_err(io::Error::other)?;
    let shadowed = linker.allow_shadowing(true).func_wrap_async(
        guests::WASI,
        "fd_write",
        |_: Caller<'_, WasiP1Ctx>, _: (i32, i32, i32, i32)| Box::new(std::future::pending::<i32>()),
    );
    let linked = shadowed.and_then(|linker| linker.instantiate_pre(&module)).map_err(io::Error::other)?;
    Ok(move || {
        let (engine, linked) = (engine.clone(), linked.clone());
        let mut call = Box::pin(async move {
            let mut store = Store::new(&engine, WasiCtxBuilder::new().build_p1());
            let instance = linked.instantiate_async(&mut store).await?;
            let start: TypedFunc<(), ()> = instance.get_typed_func(&mut store, "_start")?;
            start.call_async(&mut store, ()).await
        });
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Pending => Ok(Box::new(call) as Box<dyn Any>),
            Poll::Ready(result) => Err(io::Error::other(format!("the call is over: {result:?}"))),
        }
    })
}
