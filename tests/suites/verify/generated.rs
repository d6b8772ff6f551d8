//! Artifacts that break one property each by construction, at least twenty for each way: every register,
//! width and distance that an instruction can have. All are rejected, by the property that they break.
//!
//! What is broken replaces the body of a function whose counterpart that breaks nothing is proven beside it.

use crate::broken::{Broken, EPILOGUE, F, PROLOGUE, REFS};
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::code::CodeKind;
use wasmaot_abi::trap::TrapTable;
use wasmaot_compiler::Options;
use wasmaot_tests::{options, report};
use wasmaot_verifier::{Property, verify};

/// The least number of artifacts for each way.
const LEAST: usize = 20;

const RAX: u8 = 0;
const RSP: u8 = 4;
const RDI: u8 = 7;

/// Registers that hold nothing in particular where the body of a function begins.
const FREE: [u8; 7] = [0, 1, 6, 8, 9, 10, 11];

/// Registers that belong to the caller: rbx, r12 to r15.
const SAVED: [u8; 5] = [3, 12, 13, 14, 15];

/// The REX prefix for operands of 64 bits, or of 32, with the upper bits of three registers.
fn rex(wide: bool, reg: u8, index: u8, base: u8) -> u8 {
    0x40 | u8::from(wide) << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3
}

/// `mov to, from` with 32 bits, which clears the upper half.
fn extend(to: u8, from: u8) -> Vec<u8> {
    vec![rex(false, from, 0, to), 0x89, 0xc0 | (from & 7) << 3 | to & 7]
}

/// `mov to, from`.
fn copy(to: u8, from: u8) -> Vec<u8> {
    vec![rex(true, from, 0, to), 0x89, 0xc0 | (from & 7) << 3 | to & 7]
}

/// Instructions with an operand in memory, by their bytes before the operand, the REX prefix left out.
const ACCESSES: [(&str, bool, &[u8]); 8] = [
    ("mov r32, m32", false, &[0x8b]),
    ("mov r64, m64", true, &[0x8b]),
    ("mov m32, r32", false, &[0x89]),
    ("mov m64, r64", true, &[0x89]),
    ("movzx r32, m8", false, &[0x0f, 0xb6]),
    ("movsx r64, m16", true, &[0x0f, 0xbf]),
    ("add r32, m32", false, &[0x03]),
    ("xor m64, r64", true, &[0x31]),
];

/// An access at `base + index * 2^scale + displacement`, with rax as the other operand.
fn access(
    (_, wide, opcode): (&str, bool, &[u8]),
    base: u8,
    index: u8,
    scale: u8,
    displacement: i32,
) -> Vec<u8> {
    let operand = [0x84, scale << 6 | (index & 7) << 3 | base & 7];
    [&[rex(wide, RAX, index, base)][..], opcode, &operand, &displacement.to_le_bytes()].concat()
}

/// Artifacts that break a property in one way.
struct Way<'a> {
    broken: &'a mut Broken,
    name: &'static str,
    property: Property,
    made: usize,
}

impl Way<'_> {
    fn new<'a>(broken: &'a mut Broken, name: &'static str, property: Property) -> Way<'a> {
        Way { broken, name, property, made: 0 }
    }

    fn function(&mut self, what: &str, function: u32, code: &[u8]) {
        self.made += 1;
        let what = format!("{}: {what}", self.name);
        self.broken.code(&what, self.property, function, &[PROLOGUE, code, EPILOGUE].concat());
    }

    fn body(&mut self, what: &str, code: &[u8]) {
        self.function(what, F, code);
    }

    fn file(&mut self, what: &str, file: &[u8]) {
        self.made += 1;
        self.broken.expect(&format!("{}: {what}", self.name), self.property, file);
    }

    /// Fails unless this code is proven.
    fn sound(&mut self, code: &[u8]) {
        let range = self.broken.function(F);
        let file = self.broken.artifact.with_code(&range, &[PROLOGUE, code, EPILOGUE].concat());
        if let Err(refused) = verify(&file) {
            self.broken.failures.push(format!("{} is sound otherwise: {refused}", self.name));
        }
    }

    fn end(self) {
        report(format_args!("{}: {} artifacts", self.name, self.made));
        assert!(self.made >= LEAST, "{} has only {}", self.name, self.made);
    }
}

#[test]
fn indices_and_displacements() {
    let mut broken = Broken::new();
    let mut way = Way::new(&mut broken, "an index that is not extended", Property::Memory);
    for one in ACCESSES {
        for index in FREE.into_iter().filter(|&index| index != RAX) {
            way.body(&format!("{} with register {index}", one.0), &access(one, RDI, index, 0, 0));
        }
        way.sound(&[extend(1, 6), access(one, RDI, 1, 0, 0)].concat());
    }
    way.end();
    let mut way = Way::new(&mut broken, "a displacement below the memory", Property::Memory);
    for one in ACCESSES {
        for displacement in [-1, -8, -16, -4096, i32::MIN] {
            let code = [extend(1, 6), access(one, RDI, 1, 0, displacement)].concat();
            way.body(&format!("{} at {displacement}", one.0), &code);
        }
        way.sound(&[extend(1, 6), access(one, RDI, 1, 0, i32::MAX)].concat());
    }
    way.end();
    // Twice an index reaches as far as an index and an offset do; not with an offset besides.
    let mut way = Way::new(&mut broken, "an index times more than one", Property::Memory);
    for one in ACCESSES {
        for (scale, displacement) in [(1, i32::MAX), (2, 0), (3, 0)] {
            let code = [extend(1, 6), access(one, RDI, 1, scale, displacement)].concat();
            way.body(&format!("{} times {}", one.0, 1 << scale), &code);
        }
    }
    way.end();
    let mut way = Way::new(&mut broken, "an index that changed since it was extended", Property::Memory);
    for index in FREE {
        let digit =
            |operation: u8| vec![rex(true, 0, 0, index), 0x83, 0xc0 | operation << 3 | index & 7, 0xff];
        // add, or, sub and xor of -1; shl by 32; sar, rol.
        let changes = [digit(0), digit(1), digit(5), digit(6)];
        for (number, change) in changes.iter().enumerate() {
            let code = [extend(index, 6), change.clone(), access(ACCESSES[1], RDI, index, 0, 0)].concat();
            way.body(&format!("register {index}, change {number}"), &code);
        }
    }
    way.end();
    broken.check();
}

#[test]
fn registers_and_stack() {
    let mut broken = Broken::new();
    let mut way = Way::new(&mut broken, "a register of the caller's that is lost", Property::Stack);
    for register in SAVED {
        for from in FREE {
            way.body(&format!("{register} by {from}"), &copy(register, from));
        }
        // Saved, and given back.
        let (push, pop) = (
            [rex(false, 0, 0, register), 0x50 | register & 7],
            [rex(false, 0, 0, register), 0x58 | register & 7],
        );
        way.sound(&[&push[..], &copy(register, 6), &pop].concat());
        for other in SAVED.into_iter().filter(|&other| other != register) {
            let pop = [rex(false, 0, 0, other), 0x58 | other & 7];
            way.body(&format!("{other} gets {register}"), &[&push[..], &pop].concat());
        }
    }
    way.end();
    let mut way = Way::new(&mut broken, "a frame pointer or a return address that is faked", Property::Stack);
    for from in FREE {
        for at in [0, 8] {
            let store = [rex(true, from, 0, 5), 0x89, 0x45 | (from & 7) << 3, at];
            way.body(&format!("rbp + {at} by {from}"), &store);
        }
        way.body(&format!("rsp by {from}"), &copy(RSP, from));
    }
    way.end();
    let mut way = Way::new(&mut broken, "an access of the stack outside of the frame", Property::Memory);
    for one in ACCESSES {
        // Below the stack pointer, and beyond the return address, as F takes its parameters in registers.
        for displacement in [-4096, -64, 4096, 1 << 20] {
            let operand = [0x84, 0x24];
            let code =
                [&[rex(one.1, RAX, 0, RSP)][..], one.2, &operand, &i32::to_le_bytes(displacement)].concat();
            way.body(&format!("{} at rsp{displacement:+}", one.0), &code);
        }
    }
    way.end();
    let mut way = Way::new(&mut broken, "a frame that is not probed", Property::Stack);
    for size in (1..25).map(|step| step * 0x1_2340_i32) {
        way.body(&format!("{size} bytes"), &[&[0x48, 0x81, 0xec][..], &size.to_le_bytes()].concat());
    }
    way.end();
    broken.check();
}

/// A call of a builtin by its number and the index that it gets.
fn builtin(broken: &Broken, builtin: Builtin, index: u32) -> Vec<u8> {
    broken.builtin(builtin.offset(), &[&[0xbe][..], &index.to_le_bytes()].concat())
}

#[test]
fn calls_and_builtins() {
    let mut broken = Broken::new();
    let funcrefs = broken.layout.funcrefs();
    let mut way = Way::new(&mut broken, "code and context of different functions", Property::Calls);
    // mov rax, [funcrefs]; mov rcx, [rax + own * 32]; mov rdi, [rax + other * 32 + 24]; call rcx
    let pair = |code: u8, context: u8, register: u8| {
        let load = [&[0x48, 0x8b, 0x87][..], &funcrefs.to_le_bytes()].concat();
        let code = [rex(true, register, 0, 0), 0x8b, 0x80 | (register & 7) << 3, code, 0, 0, 0];
        let context = [0x48, 0x8b, 0xb8, context, 0, 0, 0];
        let call = [rex(false, 0, 0, register), 0xff, 0xd0 | register & 7];
        [&load[..], &code, &context, &call].concat()
    };
    for register in [1, 2, 6, 9, 10, 11] {
        for (code, context) in [(0, 24 + 32), (32, 24), (0, 16), (8, 24), (0, 0)] {
            let what = format!("{code} and {context} by register {register}");
            way.function(&what, REFS, &pair(code, context, register));
        }
    }
    way.end();
    let mut way = Way::new(&mut broken, "a call into the middle of something", Property::Calls);
    let target = way.broken.function(1).start;
    for offset in 1..LEAST as u32 + 5 {
        let code = way.broken.call(F, 0, target + offset);
        way.body(&format!("{offset} bytes behind an entry"), &code);
    }
    way.end();
    let mut way = Way::new(&mut broken, "a builtin with an index that the module lacks", Property::Builtins);
    for (one, least) in
        [(Builtin::MemoryGrow, 1), (Builtin::TableGrow, 2), (Builtin::DataDrop, 0), (Builtin::ElemDrop, 1)]
    {
        for index in [least, least + 1, least + 2, 0xff, 0x100, 0xffff, 0x7fff_ffff, u32::MAX] {
            let code = builtin(way.broken, one, index);
            way.body(&format!("{one:?} of {index}"), &code);
        }
    }
    way.end();
    let mut way = Way::new(&mut broken, "an entry that the table of builtins lacks", Property::Builtins);
    let end = Builtin::ALL.len() as i32 * 8;
    for offset in (0..24).map(|step| end + 8 * step).chain([1, 4, end + 4]) {
        let code = way.broken.builtin(offset, &[]);
        way.body(&format!("at {offset}"), &code);
    }
    way.end();
    broken.check();
}

#[test]
fn instructions_and_jumps() {
    let mut broken = Broken::new();
    let mut way = Way::new(&mut broken, "an instruction that is not on the list", Property::Instructions);
    let banned: [&[u8]; 30] = [
        &[0x0f, 0x05],
        &[0x0f, 0x34],
        &[0xcd, 0x80],
        &[0xcc],
        &[0xf4],
        &[0xfa],
        &[0xfb],
        &[0xfc],
        &[0xfd],
        &[0x9c],
        &[0x9d],
        &[0x0f, 0xa2],
        &[0x0f, 0x31],
        &[0x0f, 0x01, 0xf9],
        &[0x0f, 0x01, 0xd0],
        &[0x0f, 0x01, 0xef],
        &[0xf3, 0x48, 0x0f, 0xae, 0xd6],
        &[0xf3, 0x48, 0x0f, 0xae, 0xde],
        &[0x0f, 0xae, 0x17],
        &[0x0f, 0xae, 0x0f],
        &[0x8e, 0xe0],
        &[0x0f, 0x22, 0xc0],
        &[0x0f, 0x09],
        &[0x0f, 0x30],
        &[0xa4],
        &[0xf3, 0xab],
        &[0xd9, 0xc0],
        &[0x0f, 0x77],
        &[0xc5, 0xfc, 0x58, 0xc1],
        &[0x64, 0x48, 0x8b, 0x07],
    ];
    for code in banned {
        way.body(&format!("{code:02x?}"), code);
    }
    way.end();
    let mut way = Way::new(&mut broken, "a jump into an instruction or data", Property::Control);
    for inside in 1..10_i32 {
        // mov rax, imm64, and a branch to each of its other bytes, with each of three instructions.
        let constant = [&[0x48, 0xb8][..], &[0x90; 8]].concat();
        let short = (2 + inside) as u8;
        way.body(&format!("je, byte {inside}"), &[&[0x74, short - 2][..], &constant].concat());
        way.body(&format!("jmp, byte {inside}"), &[&[0x74, 2, 0xeb, short - 2][..], &constant].concat());
        let near = [&[0x0f, 0x84][..], &inside.to_le_bytes(), &constant].concat();
        way.body(&format!("je near, byte {inside}"), &near);
    }
    way.end();
    let mut way = Way::new(&mut broken, "an instruction that may trap, and is not listed", Property::Faults);
    for register in [1, 3, 6, 8, 9, 10, 11, 12] {
        for (wide, operation) in [(false, 6), (true, 6), (false, 7), (true, 7)] {
            let divide = [rex(wide, 0, 0, register), 0xf7, 0xc0 | operation << 3 | register & 7];
            way.body(
                &format!("a division by {register}, {operation}"),
                &[&[0x31, 0xd2][..], &divide].concat(),
            );
        }
    }
    way.end();
    broken.check();
}

#[test]
fn vmctx_and_addresses() {
    let mut broken = Broken::new();
    let layout = broken.layout;
    let mut way = Way::new(&mut broken, "a store to what is constant in the state", Property::Memory);
    let constant =
        [layout.builtins(), layout.funcrefs(), layout.table_length(0), layout.imported_function(0)];
    for place in constant {
        for from in FREE {
            let code =
                [&[rex(true, from, 0, RDI), 0x89, 0x87 | (from & 7) << 3][..], &place.to_le_bytes()].concat();
            way.body(&format!("at {place} from {from}"), &code);
        }
    }
    way.end();
    let mut way = Way::new(&mut broken, "an address that is made up", Property::Memory);
    for one in ACCESSES {
        for base in FREE.into_iter().filter(|&base| base != RAX) {
            let operand = [&[0x80 | base & 7][..], &64_i32.to_le_bytes()].concat();
            let code = [&[rex(one.1, RAX, 0, base)][..], one.2, &operand].concat();
            way.body(&format!("{} at register {base}", one.0), &code);
        }
    }
    way.end();
    let global = layout.global(0);
    let mut way = Way::new(&mut broken, "a reference that is made up", Property::References);
    for from in FREE {
        let store = |register: u8| {
            [&[rex(true, register, 0, RDI), 0x89, 0x87 | (register & 7) << 3][..], &global.to_le_bytes()]
                .concat()
        };
        way.body(&format!("register {from}"), &store(from));
        way.body(&format!("the stack pointer by {from}"), &[copy(from, RSP), store(from)].concat());
        way.body(&format!("vmctx by {from}"), &[copy(from, RDI), store(from)].concat());
        way.body(&format!("half of vmctx by {from}"), &[extend(from, RDI), store(from)].concat());
    }
    way.end();
    broken.check();
}

/// A module with handlers and traps, whose tables are changed.
fn with_tables() -> Broken {
    let body = "(try_table (catch_all $h) (call $g (i32.div_u (local.get 0) (local.get 1))))";
    let blocks = format!("(block $h {body})").repeat(8);
    let functions: String = (0..12)
        .map(|number| format!("(func (export \"f{number}\") (param i32 i32) {blocks} (unreachable))"))
        .collect();
    Broken::of(&format!("(module (import \"host\" \"g\" (func $g (param i32))) {functions})"))
}

#[test]
fn tables() {
    let mut broken = with_tables();
    let text = broken.artifact.section(".text");
    let place = broken.artifact.section(".wasmaot.traps");
    let count = TrapTable::parse(&broken.artifact.bytes[place.clone()]).expect("the compiler's table").len();
    let bytes = broken.artifact.bytes.clone();
    let mut way = Way::new(&mut broken, "a trap entry in another place", Property::Faults);
    // | count | offsets | codes |
    for entry in 0..count.min(40) {
        let at = place.start + 4 + 4 * entry;
        let offset = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let mut file = bytes.clone();
        file[at..at + 4].copy_from_slice(&(offset + 1).to_le_bytes());
        way.file(&format!("entry {entry} of {count}"), &file);
    }
    way.end();
    let sites = way_sites(&broken);
    let mut way = Way::new(&mut broken, "a landing pad that is moved", Property::Control);
    for (number, &at) in sites.iter().enumerate() {
        let landing = u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"));
        let mut file = bytes.clone();
        // Into the instruction there, which is longer than a byte.
        file[at..at + 4].copy_from_slice(&(landing + 1).to_le_bytes());
        way.made += 1;
        match verify(&file) {
            Ok(_) => way.broken.failures.push(format!("landing pad {number}: accepted")),
            // What is decoded there is no instruction of the list, or overlaps what is.
            Err(_) => assert!(landing < text.len() as u32),
        }
    }
    way.end();
    broken.check();
}

/// File offsets of the landing pads in the exception table: | count | handlers | sites of 16 bytes | handlers
/// of 8 |
fn way_sites(broken: &Broken) -> Vec<usize> {
    let place = broken.artifact.section(".wasmaot.exceptions");
    let word = |at: usize| {
        u32::from_le_bytes(broken.artifact.bytes[place.start + at..][..4].try_into().expect("four bytes"))
    };
    let (sites, handlers) = (word(0) as usize, word(4) as usize);
    (0..handlers).map(|handler| place.start + 8 + 16 * sites + 8 * handler + 4).collect()
}

#[test]
fn charges() {
    let long = "(i64.xor (i64.mul (i64.const 0x123456789abcdef)) (local.get 0))".repeat(20);
    let wat = format!(
        r#"(module (memory 1) (func $callee)
            (func $f (param i64 i64) (result i64) (local.get 1) {long})
            (func (export "run") (result i64) (call $callee) (call $f (i64.const 1) (i64.const 2))))"#
    );
    let mut broken = Broken::with(&wat, &Options { meter: true, ..options() });
    let mut way = Way::new(&mut broken, "a loop that is not charged", Property::Metering);
    // Without a charge, with one that is taken back, and with comparisons of another register; by each
    // condition.
    for condition in [0x84, 0x85, 0x87, 0x86, 0x83, 0x82, 0x8c, 0x8d] {
        for (name, charge) in [
            ("nothing", &[][..]),
            ("less than nothing", &[0x49, 0x83, 0xef, 3]),
            ("what is taken back", &[0x49, 0x83, 0xc7, 3, 0x49, 0x83, 0xef, 3]),
        ] {
            // cmp rdx, rsi; jcc back
            let mut code = [charge, &[0x48, 0x39, 0xf2, 0x0f, condition]].concat();
            let back = -(code.len() as i32 + 4);
            code.extend_from_slice(&back.to_le_bytes());
            way.function(&format!("{name}, condition {condition:#x}"), 1, &code);
        }
    }
    way.end();
    broken.check();
}

/// Every kind of code has ranges in these artifacts, or a way above would not reach what it is about.
#[test]
fn artifacts_have_all_kinds_of_code() {
    let kinds = [Broken::new(), with_tables()].map(|broken| broken.artifact.ranges());
    for kind in [CodeKind::Function, CodeKind::ArrayEntry] {
        assert!(kinds.iter().all(|ranges| ranges.iter().any(|range| range.kind == kind)));
    }
}
