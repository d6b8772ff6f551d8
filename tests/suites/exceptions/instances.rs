//! Exceptions that pass from one instance to another: through imports, tables and references, with tags told
//! by identity.

use super::exception;
use wasmaot_runtime::{Extern, Instance, InstantiateError, Linker, Store, Tag, Val, ValType};

/// Throws its own tags.
const THROWER: &str = r#"(module
  (tag $t (export "t") (param i32)) (tag $u (export "u") (param i32))
  (table (export "table") 2 funcref) (elem (i32.const 0) func $t $u)
  (func $t (export "throw_t") (param i32) (throw $t (local.get 0)))
  (func $u (export "throw_u") (param i32) (throw $u (local.get 0))))"#;

/// Catches `t` of what it imports (1000 and the value), and a tag of its own of the same type (2000 and the
/// value).
const CATCHER: &str = include_str!("../../guests/exceptions_across.wat");

fn add(linker: &mut Linker<()>, store: &mut Store<()>, name: &str, wat: &str) -> Instance {
    let module = wasmaot_tests::module(wat);
    let instance = linker.instantiate(store, &module).unwrap_or_else(|e| panic!("{e}"));
    linker.instance(store, name, instance).expect("new names");
    instance
}

#[test]
fn tags_are_told_by_identity_and_regions_by_instance() {
    let (mut store, mut linker) = (Store::new(()), Linker::new());
    let thrower = add(&mut linker, &mut store, "a", THROWER);
    let catcher = add(&mut linker, &mut store, "b", CATCHER);
    for how in 0..4 {
        let args = [Val::I32(how), Val::I32(5)];
        let result = catcher.call(&mut store, "catches", &args);
        if how % 2 == 0 {
            assert_eq!(result.unwrap(), [Val::I32(1005)], "{how}");
        } else {
            let thrown = exception(result);
            assert_eq!(thrower.get_tag(&store, "u"), Ok(thrown.tag), "{how}");
            let names: Vec<_> = thrown.backtrace.iter().filter_map(|frame| frame.name.as_deref()).collect();
            assert_eq!(names, ["u", "run", "catches"], "frames of both instances");
        }
        assert_eq!(catcher.call(&mut store, "all", &args).unwrap(), [Val::I32(1)], "{how}");
    }
}

/// Each instance of a module has tags of its own, and code that both run finds those of its own instance.
#[test]
fn two_instances_of_a_module_have_different_tags() {
    let source = r#"(module
      (import "m" "f" (func $f (param i32)))
      (tag $t (export "t") (param i32))
      (func (export "throws") (param i32) (throw $t (local.get 0)))
      (func (export "catches") (param i32) (result i32)
        (block $t (result i32)
          (try_table (catch $t $t) (call $f (local.get 0)))
          (i32.const -1))))"#;
    let (mut store, mut linker) = (Store::new(()), Linker::new());
    linker.allow_shadowing(true);
    linker.func_wrap("m", "f", |_: &mut wasmaot_runtime::Caller<'_, ()>, _: i32| ()).expect("a name");
    let first = add(&mut linker, &mut store, "first", source);
    let throws = first.get_export(&store, "throws").expect("an export");
    linker.define("m", "f", throws).expect("shadowing is allowed");
    let second = add(&mut linker, &mut store, "second", source);
    let thrown = exception(second.call(&mut store, "catches", &[Val::I32(3)]));
    assert_eq!(first.get_tag(&store, "t"), Ok(thrown.tag));
    assert_ne!(second.get_tag(&store, "t"), Ok(thrown.tag));
}

#[test]
fn an_imported_tag_must_have_the_type() {
    let mut store = Store::new(());
    let mut linker = Linker::new();
    let tag = Tag::new(&mut store, &[ValType::I64]);
    linker.define("m", "t", Extern::Tag(tag)).expect("a new name");
    let open = |wat: &str| wasmaot_tests::module(wat);
    let right = open(r#"(module (import "m" "t" (tag (param i64))))"#);
    linker.instantiate(&mut store, &right).expect("the right type");
    let wrong = open(r#"(module (import "m" "t" (tag (param i32))))"#);
    match linker.instantiate(&mut store, &wrong) {
        Err(InstantiateError::Incompatible { expected, found, .. }) => {
            assert_eq!((&*expected, &*found), ("tag (i32) -> ()", "tag (i64) -> ()"));
        }
        other => panic!("{other:?}"),
    }
    let function = open(r#"(module (import "m" "t" (func)))"#);
    assert!(linker.instantiate(&mut store, &function).is_err());
    let elsewhere = linker.instantiate(&mut Store::new(()), &right);
    assert!(matches!(elsewhere, Err(InstantiateError::WrongStore { .. })), "{elsewhere:?}");
}
