//! What a trap tells: which functions were running, and at which operators of the Wasm file.

use wasmaot_runtime::{CallError, Linker, MAX_FRAMES, Store, Trap, Val};
use wasmaot_tests::{Guest, variants};

/// Each call and the trap itself stand behind a constant that occurs once.
const NESTED: &str = r#"(module
    (memory 1)
    (func $inner (param i32) (i32.const 111111) (drop) (drop (i32.load (local.get 0))))
    (func $middle (param i32) (i32.const 222222) (drop) (call $inner (local.get 0)))
    (func (param i32) (i32.const 333333) (drop) (call $middle (local.get 0)))
    (func $outer (export "run") (param i32) (i32.const 444444) (drop) (call 2 (local.get 0))))"#;

/// Offset of the operator that follows `i32.const value; drop; local.get 0`.
fn operator_behind(wasm: &[u8], value: u32) -> u32 {
    let mut bytes = vec![0x41];
    let mut rest = value;
    while rest >= 0x80 {
        bytes.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    bytes.extend([rest as u8, 0x1a, 0x20, 0x00]);
    let at = wasm.windows(bytes.len()).position(|window| window == bytes).expect("the constant is there");
    (at + bytes.len()) as u32
}

fn trap(result: Result<Vec<Val>, CallError>) -> Trap {
    match result {
        Err(CallError::Trap(trap)) => trap,
        other => panic!("expected a trap, got {other:?}"),
    }
}

#[test]
fn a_backtrace_names_functions_and_operators() {
    let wasm = wat::parse_str(NESTED).expect("valid text");
    for (variant, options) in variants() {
        let output = wasmaot_compiler::compile(&wasm, &options, &|_| {}).unwrap_or_else(|e| panic!("{e}"));
        let module = wasmaot_tests::load(&output.bytes).unwrap_or_else(|e| panic!("{e}"));
        let mut store = Store::new(());
        let instance = Linker::new().instantiate(&mut store, &module).unwrap_or_else(|e| panic!("{e}"));
        let trap = trap(instance.call(&mut store, "run", &[Val::I32(-1)]));
        let expected = [
            (0, Some("inner"), operator_behind(&wasm, 111_111)),
            (1, Some("middle"), operator_behind(&wasm, 222_222)),
            (2, None, operator_behind(&wasm, 333_333)),
            (3, Some("outer"), operator_behind(&wasm, 444_444)),
        ];
        let found: Vec<_> = trap
            .backtrace
            .iter()
            .map(|frame| (frame.func_index, frame.name.as_deref(), frame.wasm_offset.unwrap_or_default()))
            .collect();
        assert_eq!(found, expected, "{variant}");
        assert_eq!((trap.wasm_offset(), trap.omitted_frames), (Some(expected[0].2), 0), "{variant}");
    }
}

#[test]
fn a_stack_overflow_names_the_innermost_functions() {
    let mut guest = Guest::new(r#"(module (func $again (export "run") (call $again)))"#);
    let trap = trap(guest.call("run", &[]));
    assert_eq!(trap.backtrace.len(), MAX_FRAMES);
    assert!(trap.omitted_frames > 1_000, "{} frames omitted", trap.omitted_frames);
    assert!(
        trap.backtrace.iter().all(|frame| frame.name.as_deref() == Some("again")),
        "{:?}",
        trap.backtrace
    );
}
