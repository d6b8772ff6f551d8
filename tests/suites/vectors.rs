//! 128-bit vectors wherever a value can be, and what relaxed SIMD gives by default.
//!
//! What needs no host is in `scripts/vectors.wast`. Modules that are here as text are generated, or a few
//! lines long.

use wasmaot_abi::types::{FuncType, GlobalType, ValType};
use wasmaot_compiler::{Options, RelaxedSimd};
use wasmaot_runtime::{Extern, Global, Instance, Linker, Store, Val};
use wasmaot_tests::{options, variants};

const A: u128 = 0x0f0e_0d0c_0b0a_0908_0706_0504_0302_0100;
const B: u128 = 0xfedc_ba98_7654_3210_0123_4567_89ab_cdef;

/// Options that the code differs with, the default ones first.
fn all_options() -> Vec<(String, Options)> {
    [("default".to_string(), options())].into_iter().chain(variants()).collect()
}

fn instance(wat: &str, options: &Options, linker: &Linker<()>, store: &mut Store<()>) -> Instance {
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}"));
    let output = wasmaot_compiler::compile(&wasm, options, &|_| {}).unwrap_or_else(|e| panic!("{e}"));
    let module = wasmaot_tests::load(&output.bytes).unwrap_or_else(|e| panic!("{e}"));
    linker.instantiate(store, &module).unwrap_or_else(|e| panic!("{e}"))
}

/// Calls an export under all options.
fn check(wat: &str, arguments: &[Val], expected: &[Val]) {
    for (name, options) in all_options() {
        let mut store = Store::new(());
        let instance = instance(wat, &options, &Linker::new(), &mut store);
        let results = instance.call(&mut store, "f", arguments).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(results, expected, "{name}: {wat}");
    }
}

/// More than the registers hold, as parameters, live values and results.
#[test]
fn more_than_registers_hold() {
    const COUNT: usize = 40;
    let types = "v128 ".repeat(COUNT);
    let get =
        |range: std::ops::Range<usize>| range.rev().map(|n| format!("(local.get {n})")).collect::<String>();
    let wat = format!(
        r#"(module (memory 1)
            (func $leaf (param {types}) (result {types}) {})
            (func (export "f") (param {types}) (result {types})
                (call $leaf {})
                (i64x2.add (v128.load (i32.const 8)))))"#,
        get(0..COUNT),
        get(0..COUNT),
    );
    let arguments: Vec<Val> = (0..COUNT as u128).map(|n| Val::V128(A.wrapping_mul(n))).collect();
    check(&wat, &arguments, &arguments);
}

#[test]
fn in_globals() {
    let ty = GlobalType { value: ValType::V128, mutable: true };
    for (name, options) in all_options() {
        let mut store = Store::new(());
        let imported = Global::new(&mut store, ty, Val::V128(A)).expect("a global");
        let mut linker = Linker::new();
        linker.define("host", "g", Extern::Global(imported)).expect("a new name");
        let fixed = GlobalType { mutable: false, ..ty };
        let fixed = Global::new(&mut store, fixed, Val::V128(B)).expect("a global");
        linker.define("host", "fixed", Extern::Global(fixed)).expect("a new name");
        let guest = instance(include_str!("../guests/vector_globals.wat"), &options, &linker, &mut store);
        let pair = |low: u128, high: u128| low | high << 64;
        guest.call(&mut store, "swap", &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        let all = guest.call(&mut store, "all", &[]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(all, [pair(5, 6), A, pair(7, 8), B].map(Val::V128), "{name}");
        assert_eq!(imported.get(&store).expect("of this store"), Val::V128(pair(5, 6)));
        for (export, expected) in [("own", A), ("copy", B)] {
            let global = guest.get_global(&store, export).unwrap_or_else(|e| panic!("{e}"));
            assert_eq!(global.get(&store).expect("of this store"), Val::V128(expected));
        }
        imported.set(&mut store, Val::V128(B)).expect("a mutable global");
        let all = guest.call(&mut store, "all", &[]).expect("no trap");
        assert_eq!(all[0], Val::V128(B), "{name}");
    }
}

#[test]
fn to_host_functions_and_back() {
    let mut linker = Linker::new();
    let typed = |x: i32, y: u128, z: u128| (z, x, y.wrapping_add(1));
    linker
        .func_wrap(
            "host",
            "typed",
            move |_: &mut wasmaot_runtime::Caller<'_, ()>, x: i32, y: u128, z: u128| typed(x, y, z),
        )
        .expect("a new name");
    let ty = FuncType { params: vec![ValType::V128], results: vec![ValType::I32, ValType::V128] };
    linker
        .func_new("host", "dynamic", ty, |_, arguments, results| {
            assert_eq!(results, [Val::I32(0), Val::V128(0)]);
            results[1] = arguments[0];
            Ok(())
        })
        .expect("a new name");
    let mut store = Store::new(());
    let guest = instance(include_str!("../guests/vector_host.wat"), &options(), &linker, &mut store);
    let func =
        guest.get_typed_func::<(i32, u128, u128), (u128, i32, u128)>(&store, "typed").expect("its type");
    assert_eq!(func.call(&mut store, (-1, A, u128::MAX)).expect("no trap"), typed(-1, A, u128::MAX));
    assert!(guest.get_typed_func::<(i32, u64, u128), (u128, i32, u128)>(&store, "typed").is_err());
    let results = guest.call(&mut store, "dynamic", &[Val::V128(B)]).expect("no trap");
    assert_eq!(results, [Val::I32(0), Val::V128(B)]);
}

fn relaxed(operator: &str, operands: usize) -> String {
    let operands: String = (0..operands).map(|n| format!("(local.get {n})")).collect();
    format!("(module (func (export \"f\") (param v128 v128 v128) (result v128) ({operator} {operands})))")
}

/// An operand where CPUs differ, and what it gives by default: the same everywhere.
#[test]
fn relaxed_operators_are_deterministic() {
    let lanes32 = |x: f32| u128::from(x.to_bits()) * 0x1_0000_0001_0000_0001_0000_0001;
    let lanes64 = |x: f64| u128::from(x.to_bits()) * 0x1_0000_0000_0000_0001;
    let bytes = |x: i8| u128::from(x as u8) * (u128::MAX / 255);
    let lanes16 = |x: i16| u128::from(x as u16) * (u128::MAX / 0xffff);
    let words = |x: i32| u128::from(x as u32) * (u128::MAX / 0xffff_ffff);
    // A product that is not exact: its rounding error is what a fused operation would leave.
    let (x32, x64) = (1.0 + f32::EPSILON, 1.0 + f64::EPSILON);
    for (operator, operands, expected) in [
        ("f32x4.relaxed_madd", &[lanes32(x32), lanes32(x32), lanes32(-(x32 * x32))][..], 0),
        ("f64x2.relaxed_madd", &[lanes64(x64), lanes64(x64), lanes64(-(x64 * x64))], 0),
        ("f32x4.relaxed_nmadd", &[lanes32(x32), lanes32(x32), lanes32(x32 * x32)], 0),
        ("f64x2.relaxed_nmadd", &[lanes64(x64), lanes64(x64), lanes64(x64 * x64)], 0),
        ("f32x4.relaxed_min", &[lanes32(0.0), lanes32(-0.0)], lanes32(-0.0)),
        ("f64x2.relaxed_max", &[lanes64(-0.0), lanes64(0.0)], lanes64(0.0)),
        ("i8x16.relaxed_swizzle", &[A | 0xff, bytes(16)], 0),
        ("i32x4.relaxed_trunc_f32x4_s", &[lanes32(1e20)], words(i32::MAX)),
        ("i32x4.relaxed_trunc_f32x4_u", &[lanes32(-1.0)], 0),
        ("i32x4.relaxed_trunc_f64x2_s_zero", &[lanes64(f64::NAN)], 0),
        ("i32x4.relaxed_trunc_f64x2_u_zero", &[lanes64(1e20)], u128::from(u64::MAX)),
        ("i8x16.relaxed_laneselect", &[bytes(-1), bytes(0), bytes(0x0f)], bytes(0x0f)),
        ("i16x8.relaxed_laneselect", &[bytes(-1), bytes(0), bytes(-16)], bytes(-16)),
        ("i16x8.relaxed_q15mulr_s", &[lanes16(i16::MIN), lanes16(i16::MIN)], lanes16(i16::MAX)),
        ("i16x8.relaxed_dot_i8x16_i7x16_s", &[bytes(-128), bytes(-128)], lanes16(i16::MIN)),
        ("i32x4.relaxed_dot_i8x16_i7x16_add_s", &[bytes(-128), bytes(-128), words(1)], words(65_537)),
    ] {
        let mut arguments: Vec<Val> = operands.iter().map(|&operand| Val::V128(operand)).collect();
        arguments.resize(3, Val::V128(0));
        check(&relaxed(operator, operands.len()), &arguments, &[Val::V128(expected)]);
    }
}

/// Where the CPU can fuse, `native` does.
#[test]
fn native_results_are_the_instructions() {
    let x = 1.0 + f32::EPSILON;
    let lanes = |x: f32| Val::V128(u128::from(x.to_bits()) * 0x1_0000_0001_0000_0001_0000_0001);
    for (name, options) in all_options() {
        let fuses = match options.cpu {
            wasmaot_compiler::TargetCpu::Level(level) => level.features,
            wasmaot_compiler::TargetCpu::Native => wasmaot_abi::detect_cpu_features!(),
        } & wasmaot_abi::cpu::FMA
            != 0;
        let options = Options { relaxed_simd: RelaxedSimd::Native, ..options };
        let mut store = Store::new(());
        let guest = instance(&relaxed("f32x4.relaxed_madd", 3), &options, &Linker::new(), &mut store);
        let results = guest.call(&mut store, "f", &[lanes(x), lanes(x), lanes(-(x * x))]).expect("no trap");
        let expected = if fuses { x.mul_add(x, -(x * x)) } else { 0.0 };
        assert_eq!(results, [lanes(expected)], "{name}");
    }
}
