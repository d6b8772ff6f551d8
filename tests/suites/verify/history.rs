//! Code as code generators of the past have made it by mistake: what errors of Cranelift, and of the runtimes
//! on it, have let a guest do, in the instructions of this compiler's output. All of it is rejected, by the
//! property that it breaks.

use crate::broken::{Broken, EPILOGUE, F, PROLOGUE, REFS};
use wasmaot_abi::state::TableRef;
use wasmaot_verifier::Property;

/// An index of 32 bits was kept in the frame and read back with its sign (CVE-2021-32629).
#[test]
fn a_spilled_index_comes_back_with_its_sign() {
    let mut broken = Broken::new();
    // mov esi, esi; mov [rsp], esi; movsxd rsi, [rsp]; mov rax, [rdi + rsi]
    let code = [
        0x48, 0x83, 0xec, 0x10, 0x89, 0xf6, 0x89, 0x34, 0x24, 0x48, 0x63, 0x34, 0x24, 0x48, 0x8b, 0x04, 0x37,
    ];
    broken.body("movsxd of a kept index", Property::Memory, &code);
    broken.body("movsxd of an index", Property::Memory, &[0x48, 0x63, 0xf6, 0x48, 0x8b, 0x04, 0x37]);
    broken.check();
}

/// Half of a register was kept, and all of it read back: the upper half is what the frame held before.
#[test]
fn a_spilled_index_comes_back_with_more_bytes() {
    let mut broken = Broken::new();
    // mov [rsp], rdx; mov [rsp], esi; mov rsi, [rsp]; mov rax, [rdi + rsi]
    let code = [
        0x48, 0x83, 0xec, 0x10, 0x48, 0x89, 0x14, 0x24, 0x89, 0x34, 0x24, 0x48, 0x8b, 0x34, 0x24, 0x48, 0x8b,
        0x04, 0x37,
    ];
    broken.body("64 bits of a kept index of 32", Property::Memory, &code);
    broken.check();
}

/// A shift of an index of 32 bits became the scale of an address of 64 (CVE-2023-26489).
#[test]
fn a_shift_became_a_scale() {
    let mut broken = Broken::new();
    // Twice an index is within reach, as long as there is no large offset.
    for (scale, sib, offset) in [(2, 0x77, i32::MAX), (4, 0xb7, 0), (8, 0xf7, 0)] {
        let code = [&[0x89, 0xf6, 0x48, 0x8b, 0x84, sib][..], &offset.to_le_bytes()].concat();
        broken.body(&format!("an index times {scale}"), Property::Memory, &code);
        // lea rsi, [rsi * scale]; mov rax, [rdi + rsi + offset]
        let lea = [
            &[0x89, 0xf6, 0x48, 0x8d, 0x34, sib & 0xf8 | 5, 0, 0, 0, 0, 0x48, 0x8b, 0x84, 0x37][..],
            &offset.to_le_bytes(),
        ];
        broken.body(&format!("an index times {scale}, by lea"), Property::Memory, &lea.concat());
    }
    broken.check();
}

/// An offset beyond 2 GiB became a displacement, which has a sign.
#[test]
fn a_large_offset_became_negative() {
    let mut broken = Broken::new();
    for offset in [0x8000_0000_u32, 0xffff_fff0, 0xffff_ffff] {
        let code = [&[0x89, 0xf6, 0x48, 0x8b, 0x84, 0x37][..], &offset.to_le_bytes()].concat();
        broken.body(&format!("offset {offset:#x}"), Property::Memory, &code);
    }
    broken.check();
}

/// The extension of an index was left out, as an earlier instruction seemed to have done it: of 16 or 8 bits,
/// which leave the rest of the register as it is, or by a conditional move, which may not be executed.
#[test]
fn an_extension_was_left_out() {
    let mut broken = Broken::new();
    for (what, code) in [
        ("mov si, dx", &[0x66, 0x89, 0xd6][..]),
        ("mov sil, dl", &[0x40, 0x88, 0xd6]),
        ("cmove rsi, rdx behind mov edx, edx", &[0x89, 0xd2, 0x48, 0x0f, 0x44, 0xf2]),
        ("xchg rsi, rdx behind mov esi, esi", &[0x89, 0xf6, 0x48, 0x87, 0xd6]),
        ("bswap behind mov esi, esi", &[0x89, 0xf6, 0x48, 0x0f, 0xce]),
        ("neg behind mov esi, esi", &[0x89, 0xf6, 0x48, 0xf7, 0xde]),
        ("mov esi, esi in one of two ways", &[0x48, 0x85, 0xd2, 0x74, 0x02, 0x89, 0xf6]),
    ] {
        broken.body(what, Property::Memory, &[code, &[0x48, 0x8b, 0x04, 0x37]].concat());
    }
    broken.check();
}

/// A load of 8 bytes became an operand of 16, as in `f64.copysign` (CVE-2026-24116): in a memory it may be
/// unaligned, and in the frame it reaches beyond what is there.
#[test]
fn a_load_became_wider() {
    let mut broken = Broken::new();
    let faults = [0x89, 0xf6, 0x66, 0x0f, 0x54, 0x04, 0x37];
    broken.body("andpd of 8 bytes in a memory", Property::Faults, &faults);
    // andpd xmm0, [rbp + 16], behind the return address
    broken.body("andpd beyond the frame", Property::Memory, &[0x66, 0x0f, 0x54, 0x45, 0x10]);
    broken.check();
}

/// The bound of a table was compared, and the index that is used is another one, or the comparison is passed
/// by.
#[test]
fn a_table_is_reached_past_its_check() {
    let mut broken = Broken::new();
    let length = broken.layout.table_length(0);
    let base = broken.layout.table(0) + std::mem::offset_of!(TableRef, base) as i32;
    let at = |opcode: [u8; 3], place: i32| [&opcode[..], &place.to_le_bytes()].concat();
    let compare = at([0x48, 0x3b, 0xb7], length); // cmp rsi, [length]
    let load = at([0x48, 0x8b, 0x8f], base); // mov rcx, [base]
    for (what, code) in [
        // mov esi, esi; cmp; jae over; mov rax, [rcx + rdx * 8]
        (
            "another index",
            [&[0x89, 0xf6, 0x89, 0xd2][..], &compare, &[0x73, 11], &load, &[0x48, 0x8b, 0x04, 0xd1]].concat(),
        ),
        (
            "one more than the length",
            [&[0x89, 0xf6][..], &compare, &[0x77, 11], &load, &[0x48, 0x8b, 0x04, 0xf1]].concat(),
        ),
        (
            "a comparison with signs",
            [&[0x89, 0xf6][..], &compare, &[0x7d, 11], &load, &[0x48, 0x8b, 0x04, 0xf1]].concat(),
        ),
        (
            "a comparison whose branch is gone",
            [&[0x89, 0xf6][..], &compare, &load, &[0x48, 0x8b, 0x04, 0xf1]].concat(),
        ),
        (
            "an element behind",
            [&[0x89, 0xf6][..], &compare, &[0x73, 12], &load, &[0x48, 0x8b, 0x44, 0xf1, 8]].concat(),
        ),
    ] {
        broken.body(what, Property::Memory, &code);
    }
    broken.check();
}

/// The type of a reference was not compared, or its record was read before it was known not to be null.
#[test]
fn a_reference_is_called_unchecked() {
    let mut broken = Broken::new();
    let refs = |broken: &mut Broken, what: &str, property: Property, code: &[u8]| {
        broken.code(what, property, REFS, &[PROLOGUE, code, EPILOGUE].concat());
    };
    // mov rax, [rdx]; mov rdi, [rdx + 24]; call rax
    let call = [0x48, 0x8b, 0x02, 0x48, 0x8b, 0x7a, 0x18, 0xff, 0xd0];
    refs(&mut broken, "null is not looked for", Property::Faults, &call);
    // test rdx, rdx; je over the call
    let typed = [&[0x48, 0x85, 0xd2, 0x74, 9][..], &call].concat();
    refs(&mut broken, "the type is not compared", Property::Calls, &typed);
    broken.check();
}

/// The allocator of registers lost vmctx in a loop, or across a call.
#[test]
fn the_context_was_lost() {
    let mut broken = Broken::new();
    // xchg rdi, rsi around a loop: test rdx, rdx; jne back
    let twice = [0x48, 0x87, 0xf7, 0x48, 0x85, 0xd2, 0x75, 0xf8, 0x31, 0xf6, 0x48, 0x8b, 0x04, 0x37];
    broken.body("exchanged in a loop", Property::Memory, &twice);
    let target = broken.function(1).start;
    let call = broken.call(F, 0, target);
    let code = [&call[..], &[0x89, 0xf6, 0x48, 0x8b, 0x04, 0x37]].concat();
    broken.body("not saved across a call", Property::Memory, &code);
    broken.check();
}

/// A tail call took more room for parameters than its caller was given.
#[test]
fn a_tail_call_moved_the_return_address() {
    let mut broken = Broken::new();
    // Returns with the stack pointer moved, by what the type does not say.
    for bytes in [8_u8, 16, 32] {
        let code = [PROLOGUE, &EPILOGUE[..4], &[0xc2, bytes, 0]].concat();
        broken.code(&format!("ret {bytes}"), Property::Stack, F, &code);
    }
    // mov rax, [rbp + 8]; mov [rbp], rax
    let moved = [0x48, 0x8b, 0x45, 0x08, 0x48, 0x89, 0x45, 0x00];
    broken.body("the return address in place of the frame pointer", Property::Stack, &moved);
    broken.check();
}

/// A frame as large as the guard was not probed page by page.
#[test]
fn a_frame_was_not_probed() {
    let mut broken = Broken::new();
    for bytes in [0x10_0000_i32, 0x100_0000, 0x4000_0000] {
        let code = [&[0x48, 0x81, 0xec][..], &bytes.to_le_bytes(), &[0x48, 0x89, 0x34, 0x24]].concat();
        broken.body(&format!("{bytes} bytes"), Property::Stack, &code);
    }
    broken.check();
}
