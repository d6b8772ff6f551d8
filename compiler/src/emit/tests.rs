//! Makes a small artifact and reads it with the `object` crate; `tools` has other tools judge it.

mod tools;

use super::const_tables::ConstTables;
use super::parts::{Export, Parts};
use super::text::Text;
use super::unwind::Unwind;
use super::*;
use crate::codegen::{Reference, Target};
use crate::index::{FuncIndex, TableIndex, TypeIndex};
use crate::key::{FuncKeys, Symbol};
use crate::module::tables::Elements;
use ::object::read::elf::{ElfFile64, ProgramHeader};
use ::object::{LittleEndian, Object, ObjectSection, ObjectSymbol, elf};
use cranelift_codegen::binemit::Reloc;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{Function, InstBuilder};
use cranelift_codegen::isa::unwind::UnwindInfo as AnyUnwindInfo;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use wasmaot_abi::descriptor::{DataMode, DataSegment, Descriptor, FileRange, ImageRun, Memory};
use wasmaot_abi::state::ConstEntry;
use wasmaot_abi::types::{Limits, MemoryType};
use wasmaot_abi::wire::{Decode, Reader};

/// `push rbp; mov rbp, rsp; call g; pop rbp; ret`.
const F: [u8; 11] = [0x55, 0x48, 0x89, 0xe5, 0xe8, 0, 0, 0, 0, 0x5d, 0xc3];
/// `mov eax, [rip + the type of the table's first entry]; ret`.
const G: [u8; 7] = [0x8b, 0x05, 0, 0, 0, 0, 0xc3];
/// Where the fields of both are.
const F_FIELD: u32 = 5;
const G_FIELD: u32 = 2;
const G_OFFSET: u32 = 16;
/// The type of `g`, which is what both functions return.
const ANSWER: u32 = 42;

/// A code generator for x86-64 that keeps frame pointers.
pub(super) fn isa() -> OwnedTargetIsa {
    let mut flags = settings::builder();
    flags.set("preserve_frame_pointers", "true").unwrap();
    isa::lookup_by_name("x86_64").unwrap().finish(settings::Flags::new(flags)).unwrap()
}

/// What unwinds a function that does nothing but set its frame up. Its code is as long as `f`.
pub(super) fn frame_info(isa: &dyn TargetIsa) -> Unwind {
    let mut function = Function::new();
    let mut cursor = FuncCursor::new(&mut function);
    let block = cursor.func.dfg.make_block();
    cursor.insert_block(block);
    cursor.ins().debugtrap();
    cursor.ins().debugtrap();
    cursor.ins().return_(&[]);
    let mut context = cranelift_codegen::Context::for_function(function);
    let code = context.compile(isa, &mut Default::default()).unwrap();
    let length = code.code_buffer().len() as u32;
    match code.create_unwind_info(isa).unwrap() {
        Some(AnyUnwindInfo::SystemV(info)) => Unwind { offset: 0, length, info },
        other => panic!("{other:?}"),
    }
}

/// What a sample's tables are made of: a constant one with `g` and null, an empty constant one, and
/// one that is not constant.
struct Sample {
    elements: PrimaryMap<TableIndex, Option<Elements>>,
    types: PrimaryMap<FuncIndex, TypeIndex>,
    functions: FuncKeys,
}

impl Sample {
    fn new() -> Self {
        let elements = [Some(vec![Some(FuncIndex::from(1)), None]), Some(vec![]), None];
        Self {
            elements: elements.into_iter().collect(),
            types: [0, ANSWER].map(TypeIndex::from).into_iter().collect(),
            functions: FuncKeys::new(0, Vec::new(), 2, PrimaryMap::new(), Vec::new()),
        }
    }
}

fn reference(at: u32, kind: Reloc, target: Symbol, addend: i64) -> Reference {
    Reference { at, kind, target: Target::Symbol(target), addend }
}

fn table(index: u32) -> Symbol {
    Symbol::Table(TableIndex::from(index))
}

fn code(bytes: &[u8], references: Vec<Reference>, unwind: Option<AnyUnwindInfo>) -> Code {
    Code {
        bytes: bytes.to_vec(),
        alignment: 16,
        references,
        traps: Vec::new(),
        locations: Vec::new(),
        unwind,
        sites: Vec::new(),
    }
}

/// Two functions, of which `f` has this reference.
fn functions(of_f: Reference) -> Text {
    let unwind = AnyUnwindInfo::SystemV(frame_info(&*isa()).info);
    // The displacement counts from the field's own end.
    let of_g = reference(G_FIELD, Reloc::X86PCRel4, table(0), i64::from(ConstEntry::TYPE) - 4);
    let codes = [code(&F, vec![of_f], Some(unwind)), code(&G, vec![of_g], None)];
    Text::new(codes.into_iter().collect()).unwrap()
}

/// The reference that makes `f` call `g`.
fn call() -> Reference {
    reference(F_FIELD, Reloc::X86CallPCRel4, Symbol::Function(CodeIndex::from(1)), -4)
}

fn descriptor() -> Descriptor {
    let run = |address, offset| ImageRun { address, file: FileRange { offset, length: 4096 } };
    let memory = MemoryType::new(Limits { min: 1, max: None });
    Descriptor {
        producer: "test".to_owned(),
        memories: vec![Memory { ty: memory, image: vec![run(0, 0), run(16384, 4096)] }],
        data: vec![
            DataSegment { mode: DataMode::InImage, file: FileRange::default() },
            DataSegment { mode: DataMode::Passive, file: FileRange { offset: 2, length: 3 } },
        ],
        meter: Some(FileRange::default()),
        code: Some(FileRange::default()),
        ..Descriptor::default()
    }
}

fn parts(sample: &Sample, text: Text) -> Parts<'_> {
    Parts {
        text,
        names: ["f", "the g"].map(String::from).into_iter().collect(),
        const_tables: ConstTables::new(&sample.elements, &sample.types, &sample.functions),
        descriptor: descriptor(),
        cpu_features: 7,
        image: [[1; 4096], [2; 4096]].concat(),
        data: b"..xyz".to_vec(),
        traps: b"traps".to_vec(),
        meter: b"meter".to_vec(),
        exceptions: b"exceptions".to_vec(),
        address_map: b"address map".to_vec(),
        function_map: b"function map".to_vec(),
        code_table: b"code table".to_vec(),
        lines: None,
        exports: vec![Export { name: "a-b".to_owned(), offset: 0, size: F.len() as u32 }],
        cie: isa().create_systemv_cie().unwrap(),
    }
}

/// The artifact in which `f` has this reference.
fn artifact_with(of_f: Reference) -> Result<Vec<u8>, EmitError> {
    shared_object(parts(&Sample::new(), functions(of_f)))
}

fn sample() -> Vec<u8> {
    artifact_with(call()).unwrap()
}

fn at(file: &[u8], range: FileRange) -> &[u8] {
    &file[range.offset as usize..][..range.length as usize]
}

/// Header and descriptor, found as a reader does.
fn module(file: &[u8]) -> (Header, Descriptor) {
    let elf = ElfFile64::<LittleEndian>::parse(file).unwrap();
    let section = elf.section_by_name(wasmaot_abi::header::SECTION).unwrap();
    let bytes = section.data().unwrap();
    let symbol = elf.dynamic_symbols().find(|symbol| symbol.name() == Ok("wasmaot_module")).unwrap();
    assert_eq!((symbol.address(), symbol.size()), (section.address(), section.size()));
    let header = Header::from_bytes(bytes).unwrap();
    let descriptor = Descriptor::decode(&mut Reader::new(&bytes[Header::SIZE..])).unwrap();
    assert_eq!(header.descriptor_size as usize, bytes.len() - Header::SIZE);
    (header, descriptor)
}

#[test]
fn the_descriptor_leads_to_everything() {
    let file = sample();
    let (header, descriptor) = module(&file);
    assert_eq!(header.file_size, file.len() as u64);
    assert_eq!(header.cpu_features, 7);
    let places = descriptor.places;
    assert_eq!(at(&file, places.data), b"..xyz");
    assert_eq!(at(&file, places.traps), b"traps");
    assert_eq!(at(&file, descriptor.meter.unwrap()), b"meter");
    assert_eq!(at(&file, descriptor.exceptions), b"exceptions");
    assert_eq!(at(&file, places.address_map), b"address map");
    assert_eq!(at(&file, places.function_map), b"function map");
    assert_eq!(at(&file, descriptor.code.unwrap()), b"code table");
    assert_eq!(at(&file, descriptor.data[1].file), b"xyz");
    let [first, second] = descriptor.memories[0].image[..] else { panic!("two runs") };
    assert_eq!(at(&file, first.file), [1; 4096]);
    assert_eq!(at(&file, second.file), [2; 4096]);
    assert!(first.file.offset.is_multiple_of(4096));
}

#[test]
fn the_checksum_is_that_of_the_file_without_it() {
    let mut file = sample();
    let (header, _) = module(&file);
    let magic = wasmaot_abi::header::MAGIC;
    let start = file.windows(magic.len()).position(|window| window == magic).unwrap();
    file[start + Header::CHECKSUM_OFFSET..][..4].fill(0);
    assert_eq!(crc32fast::hash(&file), header.checksum);
}

#[test]
fn references_are_resolved() {
    let file = sample();
    let elf = ElfFile64::<LittleEndian>::parse(&*file).unwrap();
    let text = elf.section_by_name(".text").unwrap();
    let rodata = elf.section_by_name(".rodata").unwrap();
    let value =
        |section: &[u8], offset: u32| i32::from_le_bytes(section[offset as usize..][..4].try_into().unwrap());
    let code = text.data().unwrap();
    assert_eq!(value(code, F_FIELD), G_OFFSET as i32 - (F_FIELD as i32 + 4));
    let field_end = text.address() as i64 + i64::from(G_OFFSET + G_FIELD) + 4;
    let read = field_end + i64::from(value(code, G_OFFSET + G_FIELD));
    assert_eq!(read, rodata.address() as i64 + i64::from(ConstEntry::TYPE));

    let g = text.address() as i64 + i64::from(G_OFFSET);
    let first = ConstEntry { rel: (g - rodata.address() as i64) as i32, ty: ANSWER };
    let nothing = [0xff; ConstEntry::SIZE as usize];
    assert_eq!(rodata.data().unwrap(), [first.to_bytes(), ConstEntry::NULL.to_bytes(), nothing].concat());
}

#[test]
fn addresses_are_file_offsets_and_no_segment_is_writable_and_executable() {
    let file = sample();
    let (_, descriptor) = module(&file);
    let elf = ElfFile64::<LittleEndian>::parse(&*file).unwrap();
    let le = LittleEndian;
    let mut pages_end = 0;
    for header in elf.elf_program_headers().iter().filter(|header| header.p_type(le) == elf::PT_LOAD) {
        assert_eq!(header.p_vaddr(le), header.p_offset(le));
        assert!(header.p_offset(le) >= pages_end, "segments share a page");
        pages_end = (header.p_offset(le) + header.p_filesz(le)).next_multiple_of(4096);
        assert_ne!(header.p_flags(le) & (elf::PF_W | elf::PF_X), elf::PF_W | elf::PF_X);
        if header.p_flags(le) & elf::PF_X != 0 {
            let range = FileRange { offset: header.p_offset(le), length: header.p_filesz(le) };
            assert_eq!(range, descriptor.places.text);
            let rest = (range.offset + range.length) as usize..pages_end as usize;
            assert!(file[rest].iter().all(|&byte| byte == 0xCC));
        }
    }
}

#[test]
fn functions_and_exports_have_symbols() {
    let file = sample();
    let (_, descriptor) = module(&file);
    let elf = ElfFile64::<LittleEndian>::parse(&*file).unwrap();
    let text = descriptor.places.text.offset;
    let of = |name| elf.symbol_by_name(name).map(|symbol| (symbol.address() - text, symbol.size()));
    assert_eq!(of("f"), Some((0, F.len() as u64)));
    assert_eq!(of("the g"), Some((u64::from(G_OFFSET), 7)));
    assert_eq!(of("wasmaot_export_a$2db"), Some((0, F.len() as u64)));
    assert_eq!(elf.dynamic_symbols().count(), 2);
    assert_eq!(elf.dynamic_relocations().map_or(0, |all| all.count()), 0);
}

#[test]
fn the_same_parts_give_the_same_bytes() {
    assert_eq!(sample(), sample());
}

#[test]
fn no_functions_are_a_text_that_traps() {
    let sample =
        Sample { functions: FuncKeys::new(0, Vec::new(), 0, PrimaryMap::new(), Vec::new()), ..Sample::new() };
    let sample = Sample { elements: PrimaryMap::new(), ..sample };
    let text = Text::new(PrimaryMap::new()).unwrap();
    let parts = Parts { exports: Vec::new(), names: PrimaryMap::new(), ..parts(&sample, text) };
    let file = shared_object(parts).unwrap();
    let (_, descriptor) = module(&file);
    assert_eq!(at(&file, descriptor.places.text), [0xCC]);
}

#[test]
fn undefined_symbols_are_named() {
    for kind in [Reloc::X86CallPCRel4, Reloc::Abs8] {
        let memcpy = Reference { target: Target::Undefined("memcpy".to_owned()), kind, ..call() };
        let error = artifact_with(memcpy).unwrap_err();
        assert_eq!(
            error.to_string(),
            "undefined symbol memcpy, which f+0x5 refers to; an artifact can import nothing"
        );
    }
    let error = artifact_with(reference(F_FIELD, Reloc::X86PCRel4, table(2), -4)).unwrap_err();
    assert!(matches!(&error, EmitError::Undefined { symbol, .. } if symbol == "table[2]"), "{error}");
}

#[test]
fn other_relocations_are_refused() {
    let error = artifact_with(Reference { kind: Reloc::Abs8, ..call() }).unwrap_err();
    assert!(matches!(error, EmitError::Relocation { .. }), "{error}");
    assert!(error.to_string().contains("at f+0x5;"), "{error}");
}

#[test]
fn distances_that_do_not_fit_are_refused() {
    let error = artifact_with(Reference { addend: 1 << 31, ..call() }).unwrap_err();
    assert_eq!(error.to_string(), "symbol the g is out of reach of f+0x5");
}

#[test]
fn references_beyond_their_function_are_refused() {
    for at in [F.len() as u32 - 3, u32::MAX] {
        let error = artifact_with(Reference { at, ..call() }).unwrap_err();
        assert!(matches!(error, EmitError::OutsideFunction { .. }), "{error}");
    }
}
