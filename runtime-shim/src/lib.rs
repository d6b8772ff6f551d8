//! Loads artifacts that wasmaot compiled, and runs them in isolated instances.
//!
//! ```no_run
//! use wasmaot_runtime::{Caller, Linker, Module, Store};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let module = Module::open("app.so")?;
//! let mut linker = Linker::new();
//! linker.func_wrap("host", "add", |caller: &mut Caller<'_, i32>, a: i32| *caller.data() + a)?;
//! let mut store = Store::new(42);
//! let instance = linker.instantiate(&mut store, &module)?;
//! let run = instance.get_typed_func::<(i32, i32), i32>(&store, "run")?;
//! println!("{}", run.call(&mut store, (1, 2))?);
//! # Ok(())
//! # }
//! ```
//!
//! A host that gives every request an instance of its own takes them from a [`Pool`]:
//!
//! ```no_run
//! use wasmaot_runtime::{Linker, Module, Pool, PoolConfig};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let module = Module::open("app.so")?;
//! let linked = Linker::<String>::new().instantiate_pre(&module)?;
//! let handle = linked.get_typed_func::<i32, i32>("handle")?;
//! let pool = Pool::new(PoolConfig { slots: 100, ..PoolConfig::default() })?;
//! for request in 0..1000 {
//!     let mut instance = pool.start(&linked, format!("request {request}"))?;
//!     println!("{}", handle.call(&mut instance, request)?);
//!     instance.finish();
//! }
//! # Ok(())
//! # }
//! ```
//!
//! | part | does |
//! |---|---|
//! | [`Module`] | checks and maps an artifact, whose machine code is proven or trusted |
//! | [`Linker`] | collects definitions, makes [`Instance`]s |
//! | [`Store`] | keeps instances and the embedder's data |
//! | [`Pool`] | keeps slots, and starts a [`InstancePre`] module in them in well under a microsecond |
//! | [`Caller`] | a host function's view of its caller |
//! | [`Trap`] | why a run ended early, and where |
//!
//! # Proven and trusted code
//!
//! An artifact is native code. `Module::open` and the rest of `Loader` prove that it obeys the sandbox,
//! regardless of who made the file; they require the feature `verify`, which is enabled by default.
//! [`Module::open_trusted`] and its variants skip the proof and are unsafe. [`ModulePolicy`] restricts which
//! kinds of modules a store accepts.
//!
//! # One store
//!
//! Handles ([`Instance`], [`Func`], [`TypedFunc`], [`Memory`], [`Table`], [`Global`], [`Tag`]), suspended
//! calls, exceptions and values that refer to functions or exceptions belong to the store that created them;
//! those of a pooled instance belong to that instance. Passing one to another store fails with
//! [`WrongStore`], directly or wrapped in the function's own error type, and has no other effect: it neither
//! panics nor reads anything. Functions of a module ([`Module::get_func`], [`Module::get_typed_func`]) work
//! in every store that has exactly one instance of the module.
//!
//! **Invariants.** Nothing of a file runs before all of it was checked. Compiled code runs on its slot's
//! guarded stack, host functions on the host's. A fault is a trap only if it is the guest's; all others go to
//! the handler that was there before (see [`HostSignals`]).
#![deny(unsafe_op_in_unsafe_fn)]

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
compile_error!("wasmaot runs on x86-64 Linux");

mod api;
mod code;
mod os;
mod pool;
mod run;
mod space;
mod state;

#[cfg(test)]
mod tests;

pub use api::address::Address;
pub use api::caller::Caller;
pub use api::error::{
    BoxError, CallError, CreateError, ExportError, GlobalError, HostError, InstantiateError, LinkError,
    TableError, UnresolvedImport,
};
pub use api::exception::{Exception, ExnRef, Tag};
pub use api::extern_type::ExternType;
pub use api::externs::{Extern, Global, Memory, Table};
pub use api::func::{Func, TypedFunc};
pub use api::host::{Cells, HostResults, IntoHostFunc, check_interrupt};
pub use api::instance::Instance;
pub use api::linker::Linker;
#[cfg(feature = "verify")]
pub use api::loader::Loader;
pub use api::memory_data::MemoryData;
pub use api::prepare::{interrupt_signal, prepare_thread, set_interrupt_signal};
pub use api::state::{InstanceState, StateError};
pub use api::store::{AsStore, Store};
pub use api::suspend::{AsyncResults, Complete, IntoAsyncHostFunc, Outcome, Suspend, Suspended};
pub use api::trap::Trap;
pub use api::val::{MAX_VALUES, Val, ValueError, WasmValue, WasmValues};
pub use code::frame::{Backtrace, Frame, SourceLocation};
#[cfg(feature = "verify")]
pub use code::module::UnchangingFolder;
pub use code::module::{Module, OpenError};
#[cfg(feature = "verify")]
pub use code::policy::Signers;
pub use code::policy::{ModulePolicy, PolicyError};
#[cfg(feature = "verify")]
pub use code::proof::ProofCache;
pub use code::types::type_number;
/// Used by `wasmaot-wasi` only.
#[doc(hidden)]
pub use os::fork::Undivided;
pub use pool::{
    HotSets, InstancePre, Pool, PoolConfig, PoolError, PoolStats, PooledInstance, ResetWay, StartError,
    Tenant, Usage,
};
pub use run::backtrace::MAX_FRAMES;
pub use run::interrupt::InterruptHandle;
pub use run::interrupt::error::InterruptError;
pub use run::meter::NotMetered;
pub use run::signal::threads::LEAST_ALTERNATE_STACK;
pub use state::demand::ModuleLimits;
pub use state::error::{MemoryError, WrongStore};
pub use state::host_signals::HostSignals;
pub use state::limits::{LimitKind, ResourceLimits};
pub use state::shared::SharedMemory;
pub use wasmaot_abi::preinit::PageRun;
pub use wasmaot_abi::trap::TrapCode;
pub use wasmaot_abi::types::{
    FuncType, GlobalType, HeapType, IndexType, Limits, MemoryType, RefType, TableType, ValType,
};
#[cfg(feature = "verify")]
pub use wasmaot_signature::PublicKey;
#[cfg(feature = "verify")]
pub use wasmaot_verifier as verifier;
