//! Links a small object and reads the result with the `object` crate; `tools` has other tools judge it.

mod tools;

use super::*;
use cranelift_codegen::cursor::{Cursor, FuncCursor};
use cranelift_codegen::ir::{Function, InstBuilder};
use cranelift_codegen::isa::unwind::UnwindInfo as AnyUnwindInfo;
use cranelift_codegen::isa::{self, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use object::elf::{R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32};
use object::read::elf::{ElfFile64, ProgramHeader};
use object::write::{self, StandardSection, StandardSegment, SymbolFlags, SymbolSection};
use object::{
    BinaryFormat, Endianness, LittleEndian, Object, ObjectSection, ObjectSymbol, RelocationFlags,
    SectionKind, SymbolKind, SymbolScope, elf,
};
use wasmaot_abi::descriptor::{DataMode, DataSegment, FileRange, ImageRun, Memory, Places};
use wasmaot_abi::types::{Limits, MemoryType};
use wasmaot_abi::wire::{Decode, Reader};

/// `push rbp; mov rbp, rsp; call g; pop rbp; ret`, `int3` up to 16, and `g: mov eax, [rip + table]; ret`.
const TEXT: [u8; 23] = [
    0x55, 0x48, 0x89, 0xe5, 0xe8, 0, 0, 0, 0, 0x5d, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0x8b, 0x05, 0, 0, 0,
    0, 0xc3,
];
const F_SIZE: u32 = 11;
const G_OFFSET: u32 = 16;
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
    cursor.ins().return_(&[]);
    let mut context = cranelift_codegen::Context::for_function(function);
    let code = context.compile(isa, &mut Default::default()).unwrap();
    let length = code.code_buffer().len() as u32;
    match code.create_unwind_info(isa).unwrap() {
        Some(AnyUnwindInfo::SystemV(info)) => Unwind { offset: 0, length, info },
        other => panic!("{other:?}"),
    }
}

fn elf_relocation(kind: u32, offset: u64, symbol: write::SymbolId, addend: i64) -> write::Relocation {
    write::Relocation { offset, symbol, addend, flags: RelocationFlags::Elf { r_type: kind } }
}

/// Two functions and a table `{7, ANSWER, distance from the word to g}`, without the relocation of the call.
struct Sample {
    object: write::Object<'static>,
    text: write::SectionId,
    g: write::SymbolId,
}

impl Sample {
    fn new() -> Self {
        let mut object =
            write::Object::new(BinaryFormat::Elf, object::Architecture::X86_64, Endianness::Little);
        let text = object.section_id(StandardSection::Text);
        let rodata = object.section_id(StandardSection::ReadOnlyData);
        object.append_section_data(text, &TEXT, 16);
        let table_bytes = [7u32, ANSWER, 0].map(u32::to_le_bytes).concat();
        object.append_section_data(rodata, &table_bytes, 8);
        let mut symbol = |name: &str, section, kind, value, size, scope| {
            object.add_symbol(write::Symbol {
                name: name.into(),
                value,
                size,
                kind,
                scope,
                weak: false,
                section: SymbolSection::Section(section),
                flags: SymbolFlags::None,
            })
        };
        symbol("f", text, SymbolKind::Text, 0, F_SIZE.into(), SymbolScope::Dynamic);
        let g = symbol("the g", text, SymbolKind::Text, G_OFFSET.into(), 7, SymbolScope::Compilation);
        let table = symbol("table", rodata, SymbolKind::Data, 0, 12, SymbolScope::Compilation);
        // The second word of the table; the displacement counts from its own end.
        object.add_relocation(text, elf_relocation(R_X86_64_PC32, 18, table, 0)).unwrap();
        object.add_relocation(rodata, elf_relocation(R_X86_64_PC32, 8, g, 0)).unwrap();
        Self { object, text, g }
    }

    /// The object, with this relocation of the call in `f`.
    fn calling(mut self, kind: u32, target: write::SymbolId, addend: i64) -> Vec<u8> {
        self.object.add_relocation(self.text, elf_relocation(kind, 5, target, addend)).unwrap();
        self.object.write().unwrap()
    }

    fn valid() -> Vec<u8> {
        let sample = Self::new();
        let g = sample.g;
        sample.calling(R_X86_64_PLT32, g, -4)
    }

    fn undefined(&mut self, name: &str) -> write::SymbolId {
        self.object.add_symbol(write::Symbol {
            name: name.into(),
            value: 0,
            size: 0,
            kind: SymbolKind::Text,
            scope: SymbolScope::Dynamic,
            weak: false,
            section: SymbolSection::Undefined,
            flags: SymbolFlags::None,
        })
    }
}

fn descriptor() -> Descriptor {
    let run = |address, offset| ImageRun { address, file: FileRange { offset, length: 4096 } };
    let memory = MemoryType::new(Limits { min: 1, max: None });
    Descriptor {
        producer: "test".to_owned(),
        wasm_features: Vec::new(),
        places: Places::default(),
        types: Vec::new(),
        type_groups: Vec::new(),
        imports: Vec::new(),
        exports: Vec::new(),
        entries: Vec::new(),
        tables: Vec::new(),
        memories: vec![Memory { ty: memory, image: vec![run(0, 0), run(16384, 4096)] }],
        globals: Vec::new(),
        data: vec![
            DataSegment { mode: DataMode::InImage, file: FileRange::default() },
            DataSegment { mode: DataMode::Passive, file: FileRange { offset: 2, length: 3 } },
        ],
        elems: Vec::new(),
        start: None,
        tags: Vec::new(),
        exceptions: FileRange::default(),
        meter: Some(FileRange::default()),
    }
}

fn parts(object: &[u8]) -> Parts<'_> {
    let isa = isa();
    let at = |offset, length| Unwind { offset, length, info: frame_info(&*isa).info };
    let length = frame_info(&*isa).length;
    Parts {
        object,
        descriptor: descriptor(),
        cpu_features: 7,
        image: [[1; 4096], [2; 4096]].concat(),
        data: b"..xyz".to_vec(),
        traps: b"traps".to_vec(),
        meter: b"meter".to_vec(),
        exceptions: b"exceptions".to_vec(),
        address_map: b"address map".to_vec(),
        function_map: b"function map".to_vec(),
        exports: vec![Export { name: "a-b".to_owned(), offset: 0, size: F_SIZE }],
        unwind: vec![at(0, length)],
        cie: isa.create_systemv_cie().unwrap(),
    }
}

/// The file that [`Sample::valid`] becomes.
fn sample() -> Vec<u8> {
    shared_object(parts(&Sample::valid())).unwrap()
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
        |section: &[u8], offset: usize| i32::from_le_bytes(section[offset..][..4].try_into().unwrap());
    let code = text.data().unwrap();
    assert_eq!(value(code, 5), G_OFFSET as i32 - 9);
    let field_end = text.address() as i64 + 22;
    assert_eq!(field_end + i64::from(value(code, 18)), rodata.address() as i64 + 4);
    let word = rodata.address() as i64 + 8;
    let g = text.address() as i64 + i64::from(G_OFFSET);
    assert_eq!(word + i64::from(value(rodata.data().unwrap(), 8)), g);
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
    assert_eq!(of("f"), Some((0, u64::from(F_SIZE))));
    assert_eq!(of("the g"), Some((u64::from(G_OFFSET), 7)));
    assert_eq!(of("wasmaot_export_a$2db"), Some((0, u64::from(F_SIZE))));
    assert_eq!(elf.dynamic_symbols().count(), 2);
    assert_eq!(elf.dynamic_relocations().map_or(0, |all| all.count()), 0);
}

#[test]
fn the_same_parts_give_the_same_bytes() {
    assert_eq!(sample(), sample());
}

#[test]
fn an_object_without_code_gets_a_text() {
    let object = write::Object::new(BinaryFormat::Elf, object::Architecture::X86_64, Endianness::Little);
    let bytes = object.write().unwrap();
    let parts = Parts { exports: Vec::new(), unwind: Vec::new(), ..parts(&bytes) };
    let file = shared_object(parts).unwrap();
    let (_, descriptor) = module(&file);
    assert_eq!(at(&file, descriptor.places.text), [0xCC]);
}

#[test]
fn undefined_symbols_are_named() {
    for kind in [R_X86_64_PLT32, R_X86_64_64] {
        let mut sample = Sample::new();
        let memcpy = sample.undefined("memcpy");
        let error = shared_object(parts(&sample.calling(kind, memcpy, -4))).unwrap_err();
        assert_eq!(
            error.to_string(),
            "undefined symbol memcpy, which f+0x5 refers to; an artifact can import nothing"
        );
    }
}

#[test]
fn other_relocations_are_refused() {
    let sample = Sample::new();
    let g = sample.g;
    let error = shared_object(parts(&sample.calling(R_X86_64_64, g, 0))).unwrap_err();
    assert!(matches!(error, LinkError::Relocation { .. }), "{error}");
    assert!(error.to_string().contains("at f+0x5;"), "{error}");
}

#[test]
fn distances_that_do_not_fit_are_refused() {
    let sample = Sample::new();
    let g = sample.g;
    let error = shared_object(parts(&sample.calling(R_X86_64_PC32, g, 1 << 31))).unwrap_err();
    assert_eq!(error.to_string(), "symbol the g is out of reach of f+0x5");
}

#[test]
fn relocations_beyond_the_section_are_refused() {
    let mut sample = Sample::new();
    let (text, g) = (sample.text, sample.g);
    sample.object.add_relocation(text, elf_relocation(R_X86_64_PC32, TEXT.len() as u64 - 3, g, 0)).unwrap();
    let error = shared_object(parts(&sample.calling(R_X86_64_PLT32, g, -4))).unwrap_err();
    assert!(matches!(error, LinkError::OutsideSection { .. }), "{error}");
}

#[test]
fn unexpected_sections_are_refused() {
    for (kind, name) in [(SectionKind::Data, ".data"), (SectionKind::Text, ".text.second")] {
        let mut sample = Sample::new();
        let segment = sample.object.segment_name(StandardSegment::Data).to_vec();
        let section = sample.object.add_section(segment, name.into(), kind);
        sample.object.append_section_data(section, &[0; 8], 8);
        let g = sample.g;
        let error = shared_object(parts(&sample.calling(R_X86_64_PLT32, g, -4))).unwrap_err();
        assert!(matches!(&error, LinkError::Section { name: found } if found == name), "{error}");
    }
}

#[test]
fn constants_aligned_beyond_a_cache_line_are_refused() {
    let mut sample = Sample::new();
    let rodata = sample.object.section_id(StandardSection::ReadOnlyData);
    sample.object.append_section_data(rodata, &[0; 8], 128);
    let g = sample.g;
    let error = shared_object(parts(&sample.calling(R_X86_64_PLT32, g, -4))).unwrap_err();
    assert!(matches!(error, LinkError::Alignment { align: 128, .. }), "{error}");
}

#[test]
fn every_truncation_of_an_object_is_an_error_or_a_file() {
    let object = Sample::valid();
    for end in 0..object.len() {
        let copy = object[..end].to_vec();
        if let Err(error) = shared_object(Parts { unwind: Vec::new(), ..parts(&copy) }) {
            assert!(!error.to_string().is_empty());
        }
    }
}
