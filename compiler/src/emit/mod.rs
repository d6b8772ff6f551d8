//! Makes the artifact: from machine code and what is known of the module to the bytes of a shared
//! object. No linker is run.
//!
//! | file | duty |
//! |---|---|
//! | `text` | the machine code: where each function lies |
//! | `const_tables` | the constant tables |
//! | `relocate` | references between functions and constant tables |
//! | `names` | names of functions' symbols |
//! | `tables` | traps, exceptions, the meter, maps from code to Wasm, kinds of code |
//! | `lines` | source lines |
//! | `describe` | the descriptor |
//! | `parts` | all of the above, gathered |
//! | `contents` | what each section holds |
//! | `section` | the sections and their headers' constants |
//! | `layout` | where each section lies, with a map of the file |
//! | `headers` | the ELF structures around them |
//! | `symbols`, `hash`, `escape` | symbol tables, their lookup, names of exports |
//! | `unwind` | `.eh_frame` and its search table |
//! | `object` | apart from all that: relocatable objects, for other tools |
//!
//! **Invariants.** The shared object has no dynamic relocations, no initialisers and no undefined
//! symbols: mapping it is loading it. The same parts give the same bytes. A function's code is
//! copied once, to its place in the file.

mod const_tables;
mod contents;
mod describe;
mod escape;
mod hash;
mod headers;
mod layout;
mod lines;
mod names;
mod object;
mod parts;
mod relocate;
mod section;
mod symbols;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod unwind;

use crate::codegen::Code;
use crate::error::{CompileError, EmitError};
use crate::index::CodeIndex;
use crate::translate::Env;
use contents::Contents;
use cranelift_entity::PrimaryMap;
use layout::Layout;
use parts::Parts;
use section::Section;
use wasmaot_abi::build::BuildRecord;
use wasmaot_abi::component::Component;
use wasmaot_abi::header::Header;
use wasmparser::WasmFeatures;

pub(crate) use object::object;

/// An artifact.
pub(crate) struct Artifact {
    /// The shared object.
    pub(crate) bytes: Vec<u8>,
    /// How many of them are pages of initial memories.
    pub(crate) image_bytes: usize,
}

/// Makes the artifact of a module whose bodies use these features, and of the component that it was flattened
/// from, if any.
pub(crate) fn artifact(
    env: &Env<'_>,
    features: WasmFeatures,
    component: Option<&Component>,
    codes: PrimaryMap<CodeIndex, Code>,
    build: BuildRecord,
) -> Result<Artifact, CompileError> {
    let mut parts = Parts::gather(env, features, component, codes)?;
    parts.descriptor.build = Some(build);
    let image_bytes = parts.image.len();
    Ok(Artifact { bytes: shared_object(parts)?, image_bytes })
}

/// Makes the shared object.
fn shared_object(parts: Parts<'_>) -> Result<Vec<u8>, EmitError> {
    let contents = Contents::new(parts)?;
    let layout = Layout::new(&contents.sizes())?;
    let mut file = contents.write(&layout)?;
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
