//! What the runtime tells a subscriber of `tracing`, with the feature of that name; without it, nothing.

use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use wasmaot_embed::{
    CallError, Engine, Linker, Module, ModuleLimits, Options, Pool, PoolConfig, ResourceLimits, StartError,
    Store,
};

const GUEST: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "fine"))
  (func $trap (export "trap") unreachable)
  (func (export "spin") (loop $again (br $again)))
  (func (export "grow") (result i32) (memory.grow (i32.const 100))))"#;

/// Keeps a line for each span and each event, without numbers, which differ from run to run.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

/// The fields that are told of, in their order.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let is_number = ["store", "module", "functions"].contains(&field.name());
        let value = if is_number { "N".to_string() } else { format!("{value:?}") };
        match field.name() {
            "message" => self.0.insert_str(0, &value),
            name => write!(self.0, " {name}={value}").expect("text"),
        }
    }
}

impl Lines {
    fn add(&self, metadata: &Metadata<'_>, record: impl FnOnce(&mut dyn Visit)) {
        if metadata.target() == "wasmaot" {
            let mut fields = Fields(String::new());
            record(&mut fields);
            let kind = if metadata.is_span() { metadata.name() } else { "" };
            let level = metadata.level();
            self.0.lock().expect("no panic").push(format!("{level} {kind}{}", fields.0));
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

impl Subscriber for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.add(span.metadata(), |visit| span.record(visit));
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        self.add(event.metadata(), |visit| event.record(visit));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

fn module(text: &str, meter: bool) -> Module {
    let engine = Engine::new(Options { meter, ..Options::default() });
    engine.compile_and_load(&wat::parse_str(text).expect("text")).expect("a module")
}

/// The pool's instances, their calls, and how both end.
fn pooled() {
    let module = module(GUEST, true);
    let pre = Linker::new().instantiate_pre(&module).expect("no imports");
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let call = |name: &str, limits: &ResourceLimits| -> Result<_, CallError> {
        let mut instance = pool.start_with(&pre, (), limits).expect("a slot");
        instance.call(name, &[])
    };
    let unlimited = ResourceLimits::default();
    call("fine", &unlimited).expect("it returns");
    call("trap", &unlimited).expect_err("it traps");
    call("grow", &ResourceLimits { memory: 1 << 16, ..unlimited }).expect("it returns");
    call("spin", &ResourceLimits { fuel: Some(1000), ..unlimited }).expect_err("it is limited");
    let first = pool.start(&pre, ()).expect("a slot");
    assert!(matches!(pool.start(&pre, ()), Err(StartError::Exhausted { .. })));
    drop(first);
}

/// Strips the location of each function, which does not matter here.
fn without_places(lines: Vec<String>) -> Vec<String> {
    let cut = |line: String| line.split(" at wasm offset").next().unwrap_or(&line).to_string();
    lines.into_iter().map(cut).collect()
}

#[test]
fn a_subscriber_is_told_of_what_happens() {
    let lines = Lines::default();
    tracing::subscriber::set_global_default(lines.clone()).expect("there is none");
    pooled();
    let told = without_places(lines.take());
    if !cfg!(feature = "tracing") {
        assert!(told.is_empty(), "{told:?}");
        return;
    }
    let started = "DEBUG instance started slot=0 module=N store=N";
    let reset = "DEBUG instance reset slot=0 outcome=Ok(Copy)";
    let expected = [
        "DEBUG module opened module=N functions=N metered=true",
        "DEBUG instance made slot=0 module=N",
        started,
        "DEBUG call store=N function=func[0] <fine>",
        reset,
        started,
        "DEBUG call store=N function=func[1] <trap>",
        "DEBUG trap store=N code=unreachable function=func[1] <trap>",
        reset,
        started,
        "DEBUG call store=N function=func[3] <grow>",
        "WARN limit hit limit=\"memory\"",
        reset,
        started,
        "DEBUG call store=N function=func[2] <spin>",
        "WARN limit hit store=N limit=out of fuel function=func[2] <spin>",
        reset,
        started,
        "WARN pool exhausted slots=1",
        reset,
    ];
    assert_eq!(told, expected, "{told:#?}");

    // A deadline, in a store.
    let module = module(GUEST, false);
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
    store.set_deadline(Instant::now() + Duration::from_millis(20)).expect("a watchdog");
    instance.call(&mut store, "spin", &[]).expect_err("its deadline passes");
    let told = without_places(lines.take());
    for line in [
        "DEBUG instance started module=N store=N",
        "DEBUG call store=N function=func[2] <spin>",
        "WARN limit hit store=N limit=deadline exceeded function=func[2] <spin>",
        "DEBUG watchdog started",
        "DEBUG watchdog interrupts runs runs=1",
    ] {
        assert!(told.iter().any(|other| other == line), "{line} is not in {told:#?}");
    }

    // A module that asks for more than a limit.
    let mut linker = Linker::<()>::new();
    linker.set_module_limits(ModuleLimits { memories: 0, ..ModuleLimits::default() });
    assert!(linker.instantiate_pre(&module).is_err());
    assert_eq!(lines.take(), ["WARN limit hit limit=memories value=0 asked=1"]);
}

/// Runs the test above with the feature, which no other crate of the workspace asks for.
#[test]
#[cfg(not(feature = "tracing"))]
fn with_the_feature_a_subscriber_is_told() {
    let target = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .ancestors()
        .nth(2)
        .expect("the folder of all targets");
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["test", "--quiet", "--locked", "--workspace", "--features", "wasmaot-embed/tracing"]);
    cargo.args(["--test", "traced", "--target-dir"]).arg(target);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().expect("cargo starts");
    assert!(output.status.success(), "{output:?}");
}
