//! A guest that is to be stopped is stopped within a throw: while its handler is looked for, and while
//! exceptions are collected.
//!
//! A host function kills its caller and then throws, so what the throw does happens to a guest that is to be
//! stopped.

use std::time::{Duration, Instant};
use wasmaot_runtime::{
    Caller, Exception, Extern, InterruptHandle, Linker, ModuleLimits, Store, Tag, TrapCode, Val,
};
use wasmaot_tests::trap_code;

/// `deep` calls the host below a number of frames of its own, and `garbage` after a number of exceptions that
/// nothing refers to any more. A handler of what the host throws sets `caught`.
const TEXT: &str = include_str!("../../guests/exceptions_stopped.wat");

/// More frames than are looked through at once.
const FRAMES: i32 = 5000;

/// Exceptions after which the next throw collects.
const EXCEPTIONS: i32 = 256;

/// Calls an export; the host function kills its caller if `kills` says so. Returns what the call came to, and
/// `caught`.
fn run(name: &str, count: i32, kills: bool) -> (Option<TrapCode>, Val) {
    let mut store: Store<Option<InterruptHandle>> = Store::new(None);
    let tag = Tag::new(&mut store, &[]);
    let mut linker = Linker::new();
    linker.define("host", "t", Extern::Tag(tag)).expect("a new name");
    let throw = move |caller: &mut Caller<'_, Option<InterruptHandle>>| {
        caller.data().iter().for_each(InterruptHandle::kill);
        Err::<(), _>(Exception::new(caller, tag, Vec::new())?.into())
    };
    linker.func_wrap("host", "throw", throw).expect("a new name");
    let module = wasmaot_tests::module(TEXT);
    let instance = linker.instantiate(&mut store, &module).unwrap_or_else(|e| panic!("{e}"));
    if kills {
        *store.data_mut() = Some(store.interrupt_handle().expect("a watchdog"));
    }
    let result = instance.call(&mut store, name, &[Val::I32(count)]);
    let code = result.is_err().then(|| trap_code(result));
    let caught = instance.get_global(&store, "caught").expect("a global");
    (code, caught.get(&store).expect("its own store"))
}

#[test]
fn the_search_for_a_handler_and_a_collection_are_given_up() {
    for (name, count) in [("deep", FRAMES), ("garbage", EXCEPTIONS)] {
        assert_eq!(run(name, count, false), (None, Val::I32(1)), "{name}");
        assert_eq!(run(name, count, true), (Some(TrapCode::Killed), Val::I32(0)), "{name}");
    }
}

/// The page faults of this thread that no file had to be read for.
fn faults() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("the kernel tells");
    let fields = stat.rsplit(')').next().expect("the name ends").split_whitespace();
    fields.skip(7).map(|field| field.parse().expect("a number")).next().expect("a field of it")
}

/// A collection that has 200,000,000 elements to search is given up at the deadline, as what it has touched
/// by then shows.
#[test]
fn a_collection_ends_at_the_deadline() {
    const TABLES: u64 = 20;
    const ELEMENTS: u64 = 10_000_000;
    let text = include_str!("../../guests/exceptions_collected.wat");
    let text = text.replace("TABLES", &format!("(table {ELEMENTS} exnref)").repeat(TABLES as usize));
    let module = wasmaot_tests::module(&text);
    let mut linker = Linker::new();
    let total_elements = TABLES * ELEMENTS;
    linker.set_module_limits(ModuleLimits { total_elements, ..ModuleLimits::default() });
    let mut store = Store::new(());
    let instance = linker.instantiate(&mut store, &module).unwrap_or_else(|e| panic!("{e}"));
    let before = faults();
    store.set_deadline(Instant::now() + Duration::from_millis(20)).expect("a watchdog");
    let end = trap_code(instance.call(&mut store, "throws", &[]));
    assert_eq!(end, TrapCode::DeadlineExceeded);
    let pages = total_elements * 8 / 4096;
    assert!(faults() - before < pages / 2, "{} of {pages}", faults() - before);
}
