//! Artifacts that break one property each: the code of a function is replaced, or a table changed. All are
//! rejected, by that property.

use crate::mutants::Artifact;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::code::{CodeKind, CodeRange};
use wasmaot_abi::state::{StateLayout, TableRef};
use wasmaot_compiler::Options;
use wasmaot_runtime::Module;
use wasmaot_tests::{options, report};
use wasmaot_verifier::{Property, verify};

/// Functions long enough for what is to stand in their place, without instructions that trap.
pub(crate) fn module() -> String {
    let long = "(i64.xor (i64.mul (i64.const 0x123456789abcdef)) (local.get 0))".repeat(20);
    format!(
        r#"(module
            (import "host" "f" (func $import))
            (type $plain (func))
            (memory 1)
            (table $t 10 20 funcref)
            (table $u 10 20 externref)
            (global $g (mut funcref) (ref.null func))
            (global $n (mut i64) (i64.const 0))
            (tag $tag (param i32))
            (func $callee (type $plain))
            (func $f (param i64 i64) (result i64) (local.get 1) {long})
            (func $refs (param i64 funcref funcref) (result funcref) (global.set $n (local.get 0) {long}) (local.get 1))
            (func $takes (param funcref))
            (func $catches (block $h (try_table (catch_all $h) (call $callee))))
            (elem declare func $callee)
            (func (export "run") (result i64) (call $import) (table.set $t (i32.const 0) (ref.func $callee))
                (table.set $u (i32.const 0) (ref.null extern))
                (global.set $g (ref.null func)) (global.set $n (i64.const 1))
                (call $takes (call $refs (i64.const 1) (ref.null func) (ref.null func)))
                (call $catches) (throw $tag (i32.const 1)) (call $f (i64.const 1) (i64.const 2))))"#
    )
}

/// Functions by index.
const CALLEE: u32 = 1;
pub(crate) const F: u32 = 2;
pub(crate) const REFS: u32 = 3;
const TAKES: u32 = 4;

pub(crate) const PROLOGUE: &[u8] = &[0x55, 0x48, 0x89, 0xe5];
pub(crate) const EPILOGUE: &[u8] = &[0x48, 0x89, 0xec, 0x5d, 0xc3];

pub(crate) struct Broken {
    pub(crate) artifact: Artifact,
    pub(crate) layout: StateLayout,
    pub(crate) failures: Vec<String>,
    counts: std::collections::BTreeMap<Property, usize>,
}

impl Broken {
    pub(crate) fn new() -> Self {
        Self::of(&module())
    }

    /// A module in the text format, which is proven.
    pub(crate) fn of(wat: &str) -> Self {
        Self::with(wat, &options())
    }

    /// The same, compiled with options.
    pub(crate) fn with(wat: &str, options: &Options) -> Self {
        let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}"));
        let output = wasmaot_compiler::compile(&wasm, options, &|_| {}).unwrap_or_else(|e| panic!("{e}"));
        let artifact = Artifact::new(output.bytes);
        assert!(verify(&artifact.bytes).is_ok(), "the module itself is proven");
        let layout = artifact.descriptor().state_layout().expect("a small state");
        Self { artifact, layout, failures: Vec::new(), counts: Default::default() }
    }

    pub(crate) fn function(&self, index: u32) -> CodeRange {
        let mut ranges = self.artifact.ranges().into_iter();
        ranges
            .find(|range| (range.kind, range.index) == (CodeKind::Function, index))
            .expect("the function is there")
    }

    /// Fails if anything was accepted, or rejected by another property.
    pub(crate) fn check(&self) {
        assert!(self.failures.is_empty(), "{}", self.failures.join("\n"));
    }

    /// Expects that a file is rejected by a property, and not loaded.
    pub(crate) fn expect(&mut self, what: &str, property: Property, file: &[u8]) {
        *self.counts.entry(property).or_default() += 1;
        if Module::from_bytes(&self.artifact.resealed(file.to_vec())).is_ok() {
            self.failures.push(format!("{what}: opened"));
        }
        match verify(file) {
            Ok(_) => self.failures.push(format!("{what}: accepted")),
            Err(refused) => {
                let found: Vec<Property> =
                    refused.rejections.iter().map(|rejection| rejection.property).collect();
                if found != [property] {
                    self.failures.push(format!("{what}: not by {property}: {refused}"));
                }
            }
        }
    }

    /// Puts code in the place of a function.
    pub(crate) fn code(&mut self, what: &str, property: Property, function: u32, code: &[u8]) {
        let range = self.function(function);
        let file = self.artifact.with_code(&range, code);
        self.expect(what, property, &file);
    }

    /// Puts code between the prologue and the epilogue of `f`.
    pub(crate) fn body(&mut self, what: &str, property: Property, code: &[u8]) {
        self.code(what, property, F, &[PROLOGUE, code, EPILOGUE].concat());
    }

    /// A call from an offset of the body of a function to a place of the text.
    pub(crate) fn call(&self, function: u32, offset: usize, target: u32) -> Vec<u8> {
        let from = i64::from(self.function(function).start) + (PROLOGUE.len() + offset + 5) as i64;
        let relative = (i64::from(target) - from) as i32;
        [&[0xe8][..], &relative.to_le_bytes()].concat()
    }

    /// `mov rax, [rdi + offset]`, through vmctx.
    pub(crate) fn load_state(offset: i32) -> Vec<u8> {
        [&[0x48, 0x8b, 0x87][..], &offset.to_le_bytes()].concat()
    }

    /// A call of a builtin with these instructions before it.
    pub(crate) fn builtin(&self, offset: i32, arguments: &[u8]) -> Vec<u8> {
        let load = Self::load_state(self.layout.builtins());
        let entry = [&[0x48, 0x8b, 0x80][..], &offset.to_le_bytes()].concat();
        [&load[..], &entry, arguments, &[0xff, 0xd0]].concat()
    }
}

#[test]
fn each_broken_property_is_seen() {
    let mut broken = Broken::new();
    broken.code("an empty body is none of these", Property::Stack, F, &[PROLOGUE, &[0xc3]].concat());
    sound(&mut broken);
    instructions(&mut broken);
    control(&mut broken);
    memory(&mut broken);
    stack(&mut broken);
    calls(&mut broken);
    references(&mut broken);
    builtins(&mut broken);
    faults(&mut broken);
    metadata(&mut broken);
    for (property, count) in &broken.counts {
        report(format_args!("broken by hand: {count} of {property}"));
        assert!(*count >= 5, "{property} has only {count}");
    }
    broken.check();
}

/// What differs little from what is broken below is proven, so that the rejections are of what is broken.
fn sound(broken: &mut Broken) {
    let target = broken.function(CALLEE).start;
    let call = broken.call(F, 0, target);
    let grow = broken.builtin(Builtin::MemoryGrow.offset(), &[0x31, 0xf6]);
    let global = broken.layout.global(0).to_le_bytes();
    let null = [&[0x31, 0xf6, 0x48, 0x89, 0xb7][..], &global].concat();
    for (what, code) in [
        ("nothing", &[][..]),
        ("an access of a memory", &[0x89, 0xf6, 0x8b, 0x04, 0x37]),
        ("an aligned word of the frame", &[0x48, 0x83, 0xec, 0x20, 0x0f, 0x28, 0x44, 0x24, 0x10]),
        ("a quarter of an index, times four", &[0x89, 0xf6, 0x48, 0xc1, 0xee, 0x02, 0x8b, 0x04, 0xb7]),
        ("a call", &call),
        ("a builtin", &grow),
        ("null stored as a reference", &null),
        ("a branch over an instruction", &[0x74, 0x02, 0x31, 0xc0]),
    ] {
        let range = broken.function(F);
        let file = broken.artifact.with_code(&range, &[PROLOGUE, code, EPILOGUE].concat());
        if let Err(refused) = verify(&file) {
            broken.failures.push(format!("{what} is sound: {refused}"));
        }
    }
}

fn instructions(broken: &mut Broken) {
    for (what, code) in [
        ("syscall", &[0x0f, 0x05][..]),
        ("int 0x80", &[0xcd, 0x80]),
        ("std", &[0xfd]),
        ("popf", &[0x9d]),
        ("ldmxcsr", &[0x0f, 0xae, 0x14, 0x24]),
        ("wrfsbase", &[0xf3, 0x48, 0x0f, 0xae, 0xd6]),
        ("wrpkru", &[0x0f, 0x01, 0xef]),
        ("a segment override", &[0x64, 0x8b, 0x04, 0x37]),
        ("an address-size prefix", &[0x67, 0x8b, 0x04, 0x37]),
        ("rep movsb", &[0xf3, 0xa4]),
        ("fninit", &[0xdb, 0xe3]),
        ("emms", &[0x0f, 0x77]),
        ("xchg of a segment", &[0x8e, 0xde]),
    ] {
        broken.body(what, Property::Instructions, code);
    }
}

fn control(broken: &mut Broken) {
    broken.body("a branch into an instruction", Property::Control, &[0x74, 0x01, 0xb8, 0, 0, 0, 0]);
    broken.body("a branch out of the function", Property::Control, &[0x0f, 0x84, 0, 0x10, 0, 0]);
    broken.body("a branch before the function", Property::Control, &[0x74, 0x80]);
    broken.body("code that nothing leads to", Property::Control, &[0xeb, 0x02, 0x31, 0xc0]);
    broken.body("constants in code", Property::Control, &[0x48, 0x8b, 0x05, 0xf9, 0xff, 0xff, 0xff]);
    let unbounded = [0x48, 0x8d, 0x0d, 6, 0, 0, 0, 0x48, 0x63, 0x04, 0xb1, 0x48, 0x01, 0xc8, 0xff, 0xe0];
    broken.body("a jump table without a bound", Property::Control, &unbounded);
    let length = broken.function(F).length as usize;
    broken.code("no end", Property::Control, F, &vec![0x90; length]);
    let data = [0x48, 0x8b, 0x05, 2, 0, 0, 0, 0xeb, 0x00];
    broken.body("a jump into constants", Property::Control, &data);
}

fn memory(broken: &mut Broken) {
    let activation = (-(wasmaot_abi::state::ACTIVATION_CELL as i32)).to_le_bytes();
    let to_activation = [&[0x48, 0x89, 0xb7][..], &activation].concat();
    broken.body("a write of the activation cell", Property::Memory, &to_activation);
    let builtins = broken.layout.builtins().to_le_bytes();
    broken.body("a write of a constant", Property::Memory, &[&[0x48, 0x89, 0xb7][..], &builtins].concat());
    let base = Broken::load_state(broken.layout.table(0) + std::mem::offset_of!(TableRef, base) as i32);
    let element = [&base[..], &[0x89, 0xf6, 0x48, 0x8b, 0x04, 0xf0]].concat();
    broken.body("an element without a check", Property::Memory, &element);
    for (what, code) in [
        ("an index of 64 bits", &[0x8b, 0x04, 0x37][..]),
        ("a negative displacement", &[0x89, 0xf6, 0x8b, 0x44, 0x37, 0xf0]),
        ("a scaled index", &[0x89, 0xf6, 0x8b, 0x04, 0xf7]),
        (
            "two indices of 4 GiB each, and more",
            &[0x89, 0xf6, 0x89, 0xd2, 0x48, 0x01, 0xd6, 0x48, 0x01, 0xd6, 0x48, 0x8b, 0x04, 0x37],
        ),
        ("an index that was extended and changed", &[0x89, 0xf6, 0x48, 0x83, 0xee, 1, 0x8b, 0x04, 0x37]),
        ("an index with its sign", &[0x48, 0x63, 0xf6, 0x8b, 0x04, 0x37]),
        ("a read of the activation cell", &[0x48, 0x8b, 0x47, 0xf0]),
        ("a write of a length", &[0x48, 0x89, 0x77, 0xf8]),
        ("an absolute address", &[0x8b, 0x04, 0x25, 0, 0x10, 0, 0]),
        ("an address from a parameter", &[0x8b, 0x06]),
        ("the caller's frame", &[0x48, 0x8b, 0x85, 0x00, 0x01, 0, 0]),
        ("below the stack pointer", &[0x48, 0x89, 0x74, 0x24, 0xf8]),
        ("a large step past 0", &[0x31, 0xf6, 0x48, 0x8b, 0x86, 0, 0, 1, 0]),
    ] {
        broken.body(what, Property::Memory, code);
    }
}

fn stack(broken: &mut Broken) {
    for (what, code) in [
        ("a lost register", &[0x48, 0x31, 0xdb][..]),
        ("a register of another", &[0x4d, 0x89, 0xe5]),
        ("another return address", &[0x48, 0x89, 0x75, 0x08]),
        ("another frame pointer for the caller", &[0x48, 0x89, 0x75, 0x00]),
        ("a frame without probes", &[0x48, 0x81, 0xec, 0, 0, 0x10, 0]),
        ("a frame without probes, by lea", &[0x48, 0x8d, 0xa4, 0x24, 0, 0, 0xf0, 0xff]),
        ("a stack pointer from a parameter", &[0x48, 0x89, 0xf4]),
        ("a rounded stack pointer", &[0x48, 0x83, 0xe4, 0xf0]),
        ("an exchanged stack pointer", &[0x48, 0x87, 0xf4]),
    ] {
        broken.body(what, Property::Stack, code);
    }
    let target = broken.function(CALLEE).start;
    let unchained = [&[0x48, 0x31, 0xed][..], &broken.call(F, 3, target)].concat();
    broken.body("a call without a frame pointer", Property::Stack, &unchained);
    let unaligned = [&[0x56][..], &broken.call(F, 1, target)].concat();
    broken.body("a call with the stack not aligned", Property::Stack, &unaligned);
    broken.code(
        "parameters that are not there",
        Property::Stack,
        F,
        &[PROLOGUE, &EPILOGUE[..4], &[0xc2, 16, 0]].concat(),
    );
    let stale = [0x48, 0x89, 0x1c, 0x24, 0x5b, 0x53, 0x48, 0x8b, 0x1c, 0x24];
    broken.body(
        "a stack that does not balance",
        Property::Stack,
        &[&[0x53, 0x53][..], &stale, &[0x31, 0xdb]].concat(),
    );
}

fn calls(broken: &mut Broken) {
    let (target, own) = (broken.function(CALLEE).start, broken.function(F).start);
    let into = broken.call(F, 0, target + 1);
    broken.body("a call into a function", Property::Calls, &into);
    let ranges = broken.artifact.ranges();
    let array =
        ranges.iter().find(|range| range.kind == CodeKind::ArrayEntry).expect("one is exported").start;
    let array = broken.call(F, 0, array);
    broken.body("a call of an array entry", Property::Calls, &array);
    let other = [&[0x48, 0x89, 0xf7][..], &broken.call(F, 3, target)].concat();
    broken.body("another vmctx", Property::Calls, &other);
    let lost = [broken.call(F, 0, target), broken.call(F, 5, own)].concat();
    broken.body("a vmctx that a call has changed", Property::Calls, &lost);
    broken.body("a call of a parameter", Property::Calls, &[0xff, 0xd6]);
    broken.body("a jump to a parameter", Property::Calls, &[0xff, 0xe6]);
    // `refs` has its references in rdx and rcx.
    let refs = |broken: &mut Broken, what: &str, code: &[u8]| {
        broken.code(what, Property::Calls, REFS, &[PROLOGUE, code, EPILOGUE].concat());
    };
    let pair = [0x48, 0x8b, 0x02, 0x48, 0x8b, 0x79, 0x18, 0xff, 0xd0];
    let range = broken.function(REFS);
    let file = broken.artifact.with_code(&range, &[PROLOGUE, &pair, EPILOGUE].concat());
    broken.expect("a reference that may be null, without a trap entry", Property::Faults, &file);
    let state = Broken::load_state(broken.layout.funcrefs());
    let own_record = |tail: &[u8]| [&state[..], tail].concat();
    refs(
        broken,
        "the code of one function with the vmctx of another",
        &own_record(&[0x48, 0x8b, 0x08, 0x48, 0x8b, 0x78, 0x38, 0xff, 0xd1]),
    );
    refs(
        broken,
        "the array entry of a function",
        &own_record(&[0x48, 0x8b, 0x48, 0x08, 0x48, 0x8b, 0x78, 0x18, 0xff, 0xd1]),
    );
    let import = broken.layout.imported_function(0);
    let context = [&[0x48, 0x8b, 0xbf][..], &(import + 8).to_le_bytes()].concat();
    let tail = [Broken::load_state(import + 16), context, vec![0xff, 0xd0]].concat();
    broken.body("the tail entry of an import that may have none", Property::Calls, &tail);
}

fn references(broken: &mut Broken) {
    let refs = |broken: &mut Broken, what: &str, code: &[u8]| {
        broken.code(what, Property::References, REFS, &[PROLOGUE, code, EPILOGUE].concat());
    };
    refs(broken, "a number returned as a reference", &[0x48, 0x89, 0xf0]);
    refs(broken, "vmctx returned as a reference", &[0x48, 0x89, 0xf8]);
    refs(broken, "a reference plus one", &[0x48, 0x89, 0xd0, 0x48, 0x83, 0xc0, 0x01]);
    refs(broken, "half a reference", &[0x89, 0xd0]);
    refs(broken, "nothing returned", &[0x31, 0xc9]);
    let global = broken.layout.global(0).to_le_bytes();
    let store = [&[0x48, 0x89, 0xb7][..], &global].concat();
    broken.body("a number stored as a reference", Property::References, &store);
    let half = [&[0x89, 0xb7][..], &global].concat();
    broken.body("half a reference stored", Property::References, &half);
    let target = broken.function(TAKES).start;
    let call = broken.call(F, 0, target);
    broken.body("a number passed as a reference", Property::References, &call);
}

fn builtins(broken: &mut Broken) {
    let data_drop = Builtin::DataDrop.offset();
    let drop = broken.builtin(data_drop, &[0x31, 0xf6]);
    broken.body("a segment that does not exist", Property::Builtins, &drop);
    let grow = Builtin::MemoryGrow.offset();
    for (what, arguments) in [
        ("a memory that does not exist", &[0xbe, 1, 0, 0, 0][..]),
        ("a memory by a parameter", &[]),
        ("another vmctx", &[0x48, 0x89, 0xf7, 0x31, 0xf6]),
        ("a memory by a large number", &[0x48, 0xc7, 0xc6, 0xff, 0xff, 0xff, 0xff]),
    ] {
        let code = broken.builtin(grow, arguments);
        broken.body(what, Property::Builtins, &code);
    }
    let beyond = broken.builtin(Builtin::ALL.len() as i32 * 8, &[]);
    broken.body("a builtin that does not exist", Property::Builtins, &beyond);
    let between = broken.builtin(4, &[]);
    broken.body("a builtin between two", Property::Builtins, &between);
    let copy = broken.builtin(Builtin::TableCopy.offset(), &[0x31, 0xf6, 0xba, 1, 0, 0, 0]);
    broken.body("references to host values as functions", Property::Builtins, &copy);
}

fn faults(broken: &mut Broken) {
    let import = [&[0x0f, 0x0b][..]].concat();
    broken.body("a trap that is not listed", Property::Faults, &import);
    for (what, code) in [
        ("a division that is not listed", &[0x31, 0xd2, 0x48, 0xf7, 0xfe][..]),
        ("a division of 32 bits", &[0x31, 0xd2, 0xf7, 0xf6]),
        ("an unaligned word of the frame", &[0x48, 0x83, 0xec, 0x20, 0x0f, 0x28, 0x44, 0x24, 0x08]),
        ("an aligned load from a memory", &[0x89, 0xf6, 0x0f, 0x28, 0x04, 0x37]),
        ("an aligned store to a memory", &[0x89, 0xf6, 0x66, 0x0f, 0x7f, 0x04, 0x37]),
        ("an operand of a sum in a memory", &[0x89, 0xf6, 0x66, 0x0f, 0xfe, 0x04, 0x37]),
        ("address 0", &[0x31, 0xf6, 0x8b, 0x06]),
    ] {
        broken.body(what, Property::Faults, code);
    }
}

fn metadata(broken: &mut Broken) {
    let rows = broken.artifact.section(".wasmaot.code");
    let position = broken.artifact.ranges().iter().position(|range| range.kind == CodeKind::ArrayEntry);
    let entry = rows.start + 16 * position.expect("one is exported");
    for (what, at, value) in [
        ("an array entry of another type", entry + 12, 0xff_u8),
        ("an array entry of another function", entry + 8, 7),
        ("an array entry as a function", entry + 11, CodeKind::Function as u8),
        ("a thunk of an import that does not exist", rows.start + 8, 5),
    ] {
        let mut file = broken.artifact.bytes.clone();
        file[at] = value;
        broken.expect(what, Property::Metadata, &file);
    }
    // | count | handlers | return, frame, context, first | clause, landing |
    let sites = broken.artifact.section(".wasmaot.exceptions");
    let field = |file: &mut [u8], at: usize, change: fn(u32) -> u32| {
        let bytes: [u8; 4] = file[sites.start + at..][..4].try_into().expect("four bytes");
        file[sites.start + at..][..4].copy_from_slice(&change(u32::from_le_bytes(bytes)).to_le_bytes());
    };
    type Change = fn(u32) -> u32;
    let changes: [(&str, usize, Change); 4] = [
        ("a frame of another size", 12, |frame| frame + 16),
        ("a vmctx in another place", 16, |context| context + 8),
        ("a site without a vmctx", 16, |_| u32::MAX),
        ("a landing pad in another function", 28, |landing| landing - 128),
    ];
    for (what, at, change) in changes {
        let mut file = broken.artifact.bytes.clone();
        field(&mut file, at, change);
        broken.expect(what, Property::Metadata, &file);
    }
    let mut file = broken.artifact.bytes.clone();
    field(&mut file, 8, |address| address - 1);
    broken.expect("a site that is no call", Property::Metadata, &file);
}
