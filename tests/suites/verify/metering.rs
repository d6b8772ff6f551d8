//! Metered code that is made to run on without being charged, or without an end. None of it is proven.

use crate::broken::{Broken, EPILOGUE, PROLOGUE};
use wasmaot_compiler::Options;
use wasmaot_tests::options;
use wasmaot_verifier::{Property, verify};

const CALLEE: u32 = 0;
const F: u32 = 1;

/// `add r15, 3`, `sub r15, 3`.
const ADD: &[u8] = &[0x49, 0x83, 0xc7, 3];
const SUB: &[u8] = &[0x49, 0x83, 0xef, 3];
/// `test r15, r15`, and `jg` over what is inserted.
const TEST: &[u8] = &[0x4d, 0x85, 0xff];

fn module() -> Broken {
    let long = "(i64.xor (i64.mul (i64.const 0x123456789abcdef)) (local.get 0))".repeat(20);
    let wat = format!(
        r#"(module (memory 1) (func $callee)
            (func $f (param i64 i64) (result i64) (local.get 1) {long})
            (func (export "run") (result i64) (call $callee) (call $f (i64.const 1) (i64.const 2))))"#
    );
    Broken::with(&wat, &Options { meter: true, ..options() })
}

/// Instructions, then a branch by a condition (the second byte of `jcc`) over all that follow.
fn leaves(code: &[u8], condition: u8, rest: &[u8]) -> Vec<u8> {
    let over = i32::try_from(rest.len()).expect("short code").to_le_bytes();
    [code, &[0x0f, condition], &over, rest].concat()
}

const ABOVE_ZERO: u8 = 0x8f;

/// A loop of these instructions, which goes on as long as rsi is not zero: `test rsi, rsi; jne back`.
fn repeated(code: &[u8]) -> Vec<u8> {
    let mut code = [code, &[0x48, 0x85, 0xf6, 0x0f, 0x85]].concat();
    let back = -i32::try_from(code.len() + 4).expect("short code");
    code.extend_from_slice(&back.to_le_bytes());
    code
}

/// A loop that charges and compares so.
fn looping(charge: &[u8], compare: &[u8], condition: u8) -> Vec<u8> {
    // The way out of the loop leads behind it: over `test rsi, rsi; jne`, which take nine bytes.
    repeated(&[charge, compare, &[0x0f, condition, 9, 0, 0, 0]].concat())
}

fn sound(broken: &mut Broken, what: &str, code: &[u8]) {
    let range = broken.function(F);
    let file = broken.artifact.with_code(&range, &[PROLOGUE, code, EPILOGUE].concat());
    if let Err(refused) = verify(&file) {
        broken.failures.push(format!("{what} is sound: {refused}"));
    }
}

fn refused(broken: &mut Broken, what: &str, code: &[u8]) {
    broken.code(what, Property::Metering, F, &[PROLOGUE, code, EPILOGUE].concat());
}

/// A call of a function by code that begins behind the prologue with these instructions.
fn calling(broken: &Broken, before: &[u8], opcode: u8) -> Vec<u8> {
    let from = i64::from(broken.function(F).start) + (PROLOGUE.len() + before.len() + 5) as i64;
    let relative = (i64::from(broken.function(CALLEE).start) - from) as i32;
    [before, &[opcode], &relative.to_le_bytes()].concat()
}

#[test]
fn loops_are_charged_for() {
    let mut broken = module();
    sound(&mut broken, "a loop that charges and compares", &looping(ADD, TEST, ABOVE_ZERO));
    sound(&mut broken, "a comparison with zero", &looping(ADD, &[0x49, 0x83, 0xff, 0], ABOVE_ZERO));
    sound(&mut broken, "more charged than taken back", &looping(&[ADD, ADD, SUB].concat(), TEST, ABOVE_ZERO));
    let copied =
        [&[0x4c, 0x89, 0xf8, 0x48, 0x83, 0xc0, 3, 0x49, 0x89, 0xc7][..], &[0x48, 0x85, 0xc0]].concat();
    sound(&mut broken, "a sum in another register", &looping(&copied, &[], ABOVE_ZERO));
    for (what, charge) in [
        ("nothing", &[][..]),
        ("less than nothing", SUB),
        ("as much as is taken back", &[ADD, SUB].concat()),
        ("less than is taken back", &[ADD, SUB, SUB].concat()),
        ("something or nothing", &[&[0x48, 0x85, 0xd2, 0x74, 4][..], ADD].concat()),
        (
            "something, or less than nothing",
            &[&[0x48, 0x85, 0xd2, 0x74, 6][..], ADD, &[0xeb, 4], SUB].concat(),
        ),
    ] {
        refused(&mut broken, &format!("a loop that charges {what}"), &looping(charge, TEST, ABOVE_ZERO));
    }
    let inner = looping(&[], TEST, ABOVE_ZERO);
    refused(
        &mut broken,
        "an inner loop without a charge",
        &looping(&[ADD, &inner].concat(), TEST, ABOVE_ZERO),
    );
    broken.check();
}

#[test]
fn loops_compare_the_meter() {
    let mut broken = module();
    for (what, charge, compare, condition) in [
        ("nothing", ADD, &[0x48, 0x85, 0xd2][..], ABOVE_ZERO),
        ("what it was before", &[0x4c, 0x89, 0xf8, 0x49, 0x83, 0xc7, 3], &[0x48, 0x85, 0xc0], ABOVE_ZERO),
        ("it with a large number", ADD, &[0x49, 0x81, 0xff, 0xe8, 3, 0, 0], ABOVE_ZERO),
        ("half of it", ADD, &[0x45, 0x85, 0xff], ABOVE_ZERO),
        ("it, and goes on if it is above", ADD, TEST, 0x8e),
        ("it without its sign", ADD, TEST, 0x87),
        ("it for equality", ADD, TEST, 0x84),
        ("it with a parameter", ADD, &[0x49, 0x39, 0xd7], ABOVE_ZERO),
    ] {
        refused(&mut broken, &format!("a loop that compares {what}"), &looping(charge, compare, condition));
    }
    refused(&mut broken, "a loop without a comparison", &repeated(ADD));
    let once = leaves(&[ADD, TEST].concat(), ABOVE_ZERO, &repeated(ADD));
    refused(&mut broken, "a comparison before a loop", &once);
    broken.check();
}

/// `lock cmpxchg [rdi + rsi], rcx; jne back` to these instructions, which precede it.
fn exchanging(before: &[u8]) -> Vec<u8> {
    let code = [before, &[0xf0, 0x48, 0x0f, 0xb1, 0x0c, 0x37]].concat();
    let back = -i8::try_from(code.len() + 2).expect("short code");
    [&[0x89, 0xf6][..], &code, &[0x75, back as u8]].concat()
}

#[test]
fn only_exchanges_are_repeated() {
    let mut broken = module();
    sound(&mut broken, "a sum that is exchanged", &exchanging(&[0x48, 0x89, 0xc1, 0x48, 0x01, 0xd1]));
    for (what, before) in [
        ("with a value of the loop's", &[0x48, 0x89, 0xd0][..]),
        ("with another value each time", &[0x48, 0xff, 0xc0]),
        ("at another place each time", &[0xff, 0xc6]),
        ("with a value that was loaded", &[0x48, 0x8b, 0x04, 0x37]),
        ("behind a store", &[0x48, 0x89, 0x14, 0x37]),
    ] {
        refused(&mut broken, &format!("an exchange {what}"), &exchanging(before));
    }
    let mut unlocked = exchanging(&[0x48, 0x89, 0xc1]);
    unlocked.remove(5);
    let end = unlocked.len() - 1;
    unlocked[end] += 1;
    refused(&mut broken, "an exchange that is not locked", &unlocked);
    broken.check();
}

#[test]
fn the_meter_changes_by_constants() {
    let mut broken = module();
    for (what, code) in [
        ("xor r15, r15", &[0x4d, 0x31, 0xff][..]),
        ("mov r15, 0", &[0x49, 0xc7, 0xc7, 0, 0, 0, 0]),
        ("mov r15, rsi", &[0x49, 0x89, 0xf7]),
        ("mov r15d, r15d", &[0x45, 0x89, 0xff]),
        ("push rsi; pop r15", &[0x56, 0x41, 0x5f]),
        ("add r15, rsi", &[0x49, 0x01, 0xf7]),
        ("add r15, r15", &[0x4d, 0x01, 0xff]),
        ("add r15d, 1", &[0x41, 0x83, 0xc7, 1]),
        ("neg r15", &[0x49, 0xf7, 0xdf]),
        ("shl r15, 1", &[0x49, 0xc1, 0xe7, 1]),
        ("and r15, -2", &[0x49, 0x83, 0xe7, 0xfe]),
        ("imul r15, r15, 2", &[0x4d, 0x6b, 0xff, 2]),
        ("lea r15, [r15 + rsi]", &[0x4d, 0x8d, 0x3c, 0x37]),
        ("xchg r15, rax", &[0x49, 0x87, 0xc7]),
        ("test rsi, rsi; cmove r15, rsi", &[0x48, 0x85, 0xf6, 0x4c, 0x0f, 0x44, 0xfe]),
        ("sete r15b", &[0x41, 0x0f, 0x94, 0xc7]),
        ("add r15, a large number", &[0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0x70, 0x49, 0x01, 0xc7]),
        ("popcnt r15, r15", &[0xf3, 0x4d, 0x0f, 0xb8, 0xff]),
        ("mov r15, [memory]", &[0x89, 0xf6, 0x4c, 0x8b, 0x3c, 0x37]),
    ] {
        refused(&mut broken, what, code);
    }
    // What it was before a call is not what it is behind it.
    let kept = [&[0x48, 0x83, 0xec, 0x10, 0x4c, 0x89, 0x3c, 0x24][..], ADD, TEST].concat();
    let out = [&kept[..], &[0x0f, ABOVE_ZERO, 9, 0, 0, 0]].concat();
    let code = [calling(&broken, &out, 0xe8), vec![0x4c, 0x8b, 0x3c, 0x24]].concat();
    refused(&mut broken, "the meter of before a call", &code);
    broken.check();
}

#[test]
fn calls_are_charged_for() {
    let mut broken = module();
    let out = |charge: &[u8]| [charge, TEST, &[0x0f, ABOVE_ZERO, 5, 0, 0, 0]].concat();
    let code = calling(&broken, &out(ADD), 0xe8);
    sound(&mut broken, "a call behind a charge", &code);
    for (what, before) in [
        ("a call without a charge", out(&[])),
        ("a call after taking back", out(SUB)),
        ("a call after taking back what was charged", out(&[ADD, SUB].concat())),
        ("a call without a comparison", ADD.to_vec()),
        ("a call behind a charge that may be passed", out(&[&[0x48, 0x85, 0xd2, 0x74, 4][..], ADD].concat())),
    ] {
        let code = calling(&broken, &before, 0xe8);
        refused(&mut broken, what, &code);
    }
    refused(&mut broken, "a return after taking back", SUB);
    refused(&mut broken, "a return after taking back more", &[ADD, SUB, SUB].concat());
    broken.check();
}
