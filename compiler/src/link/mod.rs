//! Makes the artifact: a relocatable object goes in, with all that the runtime needs to know of it, and a
//! shared object comes out. No linker is run.
//!
//! | file | duty |
//! |---|---|
//! | `input` | the relocatable object |
//! | `contents` | what each section holds |
//! | `section` | the sections and their headers' constants |
//! | `layout` | where each section lies, with a map of the file |
//! | `headers` | the ELF structures around them |
//! | `symbols`, `hash`, `escape` | symbol tables, their lookup, names of exports |
//! | `unwind` | `.eh_frame` and its search table |
//! | `relocate` | references between functions and constant tables |
//!
//! **Invariants.** The shared object has no dynamic relocations, no initialisers and no undefined
//! symbols: mapping it is loading it. The same parts give the same bytes.

mod contents;
mod escape;
mod hash;
mod headers;
mod input;
mod layout;
mod relocate;
mod section;
mod symbols;
#[cfg(test)]
mod tests;
mod unwind;

use contents::Contents;
use cranelift_codegen::isa::unwind::systemv::UnwindInfo;
use gimli::write::CommonInformationEntry;
use input::Input;
use layout::Layout;
use section::{RODATA_ALIGN, Section};
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_abi::header::Header;

/// What an artifact is made of.
pub(crate) struct Parts<'a> {
    /// Relocatable ELF file with one `.text`, and constant tables in `.rodata*` or `.data.rel.ro*`, which
    /// refer to each other by `R_X86_64_PC32` and `R_X86_64_PLT32`.
    pub(crate) object: &'a [u8],
    /// Without places. The file ranges of image runs count from the start of `image`, those of data
    /// segments from the start of `data`.
    pub(crate) descriptor: Descriptor,
    /// CPU features that the code needs, see [`wasmaot_abi::cpu`].
    pub(crate) cpu_features: u64,
    /// Pages of initial memories.
    pub(crate) image: Vec<u8>,
    /// Data segments outside the image.
    pub(crate) data: Vec<u8>,
    /// See [`wasmaot_abi::trap`].
    pub(crate) traps: Vec<u8>,
    /// Uncharged operators at the sites of the trap table, see [`wasmaot_abi::meter`].
    pub(crate) meter: Vec<u8>,
    /// See [`wasmaot_abi::exception`].
    pub(crate) exceptions: Vec<u8>,
    /// See [`wasmaot_abi::addrmap`].
    pub(crate) address_map: Vec<u8>,
    /// See [`wasmaot_abi::addrmap`].
    pub(crate) function_map: Vec<u8>,
    /// Exported functions, each name once.
    pub(crate) exports: Vec<Export>,
    /// How to unwind functions, in any order.
    pub(crate) unwind: Vec<Unwind>,
    /// What all of `unwind` has in common.
    pub(crate) cie: CommonInformationEntry,
}

/// An exported function.
pub(crate) struct Export {
    /// As in the Wasm module.
    pub(crate) name: String,
    /// Of its array entry, from the start of the text.
    pub(crate) offset: u32,
    /// Bytes of its array entry.
    pub(crate) size: u32,
}

/// How to unwind a function.
pub(crate) struct Unwind {
    /// From the start of the text.
    pub(crate) offset: u32,
    /// Bytes of code.
    pub(crate) length: u32,
    /// As Cranelift gives it.
    pub(crate) info: UnwindInfo,
}

/// Why no artifact can be made.
///
/// Apart from [`LinkError::TooLarge`] each is a defect of code generation, not of the Wasm module.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The relocatable object is malformed.
    #[error("malformed relocatable object: {0}")]
    Object(#[from] object::Error),
    /// Only one section of code and constant tables are expected.
    #[error("the relocatable object has a section {name}, which has no place in an artifact")]
    Section {
        /// Its name.
        name: String,
    },
    /// A constant table asks for too much.
    #[error("section {name} is aligned to {align} bytes, and an artifact aligns constants to {RODATA_ALIGN}")]
    Alignment {
        /// The section's name.
        name: String,
        /// The alignment.
        align: u64,
    },
    /// Artifacts import nothing: each helper must be compiled into them.
    #[error("undefined symbol {symbol}, which {site} refers to; an artifact can import nothing")]
    Undefined {
        /// Its name.
        symbol: String,
        /// The place that refers to it.
        site: String,
    },
    /// A relocation that is neither `R_X86_64_PC32` nor `R_X86_64_PLT32`. Cranelift writes these for
    /// colocated symbols, unless `is_pic` is set: then it loads addresses from a global offset table,
    /// which artifacts do not have.
    #[error("unexpected relocation {kind} at {site}; an artifact can only have PC32 and PLT32")]
    Relocation {
        /// What it is.
        kind: String,
        /// The place that it applies to.
        site: String,
    },
    /// A relocation that is not inside its section.
    #[error("relocation at {site}, beyond the end of the section")]
    OutsideSection {
        /// The place that it applies to.
        site: String,
    },
    /// A distance that does not fit 32 bits.
    #[error("symbol {symbol} is out of reach of {site}")]
    OutOfRange {
        /// The target's name.
        symbol: String,
        /// The place that refers to it.
        site: String,
    },
    /// More than an artifact can hold.
    #[error("{what} would take {bytes} bytes; the module is too large for an artifact, split it")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Its size.
        bytes: u64,
    },
    /// Unwind information that cannot be encoded.
    #[error("unwind information cannot be encoded: {0}")]
    Unwind(#[from] gimli::write::Error),
}

/// Makes the shared object.
pub(crate) fn shared_object(parts: Parts<'_>) -> Result<Vec<u8>, LinkError> {
    let input = Input::read(parts.object)?;
    let contents = Contents::new(&input, parts)?;
    let layout = Layout::new(&contents.sizes())?;
    let mut file = contents.write(&layout);
    relocate::relocate(&input, &layout, &mut file)?;
    seal(&mut file, &layout);
    Ok(file)
}

/// Writes the checksum of the whole file, which counts its own bytes as zero.
fn seal(file: &mut [u8], layout: &Layout) {
    assert_eq!(file.len() as u64, layout.file_size());
    let checksum = crc32fast::hash(file);
    let at = layout[Section::Module].offset as usize + Header::CHECKSUM_OFFSET;
    file[at..][..4].copy_from_slice(&checksum.to_le_bytes());
}
