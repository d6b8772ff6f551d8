//! The form for people: one fact a line, lists indented below their heading.

use crate::artifact::Artifact;
use crate::items::{Item, exported, imported, memories, tables};
use crate::text::{Bytes, hex};
use std::fmt::{Display, Write};
use wasmaot_abi::cpu;
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_abi::preinit::Preinit;
use wasmaot_abi::types::{GlobalType, IndexType, Limits, MemoryType, TableType};
use wasmaot_program::attached::Attached;
use wasmaot_program::grants::{Directory, Variable};
use wasmaot_program::report::Name;

/// The whole report, ending in a newline.
pub(super) fn render(artifact: &Artifact, attached: Option<&Attached>, signers: &[String]) -> String {
    let mut page = Page::default();
    if let Some(attached) = attached {
        executable(&mut page, attached);
    }
    let header = &artifact.header;
    page.fact("size", Bytes(artifact.size));
    page.fact(
        "abi",
        format_args!("{}.{}, tail convention {}", header.major, header.minor, header.convention),
    );
    page.fact("checksum", format_args!("{:08x}", header.checksum));
    page.fact("cpu", cpu_line(header.cpu_features));
    for problem in artifact.problems() {
        page.fact("problem", Name(&problem));
    }
    if !signers.is_empty() {
        page.list("signatures (not checked)", signers.iter().cloned());
    }
    if let Ok(descriptor) = &artifact.descriptor {
        module(&mut page, descriptor);
    }
    let sections = artifact.sections.iter().map(|section| {
        format!("{:<24} {:>10} bytes at {:#x}", Name(&section.name).to_string(), section.size, section.offset)
    });
    page.list("sections", sections);
    page.text
}

/// What an executable is, besides the artifact in it.
fn executable(page: &mut Page, attached: &Attached) {
    let grants = &attached.grants;
    page.fact("executable", format_args!("artifact at {:#x}", attached.artifact.offset));
    let directories = grants.directories.iter().map(|Directory { host, guest, read_only }| {
        let rights = if *read_only { ", read only" } else { "" };
        format!("\"{}\" as \"{}\"{rights}", Name(&host.to_string_lossy()), Name(guest))
    });
    page.list("directories", directories);
    let variables = grants.environment.iter().map(|Variable { key, value }| {
        format!("{}={}", Name(&key.to_string_lossy()), Name(&value.to_string_lossy()))
    });
    page.list(
        "environment",
        variables.chain(grants.inherit_env.then(|| "and all that it is started with".into())),
    );
    page.list("listeners", grants.listeners.iter().map(|address| address.to_string()));
}

fn module(page: &mut Page, descriptor: &Descriptor) {
    page.fact("producer", Name(&descriptor.producer));
    if let Some(record) = &descriptor.build {
        page.fact("module", format_args!("SHA-256 {}", hex(&record.input)));
    }
    page.fact("metered", if descriptor.meter.is_some() { "yes" } else { "no" });
    page.fact(
        "code table",
        descriptor.code.map_or("none".to_string(), |code| Bytes(code.length).to_string()),
    );
    let features = descriptor.wasm_features.join(", ");
    page.fact("wasm features", Name(if features.is_empty() { "none beyond version 1" } else { &features }));
    if let Some(preinit) = &descriptor.preinit {
        initialisation(page, preinit);
    }
    let hot: u64 = descriptor.hot_pages.iter().map(|run| u64::from(run.count)).sum();
    if hot > 0 {
        page.fact("hot pages", hot);
    }
    page.fact("globals", descriptor.globals.len());
    let imports = descriptor.imports.iter().map(|import| {
        let ty = item(imported(descriptor, &import.kind));
        format!("\"{}\" \"{}\": {ty}", Name(&import.module), Name(&import.name))
    });
    page.list("imports", imports);
    let exports = descriptor
        .exports
        .iter()
        .map(|export| format!("\"{}\": {}", Name(&export.name), item(exported(descriptor, export.kind))));
    page.list("exports", exports);
    let memories = memories(descriptor).enumerate().map(|(index, (ty, plan))| match plan {
        Some(plan) => {
            let image = Bytes(plan.image.iter().map(|run| run.file.length).sum());
            format!("{index}: {}, image {image}", memory(ty))
        }
        None => format!("{index}: {}, imported", memory(ty)),
    });
    page.list("memories", memories);
    let tables = tables(descriptor).enumerate().map(|(index, (ty, plan))| match plan {
        Some(plan) if plan.constant => format!("{index}: {}, constant", table(ty)),
        Some(_) => format!("{index}: {}", table(ty)),
        None => format!("{index}: {}, imported", table(ty)),
    });
    page.list("tables", tables);
}

/// How the module was initialised before it was compiled, and what that got of the host's.
fn initialisation(page: &mut Page, preinit: &Preinit) {
    let names = |names: &[String]| names.iter().map(|name| format!("\"{}\"", Name(name))).collect::<Vec<_>>();
    page.list("initialised by", names(&preinit.calls).into_iter());
    if let Some(environment) = &preinit.environment {
        page.list("  environment", environment.iter().map(|variable| Name(variable).to_string()));
    }
    if !preinit.directories.is_empty() {
        page.list("  directories", names(&preinit.directories).into_iter());
        page.list("  opened", names(&preinit.files).into_iter());
    }
    page.fact("  streams", if preinit.stdio { "granted" } else { "denied" });
    let source = |is_real: bool| if is_real { "of the machine" } else { "deterministic" };
    page.fact("  clock reads", format_args!("{}, {}", preinit.clock_reads, source(preinit.real_clock)));
    page.fact("  random bytes", format_args!("{}, {}", preinit.random_bytes, source(preinit.real_random)));
    page.fact("  reproducible", if preinit.is_reproducible() { "yes" } else { "no" });
}

fn cpu_line(features: u64) -> String {
    let names = cpu::names(features).collect::<Vec<_>>().join(", ");
    match cpu::level_of(features) {
        Some(level) if names.is_empty() => level.name.into(),
        Some(level) => format!("{} ({names})", level.name),
        None => format!("beyond {} ({names})", cpu::V3.name),
    }
}

fn item(item: Item<'_>) -> String {
    let known = match item {
        Item::Func(ty) => ty.map(|ty| format!("func {ty}")),
        Item::Table(ty) => ty.map(|ty| format!("table {}", table(ty))),
        Item::Memory(ty) => ty.map(|ty| format!("memory {}", memory(ty))),
        Item::Global(ty) => ty.map(|ty| format!("global {}", global(ty))),
        Item::Tag(ty) => ty.map(|ty| format!("tag {ty}")),
    };
    known.unwrap_or_else(|| "an index that leads nowhere".into())
}

fn limits(limits: Limits) -> String {
    match limits.max {
        Some(max) => format!("{} to {max}", limits.min),
        None => format!("{} or more", limits.min),
    }
}

fn table(ty: TableType) -> String {
    format!("{} of {}{}", limits(ty.limits), ty.element, width(ty.index))
}

fn memory(ty: MemoryType) -> String {
    let unit = if ty.page_log2 == 16 { "pages".into() } else { format!("pages of 2^{} bytes", ty.page_log2) };
    let shared = if ty.shared { ", shared" } else { "" };
    format!("{} {unit}{}{shared}", limits(ty.limits), width(ty.index))
}

fn width(index: IndexType) -> &'static str {
    if index == IndexType::I64 { ", 64-bit" } else { "" }
}

fn global(ty: GlobalType) -> String {
    format!("{}{}", if ty.mutable { "mut " } else { "" }, ty.value)
}

/// Text in the making.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn fact(&mut self, name: &str, value: impl Display) {
        let _ = writeln!(self.text, "{name:<14} {value}");
    }

    fn list(&mut self, name: &str, entries: impl Iterator<Item = String>) {
        let entries: Vec<_> = entries.collect();
        self.fact(name, entries.len());
        for entry in entries {
            let _ = writeln!(self.text, "  {entry}");
        }
    }
}
