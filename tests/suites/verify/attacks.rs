//! Code that is made to mislead one rule of the analysis each: it has once been taken for proven, or looks as
//! if it could be. All of it is rejected, by the property that it breaks.

use crate::broken::{Broken, EPILOGUE, F, PROLOGUE, module};
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::exception::ExceptionTable;
use wasmaot_abi::header;
use wasmaot_abi::state::MemoryRef;
use wasmaot_verifier::Property;

/// `mov rsi, esi` and `mov rdx, edx`, as numbers of 32 bits.
const NARROW: &[u8] = &[0x89, 0xf6, 0x89, 0xd2];

/// An access of an address that nothing is known of: `mov rax, [rsi]`.
const WILD: &[u8] = &[0x48, 0x8b, 0x06];

/// A function that is long enough to be replaced, behind these items, which define no function and import
/// none.
fn with_function(items: &str) -> String {
    let long = "(i64.xor (i64.mul (i64.const 0x123456789abcdef)) (local.get 0))".repeat(20);
    format!(
        r#"(module {items} (func $a) (func $b)
            (func $f (param i64 i64) (result i64) (local.get 1) {long})
            (func (export "run") (result i64) (call $f (i64.const 1) (i64.const 2))))"#
    )
}

/// `mov REGISTER, [rdi + offset]`, where the register's number is below 8.
fn load(register: u8, offset: i32) -> Vec<u8> {
    [&[0x48, 0x8b, 0x87 | register << 3][..], &offset.to_le_bytes()].concat()
}

#[test]
fn second_bytes_of_registers_are_not_the_first() {
    let mut broken = Broken::of(&module());
    // mov eax, 0xff00; movzx esi, ah; shl rsi, 40; mov rax, [rdi + rsi]
    let code = [0xb8, 0, 0xff, 0, 0, 0x0f, 0xb6, 0xf4, 0x48, 0xc1, 0xe6, 0x28, 0x48, 0x8b, 0x04, 0x37];
    broken.body("an index from ah", Property::Memory, &code);
    broken.check();
}

#[test]
fn bits_in_memory_are_not_limited_to_the_operand() {
    let mut broken = Broken::of(&module());
    broken.body("bt [rdi], rsi", Property::Instructions, &[0x48, 0x0f, 0xa3, 0x37]);
    broken.body("bt [rdi], esi", Property::Instructions, &[0x0f, 0xa3, 0x37]);
    broken.check();
}

#[test]
fn tests_of_vectors_need_alignment() {
    let mut broken = Broken::of(&module());
    let ptest = [NARROW, &[0x66, 0x0f, 0x38, 0x17, 0x04, 0x37]].concat();
    broken.body("ptest of a memory", Property::Faults, &ptest);
    broken.check();
}

/// What a length was before a call says nothing of what it is behind it, and the other way round.
#[test]
fn earlier_lengths_are_not_the_present_one() {
    let mut broken = Broken::of(&module());
    let length = broken.layout.table_length(0);
    // The length is kept, and the table grows.
    let before = [
        &[0x48, 0x83, 0xec, 0x20][..],
        &load(0, length),
        &[0x48, 0x89, 0x44, 0x24, 0x10, 0x48, 0x89, 0x7c, 0x24, 0x08, 0x48, 0x89, 0x74, 0x24, 0x18],
        &broken.builtin(Builtin::TableGrow.offset(), &[0x31, 0xf6, 0x31, 0xd2, 0xb9, 10, 0, 0, 0]),
        // mov rdi, [rsp + 8]; mov rsi, [rsp + 24]; mov rcx, [length]
        &[0x48, 0x8b, 0x7c, 0x24, 0x08, 0x48, 0x8b, 0x74, 0x24, 0x18],
        &load(1, length),
    ]
    .concat();
    // mov rax, [rsp + 16], which is the earlier length
    let earlier = [0x48, 0x8b, 0x44, 0x24, 0x10];
    // cmp rcx, 15; jb behind all; cmp rax, 15; jae over the access
    let constant =
        [&before[..], &[0x48, 0x83, 0xf9, 15, 0x72, 14], &earlier, &[0x48, 0x83, 0xf8, 15, 0x73, 3], WILD];
    broken.body("an earlier length below a constant", Property::Memory, &constant.concat());
    // cmp rsi, rcx; jae behind all; cmp rsi, rax; jb over the access
    let index = [
        &before[..],
        &[0x48, 0x39, 0xce, 0x73, 15],
        &earlier,
        &[0x48, 0x39, 0xc6, 0x72, 5],
        &[0x31, 0xc0, 0x48, 0x8b, 0x02],
    ];
    broken.body("an index below the present length only", Property::Memory, &index.concat());
    // test rcx, rcx; je behind all; test rax, rax; jne over the access
    let empty = [&before[..], &[0x48, 0x85, 0xc9, 0x74, 13], &earlier, &[0x48, 0x85, 0xc0, 0x75, 3], WILD];
    broken.body("an earlier length of none", Property::Memory, &empty.concat());
    broken.check();
}

/// Results that a callee puts into cells are there if it returns, and not if it throws.
#[test]
fn a_throwing_callee_has_put_nothing_into_cells() {
    let results = "i64 i64 i64 i64 i64 i64 i64 i64 funcref";
    let long = "(i64.xor (i64.mul (i64.const 0x123456789abcdef)) (local.get 0))".repeat(8);
    let mut broken = Broken::of(&format!(
        r#"(module
            (type $many (func (result {results})))
            (import "host" "f" (func $import (type $many)))
            (global $g (mut funcref) (ref.null func))
            (func $callee (type $many) (call $import))
            (func $f (param i64) (result i64)
                (block $h (try_table (catch_all $h)
                    (call $callee) (global.set $g)
                    drop drop drop drop drop drop drop (return)))
                (local.get 0) {long})
            (func (export "run") (param i64) (result i64) (call $callee) (global.set $g)
                drop drop drop drop drop drop drop (return (call $f))))"#
    ));
    let sites = &broken.artifact.bytes[broken.artifact.section(".wasmaot.exceptions")];
    let text = broken.artifact.section(".text");
    let table = ExceptionTable::parse(sites, text.len() as u64, 0).expect("the compiler's table");
    let range = broken.function(2);
    let inside = |address: u32| (range.start..range.end()).contains(&address);
    let site = table.sites().find(|site| inside(site.return_address)).expect("a call is inside of `try`");
    let landing = site.handlers[0].landing;
    let frame = site.frame;
    let context = site.context.expect("it is no throw") as u8;
    let global = broken.layout.global(0).to_le_bytes();
    for at in (0..frame).step_by(8) {
        let code = [
            // mov rdi, [rsp + context]; mov rax, [rsp + at]; mov [global], rax; jmp here
            &[0x48, 0x8b, 0x7c, 0x24, context, 0x48, 0x8b, 0x44, 0x24, at as u8, 0x48, 0x89, 0x87][..],
            &global,
            &[0xeb, 0xfe],
        ]
        .concat();
        let mut file = broken.artifact.bytes.clone();
        let start = text.start + landing as usize;
        file[start..start + code.len()].copy_from_slice(&code);
        broken.expect(&format!("a cell at rsp+{at} as a reference"), Property::References, &file);
    }
    assert!(frame >= 32, "the frame has cells");
    broken.check();
}

/// The type of one entry of a constant table says nothing of another one's.
#[test]
fn entries_of_constant_tables_are_not_mixed_up() {
    let mut broken = Broken::of(&with_function(
        r#"(type $none (func)) (type $one (func (param i32))) (table 2 2 funcref) (elem (i32.const 0) $a $one)
           (func $one (type $one)) (func (export "x") (param i32) (call_indirect (type $none) (local.get 0)))"#,
    ));
    let (text, table) = (broken.artifact.section(".text"), broken.artifact.section(".rodata").start);
    let f = 4;
    // and esi, 1; and edx, 1; lea rcx, [table]
    let mut code = vec![0x83, 0xe6, 1, 0x83, 0xe2, 1, 0x48, 0x8d, 0x0d];
    let next = text.start + broken.function(f).start as usize + PROLOGUE.len() + code.len() + 4;
    code.extend_from_slice(&(table.wrapping_sub(next) as u32).to_le_bytes());
    // mov eax, [rcx + rsi * 8 + 4]; cmp eax, 0; jne behind; movsxd rax, [rcx + rdx * 8]; add rax, rcx; call
    // rax
    code.extend_from_slice(&[0x8b, 0x44, 0xf1, 4, 0x83, 0xf8, 0, 0x75, 9]);
    code.extend_from_slice(&[0x48, 0x63, 0x04, 0xd1, 0x48, 0x01, 0xc8, 0xff, 0xd0]);
    broken.code(
        "one entry's type and another's code",
        Property::Calls,
        f,
        &[PROLOGUE, &code, EPILOGUE].concat(),
    );
    broken.check();
}

/// A memory of 64-bit addresses that may be large has few addresses as long as it is small.
#[test]
fn large_memories_have_their_length_and_a_guard() {
    let mut broken = Broken::of(&with_function("(memory i64 1)"));
    let base = broken.layout.memory(0) + std::mem::offset_of!(MemoryRef, base) as i32;
    // lea rcx, [rax + rsi]; mov rax, [rcx + rdx]
    let twice = [NARROW, &load(0, base), &[0x48, 0x8d, 0x0c, 0x30, 0x48, 0x8b, 0x04, 0x11]].concat();
    let far = [NARROW, &load(0, base), &[0x48, 0x8b, 0x84, 0x30, 0xff, 0xff, 0xff, 0x7f]].concat();
    for (what, code) in [("twice 4 GiB", twice), ("4 GiB and 2 GiB", far)] {
        broken.code(what, Property::Memory, 2, &[PROLOGUE, &code, EPILOGUE].concat());
    }
    broken.check();
}

/// An address at a constant distance needs a length that is large enough, and the comparison has to tell so.
#[test]
fn constant_distances_are_compared_with_the_length() {
    let mut broken = Broken::of(&with_function("(memory i64 1)"));
    let memory = broken.layout.memory(0);
    let base = memory + std::mem::offset_of!(MemoryRef, base) as i32;
    let length = load(1, broken.layout.memory_length(0));
    // cmp rcx, 0x1000; jcc over the rest; mov rdx, distance; add rax, rdx; mov rax, [rax]
    let access = |distance: u64, condition: u8| {
        let distance = [&[0x48, 0xba][..], &distance.to_le_bytes(), &[0x48, 0x01, 0xd0, 0x48, 0x8b, 0x00]];
        let compare = [0x48, 0x81, 0xf9, 0, 0x10, 0, 0, condition, 16];
        [&load(0, base)[..], &length, &compare, &distance.concat()].concat()
    };
    let (below, above, guard) = (0x72, 0x77, wasmaot_abi::slot::OFFSET_GUARD);
    for (what, distance, condition) in [
        ("beyond the guard", guard + 0x1000, below),
        ("at its last bytes", guard + 0x1000 - 4, below),
        ("the other way round", guard + 0x800, above),
        ("before the memory", u64::MAX - 7, below),
    ] {
        let code = [PROLOGUE, &access(distance, condition), EPILOGUE].concat();
        broken.code(what, Property::Memory, 2, &code);
    }
    let range = broken.function(2);
    let code = [PROLOGUE, &access(guard + 0x800, below), EPILOGUE].concat();
    assert!(
        wasmaot_verifier::verify(&broken.artifact.with_code(&range, &code)).is_ok(),
        "inside of the guard"
    );
    broken.check();
}

/// A loop that probes a frame begins within a probe's distance of what was touched.
#[test]
fn probes_do_not_begin_beyond_the_guard() {
    let mut broken = Broken::of(&module());
    let code = [
        // sub rsp, 0x7ff0; lea rax, [rsp - 0x8000]
        &[0x48, 0x81, 0xec, 0xf0, 0x7f, 0, 0, 0x48, 0x8d, 0x84, 0x24, 0, 0x80, 0xff, 0xff][..],
        // sub rsp, 0x8000; mov dword [rsp], 0; cmp rsp, rax; jne back
        &[0x48, 0x81, 0xec, 0, 0x80, 0, 0, 0xc7, 0x04, 0x24, 0, 0, 0, 0, 0x48, 0x3b, 0xe0, 0x75, 0xed],
    ];
    broken.body("a probe behind an untouched frame", Property::Stack, &code.concat());
    let sound = [&[0x48, 0x8d, 0x84, 0x24, 0, 0x80, 0xff, 0xff][..], code[1]].concat();
    let range = broken.function(F);
    let file = broken.artifact.with_code(&range, &[PROLOGUE, &sound, EPILOGUE].concat());
    assert!(wasmaot_verifier::verify(&file).is_ok(), "a probe behind the return address is proven");
    broken.check();
}

/// A loader and the verifier find the same descriptor.
#[test]
fn there_is_one_descriptor() {
    let mut broken = Broken::of(&module());
    let bytes = broken.artifact.bytes.clone();
    let word = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes")) as usize;
    let (headers, count) = (word(40), usize::from(bytes[60]));
    let module = broken.artifact.section(header::SECTION);
    let at = |index: usize| headers + index * 64;
    let own = (0..count)
        .find(|&index| (word(at(index) + 24), word(at(index) + 32)) == (module.start, module.len()))
        .expect("it has a header");
    for other in (1..count).filter(|&other| other != own) {
        let mut file = bytes.clone();
        file.copy_within(at(own)..at(own) + 4, at(other));
        broken.expect("two sections of its name", Property::Form, &file);
    }
    for kind in [2, 8, 11] {
        let mut file = bytes.clone();
        file[at(own) + 4] = kind;
        broken.expect("a section that a loader passes over", Property::Form, &file);
    }
    broken.check();
}
