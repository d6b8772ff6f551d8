//! Reads an artifact's tables straight from its bytes.

use crate::kind::ELF_MAGIC;
use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};
use wasmaot_abi::cpu;
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_abi::header::{self, Header};
use wasmaot_abi::version::{ABI_MAJOR, METERED_CONVENTION, TAIL_CONVENTION};
use wasmaot_abi::wire::{Decode, DecodeError, Reader};
use wasmaot_program::attached::AttachedError;
use wasmaot_program::entry;

/// An artifact, as far as it can be read.
pub(crate) struct Artifact {
    /// Bytes of the file.
    pub(crate) size: u64,
    pub(crate) header: Header,
    /// The checksum of the file as it is.
    pub(crate) actual_checksum: u32,
    pub(crate) sections: Vec<Section>,
    /// The descriptor, or why it cannot be read.
    pub(crate) descriptor: Result<Descriptor, String>,
}

/// A section of the file.
pub(crate) struct Section {
    pub(crate) name: String,
    pub(crate) offset: u64,
    pub(crate) size: u64,
}

/// Why a file is no artifact.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotAnArtifact {
    #[error("it is not an ELF file")]
    NotElf,
    #[error("it is an ELF file for {0}, and artifacts are for x86-64")]
    Foreign(String),
    #[error(
        "it is an ELF file that is cut off: {size} bytes are there, and its table of sections ends at {end}"
    )]
    CutOff { size: u64, end: u64 },
    #[error("malformed ELF: {0}")]
    Malformed(#[from] object::Error),
    #[error("it has no section `{}`", header::SECTION)]
    NoSection,
    #[error("it is a module's, not a component's")]
    Module,
    #[error("it is a damaged executable: {0}")]
    Executable(AttachedError),
    #[error("{0}")]
    Descriptor(String),
    #[error("the header in its section `{}` is malformed: {reason}", header::SECTION)]
    Header { reason: DecodeError },
}

impl Artifact {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, NotAnArtifact> {
        if !bytes.starts_with(&ELF_MAGIC) {
            return Err(NotAnArtifact::NotElf);
        }
        check_form(bytes)?;
        let elf = ElfFile64::<Endianness>::parse(bytes)?;
        let section = elf.section_by_name(header::SECTION).ok_or(NotAnArtifact::NoSection)?;
        let data = section.data()?;
        let header = Header::from_bytes(data).map_err(|reason| NotAnArtifact::Header { reason })?;
        let offset = section.file_range().map_or(0, |(offset, _)| offset);
        let mut sections = Vec::new();
        for section in elf.sections() {
            let (offset, size) = section.file_range().unwrap_or((0, section.size()));
            sections.push(Section { name: section.name()?.into(), offset, size });
        }
        let descriptor = descriptor(&header, &data[Header::SIZE..]);
        let actual_checksum = checksum(bytes, offset as usize + Header::CHECKSUM_OFFSET);
        Ok(Self { size: bytes.len() as u64, header, actual_checksum, sections, descriptor })
    }

    /// What it says of the module.
    pub(crate) fn into_descriptor(self) -> Result<Descriptor, NotAnArtifact> {
        self.descriptor.map_err(NotAnArtifact::Descriptor)
    }

    /// Whether the file is the one that was written.
    pub(crate) fn is_whole(&self) -> bool {
        self.actual_checksum == self.header.checksum && self.size == self.header.file_size
    }

    /// What would keep a runtime of this version from loading the file, or `wasmaot run` from running it, as
    /// far as can be told here.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.actual_checksum != self.header.checksum {
            problems.push(format!("wrong checksum: the file's is {:#010x}", self.actual_checksum));
        }
        if self.size != self.header.file_size {
            problems.push(format!("{} bytes long instead of {}", self.size, self.header.file_size));
        }
        let missing = self.header.cpu_features & !wasmaot_abi::detect_cpu_features!();
        if missing != 0 {
            problems.push(format!(
                "this machine's CPU lacks {}",
                cpu::names(missing).collect::<Vec<_>>().join(", ")
            ));
        }
        match &self.descriptor {
            Ok(descriptor) if entry::is_wide(descriptor) => {
                problems.push(
                    "it uses WASI, whose pointers have 32 bits, with a memory of 64-bit addresses".into(),
                );
            }
            Ok(_) => {}
            Err(reason) => problems.push(reason.clone()),
        }
        let found = self.header.convention;
        match &self.descriptor {
            Ok(descriptor) if found != descriptor.convention() => {
                let supported = descriptor.convention();
                problems.push(format!("its calling convention is {found}, this is for {supported}"));
            }
            Err(_) if ![TAIL_CONVENTION, METERED_CONVENTION].contains(&found) => {
                problems.push(format!(
                    "its calling convention is {found}, this is for {TAIL_CONVENTION} and {METERED_CONVENTION}"
                ));
            }
            _ => {}
        }
        problems
    }
}

/// Checks that an ELF file is for the machine that artifacts are for, and all there.
fn check_form(bytes: &[u8]) -> Result<(), NotAnArtifact> {
    const HEADER: usize = 64;
    let size = bytes.len() as u64;
    let Some(header) = bytes.first_chunk::<HEADER>() else {
        return Err(NotAnArtifact::CutOff { size, end: HEADER as u64 });
    };
    let (class, order) = (header[4], header[5]);
    let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    match (class, order, half(18)) {
        (2, 1, X86_64) => {}
        (1, 1, X86_64) => return Err(NotAnArtifact::Foreign("x86-64 with 32-bit addresses (x32)".into())),
        (_, 2, _) => {
            return Err(NotAnArtifact::Foreign(format!("{} (big-endian)", machine(half(18).swap_bytes()))));
        }
        (_, _, number) => return Err(NotAnArtifact::Foreign(machine(number))),
    }
    let mut offset = [0; 8];
    offset.copy_from_slice(&header[40..48]);
    let table = u64::from(half(58)) * u64::from(half(60));
    match u64::from_le_bytes(offset).saturating_add(table) {
        end if end > size => Err(NotAnArtifact::CutOff { size, end }),
        _ => Ok(()),
    }
}

/// The machine that artifacts are for, as ELF counts them.
const X86_64: u16 = 62;

/// The name of a machine.
fn machine(number: u16) -> String {
    match number {
        3 => "32-bit x86".into(),
        8 => "MIPS".into(),
        20 | 21 => "PowerPC".into(),
        22 => "S/390".into(),
        40 => "32-bit ARM".into(),
        62 => "x86-64".into(),
        183 => "AArch64 (64-bit ARM)".into(),
        243 => "RISC-V".into(),
        258 => "LoongArch".into(),
        number => format!("machine number {number}"),
    }
}

fn descriptor(header: &Header, rest: &[u8]) -> Result<Descriptor, String> {
    if header.major != ABI_MAJOR {
        let (theirs, ours) = (header.major, ABI_MAJOR);
        return Err(format!("its ABI version is {theirs}.{}, this is for {ours}.x", header.minor));
    }
    let bytes = rest.get(..header.descriptor_size as usize).ok_or("the descriptor is cut off")?;
    Descriptor::decode(&mut Reader::new(bytes)).map_err(|error| error.to_string())
}

/// CRC-32 of the file, with the four bytes at `at` taken as zero.
fn checksum(bytes: &[u8], at: usize) -> u32 {
    let mut hash = crc32fast::Hasher::new();
    hash.update(&bytes[..at]);
    hash.update(&[0; 4]);
    hash.update(&bytes[at + 4..]);
    hash.finalize()
}
