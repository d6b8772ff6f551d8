//! The strict ELF reader: accepts the one shape that wasmaot emits and names what differs.
//!
//! **Invariants.** Nothing is mapped here and nothing from the file runs. Every offset is checked against the
//! file's size before it is read. What a loader of the system would act on (constructors, relocations, needed
//! libraries, interpreters) is refused, whether or not this runtime would look at it.

use super::error::OpenError;
use super::source::Source;
use wasmaot_abi::descriptor::FileRange;
use wasmaot_abi::header;
use wasmaot_abi::slot::HOST_PAGE;

const EHDR: usize = 64;
const PHDR: usize = 56;
const SHDR: usize = 64;
const DYN: usize = 16;
const SYM: usize = 24;

const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const PT_PHDR: u32 = 6;
const PT_TLS: u32 = 7;
const PT_GNU_EH_FRAME: u32 = 0x6474_e550;
const PT_GNU_STACK: u32 = 0x6474_e551;
const PT_GNU_RELRO: u32 = 0x6474_e552;
const PT_GNU_PROPERTY: u32 = 0x6474_e553;

const PF_X: u32 = 1;
const PF_W: u32 = 2;

const SHT_SYMTAB: u32 = 2;
const SHT_STRTAB: u32 = 3;
const SHT_RELA: u32 = 4;
const SHT_NOBITS: u32 = 8;
const SHT_REL: u32 = 9;
const SHT_DYNSYM: u32 = 11;
const SHT_RELR: u32 = 19;
const STT_GNU_IFUNC: u8 = 10;

const DF_TEXTREL: u64 = 4;

/// The most segments and sections that are looked at; wasmaot emits about a dozen.
const MAX_HEADERS: u16 = 64;

/// A segment to be mapped: its address in the mapped module equals its file offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Its bytes in the file.
    pub(crate) range: FileRange,
    /// Whether it holds code.
    pub(crate) executable: bool,
}

/// What the loader needs to know of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Elf {
    /// Segments that are mapped, in ascending order; exactly one is executable.
    pub(crate) segments: Vec<Segment>,
    /// The section that holds header and descriptor.
    pub(crate) module: FileRange,
}

impl Elf {
    /// The segment that holds the code.
    pub(crate) fn text(&self) -> Option<FileRange> {
        self.segments.iter().find(|segment| segment.executable).map(|segment| segment.range)
    }
}

/// Reads and checks all ELF structures.
pub(crate) fn read(source: &Source) -> Result<Elf, OpenError> {
    let header = source.read(FileRange { offset: 0, length: EHDR as u64 }, "the ELF header")?;
    check_identity(&header)?;
    let table = |offset, size, count: u16, each, what| {
        if count > MAX_HEADERS {
            return Err(OpenError::Elf { what, problem: "too many entries" });
        }
        if size != each as u16 {
            return Err(OpenError::Elf { what, problem: "entries of the wrong size" });
        }
        source.read(FileRange { offset, length: u64::from(count) * each as u64 }, what)
    };
    let segments =
        table(u64_at(&header, 32), u16_at(&header, 54), u16_at(&header, 56), PHDR, "the program headers")?;
    let sections =
        table(u64_at(&header, 40), u16_at(&header, 58), u16_at(&header, 60), SHDR, "the section headers")?;
    let segments = read_segments(source, &segments)?;
    let module = read_sections(source, &sections, u16_at(&header, 62), &segments.dynamic)?;
    Ok(Elf { segments: segments.load, module })
}

fn check_identity(header: &[u8]) -> Result<(), OpenError> {
    let checks = [
        (&header[..4] == b"\x7fELF", "it does not start with the ELF magic number"),
        (header[4] == 2, "it is not a 64-bit file"),
        (header[5] == 1, "it is not little-endian"),
        (header[6] == 1 && u32_at(header, 20) == 1, "its ELF version is not 1"),
        (u16_at(header, 16) == 3, "it is not a shared object"),
        (u16_at(header, 18) == 62, "it is not for x86-64"),
        (usize::from(u16_at(header, 52)) == EHDR, "its header has the wrong size"),
    ];
    match checks.into_iter().find(|&(holds, _)| !holds) {
        Some((_, problem)) => Err(OpenError::Elf { what: "the ELF header", problem }),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Segments {
    load: Vec<Segment>,
    dynamic: Dynamic,
    /// By how much addresses exceed file offsets in the writable segment.
    writable_shift: u64,
}

fn read_segments(source: &Source, headers: &[u8]) -> Result<Segments, OpenError> {
    let mut found = Segments::default();
    let mut dynamic_shift = None;
    let mut end = 0;
    for header in headers.chunks_exact(PHDR) {
        let (kind, flags) = (u32_at(header, 0), u32_at(header, 4));
        let range = FileRange { offset: u64_at(header, 8), length: u64_at(header, 32) };
        match kind {
            PT_LOAD => end = read_load(source, header, range, end, &mut found)?,
            PT_DYNAMIC if dynamic_shift.is_some() => return Err(segment("there are two PT_DYNAMIC")),
            PT_DYNAMIC => {
                dynamic_shift = Some(u64_at(header, 16).wrapping_sub(range.offset));
                found.dynamic = read_dynamic(&source.read(range, "the dynamic section")?)?;
            }
            PT_GNU_STACK if flags & PF_X != 0 => return Err(segment("it asks for an executable stack")),
            PT_INTERP => return Err(OpenError::Forbidden("a program interpreter (PT_INTERP)")),
            PT_TLS => return Err(OpenError::Forbidden("thread-local storage (PT_TLS)")),
            PT_NOTE | PT_PHDR | PT_GNU_EH_FRAME | PT_GNU_STACK | PT_GNU_RELRO | PT_GNU_PROPERTY => {
                source.check(range, "a segment")?;
            }
            _ => return Err(segment("it is of an unknown type")),
        }
    }
    // What was checked must be what the system's loader would look at.
    if dynamic_shift.is_some_and(|shift| shift != found.writable_shift) {
        return Err(segment("the address and file offset of PT_DYNAMIC disagree"));
    }
    if found.load.iter().filter(|segment| segment.executable).count() != 1 {
        return Err(segment("there must be exactly one executable one"));
    }
    Ok(found)
}

/// Checks one PT_LOAD, which must start at or behind `end`, the page where the one before it ended. Returns
/// its own end.
fn read_load(
    source: &Source,
    header: &[u8],
    range: FileRange,
    end: u64,
    found: &mut Segments,
) -> Result<u64, OpenError> {
    let flags = u32_at(header, 4);
    let (address, memory_size) = (u64_at(header, 16), u64_at(header, 40));
    source.check(range, "a PT_LOAD segment")?;
    let (writable, executable) = (flags & PF_W != 0, flags & PF_X != 0);
    if writable && executable {
        return Err(segment("it is writable and executable"));
    }
    if address % HOST_PAGE != range.offset % HOST_PAGE {
        return Err(segment("its address and file offset disagree"));
    }
    if address / HOST_PAGE * HOST_PAGE < end {
        return Err(segment("it overlaps another or is out of order"));
    }
    let length = range.length.max(memory_size);
    let end = address.checked_add(length).and_then(|end| end.checked_next_multiple_of(HOST_PAGE));
    let end = end.ok_or(segment("its address is out of range"))?;
    // Only the system's loader needs the writable one, which holds the dynamic section.
    if writable {
        found.writable_shift = address.wrapping_sub(range.offset);
    }
    if !writable && range.length != 0 {
        if address != range.offset || memory_size != range.length {
            return Err(segment("its address or size differs from the file's"));
        }
        if executable && !range.offset.is_multiple_of(HOST_PAGE) {
            return Err(segment("the code does not start at a page"));
        }
        found.load.push(Segment { range, executable });
    }
    Ok(end)
}

fn segment(problem: &'static str) -> OpenError {
    OpenError::Elf { what: "the segments", problem }
}

/// What of the dynamic section other parts are checked against.
#[derive(Default)]
struct Dynamic {
    symbols: Option<u64>,
}

fn read_dynamic(bytes: &[u8]) -> Result<Dynamic, OpenError> {
    let mut dynamic = Dynamic::default();
    for entry in bytes.chunks_exact(DYN) {
        let (tag, value) = (u64_at(entry, 0), u64_at(entry, 8));
        let forbidden = match tag {
            0 => return Ok(dynamic),
            1 => "a needed library (DT_NEEDED)",
            12 | 25 | 27 => "a constructor (DT_INIT, DT_INIT_ARRAY)",
            13 | 26 | 28 => "a destructor (DT_FINI, DT_FINI_ARRAY)",
            32 | 33 => "a constructor (DT_PREINIT_ARRAY)",
            2 | 3 | 7..=9 | 17..=20 | 23 | 35..=37 => {
                "dynamic relocations (DT_RELA, DT_REL, DT_RELR, DT_JMPREL)"
            }
            22 => "text relocations (DT_TEXTREL)",
            30 if value & DF_TEXTREL != 0 => "text relocations (DF_TEXTREL)",
            6 => {
                dynamic.symbols = Some(value);
                continue;
            }
            // HASH, STRTAB, STRSZ, SYMENT, SONAME, SYMBOLIC, FLAGS, GNU_HASH, FLAGS_1
            4 | 5 | 10 | 11 | 14 | 16 | 30 | 0x6fff_fef5 | 0x6fff_fffb => continue,
            _ => return Err(OpenError::DynamicTag { tag }),
        };
        return Err(OpenError::Forbidden(forbidden));
    }
    Err(OpenError::Elf { what: "the dynamic section", problem: "it does not end with DT_NULL" })
}

fn read_sections(
    source: &Source,
    headers: &[u8],
    names_index: u16,
    dynamic: &Dynamic,
) -> Result<FileRange, OpenError> {
    let names = headers.chunks_exact(SHDR).nth(usize::from(names_index));
    let names = names.filter(|header| u32_at(header, 4) == SHT_STRTAB).ok_or(OpenError::NoModule)?;
    let names = source.read(section_range(names), "the section names")?;
    let mut module = None;
    for header in headers.chunks_exact(SHDR) {
        match u32_at(header, 4) {
            SHT_REL | SHT_RELA | SHT_RELR => return Err(OpenError::Forbidden("a relocation section")),
            SHT_DYNSYM => {
                if dynamic.symbols.is_some_and(|address| address != u64_at(header, 16)) {
                    return Err(OpenError::Elf {
                        what: "the dynamic symbols",
                        problem: "DT_SYMTAB and the section header disagree",
                    });
                }
                check_symbols(source, section_range(header), true)?;
            }
            SHT_SYMTAB => check_symbols(source, section_range(header), false)?,
            SHT_NOBITS => {}
            _ => {
                source.check(section_range(header), "a section")?;
                if name_is(&names, u32_at(header, 0), header::SECTION) && module.is_none() {
                    module = Some(section_range(header));
                }
            }
        }
    }
    module.ok_or(OpenError::NoModule)
}

fn section_range(header: &[u8]) -> FileRange {
    FileRange { offset: u64_at(header, 24), length: u64_at(header, 32) }
}

fn name_is(names: &[u8], offset: u32, wanted: &str) -> bool {
    let name = names.get(offset as usize..).unwrap_or_default();
    name.strip_prefix(wanted.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
}

/// Refuses indirect functions, whose resolvers run when the file is loaded, and symbols of others.
fn check_symbols(source: &Source, range: FileRange, dynamic: bool) -> Result<(), OpenError> {
    const CHUNK: u64 = 4096 * SYM as u64;
    source.check(range, "a symbol table")?;
    let mut offset = 0;
    while offset < range.length {
        let length = CHUNK.min(range.length - offset);
        let chunk = FileRange { offset: range.offset + offset, length };
        for (index, symbol) in source.read(chunk, "a symbol table")?.chunks_exact(SYM).enumerate() {
            if symbol[4] & 0xf == STT_GNU_IFUNC {
                return Err(OpenError::Forbidden("an indirect function (STT_GNU_IFUNC)"));
            }
            let is_null = offset == 0 && index == 0;
            if dynamic && !is_null && u16_at(symbol, 6) == 0 {
                return Err(OpenError::Forbidden("an imported symbol"));
            }
        }
        offset += length;
    }
    Ok(())
}

fn array<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&bytes[offset..offset + N]);
    value
}

fn u16_at(bytes: &[u8], offset: usize) -> u16 {
    u16::from_le_bytes(array(bytes, offset))
}

fn u32_at(bytes: &[u8], offset: usize) -> u32 {
    u32::from_le_bytes(array(bytes, offset))
}

fn u64_at(bytes: &[u8], offset: usize) -> u64 {
    u64::from_le_bytes(array(bytes, offset))
}
