//! Bulk work costs fuel by its size, before it is done, and the same however it is compiled.

use super::{all_variants, instance, metered};
use std::fmt::Write as _;
use wasmaot_abi::meter::{bytes_price, elements_price, throw_price};
use wasmaot_runtime::{TrapCode, Val};
use wasmaot_tests::trap_code;

/// Lengths at which the price, or the way in which bytes are moved, changes.
const LENGTHS: [u64; 16] = [0, 1, 2, 15, 16, 17, 33, 63, 64, 65, 127, 128, 129, 192, 193, 4096];

/// Returns a module that has, for each bulk instruction, a function with a variable length and one per
/// constant length.
fn text() -> String {
    let mut functions = String::new();
    let bulk = [
        ("memory.fill", "(memory.fill (i32.const 8192) (i32.const 1) LENGTH)"),
        ("memory.copy", "(memory.copy (i32.const 8192) (i32.const 1) LENGTH)"),
        ("memory.init", "(memory.init $data (i32.const 8192) (i32.const 0) LENGTH)"),
        ("table.fill", "(table.fill (i32.const 8192) (ref.null func) LENGTH)"),
        ("table.copy", "(table.copy (i32.const 8192) (i32.const 0) LENGTH)"),
        ("table.init", "(table.init $elem (i32.const 8192) (i32.const 0) LENGTH)"),
    ];
    for (name, code) in bulk {
        let code = |length: &str| code.replace("LENGTH", length);
        let variable = code("(local.get 0)");
        write!(functions, "(func (export \"{name}\") (param i32) {variable})").expect("a string");
        for length in LENGTHS {
            let constant = code(&format!("(i32.const {length})"));
            write!(functions, "(func (export \"{name} {length}\") (param i32) {constant})")
                .expect("a string");
        }
    }
    let (bytes, elements) = ("\\01".repeat(4096), "$f ".repeat(4096));
    format!(
        r#"(module (memory (export "memory") 1 100) (table 16384 20000 funcref)
          (func $f) {functions}
          (func (export "memory.grow") (param i32) (result i32) (memory.grow (local.get 0)))
          (func (export "table.grow") (param i32) (result i32) (table.grow (ref.null func) (local.get 0)))
          (data $data "{bytes}") (elem $elem func {elements}))"#
    )
}

#[test]
fn bulk_work_costs_by_its_size() {
    for (variant, options) in all_variants() {
        let (mut store, instance) = instance(&metered(&text(), &options));
        let mut check = |name: &str, argument: u64, operators: u64, price: u64| {
            let before = (store.operators().expect("it counts"), store.used_fuel().expect("it counts"));
            let result = instance.call(&mut store, name, &[Val::I32(argument as i32)]);
            let counted = store.operators().map(|after| after - before.0);
            let used = store.used_fuel().map(|after| after - before.1);
            assert_eq!(
                (counted, used),
                (Some(operators), Some(operators + price)),
                "{name} {argument}, {variant}"
            );
            result
        };
        for length in LENGTHS {
            for (kind, price) in [("memory", bytes_price(length)), ("table", elements_price(length))] {
                for name in ["fill", "copy", "init"] {
                    check(&format!("{kind}.{name}"), length, 4, price).expect("it is inside");
                    check(&format!("{kind}.{name} {length}"), 0, 4, price).expect("it is inside");
                }
            }
        }
        for name in ["memory.fill", "memory.copy", "memory.init", "table.fill", "table.copy", "table.init"] {
            check(name, 100_000, 4, 0).expect_err("what fails is not paid for");
        }
        assert_eq!(check("memory.grow", 3, 2, bytes_price(3 << 16)).expect("there is room"), [Val::I32(1)]);
        assert_eq!(check("memory.grow", 100, 2, 0).expect("it does not trap"), [Val::I32(-1)]);
        assert_eq!(check("table.grow", 9, 3, 9).expect("there is room"), [Val::I32(16384)]);
        assert_eq!(check("table.grow", 10_000, 3, 0).expect("it does not trap"), [Val::I32(-1)]);
    }
}

#[test]
fn what_cannot_be_paid_for_is_not_begun() {
    for (variant, options) in all_variants() {
        let module = metered(&text(), &options);
        let ends = [
            ("memory.fill", 4096, 4, bytes_price(4096)),
            ("table.grow", 100, 3, 100),
            ("memory.grow", 2, 2, bytes_price(2 << 16)),
        ];
        for (name, argument, operators, price) in ends {
            let (mut store, instance) = instance(&module);
            let first = |store: &wasmaot_runtime::Store<()>| {
                let memory = instance.get_memory(store, "memory").expect("a memory");
                let mut byte = [0];
                memory.read(store, 8192, &mut byte).expect("inside");
                (byte, memory.data_size(store))
            };
            let before = first(&store);
            for short in [1, price] {
                store.set_fuel(operators + price - short).expect("it counts");
                let used = store.used_fuel();
                let end = trap_code(instance.call(&mut store, name, &[Val::I32(argument)]));
                assert_eq!(end, TrapCode::OutOfFuel, "{name}, {variant}");
                assert_eq!(store.used_fuel(), used.map(|used| used + operators), "{name}, {variant}");
                assert_eq!(first(&store), before, "{name}, {variant}");
            }
            store.set_fuel(operators + price).expect("it counts");
            instance.call(&mut store, name, &[Val::I32(argument)]).expect("that is enough");
            let end = trap_code(instance.call(&mut store, name, &[Val::I32(0)]));
            assert_eq!(end, TrapCode::OutOfFuel, "nothing is left");
        }
    }
}

/// Throws are charged equally for exception collections. Rethrows and hosts pay nothing extra.
#[test]
fn throws_pay_for_collections() {
    let text = r#"(module (tag $e) (table 10 exnref)
      (func (export "throws") (param i32)
        (loop $on
          (block $caught (try_table (catch $e $caught) (throw $e)))
          (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
      (func (export "again")
        (block $caught
          (try_table (catch $e $caught)
            (block $first (result exnref) (try_table (catch_all_ref $first) (throw $e)) unreachable)
            throw_ref))))"#;
    for (variant, options) in all_variants() {
        let (mut store, instance) = instance(&metered(text, &options));
        let mut fuel = |name: &str, arguments: &[Val]| {
            let before = (store.operators().expect("it counts"), store.used_fuel().expect("it counts"));
            instance.call(&mut store, name, arguments).expect("it catches");
            let operators = store.operators().expect("it counts") - before.0;
            store.used_fuel().expect("it counts") - before.1 - operators
        };
        assert_eq!(fuel("throws", &[Val::I32(1000)]), 1000 * throw_price(10), "{variant}");
        assert_eq!(fuel("again", &[]), throw_price(10), "{variant}");
        store.set_fuel(throw_price(10)).expect("it counts");
        let end = trap_code(instance.call(&mut store, "throws", &[Val::I32(1)]));
        assert_eq!(end, TrapCode::OutOfFuel, "{variant}");
    }
}

/// A loop of large fills ends at once with little fuel.
#[test]
fn endless_bulk_work_ends_with_its_fuel() {
    let text = r#"(module (memory 1 1024)
      (func (export "fills") (drop (memory.grow (i32.const 1023)))
        (loop $on (memory.fill (i32.const 0) (i32.const 1) (i32.const 0x3ffffff)) (br $on))))"#;
    let (mut store, instance) = instance(&metered(text, &super::default()));
    for fuel in [100, 1_500_000, 5_000_000] {
        store.set_fuel(fuel).expect("it counts");
        let before = store.used_fuel().expect("it counts");
        assert_eq!(trap_code(instance.call(&mut store, "fills", &[])), TrapCode::OutOfFuel);
        let used = store.used_fuel().expect("it counts") - before;
        assert!(used <= fuel, "{used} of {fuel}");
    }
}
