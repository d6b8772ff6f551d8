//! What an image is made of.
//!
//! **Invariant: what an image carries is whole**: checksums are compared, and a shared object of a Wasm
//! artifact is one of its module.

use crate::artifact::{Artifact, NotAnArtifact};
use crate::error::CliError;
use crate::input::{self, Input};
use crate::inspect;
use crate::kind::is_stdin;
use crate::text::hex;
use object::Endianness;
use object::elf::{PT_INTERP, ProgramHeader64};
use object::read::elf::{ElfFile64, ProgramHeader};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use wasmaot_abi::cpu;
use wasmaot_abi::signature::split;
use wasmaot_image::{ComponentNames, Entry, Precompiled, WasmArtifact};
use wasmaot_program::attached::{Attached, AttachedError};
use wasmaot_program::sys;
use wasmparser::{Parser, Payload};

/// A file that an image carries.
pub(super) struct App {
    /// Its name in the image.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
    pub(super) role: Role,
    /// The artifact that it is, or has in it.
    pub(super) artifact: Artifact,
    /// Ports that it listens at.
    pub(super) ports: Vec<u16>,
}

/// What the image does with the file.
#[derive(Debug, PartialEq)]
pub(super) enum Role {
    /// It runs it.
    Program,
    /// It serves it by this command, which it has beside it.
    Served(Vec<u8>),
    /// It only carries it.
    Data,
}

/// The name of this command in an image.
const SERVER: &str = "wasmaot";

/// The ports of an image that serves: of requests, and of metrics and probes.
const PORTS: [u16; 2] = [8080, 9090];

impl App {
    /// Reads what an image can run: an executable that `compile` has made, or the artifact of a component
    /// that answers HTTP requests.
    pub(super) fn program(path: &Path) -> Result<Self, CliError> {
        let name = file_name(path)?;
        if let Ok(Input::Source(_)) = input::read(path) {
            return Err(CliError::ImageOfModule { path: path.into() });
        }
        let bytes = inspect::read(path)?;
        let (attached, artifact) = match Attached::find(&bytes) {
            Ok(found) => found,
            Err(AttachedError::Nothing) => return Self::served(path, name, bytes),
            Err(source) => return Err(not_an_artifact(path, NotAnArtifact::Executable(source))),
        };
        let artifact = whole(path, artifact)?;
        let ports = attached.grants.listeners.iter().map(|address| address.port()).collect();
        Ok(Self { name, bytes, role: Role::Program, artifact, ports })
    }

    fn served(path: &Path, name: String, bytes: Vec<u8>) -> Result<Self, CliError> {
        let Ok(artifact) = Artifact::read(split(&bytes).0) else {
            return Err(CliError::NotAnExecutable { path: path.into() });
        };
        check_whole(path, &artifact)?;
        if !answers_http(&artifact) {
            return Err(CliError::ImageOfArtifact { path: path.into() });
        }
        let role = Role::Served(own_program()?);
        Ok(Self { name, bytes, role, artifact, ports: PORTS.into() })
    }

    /// Reads an artifact.
    pub(super) fn artifact(path: &Path) -> Result<Self, CliError> {
        let name = file_name(path)?;
        let bytes = inspect::read(path)?;
        if Attached::find(&bytes).is_ok() {
            return Err(CliError::Executable { path: path.into() });
        }
        let artifact = whole(path, split(&bytes).0)?;
        Ok(Self { name, bytes, role: Role::Data, artifact, ports: Vec::new() })
    }

    /// The files of the image.
    pub(super) fn entries(&self) -> Vec<Entry> {
        let entry = |path: &str, bytes: &[u8], executable| Entry {
            path: path.into(),
            bytes: bytes.into(),
            executable,
        };
        let own = entry(&self.name, &self.bytes, self.role == Role::Program);
        match &self.role {
            Role::Served(server) => vec![entry(SERVER, server, true), own],
            Role::Program | Role::Data => vec![own],
        }
    }

    /// The command line of the image.
    pub(super) fn entrypoint(&self) -> Vec<String> {
        let own = format!("/{}", self.name);
        match self.role {
            Role::Program => vec![own],
            Role::Data => Vec::new(),
            Role::Served(_) => {
                let [requests, metrics] = PORTS.map(|port| format!("0.0.0.0:{port}"));
                [&format!("/{SERVER}"), "serve", "--addr", &requests, "--metrics", &metrics, &own]
                    .map(str::to_string)
                    .into()
            }
        }
    }

    /// SHA-256 of the module that it was compiled from, in digits.
    pub(super) fn module(&self) -> Option<String> {
        Some(hex(&self.artifact.descriptor.as_ref().ok()?.build.as_ref()?.input))
    }

    /// SHA-256 of the file, in digits.
    pub(super) fn digest(&self) -> String {
        hex(&Sha256::digest(&self.bytes).into())
    }
}

/// Reads a module or component, and the shared objects that were compiled from it.
pub(super) fn wasm(path: &Path, precompiled: &[PathBuf]) -> Result<WasmArtifact, CliError> {
    let Input::Source(source) = input::read(path)? else {
        return Err(CliError::Elf { path: path.into() });
    };
    let wasm = input::to_wasm(path, &source)?;
    let component = names(path, &source, &wasm)?;
    let digest: [u8; 32] = Sha256::digest(&wasm).into();
    let mut objects: Vec<Precompiled> = Vec::new();
    for file in precompiled {
        let bytes = inspect::read(file)?;
        let artifact = whole(file, split(&bytes).0)?;
        let header = &artifact.header;
        let (abi, cpu) = ((header.major, header.minor), cpu_name(header.cpu_features));
        let made_of = artifact.descriptor.as_ref().ok().and_then(|of| Some(of.build.as_ref()?.input));
        if made_of != Some(digest) {
            return Err(CliError::OfAnotherModule { path: file.clone(), module: path.into() });
        }
        if objects.iter().any(|other| other.cpu == cpu) {
            return Err(CliError::SameCpu { path: file.clone(), cpu });
        }
        objects.push(Precompiled { bytes, abi, cpu });
    }
    Ok(WasmArtifact { wasm: wasm.into_owned(), component, precompiled: objects, ..WasmArtifact::default() })
}

/// Imports and exports of a component by name. `None` for a module.
fn names(path: &Path, source: &[u8], wasm: &[u8]) -> Result<Option<ComponentNames>, CliError> {
    let malformed = |error: wasmparser::BinaryReaderError| {
        CliError::compile(
            path,
            source,
            wasmaot_compiler::CompileError::Invalid {
                offset: error.offset(),
                message: error.message().into(),
            },
        )
    };
    let (mut imports, mut exports, mut depth) = (Vec::new(), Vec::new(), 0);
    let mut is_component = false;
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(malformed)? {
            Payload::Version { encoding, .. } => {
                depth += 1;
                is_component |= encoding == wasmparser::Encoding::Component;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    imports.push(import.map_err(malformed)?.name.name.to_string());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    exports.push(export.map_err(malformed)?.name.name.to_string());
                }
            }
            _ => {}
        }
    }
    Ok(is_component.then_some(ComponentNames { imports, exports }))
}

/// Whether an artifact is that of a component that answers HTTP requests.
fn answers_http(artifact: &Artifact) -> bool {
    let component = artifact.descriptor.as_ref().ok().and_then(|descriptor| descriptor.component.as_ref());
    let exports = component.map_or(&[][..], |component| &component.exported);
    let is_handler = |name: &String| name.starts_with("wasi:http/incoming-handler@0.2.");
    exports.iter().any(|export| export.path.first().is_some_and(is_handler))
}

/// Reads this command's own file, which has to be static: an image has no libraries.
fn own_program() -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    let read = sys::own_file().and_then(|mut file| file.read_to_end(&mut bytes));
    read.map_err(|source| CliError::OwnFile { source })?;
    let header = ElfFile64::<Endianness>::parse(&bytes[..]).map_err(NotAnArtifact::Malformed);
    let header = header.map_err(|source| not_an_artifact(Path::new(SERVER), source))?;
    let is_dynamic = |segment: &&ProgramHeader64<Endianness>| segment.p_type(Endianness::Little) == PT_INTERP;
    match header.elf_program_headers().iter().find(is_dynamic) {
        None => Ok(bytes),
        Some(_) => Err(CliError::DynamicCommand),
    }
}

/// Reads an artifact that is all there.
fn whole(path: &Path, bytes: &[u8]) -> Result<Artifact, CliError> {
    let artifact = Artifact::read(bytes).map_err(|source| not_an_artifact(path, source))?;
    check_whole(path, &artifact)?;
    Ok(artifact)
}

fn check_whole(path: &Path, artifact: &Artifact) -> Result<(), CliError> {
    match artifact.is_whole() {
        true => Ok(()),
        false => Err(CliError::Damaged { path: path.into() }),
    }
}

fn not_an_artifact(path: &Path, source: NotAnArtifact) -> CliError {
    CliError::NotAnArtifact { path: path.into(), source }
}

/// The level that has all of these features, or their names.
pub(super) fn cpu_name(features: u64) -> String {
    match cpu::level_of(features) {
        Some(level) => level.name.into(),
        None => cpu::names(features).collect::<Vec<_>>().join(","),
    }
}

/// The name of an input's file.
pub(super) fn file_name(path: &Path) -> Result<String, CliError> {
    match path.file_name() {
        Some(name) if !is_stdin(path) => Ok(name.to_string_lossy().into_owned()),
        _ => Err(CliError::NoNameInImage { path: path.into() }),
    }
}
