//! ELF header, program headers, `.dynamic` and section headers.
//!
//! **Invariant: nothing in them makes a loader run code or change code**: no initialisers, no
//! relocations, no needed libraries; the stack stays non-executable and no segment is both writable
//! and executable.

use super::layout::{FILE_HEADER, Layout, PROGRAM_HEADER, SECTION_HEADER, SEGMENTS};
use super::section::{PAGE, SYMBOL_SIZE, Section};
use object::elf::{
    DT_GNU_HASH, DT_NULL, DT_STRSZ, DT_STRTAB, DT_SYMENT, DT_SYMTAB, Dyn64, ELFCLASS64, ELFDATA2LSB, ELFMAG,
    ELFOSABI_SYSV, EM_X86_64, ET_DYN, EV_CURRENT, FileHeader64, Ident, PF_R, PF_W, PF_X, PT_DYNAMIC,
    PT_GNU_EH_FRAME, PT_GNU_STACK, PT_LOAD, ProgramHeader64, SectionHeader64,
};
use object::{I64, LittleEndian as LE, U16, U32, U64, pod};
use wasmaot_abi::descriptor::FileRange;

/// Number of entries of `.dynamic`.
pub(super) const DYNAMIC_ENTRIES: u64 = 6;

/// ELF header and program headers: the file's first bytes.
pub(super) fn leading(layout: &Layout) -> Vec<u8> {
    let mut bytes = pod::bytes_of(&file_header(layout)).to_vec();
    let readable = FileRange { offset: 0, length: layout.end(Section::Module) };
    let (text, dynamic) = (layout[Section::Text], layout[Section::Dynamic]);
    let segments: [ProgramHeader64<LE>; SEGMENTS as usize] = [
        segment(PT_LOAD, PF_R, readable, PAGE),
        segment(PT_LOAD, PF_R | PF_X, text, PAGE),
        segment(PT_LOAD, PF_R | PF_W, dynamic, PAGE),
        segment(PT_DYNAMIC, PF_R | PF_W, dynamic, 8),
        segment(PT_GNU_EH_FRAME, PF_R, layout[Section::FrameIndex], 4),
        segment(PT_GNU_STACK, PF_R | PF_W, FileRange::default(), 16),
    ];
    bytes.extend_from_slice(pod::bytes_of_slice(&segments));
    bytes
}

fn file_header(layout: &Layout) -> FileHeader64<LE> {
    FileHeader64 {
        e_ident: Ident {
            magic: ELFMAG,
            class: ELFCLASS64,
            data: ELFDATA2LSB,
            version: EV_CURRENT,
            os_abi: ELFOSABI_SYSV,
            abi_version: 0,
            padding: [0; 7],
        },
        e_type: U16::new(LE, ET_DYN),
        e_machine: U16::new(LE, EM_X86_64),
        e_version: U32::new(LE, EV_CURRENT.into()),
        e_entry: U64::new(LE, 0),
        e_phoff: U64::new(LE, FILE_HEADER),
        e_shoff: U64::new(LE, layout.section_headers()),
        e_flags: U32::new(LE, 0),
        e_ehsize: U16::new(LE, FILE_HEADER as u16),
        e_phentsize: U16::new(LE, PROGRAM_HEADER as u16),
        e_phnum: U16::new(LE, SEGMENTS as u16),
        e_shentsize: U16::new(LE, SECTION_HEADER as u16),
        e_shnum: U16::new(LE, layout.headers() as u16),
        e_shstrndx: U16::new(LE, Section::Shstrtab.index()),
    }
}

fn segment(kind: u32, flags: u32, range: FileRange, align: u64) -> ProgramHeader64<LE> {
    let [offset, length, align] = [range.offset, range.length, align].map(|value| U64::new(LE, value));
    ProgramHeader64 {
        p_type: U32::new(LE, kind),
        p_flags: U32::new(LE, flags),
        p_offset: offset,
        p_vaddr: offset,
        p_paddr: offset,
        p_filesz: length,
        p_memsz: length,
        p_align: align,
    }
}

/// The bytes of `.dynamic`: how to look symbols up.
pub(super) fn dynamic(layout: &Layout) -> Vec<u8> {
    let entries: [(i64, u64); DYNAMIC_ENTRIES as usize] = [
        (DT_GNU_HASH, layout[Section::GnuHash].offset),
        (DT_STRTAB, layout[Section::Dynstr].offset),
        (DT_SYMTAB, layout[Section::Dynsym].offset),
        (DT_STRSZ, layout[Section::Dynstr].length),
        (DT_SYMENT, SYMBOL_SIZE),
        (DT_NULL, 0),
    ];
    let entries = entries.map(|(tag, value)| Dyn64 { d_tag: I64::new(LE, tag), d_val: U64::new(LE, value) });
    pod::bytes_of_slice(&entries).to_vec()
}

/// The bytes of `.shstrtab`: the names of these sections, in their order.
pub(super) fn section_names(sections: &[Section]) -> Vec<u8> {
    let names = sections.iter().flat_map(|section| [section.form().name.as_bytes(), b"\0"]);
    std::iter::once(b"\0".as_slice()).chain(names).flatten().copied().collect()
}

/// The section headers: the file's last bytes. `locals` are the local symbols of `.symtab`.
pub(super) fn sections(layout: &Layout, locals: u32) -> Vec<u8> {
    let mut bytes = vec![0; SECTION_HEADER as usize];
    let mut name = 1;
    for &section in layout.sections() {
        let form = section.form();
        let range = layout[section];
        let first_global = match section {
            // Its only local symbol is the null symbol.
            Section::Dynsym => 1,
            Section::Symtab => locals,
            _ => 0,
        };
        bytes.extend_from_slice(pod::bytes_of(&SectionHeader64::<LE> {
            sh_name: U32::new(LE, name),
            sh_type: U32::new(LE, form.kind),
            sh_flags: U64::new(LE, form.flags.into()),
            sh_addr: U64::new(LE, if form.flags == 0 { 0 } else { range.offset }),
            sh_offset: U64::new(LE, range.offset),
            sh_size: U64::new(LE, range.length),
            sh_link: U32::new(LE, form.link.map_or(0, |link| link.index().into())),
            sh_info: U32::new(LE, first_global),
            sh_addralign: U64::new(LE, form.align),
            sh_entsize: U64::new(LE, form.entry_size),
        }));
        name += form.name.len() as u32 + 1;
    }
    bytes
}
