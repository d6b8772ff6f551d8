//! Components with random changes are compiled or refused, and never make the compiler panic; changed
//! descriptions of components are refused, or describe something that can be run.
//!
//! `WASMAOT_COMPONENT_MUTANTS` sets the number of each.

use crate::calls::{joining, lying};
use crate::echo::echo;
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSection};
use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmaot_abi::header::{Header, SECTION};
use wasmaot_abi::wire::{Decode, Reader};
use wasmaot_compiler::CompileError;
use wasmaot_component::{Component, Linker, Val};
use wasmaot_runtime::{Module, ResourceLimits};
use wasmaot_tests::{Random, options, parallel, report, variable};

/// Components to be changed.
fn originals() -> Vec<Vec<u8>> {
    let texts = [
        joining(),
        lying("(i32.const 1024)", 8, 16),
        echo("(list (option string))", "utf8", "utf16"),
        echo("(result (tuple u8 char) (error (list f64)))", "latin1+utf16", "utf8"),
        crate::leaks::text(),
    ];
    texts.iter().map(|text| wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"))).collect()
}

/// Changes some bytes.
fn mutate(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..1 + random.below(3) {
        let at = random.below(bytes.len());
        match random.below(7) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.number() as u8,
            2 => bytes[at] = bytes[at].wrapping_add(if random.below(2) == 0 { 1 } else { 0xff }),
            3 => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            4 => drop(bytes.remove(at)),
            5 => bytes.insert(at, random.number() as u8),
            _ => {
                let length = (1 + random.below(16)).min(bytes.len() - at);
                let from = random.below(bytes.len() - length + 1);
                bytes.copy_within(from..from + length, at);
            }
        }
    }
}

#[test]
fn changed_components_are_compiled_or_refused() {
    let (originals, count) = (originals(), variable("WASMAOT_COMPONENT_MUTANTS", 3_000));
    let kinds = parallel(0..count, |number| {
        let mut random = Random::new(number + 1);
        let mut wasm = originals[random.below(originals.len())].clone();
        mutate(&mut random, &mut wasm);
        let compiled = catch_unwind(|| wasmaot_compiler::compile(&wasm, &options(), &|_| {}));
        match compiled {
            Ok(Ok(output)) => {
                // What is compiled is proven, and is a component, unless the first bytes made it a module.
                let module =
                    Module::from_bytes(&output.bytes).unwrap_or_else(|e| panic!("mutant {number}: {e}"));
                if module.descriptor().component.is_some() {
                    Component::new(module).unwrap_or_else(|e| panic!("mutant {number}: {e}"));
                }
                "compiled"
            }
            Ok(Err(CompileError::Invalid { .. })) => "invalid",
            Ok(Err(CompileError::Unsupported { .. } | CompileError::Component { .. })) => "not supported",
            Ok(Err(CompileError::Limit { .. })) => "beyond a limit",
            Ok(Err(_)) => "refused otherwise",
            Err(_) => panic!("mutant {number} makes the compiler panic"),
        }
    });
    let mut counts = BTreeMap::<_, usize>::new();
    kinds.into_iter().for_each(|kind| *counts.entry(kind).or_default() += 1);
    report(format_args!("component: {count} changed components: {counts:?}"));
    assert!(counts.contains_key("compiled") && counts.contains_key("invalid"));
}

/// An artifact whose description of its component is changed.
struct Described {
    bytes: Vec<u8>,
    /// Where the header lies.
    header: usize,
    /// Where the description lies.
    place: Range<usize>,
}

impl Described {
    fn of(bytes: Vec<u8>) -> Self {
        /// The tag of the description among the descriptor's sections.
        const COMPONENT: u32 = 19;
        let elf = ElfFile64::<LittleEndian>::parse(&*bytes).expect("the compiler writes ELF");
        let section = elf.section_by_name(SECTION).and_then(|section| section.file_range());
        let header = section.expect("every artifact has it").0 as usize;
        let size = Header::from_bytes(&bytes[header..]).expect("a header").descriptor_size as usize;
        let start = header + Header::SIZE;
        let mut reader = Reader::new(&bytes[start..start + size]);
        loop {
            let tag = u32::decode(&mut reader).expect("a section");
            let length = u32::decode(&mut reader).expect("a length") as usize;
            let at = start + reader.offset();
            reader.raw(length, "a section").expect("a whole section");
            if tag == COMPONENT {
                return Self { bytes, header, place: at..at + length };
            }
        }
    }

    /// Changed bytes with the checksum that goes with them.
    fn resealed(&self, mut bytes: Vec<u8>) -> Vec<u8> {
        let at = self.header + Header::CHECKSUM_OFFSET;
        bytes[at..at + 4].fill(0);
        let checksum = crc32fast::hash(&bytes);
        bytes[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }
}

/// Runs what a changed description says, with arguments that fit the original.
fn run(component: &Component) -> Result<(), String> {
    let mut linker = Linker::<()>::new();
    linker.trap_undefined(true);
    let linked = linker.instantiate_pre(component).map_err(|error| error.to_string())?;
    let limits = ResourceLimits {
        deadline: Some(std::time::Instant::now() + std::time::Duration::from_secs(5)),
        ..ResourceLimits::default()
    };
    let arguments = [
        vec![Val::List(vec![Val::String("text".into())]), Val::Option(Some(Box::new(Val::Char('-'))))],
        vec![Val::List(vec![Val::U64(1), Val::U64(2)])],
        Vec::new(),
    ];
    for name in ["run", "take", "text", "list", "bytes"] {
        for arguments in &arguments {
            let mut instance = linked.instantiate_with((), &limits).map_err(|error| error.to_string())?;
            // Whether it returns, traps or does not know the function is its own.
            let _ = instance.call(name, arguments);
        }
    }
    Ok(())
}

#[test]
fn changed_descriptions_are_refused_or_run() {
    let count = variable("WASMAOT_COMPONENT_MUTANTS", 3_000);
    let artifacts: Vec<_> = [joining(), lying("(i32.const 1024)", 8, 16)]
        .iter()
        .map(|text| Described::of(crate::try_compile(text).expect("an artifact")))
        .collect();
    let kinds = parallel(0..count, |number| {
        let mut random = Random::new(number + 1);
        let artifact = &artifacts[random.below(artifacts.len())];
        let mut bytes = artifact.bytes.clone();
        for _ in 0..1 + random.below(2) {
            let at = artifact.place.start + random.below(artifact.place.len());
            match random.below(3) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.number() as u8,
                _ => bytes[at] = [0, 1, 2, 0x7f, 0x80, 0xff][random.below(6)],
            }
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            let Ok(module) = Module::from_bytes(&artifact.resealed(bytes)) else { return "not opened" };
            let Ok(component) = Component::new(module) else { return "refused" };
            match run(&component) {
                Ok(()) => "run",
                Err(_) => "not linked",
            }
        }));
        outcome.unwrap_or_else(|_| panic!("description {number} makes the host panic"))
    });
    let mut counts = BTreeMap::<_, usize>::new();
    kinds.into_iter().for_each(|kind| *counts.entry(kind).or_default() += 1);
    report(format_args!("component: {count} changed descriptions: {counts:?}"));
    assert!(counts.contains_key("run") && counts.contains_key("refused"));
}
