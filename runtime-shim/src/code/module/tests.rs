//! Files that must be refused, with the reason that must be given.

use super::*;
use crate::tests::artifact::{Artifact, DATA, IMAGE, reseal};
use crate::tests::{load, open_file};
use wasmaot_abi::descriptor::{
    self as abi, ConstExpr, ConstOp, DataMode, DataSegment, ElemItems, ElemMode, ElemSegment, ImageRun,
    ImportKind,
};
use wasmaot_abi::types::{FuncType, GlobalType, HeapType, Limits, MemoryType, RefType, TableType, ValType};

fn open_error(bytes: &[u8]) -> String {
    match load(bytes) {
        Ok(_) => panic!("it was accepted"),
        Err(error) => error.to_string(),
    }
}

/// The error for an artifact after a change.
fn refused(change: impl FnOnce(&mut Artifact)) -> String {
    let mut artifact = Artifact::new(0);
    change(&mut artifact);
    open_error(&artifact.build())
}

/// The error for a file after a change of its bytes, with its checksum corrected.
fn refused_bytes(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = Artifact::new(0).build();
    change(&mut bytes);
    reseal(&mut bytes);
    open_error(&bytes)
}

fn assert_says(message: &str, part: &str) {
    assert!(message.contains(part), "{message:?} does not say {part:?}");
}

#[test]
fn a_well_formed_artifact_is_accepted() {
    let module = load(&Artifact::new(0).build()).unwrap();
    assert_eq!(module.descriptor().producer, "test");
    assert_eq!(module.descriptor().exports.len(), module.descriptor().entries.len());
}

#[test]
fn other_files_are_refused() {
    assert_says(&open_error(b""), "truncated: the ELF header");
    assert_says(&open_error(&[0; 4096]), "magic number");
    assert!(matches!(open_file("/proc/self/exe"), Err(OpenError::Elf { .. } | OpenError::NoModule)));
    assert!(matches!(open_file("/proc/self"), Err(OpenError::NotAFile)));
    assert!(matches!(open_file("/dev/null"), Err(OpenError::NotAFile)));
    assert!(matches!(open_file("/nowhere"), Err(OpenError::Io { .. })));
}

#[test]
fn headers_are_checked() {
    let next = format!("made for artifact ABI {}.", wasmaot_abi::version::ABI_MAJOR + 1);
    assert_says(&refused(|a| a.header.major += 1), &next);
    assert_says(
        &refused(|a| a.header.cpu_features = 1 << 63),
        "CPU features that this machine lacks: unknown",
    );
    assert_says(&refused(|a| a.header.minor += 1), "or use a newer runtime");
    assert!(load(&with(|a| a.header.minor = 0)).is_ok());
    assert_says(&refused_bytes(|bytes| bytes.push(0)), "bytes, but was written with");
    let mut bytes = Artifact::new(0).build();
    *bytes.last_mut().unwrap() ^= 1;
    assert_says(&open_error(&bytes), "corrupt");
    assert_says(&refused_bytes(|bytes| bytes[0x400] = b'W'), "the module header is malformed");
    assert_says(&refused_bytes(|bytes| bytes[0x424] ^= 1), "descriptor");
    assert_says(&refused_bytes(|bytes| bytes[0x427] = 0x7f), "truncated: the descriptor in its section");
}

fn with(change: impl FnOnce(&mut Artifact)) -> Vec<u8> {
    let mut artifact = Artifact::new(0);
    change(&mut artifact);
    artifact.build()
}

#[test]
fn what_a_system_loader_would_act_on_is_refused() {
    for (tag, value, part) in [
        (1, 1, "DT_NEEDED"),
        (12, 0x4000, "constructor"),
        (25, 0x4000, "constructor"),
        (32, 0x4000, "constructor"),
        (13, 0x4000, "destructor"),
        (26, 0x4000, "destructor"),
        (7, 0x4000, "dynamic relocations"),
        (17, 0x4000, "dynamic relocations"),
        (23, 0x4000, "dynamic relocations"),
        (36, 0x4000, "dynamic relocations"),
        (22, 0, "DT_TEXTREL"),
        (30, 4, "DF_TEXTREL"),
        (0x7fff_fffd, 1, "unexpected tag 0x7ffffffd"),
    ] {
        assert_says(&refused(|a| a.dynamic.insert(0, (tag, value))), part);
    }
    assert_says(&refused(|a| a.dynamic.clear()), "DT_NULL");
    assert_says(&refused(|a| a.text_flags = 7), "writable and executable");
    assert_says(&refused(|a| a.text_flags = 4), "exactly one executable");
    assert_says(&refused(|a| a.segments.push((0x6474_e551, 7))), "executable stack");
    assert_says(&refused(|a| a.segments.push((3, 4))), "PT_INTERP");
    assert_says(&refused(|a| a.segments.push((7, 4))), "PT_TLS");
    assert_says(&refused(|a| a.segments.push((2, 6))), "two PT_DYNAMIC");
    assert_says(&refused(|a| a.segments.push((0x7000_0000, 6))), "unknown type");
    assert_says(&refused(|a| a.segments.push((1, 5))), "overlaps");
}

#[test]
fn elf_fields_are_checked() {
    for (offset, value, part) in [
        (4, 1, "not a 64-bit"),
        (5, 2, "little-endian"),
        (6, 9, "version"),
        (16, 2, "not a shared object"),
        (18, 3, "not for x86-64"),
        (52, 1, "wrong size"),
        (54, 1, "wrong size"),
        (56, 0xff, "too many"),
        (58, 1, "wrong size"),
        (60, 0, "no wasmaot module"),
        (62, 0, "no wasmaot module"),
        (33, 0xff, "truncated: the program headers"),
        (47, 0xff, "truncated: the section headers"),
        // The text's program header: address, file size, memory size, offset.
        (64 + 56 + 16, 1, "disagree"),
        (64 + 56 + 18, 1, "address or size differs"),
        (64 + 56 + 34, 1, "truncated: a PT_LOAD"),
        (64 + 56 + 40, 1, "address or size differs"),
        // The address of PT_DYNAMIC.
        (64 + 3 * 56 + 17, 0x40, "PT_DYNAMIC disagree"),
    ] {
        assert_says(&refused_bytes(|bytes| bytes[offset] = value), part);
    }
}

const I32: ValType = ValType::I32;

fn zero() -> ConstExpr {
    ConstExpr { ops: vec![ConstOp::I32Const { value: 0 }] }
}

fn memory(min: u64, image: Vec<ImageRun>) -> abi::Memory {
    abi::Memory { ty: MemoryType::new(Limits { min, max: None }), image }
}

fn table(constant: bool) -> abi::Table {
    let limits = Limits { min: 1, max: None };
    abi::Table { ty: TableType::new(ValType::FUNCREF, limits), constant, init: None }
}

#[test]
fn every_index_in_the_descriptor_is_checked() {
    let problem = |part: &str, change: &dyn Fn(&mut Descriptor)| {
        assert_says(&refused(|a| change(&mut a.descriptor)), part);
    };
    problem("function entry 0: its type is unknown", &|d| d.entries[0].ty = 99);
    problem("function entry 1: it is out of order", &|d| d.entries.swap(0, 1));
    problem("function entry 0: it is outside the text", &|d| d.entries[0].tail = u32::MAX);
    problem("function entry 0: it is outside the text", &|d| {
        d.entries[0].array = d.places.text.length as u32
    });
    problem("export 0: it names nothing", &|d| d.exports[0].kind = ExportKind::Func { index: 99 });
    problem("export 0: it names nothing", &|d| d.exports[0].kind = ExportKind::Table { index: 0 });
    problem("export 0: it names nothing", &|d| d.exports[0].kind = ExportKind::Memory { index: 0 });
    problem("export 0: it names nothing", &|d| d.exports[0].kind = ExportKind::Global { index: 0 });
    problem("export 0: it names nothing", &|d| {
        d.tables.push(table(true));
        d.exports[0].kind = ExportKind::Table { index: 0 };
    });
    problem("export 1: its name is taken", &|d| d.exports[1].name = d.exports[0].name.clone());
    problem("import 0: its type is unknown", &|d| {
        let kind = ImportKind::Func { ty: 99 };
        d.imports.push(abi::Import { module: String::new(), name: String::new(), kind });
    });
    problem("differs from the import's", &|d| {
        let kind = ImportKind::Func { ty: 1 };
        d.imports.push(abi::Import { module: String::new(), name: String::new(), kind });
    });
    let refer = |to| {
        move |d: &mut Descriptor| {
            let heap = HeapType::Concrete(d.types.len() as u32 + to);
            d.types.push(FuncType {
                params: vec![ValType::Ref(RefType { nullable: true, heap })],
                results: vec![],
            });
            d.type_groups.push(1);
        }
    };
    problem("it refers to a later group", &refer(1));
    problem("it refers to a later group", &refer(u32::MAX / 2));
    problem("it is in no recursion group", &|d| d.type_groups.clear());
    problem("it is in no recursion group", &|d| *d.type_groups.last_mut().expect("it has types") = 2);
    let unknown = ValType::Ref(RefType { nullable: true, heap: HeapType::Concrete(99) });
    problem("table 0: its type refers to an unknown type", &|d| {
        d.tables.push(table(false));
        d.tables[0].ty.element = unknown;
    });
    problem("global 0: its type refers to an unknown type", &|d| {
        let ty = GlobalType { value: unknown, mutable: true };
        d.globals.push(abi::Global { ty, init: ConstExpr { ops: vec![ConstOp::RefNull { ty: unknown }] } });
    });
    problem("element segment 0: its type refers to an unknown type", &|d| {
        let items = ElemItems::Entries { entries: vec![] };
        d.elems.push(ElemSegment { element: unknown, mode: ElemMode::Passive, items });
    });
    problem("table 0: its elements have no initial value", &|d| {
        d.tables.push(table(false));
        d.tables[0].ty.element = ValType::Ref(RefType { nullable: false, ..RefType::FUNCREF });
    });
    problem("start function 99: its entry is unknown", &|d| d.start = Some(99));
    problem("start function 0: it has parameters", &|d| d.start = Some(0));
}

#[test]
fn memories_tables_and_segments_are_checked() {
    let run = |address, offset, length| ImageRun { address, file: FileRange { offset, length } };
    let problem = |part: &str, change: &dyn Fn(&mut Descriptor)| {
        let change = |a: &mut Artifact| {
            a.image = vec![1; 8192];
            a.data = vec![1; 16];
            change(&mut a.descriptor);
        };
        assert_says(&refused(change), part);
    };
    let images = |runs: Vec<ImageRun>| move |d: &mut Descriptor| d.memories.push(memory(1, runs.clone()));
    problem("not whole pages", &images(vec![run(1, IMAGE, 4096)]));
    problem("not whole pages", &images(vec![run(0, IMAGE + 1, 4096)]));
    problem("not whole pages", &images(vec![run(0, IMAGE, 4095)]));
    problem("not whole pages", &images(vec![run(0, IMAGE, 0)]));
    problem("out of order", &images(vec![run(4096, IMAGE, 4096), run(4096, IMAGE, 4096)]));
    problem("larger than the memory", &images(vec![run(61440, IMAGE, 8192)]));
    problem("leaves the file", &images(vec![run(0, IMAGE, 1 << 40)]));
    problem("leaves the file", &images(vec![run(0, u64::MAX - 4095, 4096)]));
    problem("memory 0: its limits are out of range", &|d| d.memories.push(memory(65537, Vec::new())));
    problem("pages of another size", &|d| {
        d.memories.push(memory(1, Vec::new()));
        d.memories[0].ty.page_log2 = 12;
    });
    problem("table 0: its limits are out of range", &|d| {
        d.tables.push(table(false));
        d.tables[0].ty.limits = Limits { min: 2, max: Some(1) };
    });
    problem("table 0: its elements are no references", &|d| {
        d.tables.push(table(false));
        d.tables[0].ty.element = I32;
    });
    problem("table 0: its initial value has the wrong type", &|d| {
        d.tables.push(abi::Table { init: Some(zero()), ..table(false) });
    });
    problem("global 0: its initial value reads an unknown global", &|d| {
        let init = ConstExpr { ops: vec![ConstOp::GlobalGet { index: 0 }] };
        d.globals.push(abi::Global { ty: GlobalType { value: I32, mutable: false }, init });
    });
    let segments = |mode: DataMode, offset, length| {
        move |d: &mut Descriptor| {
            d.data.push(DataSegment { mode: mode.clone(), file: FileRange { offset, length } });
        }
    };
    problem("data segment 0: it is outside the data", &segments(DataMode::Passive, DATA, 17));
    problem("data segment 0: it is outside the data", &segments(DataMode::Passive, DATA - 1, 1));
    problem("it is in the image, but not empty", &segments(DataMode::InImage, DATA, 1));
    let active = DataMode::Active { memory: 0, offset: zero() };
    problem("its memory is unknown", &segments(active, DATA, 1));
    let elems = |element, mode: ElemMode, items: ElemItems| {
        move |d: &mut Descriptor| {
            d.tables.push(table(true));
            d.elems.push(ElemSegment { element, mode: mode.clone(), items: items.clone() });
        }
    };
    let entries = |entries: &[u32]| ElemItems::Entries { entries: entries.to_vec() };
    let active = |table| ElemMode::Active { table, offset: zero() };
    let func = ValType::FUNCREF;
    problem("names an unknown function entry", &elems(func, ElemMode::Passive, entries(&[99])));
    problem("its elements are of another type", &elems(ValType::EXTERNREF, ElemMode::Passive, entries(&[0])));
    problem("its table is constant", &elems(func, active(0), entries(&[0])));
    problem("its table is unknown", &elems(func, active(1), entries(&[0])));
    problem("it is dropped, but not empty", &elems(func, ElemMode::Dropped, entries(&[0])));
    let exprs = ElemItems::Exprs { exprs: vec![zero()] };
    problem("its initial value has the wrong type", &elems(func, ElemMode::Passive, exprs));
}

/// Whatever the bytes are, opening gives an answer; what it accepts can be instantiated without a crash.
#[test]
fn mutated_files_never_crash() {
    let mut artifact = Artifact::new(0);
    artifact.image = vec![1; 4096];
    artifact.data = vec![1; 16];
    let file = FileRange { offset: IMAGE, length: 4096 };
    artifact.descriptor.memories.push(memory(1, vec![ImageRun { address: 0, file }]));
    artifact.descriptor.tables.push(table(false));
    artifact.descriptor.elems.push(ElemSegment {
        element: ValType::FUNCREF,
        mode: ElemMode::Active { table: 0, offset: zero() },
        items: ElemItems::Entries { entries: vec![0] },
    });
    let file = FileRange { offset: DATA, length: 16 };
    let mode = DataMode::Active { memory: 0, offset: zero() };
    artifact.descriptor.data.push(DataSegment { mode, file });
    let original = artifact.build();
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    };
    let mut accepted = 0;
    for _ in 0..4000 {
        let mut bytes = original.clone();
        for _ in 0..1 + random(3) {
            // Headers, descriptor, maps and section headers: what is read.
            let at = if random(4) == 0 { 0x9000 + random(bytes.len() - 0x9000) } else { random(0x1000) };
            bytes[at] = [bytes[at] ^ (1 << random(8)), 0, 0xff, random(256) as u8][random(4)];
        }
        if random(8) == 0 {
            bytes.truncate(random(bytes.len()));
        }
        if bytes.len() > 0x440 && random(4) != 0 {
            reseal(&mut bytes);
        }
        if let Ok(module) = load(&bytes) {
            accepted += 1;
            // Its start function might be any code by now, so it must not run.
            if module.descriptor().start.is_none() {
                drop(crate::Linker::new().instantiate(&mut crate::Store::new(()), &module));
            }
        }
    }
    assert!(accepted > 100, "only {accepted} of the files were accepted");
}
