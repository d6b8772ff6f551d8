//! What an artifact is made of, before anything but the code has a place in the file.

use super::const_tables::ConstTables;
use super::describe::{self, Description};
use super::lines::SourceLines;
use super::text::Text;
use super::{names, tables};
use crate::codegen::Code;
use crate::error::CompileError;
use crate::index::{CodeIndex, FuncIndex};
use crate::key::FuncKey;
use crate::module::image;
use crate::translate::Env;
use cranelift_entity::PrimaryMap;
use gimli::write::CommonInformationEntry;
use wasmaot_abi::component::Component;
use wasmaot_abi::descriptor::{Descriptor, FileRange, FuncEntry};
use wasmparser::WasmFeatures;

/// What an artifact is made of.
pub(super) struct Parts<'a> {
    pub(super) text: Text,
    /// Of the functions' symbols, each name once.
    pub(super) names: PrimaryMap<CodeIndex, String>,
    pub(super) const_tables: ConstTables<'a>,
    /// Without places. The file ranges of image runs count from the start of `image`, those of data
    /// segments from the start of `data`.
    pub(super) descriptor: Descriptor,
    /// CPU features that the code needs, see [`wasmaot_abi::cpu`].
    pub(super) cpu_features: u64,
    /// Pages of initial memories.
    pub(super) image: Vec<u8>,
    /// Data segments outside the image.
    pub(super) data: Vec<u8>,
    /// See [`wasmaot_abi::trap`].
    pub(super) traps: Vec<u8>,
    /// Uncharged operators at the sites of the trap table, see [`wasmaot_abi::meter`].
    pub(super) meter: Vec<u8>,
    /// See [`wasmaot_abi::exception`].
    pub(super) exceptions: Vec<u8>,
    /// See [`wasmaot_abi::addrmap`].
    pub(super) address_map: Vec<u8>,
    /// See [`wasmaot_abi::addrmap`].
    pub(super) function_map: Vec<u8>,
    /// See [`wasmaot_abi::code`].
    pub(super) code_table: Vec<u8>,
    /// Source lines, where the module has them.
    pub(super) lines: Option<SourceLines>,
    /// Exported functions, each name once.
    pub(super) exports: Vec<Export>,
    /// What the unwind information of all functions has in common.
    pub(super) cie: CommonInformationEntry,
}

/// An exported function.
pub(super) struct Export {
    /// As in the Wasm module.
    pub(super) name: String,
    /// Of its array entry, from the start of the text.
    pub(super) offset: u32,
    /// Bytes of its array entry.
    pub(super) size: u32,
}

impl<'a> Parts<'a> {
    /// Gathers the parts of a module's artifact.
    pub(super) fn gather(
        env: &Env<'a>,
        features: WasmFeatures,
        component: Option<&Component>,
        codes: PrimaryMap<CodeIndex, Code>,
    ) -> Result<Self, CompileError> {
        let text = Text::new(codes)?;
        let image = image::build(env.module);
        env.budget.keep(2 * image.bytes.len() as u64)?;
        let lines = env.debug.then(|| env.module.debug.lines()).flatten();
        let lines = lines.map(|lines| SourceLines::new(lines, &text)).transpose()?.flatten();
        let Description { mut descriptor, data } =
            describe::describe(env, features, &image, entries(env, &text));
        descriptor.lines = lines.is_some().then(FileRange::default);
        descriptor.component = component.cloned();
        // The code was made for the one, the runtime will lay instances out by the other.
        debug_assert_eq!(descriptor.counts(), *env.layout.counts());
        Ok(Self {
            names: names::unique(env),
            const_tables: ConstTables::new(env.constant_tables, &env.module.functions, env.functions),
            descriptor,
            cpu_features: env.target.cpu_features,
            image: image.bytes,
            data,
            traps: tables::traps(&text),
            meter: if env.meter { tables::trap_rows(&text) } else { Vec::new() },
            exceptions: tables::exceptions(&text),
            address_map: tables::address_map(&text),
            function_map: tables::function_map(env, &text),
            code_table: tables::code_table(env, &text),
            lines,
            exports: exports(env, &text),
            cie: env.target.isa.create_systemv_cie().expect("x86-64 has System V unwinding"),
            text,
        })
    }
}

/// Where the functions lie that can be reached from outside.
fn entries(env: &Env<'_>, text: &Text) -> Vec<FuncEntry> {
    let offset = |key| text.offset(env.functions.code(key));
    let entry = |(entry, &func)| FuncEntry {
        func: FuncIndex::as_u32(func),
        ty: env.module.functions[func].as_u32(),
        tail: offset(env.functions.of_func(func)),
        array: offset(FuncKey::ArrayEntry(entry)),
    };
    env.functions.entries().iter().map(entry).collect()
}

fn exports(env: &Env<'_>, text: &Text) -> Vec<Export> {
    let export = |(name, func): (&str, _)| {
        let array_entry = env.functions.code(FuncKey::ArrayEntry(env.functions.entry(func)));
        Export { name: name.to_owned(), offset: text.offset(array_entry), size: text.length(array_entry) }
    };
    env.module.exported_functions().map(export).collect()
}
