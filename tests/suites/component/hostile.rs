//! Components that exceed a limit are refused, naming the limit, before anything is allocated.

use crate::try_compile;
use std::fmt::Write as _;
use wasmaot_compiler::CompileError;

/// The limit that a component is refused by.
fn limit(wat: &str) -> &'static str {
    match try_compile(wat) {
        Err(CompileError::Limit { what, actual, limit }) => {
            assert!(actual > limit, "{what}: {actual}, at most {limit}");
            what
        }
        other => panic!("{:?}", other.map(|bytes| bytes.len())),
    }
}

/// Components of which each instantiates the one before it twice, from `base` on.
fn doubling(base: &str, times: usize) -> String {
    let mut text = format!("(component (component $c0 {base})");
    for level in 1..=times {
        let before = level - 1;
        write!(text, "(component $c{level} (alias outer 1 $c{before} (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))")
            .expect("room for it");
    }
    write!(text, "(instance (instantiate $c{times})))").expect("room for it");
    text
}

#[test]
fn doubling_is_counted_before_it_is_done() {
    let module = "(core module $m) (core instance (instantiate $m))";
    assert_eq!(limit(&doubling(module, 20)), "core instances of the component");
    // Without a module there is nothing but the way to it.
    assert_eq!(limit(&doubling("", 40)), "definitions that instantiating the component passes");
    assert!(try_compile(&doubling(module, 5)).is_ok());
}

#[test]
fn doubling_through_arguments_is_counted() {
    let mut text = "(component (component $c0 (core module $m) (core instance (instantiate $m)))".to_string();
    for level in 1..=20 {
        let before = level - 1;
        write!(
            text,
            "(component $t{level} (import \"c\" (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
             (component $c{level} (alias outer 1 $t{level} (component $t)) (alias outer 1 $c{before} (component $c)) (instance (instantiate $t (with \"c\" (component $c)))))"
        )
        .expect("room for it");
    }
    text.push_str("(instance (instantiate $c20)))");
    assert_eq!(limit(&text), "core instances of the component");
}

#[test]
fn each_limit_is_named() {
    let times = |module: &str, count: usize| {
        let mut text = format!("(component (core module $m {module})");
        for _ in 0..count {
            text.push_str("(core instance (instantiate $m))");
        }
        text + ")"
    };
    assert_eq!(limit(&times("(memory 0)", 101)), "memories of all core instances");
    assert_eq!(limit(&times(&"(table 0 funcref)".repeat(11), 91)), "tables of all core instances");
    assert_eq!(limit(&times(&"(func)".repeat(2000), 501)), "functions of all core instances");
}

#[test]
fn later_proposals_are_refused_by_name() {
    for (wat, feature) in [
        ("(component (type (stream)))", "component-model-async"),
        ("(component (type (list u8 4)))", "component-model-fixed-length-lists"),
        ("(component (type (map u8 string)))", "component-model-map"),
        ("(component (core module $m (type (struct))) (core instance (instantiate $m)))", "gc"),
    ] {
        match try_compile(wat) {
            Err(CompileError::Unsupported { feature: found, .. }) => assert_eq!(found, feature, "{wat}"),
            other => panic!("{wat}: {:?}", other.map(|bytes| bytes.len())),
        }
    }
}
