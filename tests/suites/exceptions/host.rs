//! The host's side: uncaught exceptions as errors, exceptions through host functions, and those that a host
//! function throws.

use super::exception;
use wasmaot_runtime::{
    CallError, Caller, Exception, Extern, HostError, Linker, Outcome, Store, Suspend, Tag, TrapCode, Val,
    ValType, WrongStore,
};
use wasmaot_tests::trap_code;

/// Calls the import in a region that catches tag `t` of the host's, giving its value, or anything else,
/// giving -1.
const CATCHES: &str = include_str!("../../guests/exceptions_catch.wat");

/// The module above, its import a host function that does as `f` says with the tag.
fn guest(
    f: impl Fn(&mut Caller<'_, ()>, Tag, i32) -> Result<i32, HostError> + Send + Sync + 'static,
) -> (Store<()>, wasmaot_runtime::Instance, Tag) {
    let mut store = Store::new(());
    let tag = Tag::new(&mut store, &[ValType::I32]);
    assert_eq!(tag.values(&store), Ok(&[ValType::I32][..]));
    let mut linker = Linker::new();
    linker.define("host", "t", Extern::Tag(tag)).expect("a new name");
    linker
        .func_wrap("host", "f", move |caller: &mut Caller<'_, ()>, n: i32| f(caller, tag, n))
        .expect("a new name");
    let module = wasmaot_tests::module(CATCHES);
    let instance = linker.instantiate(&mut store, &module).unwrap_or_else(|e| panic!("{e}"));
    (store, instance, tag)
}

#[test]
fn what_nothing_catches_is_an_error_with_tag_values_and_backtrace() {
    let (mut store, instance, tag) = guest(|_, _, n| Ok(n));
    let thrown = exception(instance.call(&mut store, "throws", &[Val::I32(3)]));
    assert_eq!((thrown.tag, &thrown.values[..]), (tag, &[Val::I32(3)][..]));
    assert_eq!(thrown.backtrace.len(), 1);
    assert_eq!(thrown.backtrace[0].name.as_deref(), Some("throws"));
    assert!(thrown.backtrace[0].wasm_offset.is_some());
    assert_eq!(thrown.to_string(), "uncaught exception with 3");
    let own = exception(instance.call(&mut store, "throw own", &[]));
    assert_eq!(Ok(own.tag), instance.get_tag(&store, "own"));
    // The instance is as good as before.
    assert_eq!(instance.call(&mut store, "catches", &[Val::I32(3)]).unwrap(), [Val::I32(3)]);
}

#[test]
fn a_host_function_throws() {
    let (mut store, instance, tag) =
        guest(
            |caller, tag, n| {
                if n == 0 { Ok(100) } else { Err(Exception::new(caller, tag, vec![Val::I32(n)])?.into()) }
            },
        );
    for (n, expected) in [(0, 100), (7, 7)] {
        assert_eq!(instance.call(&mut store, "catches", &[Val::I32(n)]).unwrap(), [Val::I32(expected)]);
    }
    let thrown = exception(instance.call(&mut store, "passes", &[Val::I32(8)]));
    assert_eq!((thrown.tag, &thrown.values[..]), (tag, &[Val::I32(8)][..]));
    assert_eq!(thrown.backtrace[0].name.as_deref(), Some("passes"));
}

#[test]
fn exceptions_go_on_through_host_functions_that_return_them() {
    for lets_pass in [true, false] {
        let (mut store, instance, _) =
            guest(move |caller, _, n| match caller.call("throws", &[Val::I32(n)]) {
                Err(CallError::Exception(thrown)) if !lets_pass => Ok(1000 + thrown.values.len() as i32),
                Err(error) => Err(error.into()),
                Ok(_) => Ok(0),
            });
        let expected = if lets_pass { 5 } else { 1001 };
        assert_eq!(instance.call(&mut store, "catches", &[Val::I32(5)]).unwrap(), [Val::I32(expected)]);
        if lets_pass {
            let thrown = exception(instance.call(&mut store, "passes", &[Val::I32(6)]));
            let names: Vec<_> = thrown.backtrace.iter().filter_map(|frame| frame.name.as_deref()).collect();
            assert_eq!(names, ["throws", "passes"], "the frames of both activations");
        }
    }
}

#[test]
fn an_exception_of_another_tag_or_an_error_is_told_apart() {
    let (mut store, instance, _) =
        guest(|caller, _, _| Err(caller.call("throw own", &[]).unwrap_err().into()));
    assert_eq!(instance.call(&mut store, "catches", &[Val::I32(0)]).unwrap(), [Val::I32(-1)], "catch_all");
    let (mut store, instance, _) = guest(|_, _, _| Err(HostError::other("no exception")));
    assert!(matches!(instance.call(&mut store, "catches", &[Val::I32(0)]), Err(CallError::Host(_))));
    let (mut store, instance, _) = guest(|_, _, _| Err(HostError::Trap(TrapCode::Unreachable)));
    assert_eq!(trap_code(instance.call(&mut store, "catches", &[Val::I32(0)])), TrapCode::Unreachable);
}

#[test]
fn values_are_checked_against_the_tag_and_the_store() {
    let mut store = Store::new(());
    let tag = Tag::new(&mut store, &[ValType::I32, ValType::FUNCREF]);
    let new = |values| Exception::new(&store, tag, values);
    assert!(matches!(new(vec![Val::I32(1)]), Err(CallError::ArgumentCount { expected: 2, found: 1 })));
    let wrong = new(vec![Val::I32(1), Val::I64(1)]);
    assert!(matches!(wrong, Err(CallError::Value { position: 1, .. })), "{wrong:?}");
    assert!(new(vec![Val::I32(1), Val::FuncRef(None)]).is_ok());
    let other = Store::new(());
    assert!(matches!(Exception::new(&other, tag, vec![]), Err(CallError::WrongStore(_))));
    assert_eq!(tag.values(&other), Err(WrongStore::Other));
    // An exception of another store's ends the call instead of being thrown.
    let foreign = Tag::new(&mut Store::new(()), &[]);
    let lost = Exception { tag: foreign, values: Vec::new(), backtrace: Vec::new(), omitted_frames: 0 };
    let (mut store, instance, _) = guest(move |_, _, _| Err(lost.clone().into()));
    let result = instance.call(&mut store, "catches", &[Val::I32(0)]);
    assert!(matches!(result, Err(CallError::WrongStore(_))), "{result:?}");
}

#[test]
fn a_suspended_host_function_throws_when_it_is_resumed() {
    let (mut store, instance, tag) = guest(|_, _, _| Err(HostError::Suspend(Suspend::new(()))));
    for (name, expected) in [("catches", Some(11)), ("passes", None)] {
        let func = instance.get_func(&store, name).expect("a function");
        let outcome = func.call_resumable(&mut store, &[Val::I32(1)]).expect("it waits");
        let Outcome::Suspended(suspended) = outcome else { panic!("it does not wait") };
        let thrown = Exception::new(&store, tag, vec![Val::I32(11)]).expect("it fits");
        let result = suspended.resume_with(&mut store, |_| Err::<i32, _>(thrown.into()));
        match (result, expected) {
            (Ok(Outcome::Returned(values)), Some(expected)) => assert_eq!(values, [Val::I32(expected)]),
            (Err(CallError::Exception(thrown)), None) => assert_eq!(thrown.values, [Val::I32(11)]),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}
