//! Damaged address and function maps: a backtrace may then be wrong, but a trap is still the same trap.

use crate::image::Image;
use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::{Linker, Store, Val};
use wasmaot_tests::{Random, report, trap_code};

const TRAPPING: &str = r#"(module $trapping
    (func $inner (param i32) (result i32) (if (local.get 0) (then unreachable)) (i32.const 3))
    (func $middle (param i32) (result i32) (i32.add (call $inner (local.get 0)) (i32.const 1)))
    (func (export "run") (param i32) (result i32) (i32.mul (call $middle (local.get 0)) (i32.const 2))))"#;

#[test]
fn damaged_maps_do_not_harm_traps() {
    let good = Image::new(TRAPPING);
    let maps = [good.section(".wasmaot.addrmap"), good.section(".wasmaot.funcs")];
    let mut random = Random::new(3);
    let mut opened = 0;
    for round in 0..2_000 {
        let mut image = good.clone();
        let place = &maps[round % 2];
        for _ in 0..1 + random.below(6) {
            let at = place.start + random.below(place.len());
            image.bytes[at] = if random.below(3) == 0 { 0xff } else { random.number() as u8 };
        }
        image.seal();
        // Opening may refuse what it looks at.
        let Ok(module) = wasmaot_tests::load(&image.bytes) else { continue };
        opened += 1;
        let mut store = Store::new(());
        let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
        assert_eq!(trap_code(instance.call(&mut store, "run", &[Val::I32(1)])), TrapCode::Unreachable);
        assert_eq!(instance.call(&mut store, "run", &[Val::I32(0)]).expect("no trap"), [Val::I32(8)]);
    }
    report(format_args!("loader: {opened} modules with damaged maps trap as before"));
    assert!(opened > 500, "too few open");
}
