//! Why a file is not a module that this runtime can run.

use std::io;
use wasmaot_abi::descriptor::FileRange;
use wasmaot_abi::wire::DecodeError;

/// An artifact that cannot be opened. Nothing from the file has run.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A system call failed.
    #[error("cannot {what}: {error}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// Error that the system returned.
        #[source]
        error: io::Error,
    },
    /// It is a directory, a device or the like.
    #[error("not a regular file")]
    NotAFile,
    /// A structure reaches beyond the end of the file.
    #[error("the file is truncated: {what} at {offset:#x} needs {length:#x} bytes, the file has {size:#x}")]
    Truncated {
        /// Name of the truncated structure.
        what: &'static str,
        /// File offset of the structure.
        offset: u64,
        /// Length of the structure in bytes.
        length: u64,
        /// Bytes of the file.
        size: u64,
    },
    /// A part of a file that does not begin where a page does cannot be mapped.
    #[error("the artifact starts at {offset:#x} in its file, which is not a multiple of 4096")]
    Misaligned {
        /// File offset of the artifact.
        offset: u64,
    },
    /// It is not the kind of ELF file that wasmaot writes.
    #[error("not an artifact of wasmaot: {what}: {problem}")]
    Elf {
        /// Name of the malformed structure.
        what: &'static str,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// It holds something that would run or change code when the system loads it.
    #[error("the file carries {0}, which no artifact of wasmaot has")]
    Forbidden(&'static str),
    /// Its dynamic section holds an entry that wasmaot never writes.
    #[error("the dynamic section carries the unexpected tag {tag:#x}")]
    DynamicTag {
        /// Tag of the dynamic entry.
        tag: u64,
    },
    /// It is a shared object without a module descriptor.
    #[error("the file holds no wasmaot module (no section {})", wasmaot_abi::header::SECTION)]
    NoModule,
    /// The bytes in front of the descriptor are malformed.
    #[error("the module header is malformed: {0}")]
    Header(DecodeError),
    /// It was made for another major version of the artifact ABI, or for a newer minor one.
    #[error(
        "made for artifact ABI {}.{}, this runtime loads {}.0 to {}.{}: compile the module again{}",
        found.0, found.1, supported.0, supported.0, supported.1,
        if found > supported { ", or use a newer runtime" } else { "" }
    )]
    AbiVersion {
        /// Major and minor version of the artifact.
        found: (u16, u16),
        /// The major version that this runtime loads, and its newest minor version.
        supported: (u16, u16),
    },
    /// Its functions call each other in another way than those of this runtime's other modules, so that none
    /// of theirs could call them.
    #[error(
        "the module header's calling convention is {found}, this runtime's is {supported}: compile the module again"
    )]
    Convention {
        /// [`TAIL_CONVENTION`](wasmaot_abi::version::TAIL_CONVENTION) of the artifact.
        found: u32,
        /// That of this runtime.
        supported: u32,
    },
    /// The file has another size than when it was written.
    #[error("the file has {found} bytes, but was written with {stated}")]
    FileSize {
        /// Bytes when it was written.
        stated: u64,
        /// Actual size of the file in bytes.
        found: u64,
    },
    /// The file's contents are not those that were written.
    #[error("the file is corrupt: its checksum is {found:#010x}, but was {stated:#010x}")]
    Checksum {
        /// Checksum when it was written.
        stated: u32,
        /// Checksum of the present contents.
        found: u32,
    },
    /// The code needs a better CPU.
    #[error(
        "the code needs CPU features that this machine lacks: {}; compile for a CPU that has fewer",
        missing.join(", ")
    )]
    CpuFeatures {
        /// Names of the features.
        missing: Vec<&'static str>,
    },
    /// The descriptor is malformed.
    #[error("the module descriptor is malformed: {0}")]
    Descriptor(DecodeError),
    /// The descriptor contradicts itself or the file.
    #[error("the module descriptor is invalid: {what} {index}: {problem}")]
    Invalid {
        /// The kind of thing.
        what: &'static str,
        /// Index of the invalid entry.
        index: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A range in the descriptor is not inside the file.
    #[error("the module descriptor is invalid: {what} at {:#x} with {:#x} bytes leaves the file", range.offset, range.length)]
    Place {
        /// Name of the part.
        what: &'static str,
        /// Range that leaves the file.
        range: FileRange,
    },
    /// None of the keys that [`Loader::keys`](crate::Loader::keys) lists has signed it.
    #[cfg(feature = "verify")]
    #[error("it is not signed by {}: {}", if *.keys == 1 { "the key" } else { "any of the keys" }, signatures(*.found))]
    NotSigned {
        /// Keys that were listed.
        keys: usize,
        /// Signatures that were found, by other keys or of other bytes.
        found: usize,
    },
    /// Its machine code was not proven to obey the sandbox.
    #[cfg(feature = "verify")]
    #[error("the machine code is not proven: {}{}", .0.rejections[0], more(.0.rejections.len()))]
    NotProven(Box<wasmaot_verifier::Refused>),
    /// The runtime's handlers of faults cannot be put in front of the host's.
    #[error("cannot handle the faults of guests: {0}")]
    Handlers(#[source] io::Error),
    /// The module uses something that this version does not run.
    #[error("{what} is not supported by this runtime")]
    Unsupported {
        /// Name of the unsupported feature.
        what: &'static str,
    },
}

/// What else there is to say of rejections of which the first one was named.
#[cfg(feature = "verify")]
fn more(rejections: usize) -> String {
    if rejections > 1 { format!("\nand {} more", rejections - 1) } else { String::new() }
}

#[cfg(feature = "verify")]
fn signatures(found: usize) -> String {
    match found {
        0 => "it has no signature".into(),
        1 => "its signature is by another key, or of other bytes".into(),
        _ => format!("its {found} signatures are by other keys, or of other bytes"),
    }
}
