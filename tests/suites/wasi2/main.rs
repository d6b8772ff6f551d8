//! WASI 0.2: each function and each error that is documented, by a guest that passes the calls of a test on
//! (`proxy.rs`); waits in asynchronous and other calls; and real components, compared with Wasmtime.
//!
//! **Invariant: each function of `interfaces.txt` is called by some test**, which the last one here checks.

mod files;
mod links;
mod programs;
mod proxy;
mod random;
mod small;
mod sockets;
mod streams;
mod waits;

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};
use wasmaot_component::{Component, Error, Instance, InstancePre, Linker, ResourceAny, Val};
use wasmaot_wasi::p2::{self, WasiState};
use wasmaot_wasi::{WasiCtx, WasiCtxBuilder};

/// The interfaces, their types and functions.
const INTERFACES: &str = include_str!("interfaces.txt");

/// The guest, linked once.
fn linked() -> &'static InstancePre<WasiState> {
    static LINKED: OnceLock<InstancePre<WasiState>> = OnceLock::new();
    LINKED.get_or_init(|| link(&proxy::component(INTERFACES, "0.2.6")))
}

fn link(text: &str) -> InstancePre<WasiState> {
    let wasm = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    link_bytes(&wasm).unwrap_or_else(|error| panic!("{error}"))
}

fn link_bytes(wasm: &[u8]) -> Result<InstancePre<WasiState>, Box<Error>> {
    let compiled = wasmaot_compiler::compile(wasm, &wasmaot_tests::options(), &|_| {});
    let artifact = compiled.unwrap_or_else(|error| panic!("{error}")).bytes;
    let module = wasmaot_tests::load(&artifact).expect("an artifact that loads");
    let component = Component::new(module).expect("a component");
    let mut linker = Linker::new();
    p2::add_to_linker(&mut linker, |state| state).expect("no name twice");
    linker.instantiate_pre(&component).map_err(Box::new)
}

/// Functions that were called.
static CALLED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// The name of an export: `wasi:io/poll#pollable.ready` is `wasi-io-poll-method-pollable-ready`.
fn export(name: &str) -> String {
    let (interface, function) = name.split_once('#').unwrap_or_else(|| panic!("{name}"));
    let method = if function.contains('.') { "method-" } else { "" };
    let export = format!("{interface}-{method}{function}").replace([':', '/', '.'], "-");
    CALLED.lock().expect("no test panics with it").insert(export.clone());
    export
}

/// An instance of the guest.
struct Guest {
    instance: Instance<WasiState>,
}

impl Guest {
    fn new(state: WasiState) -> Self {
        Self { instance: linked().instantiate(state).expect("an instance") }
    }

    fn of(build: impl FnOnce(&mut WasiCtxBuilder)) -> Self {
        Self::new(state(build))
    }

    /// Calls a function: `wasi:io/poll#pollable.ready`.
    fn try_call(&mut self, name: &str, args: &[Val]) -> Result<Option<Val>, Box<Error>> {
        self.instance.call(&export(name), args).map_err(Box::new)
    }

    /// Calls a function that has a result.
    fn call(&mut self, name: &str, args: &[Val]) -> Val {
        let result = self.try_call(name, args).unwrap_or_else(|error| panic!("{name}: {error}"));
        result.unwrap_or_else(|| panic!("{name} has no result"))
    }

    /// Calls a function that succeeds, with its value.
    fn ok(&mut self, name: &str, args: &[Val]) -> Val {
        match self.call(name, args) {
            Val::Result(Ok(Some(value))) => *value,
            Val::Result(Ok(None)) => Val::Tuple(Vec::new()),
            other => panic!("{name}: {}", show(&other)),
        }
    }

    /// Calls a function that succeeds with a handle.
    fn handle(&mut self, name: &str, args: &[Val]) -> Val {
        let value = self.ok(name, args);
        assert!(matches!(value, Val::Resource(_)), "{name}: {}", show(&value));
        value
    }

    /// Calls a function and compares its answer, as [`show`] has it.
    fn gives(&mut self, name: &str, args: &[Val], expected: &str) {
        let found = show(&self.call(name, args));
        assert_eq!(found, expected, "{name}");
    }

    /// Calls a function that traps, with these words.
    fn traps(&mut self, name: &str, args: &[Val], words: &str) {
        let error = self.try_call(name, args).expect_err(name).to_string();
        assert!(error.contains(words), "{name}: {error}");
    }

    /// Drops a resource: `wasi:io/poll#pollable`.
    fn drop(&mut self, resource: &str, handle: Val) {
        let name = format!("drop-{}", resource.replace([':', '/', '#'], "-"));
        self.instance.call(&name, &[handle]).unwrap_or_else(|error| panic!("{name}: {error}"));
    }

    fn state(&mut self) -> &mut WasiState {
        self.instance.data_mut()
    }

    /// What a stream gives until it is closed.
    fn read_all(&mut self, stream: &Val) -> Vec<u8> {
        let mut all = Vec::new();
        loop {
            let args = [stream.clone(), u64(1000)];
            match self.call("wasi:io/streams#input-stream.blocking-read", &args) {
                Val::Result(Ok(Some(bytes))) => all.extend(bytes_of(&bytes)),
                closed => {
                    assert_eq!(show(&closed), "err(closed)");
                    return all;
                }
            }
        }
    }
}

fn context(build: impl FnOnce(&mut WasiCtxBuilder)) -> WasiCtx {
    let mut builder = WasiCtxBuilder::new();
    build(&mut builder);
    builder.build()
}

fn state(build: impl FnOnce(&mut WasiCtxBuilder)) -> WasiState {
    WasiState::new(context(build))
}

fn u64(value: u64) -> Val {
    Val::U64(value)
}

fn text(value: &str) -> Val {
    Val::String(value.to_string())
}

fn name(value: &str) -> Val {
    Val::Enum(value.to_string())
}

fn flags(names: &[&str]) -> Val {
    Val::Flags(names.iter().map(|name| name.to_string()).collect())
}

fn bytes(value: &[u8]) -> Val {
    Val::List(value.iter().map(|&byte| Val::U8(byte)).collect())
}

fn bytes_of(value: &Val) -> Vec<u8> {
    let Val::List(list) = value else { panic!("{value:?}") };
    list.iter().map(|byte| if let Val::U8(byte) = byte { *byte } else { panic!("{byte:?}") }).collect()
}

fn number_of(value: &Val) -> u64 {
    if let Val::U64(number) = value { *number } else { panic!("{value:?}") }
}

fn resource_of(value: &Val) -> ResourceAny {
    if let Val::Resource(resource) = value { *resource } else { panic!("{value:?}") }
}

/// The values of a tuple.
fn parts<const N: usize>(value: Val) -> [Val; N] {
    let Val::Tuple(values) = value else { panic!("{value:?}") };
    values.try_into().unwrap_or_else(|values| panic!("{values:?}"))
}

/// A value in few words; what is a handle is only said to be one.
fn show(value: &Val) -> String {
    let list = |values: &[Val]| values.iter().map(show).collect::<Vec<_>>().join(", ");
    let payload = |payload: &Option<Box<Val>>| payload.as_ref().map_or_else(String::new, |value| show(value));
    match value {
        Val::Bool(value) => value.to_string(),
        Val::U8(value) => value.to_string(),
        Val::U16(value) => value.to_string(),
        Val::S32(value) => value.to_string(),
        Val::U32(value) => value.to_string(),
        Val::U64(value) => value.to_string(),
        Val::String(value) => format!("{value:?}"),
        Val::List(values) if matches!(values.first(), Some(Val::U8(_))) => {
            format!("{:?}", String::from_utf8_lossy(&bytes_of(value)))
        }
        Val::List(values) => format!("[{}]", list(values)),
        Val::Tuple(values) => format!("({})", list(values)),
        Val::Record(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name}: {}", show(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Val::Variant(name, None) => name.clone(),
        Val::Variant(name, Some(value)) => format!("{name}({})", show(value)),
        Val::Enum(name) => name.clone(),
        Val::Option(None) => "none".to_string(),
        Val::Option(Some(value)) => format!("some({})", show(value)),
        Val::Result(Ok(None)) => "ok".to_string(),
        Val::Result(Ok(value)) => format!("ok({})", payload(value)),
        Val::Result(Err(None)) => "err".to_string(),
        Val::Result(Err(value)) => format!("err({})", payload(value)),
        Val::Flags(names) => format!("{{{}}}", names.join(", ")),
        Val::Resource(_) => "handle".to_string(),
        other => panic!("{other:?}"),
    }
}

/// The interfaces link in each version 0.2, and in no other.
#[test]
fn any_version_links() {
    for version in ["0.2.0", "0.2.3", "0.2.99"] {
        link(&proxy::component(INTERFACES, version));
    }
    let wasm = wat::parse_str(proxy::component(INTERFACES, "0.3.0")).expect("a component");
    let error = link_bytes(&wasm).err().expect("nothing is defined").to_string();
    let functions = INTERFACES.lines().filter(|line| line.starts_with("func")).count();
    let resources = INTERFACES.lines().filter(|line| line.starts_with("resource")).count();
    assert_eq!((functions, resources), (126, 14), "with `run`, which a component exports, 127 functions");
    assert!(error.starts_with(&format!("{} unresolved imports:", functions + resources)), "{error}");
    let wanted =
        "`wasi:io/poll@0.3.0#[method]pollable.ready` is not defined: func(self: borrow<pollable>) -> bool";
    assert!(error.contains(wanted), "{error}");
}

/// A type that differs in a name or in the order of its parts is found when a component is linked.
#[test]
fn types_are_compared_when_they_are_linked() {
    let mut interfaces = INTERFACES.to_string();
    for (from, to) in [
        ("fifo, symbolic-link", "symbolic-link, fifo"),
        ("symlink-follow }", "symlink-stay }"),
        ("lower: u64, upper: u64", "upper: u64, lower: u64"),
        ("no-change, now, timestamp(datetime)", "no-change, now(u8), timestamp(datetime)"),
    ] {
        assert!(interfaces.contains(from), "{from}");
        interfaces = interfaces.replace(from, to);
    }
    let wasm = wat::parse_str(proxy::component(&interfaces, "0.2.0")).expect("a component");
    let error = link_bytes(&wasm).err().expect("types differ").to_string();
    assert!(error.starts_with("10 unresolved imports:"), "{error}");
    for function in ["get-type", "stat", "stat-at", "open-at", "metadata-hash", "set-times"] {
        let differs = format!("`wasi:filesystem/types@0.2.0#[method]descriptor.{function}` has another type");
        assert!(error.contains(&differs), "{error}");
    }
}

/// All tests here, by which each function is called.
#[test]
fn each_function_is_called() {
    files::all();
    links::all();
    small::all();
    sockets::all();
    streams::all();
    let called = CALLED.lock().expect("no test panics with it");
    let mut interface = "";
    for line in INTERFACES.lines() {
        if let Some(name) = line.strip_prefix("interface ") {
            interface = name;
        } else if let Some(function) = line.strip_prefix("func ") {
            let function = function.split('(').next().unwrap_or_default().replace("[method]", "method-");
            let export = format!("{interface}-{function}").replace([':', '/', '.'], "-");
            assert!(called.contains(&export), "{export} is not called");
        }
    }
}
