//! Modules: artifacts that have been checked and mapped, ready to be instantiated any number of times.
//!
//! Opening goes in this order: ELF structures, header (ABI version, size, checksum, calling convention),
//! descriptor, every index in it, the CPU that the code needs, the machine code unless it is trusted; only
//! then is the code mapped. **Invariants.** Nothing of a file is mapped executable before all of it has been
//! checked, and nothing of it runs while it is opened. A module's mappings live as long as any clone of it.

mod check;
mod elf;
mod error;
pub(crate) mod source;
#[cfg(test)]
mod tests;

pub(crate) use check::check_types;
pub use error::OpenError;
#[cfg(feature = "verify")]
pub use source::UnchangingFolder;

use crate::code::frame::{Frame, SourceLocation};
use crate::code::types::{self, TypeNumbers};
use crate::os::cpu;
use crate::os::map::{Access, FileView, Mapping};
use crate::space::pages::{Pages, Registered};
use crate::space::registry::{Code, Tables};
use elf::Elf;
use source::Source;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use wasmaot_abi::descriptor::{Descriptor, ExportKind, FileRange, Import, ImportKind};
use wasmaot_abi::exception::ExceptionTable;
use wasmaot_abi::header::Header;
use wasmaot_abi::slot::HOST_PAGE;
use wasmaot_abi::state::StateLayout;
use wasmaot_abi::trap::TrapTable;
use wasmaot_abi::types::{FuncType, GlobalType};
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR, METERED_CONVENTION, TAIL_CONVENTION};
use wasmaot_abi::wire::{Decode, Reader};
use wasmaot_abi::{addrmap, lines};
#[cfg(feature = "verify")]
use wasmaot_signature::PublicKey;

/// A checked and mapped artifact. Cloning it is cheap.
///
/// ```
/// use wasmaot_runtime::{ExternType, Module};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let artifact = |text: &str| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
/// #     Ok(wasmaot_compiler::compile(&wat::parse_str(text)?, &Default::default(), &|_| ())?.bytes)
/// # };
/// let artifact = artifact(r#"(module (func (export "run") (param i32)))"#)?;
/// // SAFETY: the compiler has written it.
/// let module = unsafe { Module::from_bytes_trusted(&artifact)? };
/// assert!(matches!(module.get_export("run"), Some(ExternType::Func(ty)) if ty.params.len() == 1));
/// // A function of every instance of the module.
/// let run = module.get_typed_func::<i32, ()>("run")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Module {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// Unique in the process.
    id: u64,
    source: Source,
    header: Header,
    descriptor: Descriptor,
    layout: StateLayout,
    exports: HashMap<String, ExportKind>,
    /// Process-wide number of each type.
    type_ids: TypeNumbers,
    code: Code,
    data: Option<Data>,
    maps: OnceLock<Maps>,
    known: Known,
}

/// What is known of an artifact's machine code and its origin, of the very bytes that are mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Known {
    /// The verifier has proven that the code obeys the sandbox; otherwise the caller answers for that.
    pub(crate) is_proven: bool,
    /// Who has signed it.
    #[cfg(feature = "verify")]
    pub(crate) signer: Option<PublicKey>,
}

/// Bytes of the data segments that are not in an image, mapped from the file.
#[derive(Debug)]
struct Data {
    pages: Pages,
    /// Offset in them of the byte at offset `places.data.offset`.
    skipped: usize,
    _registered: Registered,
}

/// What traps are explained and charged by; read when the first one happens.
#[derive(Debug, Default)]
struct Maps {
    addresses: Vec<u8>,
    functions: Vec<u8>,
    /// Empty if the module had no debug information.
    lines: Vec<u8>,
    /// Operators left to be charged, by position in the trap table.
    uncharged: Vec<u8>,
}

/// An instruction found in a module.
pub(crate) struct Located {
    /// Function and Wasm offset.
    pub(crate) frame: Frame,
    /// Bytes from the function's first instruction.
    pub(crate) from_entry: u32,
}

impl Module {
    /// Checks and maps an artifact. `examine` says what is known of its machine code, after all other checks.
    pub(crate) fn load(
        source: Source,
        examine: impl FnOnce(&Source) -> Result<Known, OpenError>,
    ) -> Result<Self, OpenError> {
        let Checked { elf, header, mut descriptor, text, layout, tables } = Checked::read(&source)?;
        check_cpu(&header)?;
        let known = examine(&source)?;
        let code = map_code(&source, &elf, text, tables)?;
        let data = Data::map(&source, descriptor.places.data)?;
        let exports = descriptor.exports.iter().map(|export| (export.name.clone(), export.kind)).collect();
        let type_ids = types::number(&descriptor);
        types::renumber(&mut descriptor, &type_ids);
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let (id, maps) = (NEXT.fetch_add(1, Relaxed), OnceLock::new());
        let source = source.without_head();
        let inner =
            Inner { id, source, header, descriptor, layout, exports, type_ids, code, data, maps, known };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Its number, which no other module of the process has, or had.
    #[inline]
    pub(crate) fn id(&self) -> u64 {
        self.inner.id
    }

    /// What the artifact says of the module, for crates that know the format. Value types name concrete types
    /// by their process-wide numbers.
    #[doc(hidden)]
    pub fn descriptor(&self) -> &Descriptor {
        &self.inner.descriptor
    }

    /// The artifact's versions, CPU features and checksum, for crates that know the format.
    #[doc(hidden)]
    pub fn header(&self) -> &Header {
        &self.inner.header
    }

    /// The type of a function by its position in the list of entries, with its process-wide number.
    pub(crate) fn entry_type(&self, entry: usize) -> Option<(u32, &FuncType)> {
        let ty = self.descriptor().entries.get(entry)?.ty as usize;
        Some((*self.type_ids().get(ty)?, self.descriptor().types.get(ty)?))
    }

    /// What is exported under a name.
    pub(crate) fn export(&self, name: &str) -> Option<ExportKind> {
        self.inner.exports.get(name).copied()
    }

    /// The type of a global, by index.
    pub(crate) fn global_type(&self, index: u32) -> Option<GlobalType> {
        let imported = self.descriptor().imports.iter().filter_map(|import| match import.kind {
            ImportKind::Global { ty } => Some(ty),
            _ => None,
        });
        imported.chain(self.descriptor().globals.iter().map(|global| global.ty)).nth(index as usize)
    }

    /// The state layout of its instances.
    pub(crate) fn layout(&self) -> &StateLayout {
        &self.inner.layout
    }

    /// Bytes that memory 0 of an instance has at first, if that is defined here and within a limit; otherwise
    /// none.
    pub(crate) fn initial_memory(&self, limit: u64) -> u64 {
        let imported = |import: &Import| matches!(import.kind, ImportKind::Memory { .. });
        let descriptor = self.descriptor();
        let first = descriptor.memories.first().filter(|_| !descriptor.imports.iter().any(imported));
        // Pages of the host's are opened, so that what is not whole ones is left to the memory itself.
        let bytes = first
            .filter(|memory| memory.ty.fits_slot())
            .map_or(0, |memory| memory.ty.bytes(memory.ty.limits.min));
        let bytes = bytes / HOST_PAGE * HOST_PAGE;
        if bytes <= limit { bytes } else { 0 }
    }

    /// Whether its machine code was proven to obey the sandbox when it was opened; otherwise it is trusted
    /// to.
    pub fn is_proven(&self) -> bool {
        self.inner.known.is_proven
    }

    /// The one of [`Loader::keys`](crate::Loader::keys) by which it was signed, if it had to be when it was
    /// opened.
    #[cfg(feature = "verify")]
    pub fn signer(&self) -> Option<PublicKey> {
        self.inner.known.signer
    }

    /// Process-wide number of each of its types.
    pub(crate) fn type_ids(&self) -> &[u32] {
        &self.inner.type_ids
    }

    /// Address of the code at an offset from the start of the text.
    pub(crate) fn code_address(&self, offset: u32) -> u64 {
        self.inner.code.text().start as u64 + u64::from(offset)
    }

    /// The file, to map images from.
    pub(crate) fn file(&self) -> FileView<'_> {
        self.inner.source.view()
    }

    /// The bytes of a data segment that is not in an image: pages, and the offset in them; `None` if no
    /// segment is.
    pub(crate) fn data(&self, file: FileRange) -> Option<(&Pages, usize)> {
        let data = self.inner.data.as_ref()?;
        let offset = (file.offset - self.descriptor().places.data.offset) as usize;
        Some((&data.pages, data.skipped + offset))
    }

    /// Whether its code counts the operators that it executes.
    pub fn is_metered(&self) -> bool {
        self.inner.descriptor.meter.is_some()
    }

    fn maps(&self) -> &Maps {
        self.inner.maps.get_or_init(|| Maps::read(&self.inner))
    }

    /// The operators that are uncharged where the instruction at an address traps; `None` if it is not in
    /// this module, or that does not count.
    pub(crate) fn uncharged(&self, address: usize) -> Option<u8> {
        let code = &self.inner.code;
        let in_code = self.is_metered() && code.text().contains(&address);
        let offset = in_code.then(|| (address - code.text().start) as u32)?;
        let position = code.traps().position(offset);
        Some(position.and_then(|position| self.maps().uncharged.get(position).copied()).unwrap_or(0))
    }

    /// What the instruction at an address stems from, if it is in a function of this module.
    pub(crate) fn locate(&self, address: usize) -> Option<Located> {
        let text = self.inner.code.text();
        let offset = text.contains(&address).then(|| (address - text.start) as u32)?;
        let maps = self.maps();
        let function = addrmap::function_at(&maps.functions, offset)?;
        let frame = Frame {
            func_index: function.index,
            name: function.name.map(str::to_owned),
            wasm_offset: addrmap::wasm_offset(&maps.addresses, offset),
            source: lines::line_at(&maps.lines, offset).map(SourceLocation::from),
        };
        Some(Located { frame, from_entry: offset - function.code })
    }
}

/// What is in an artifact that has been checked.
pub(crate) struct Checked {
    elf: Elf,
    header: Header,
    descriptor: Descriptor,
    text: FileRange,
    layout: StateLayout,
    tables: Tables,
}

impl Checked {
    /// Reads and checks an artifact for whatever machine, and maps nothing.
    pub(crate) fn read(source: &Source) -> Result<Self, OpenError> {
        let elf = elf::read(source)?;
        let (header, descriptor) = read_header(source, &elf)?;
        let text = elf.text().ok_or(OpenError::NoModule)?;
        let layout = check::check(&descriptor, source, text)?;
        let tables = read_tables(source, &descriptor, text)?;
        Ok(Self { elf, header, descriptor, text, layout, tables })
    }
}

/// Checks that this machine's CPU has what the code needs.
fn check_cpu(header: &Header) -> Result<(), OpenError> {
    let missing = header.cpu_features & !cpu::features();
    match missing {
        0 => Ok(()),
        _ => Err(OpenError::CpuFeatures { missing: wasmaot_abi::cpu::names(missing).collect() }),
    }
}

fn read_header(source: &Source, elf: &Elf) -> Result<(Header, Descriptor), OpenError> {
    let fixed = FileRange { length: elf.module.length.min(Header::SIZE as u64), ..elf.module };
    let header = Header::from_bytes(&source.read(fixed, "the module header")?).map_err(OpenError::Header)?;
    if header.major != ABI_MAJOR || header.minor > ABI_MINOR {
        return Err(OpenError::AbiVersion {
            found: (header.major, header.minor),
            supported: (ABI_MAJOR, ABI_MINOR),
        });
    }
    if header.file_size != source.size() {
        return Err(OpenError::FileSize { stated: header.file_size, found: source.size() });
    }
    let checksum = source.checksum(elf.module.offset + Header::CHECKSUM_OFFSET as u64)?;
    if header.checksum != checksum {
        return Err(OpenError::Checksum { stated: header.checksum, found: checksum });
    }
    if ![TAIL_CONVENTION, METERED_CONVENTION].contains(&header.convention) {
        return Err(OpenError::Convention { found: header.convention, supported: TAIL_CONVENTION });
    }
    let length = u64::from(header.descriptor_size);
    if elf.module.length < Header::SIZE as u64 + length {
        let (offset, size) = (elf.module.offset, elf.module.length);
        return Err(OpenError::Truncated { what: "the descriptor in its section", offset, length, size });
    }
    let range = FileRange { offset: elf.module.offset + Header::SIZE as u64, length };
    let bytes = source.read(range, "the descriptor")?;
    let descriptor = Descriptor::decode(&mut Reader::new(&bytes)).map_err(OpenError::Descriptor)?;
    if descriptor.convention() != header.convention {
        let problem = "it does not follow from whether there is a meter table";
        return Err(OpenError::Invalid {
            what: "calling convention",
            index: header.convention as usize,
            problem,
        });
    }
    Ok((header, descriptor))
}

/// Reads the tables that are searched while code runs, and checks their form.
fn read_tables(source: &Source, descriptor: &Descriptor, text: FileRange) -> Result<Tables, OpenError> {
    let invalid = |problem| OpenError::Invalid { what: "place", index: 0, problem };
    let bytes = [
        source.read(descriptor.places.traps, "the trap table")?.into_boxed_slice(),
        source.read(descriptor.exceptions, "the exception table")?.into_boxed_slice(),
    ];
    Tables::parse(bytes, |[traps, exceptions]| {
        let traps = TrapTable::parse(traps).ok_or(invalid("the trap table is malformed"))?;
        if descriptor.meter.is_some_and(|meter| meter.length != traps.len() as u64) {
            return Err(invalid("the meter table is not as long as the trap table"));
        }
        let tags = descriptor.tag_types().count() as u32;
        let exceptions = ExceptionTable::parse(exceptions, text.length, tags)
            .map_err(|problem| OpenError::Invalid { what: "exception table", index: 0, problem })?;
        Ok((traps, exceptions))
    })
}

/// Maps the segments, of which the text can be executed.
fn map_code(source: &Source, elf: &Elf, text: FileRange, tables: Tables) -> Result<Code, OpenError> {
    let io = |error| OpenError::Io { what: "map the code", error };
    let page = HOST_PAGE as usize;
    let whole = |bytes: u64| (bytes as usize).next_multiple_of(page);
    let end = elf.segments.iter().map(|segment| segment.range.offset + segment.range.length).max();
    // Addresses equal offsets, so all segments are one mapping.
    let mapping = Mapping::of_file(source.view(), 0, whole(end.unwrap_or_default())).map_err(io)?;
    let (start, length) = (text.offset as usize, whole(text.length));
    mapping.protect(start, length, Access::ReadExec).map_err(io)?;
    let start = mapping.start() + text.offset as usize;
    Ok(Code::new(mapping, start..start + text.length as usize, tables))
}

impl Data {
    fn map(source: &Source, place: FileRange) -> Result<Option<Self>, OpenError> {
        if place.length == 0 {
            return Ok(None);
        }
        let first = place.offset / HOST_PAGE * HOST_PAGE;
        let skipped = place.offset - first;
        let length = (skipped + place.length).next_multiple_of(HOST_PAGE) as usize;
        let io = |error| OpenError::Io { what: "map the data segments", error };
        let mapping = Mapping::of_file(source.view(), first, length).map_err(io)?;
        let (registered, skipped) = (Registered::data(mapping), skipped as usize);
        Ok(Some(Self { pages: registered.pages(), skipped, _registered: registered }))
    }
}

impl Maps {
    /// Without the maps (the file was truncated meanwhile) backtraces name no functions, and the last
    /// operators are not charged.
    fn read(inner: &Inner) -> Self {
        let read = |range| inner.source.read(range, "a map").unwrap_or_default();
        let places = &inner.descriptor.places;
        Self {
            addresses: read(places.address_map),
            functions: read(places.function_map),
            lines: inner.descriptor.lines.map(read).unwrap_or_default(),
            uncharged: inner.descriptor.meter.map(read).unwrap_or_default(),
        }
    }
}
