//! A guest that is to be stopped is stopped within a throw: while its handler is looked for, and while exceptions are collected.
//!
//! A host function kills its caller and then throws, so what the throw does happens to a guest that is to be stopped.

use wasmaot_runtime::{Caller, Exception, Extern, InterruptHandle, Linker, Store, Tag, TrapCode, Val};
use wasmaot_tests::{compile_wat, trap_code};

/// `deep` calls the host below so many frames of its own, and `garbage` after so many exceptions that nothing refers to any more. A
/// handler of what the host throws sets `caught`.
const TEXT: &str = include_str!("../../guests/exceptions_stopped.wat");

/// More frames than are looked through at once.
const FRAMES: i32 = 5000;

/// Exceptions after which the next throw collects.
const EXCEPTIONS: i32 = 256;

/// Calls an export; the host function kills its caller if `kills` says so. Returns what the call came to, and `caught`.
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
    let module = wasmaot_tests::load(&compile_wat(TEXT)).unwrap_or_else(|e| panic!("{e}"));
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
