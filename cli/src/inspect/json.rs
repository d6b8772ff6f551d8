//! The JSON form. Fields are only ever added: programs read it.

use crate::artifact::Artifact;
use crate::items::{Item, exported, imported, memories, tables};
use crate::text::hex;
use serde_json::{Map, Value, json};
use std::ffi::OsStr;
use wasmaot_abi::build::BuildRecord;
use wasmaot_abi::cpu;
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_abi::preinit::Preinit;
use wasmaot_abi::types::{FuncType, GlobalType, Limits, MemoryType, TableType};
use wasmaot_program::attached::Attached;
use wasmaot_program::grants::{Directory, Variable};

/// The whole report, ending in a newline.
pub(super) fn render(artifact: &Artifact, attached: Option<&Attached>, signers: &[String]) -> String {
    let header = &artifact.header;
    let sections: Vec<_> = artifact
        .sections
        .iter()
        .map(|section| json!({ "name": section.name, "offset": section.offset, "size": section.size }))
        .collect();
    let mut report = json!({
        "size": artifact.size,
        "abi": { "major": header.major, "minor": header.minor, "convention": header.convention },
        "checksum": {
            "stated": format!("{:08x}", header.checksum),
            "actual": format!("{:08x}", artifact.actual_checksum),
        },
        "problems": artifact.problems(),
        "signatures": signers,
        "cpu": {
            "level": cpu::level_of(header.cpu_features).map(|level| level.name),
            "features": cpu::names(header.cpu_features).collect::<Vec<_>>(),
        },
        "sections": sections,
        "executable": attached.map(executable),
    });
    if let (Ok(descriptor), Some(fields)) = (&artifact.descriptor, report.as_object_mut()) {
        fields.extend(module(descriptor));
    }
    format!("{report:#}\n")
}

/// What an executable is, besides the artifact in it.
fn executable(attached: &Attached) -> Value {
    let grants = &attached.grants;
    let text = |text: &OsStr| text.to_string_lossy().into_owned();
    let directories = grants.directories.iter().map(|Directory { host, guest, read_only }| {
        json!({ "host": text(host.as_os_str()), "guest": guest, "read_only": read_only })
    });
    let environment = grants
        .environment
        .iter()
        .map(|Variable { key, value }| json!({ "key": text(key), "value": text(value) }));
    json!({
        "artifact_offset": attached.artifact.offset,
        "directories": directories.collect::<Vec<_>>(),
        "environment": environment.collect::<Vec<_>>(),
        "inherit_env": grants.inherit_env,
        "listeners": grants.listeners.iter().map(|address| address.to_string()).collect::<Vec<_>>(),
    })
}

/// How the artifact says that it was made.
fn build(record: &BuildRecord) -> Value {
    json!({
        "input_sha256": hex(&record.input),
        "optimisation": record.opt,
        "relaxed_simd": if record.native_relaxed_simd { "native" } else { "deterministic" },
        "refused_features": record.refused_features,
        "left_out_passes": record.left_out_passes,
    })
}

/// What the descriptor tells.
fn module(descriptor: &Descriptor) -> Map<String, Value> {
    let imports = descriptor.imports.iter().map(|import| {
        let (kind, ty) = item(imported(descriptor, &import.kind));
        json!({ "module": import.module, "name": import.name, "kind": kind, "type": ty })
    });
    let exports = descriptor.exports.iter().map(|export| {
        let (kind, ty) = item(exported(descriptor, export.kind));
        json!({ "name": export.name, "kind": kind, "type": ty })
    });
    let memories = memories(descriptor).map(|(ty, plan)| {
        let image = plan.map(|memory| memory.image.iter().map(|run| run.file.length).sum::<u64>());
        json!({ "imported": plan.is_none(), "type": memory(ty), "image_bytes": image })
    });
    let tables = tables(descriptor).map(|(ty, plan)| {
        json!({ "imported": plan.is_none(), "type": table(ty), "constant": plan.is_some_and(|table| table.constant) })
    });
    let fields = [
        ("producer", json!(descriptor.producer)),
        ("build", json!(descriptor.build.as_ref().map(build))),
        ("metered", json!(descriptor.meter.is_some())),
        ("code_table_bytes", json!(descriptor.code.map(|code| code.length))),
        ("wasm_features", json!(descriptor.wasm_features)),
        ("imports", imports.collect()),
        ("exports", exports.collect()),
        ("memories", memories.collect()),
        ("tables", tables.collect()),
        ("globals", json!(descriptor.globals.len())),
        ("tags", json!(descriptor.tag_types().count())),
        ("preinit", descriptor.preinit.as_ref().map_or(Value::Null, preinit)),
        ("hot_pages", descriptor.hot_pages.iter().map(|run| json!([run.first, run.count])).collect()),
    ];
    fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// How the module was initialised before it was compiled.
pub(crate) fn preinit(preinit: &Preinit) -> Value {
    json!({
        "calls": preinit.calls,
        "environment": preinit.environment,
        "directories": preinit.directories,
        "files": preinit.files,
        "stdio": preinit.stdio,
        "clock_reads": preinit.clock_reads,
        "real_clock": preinit.real_clock,
        "random_bytes": preinit.random_bytes,
        "real_random": preinit.real_random,
        "reproducible": preinit.is_reproducible(),
    })
}

fn item(item: Item<'_>) -> (&'static str, Value) {
    match item {
        Item::Func(ty) => ("func", ty.map_or(Value::Null, func)),
        Item::Table(ty) => ("table", ty.map_or(Value::Null, table)),
        Item::Memory(ty) => ("memory", ty.map_or(Value::Null, memory)),
        Item::Global(ty) => ("global", ty.map_or(Value::Null, global)),
        Item::Tag(ty) => ("tag", ty.map_or(Value::Null, func)),
    }
}

fn func(ty: &FuncType) -> Value {
    let names =
        |types: &[wasmaot_abi::types::ValType]| types.iter().map(|ty| ty.to_string()).collect::<Vec<_>>();
    json!({ "params": names(&ty.params), "results": names(&ty.results) })
}

fn limits(limits: Limits) -> (u64, Option<u64>) {
    (limits.min, limits.max)
}

fn table(ty: TableType) -> Value {
    let (min, max) = limits(ty.limits);
    json!({ "element": ty.element.to_string(), "min": min, "max": max, "index": ty.index.value().to_string() })
}

fn memory(ty: MemoryType) -> Value {
    let (min, max) = limits(ty.limits);
    json!({
        "min_pages": min,
        "max_pages": max,
        "page_size": 1u64.checked_shl(ty.page_log2.into()),
        "index": ty.index.value().to_string(),
        "shared": ty.shared,
    })
}

fn global(ty: GlobalType) -> Value {
    json!({ "value": ty.value.to_string(), "mutable": ty.mutable })
}
