//! Random changes of machine code. Most are rejected; how many, and by which property, is reported. None
//! makes the verifier panic.
//!
//! `WASMAOT_VERIFY_MUTANTS` sets the number, `WASMAOT_VERIFY_SEED` the seed.

use crate::{all_options, read};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSection};
use std::collections::BTreeMap;
use std::ops::Range;
use wasmaot_abi::code::{CodeRange, read_code_table};
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_abi::header::Header;
use wasmaot_abi::wire::{Decode, Reader};
use wasmaot_tests::{Random, files, parallel, report, tests_folder, variable};
use wasmaot_verifier::{Property, verify};

/// An artifact whose bytes are changed.
pub(crate) struct Artifact {
    pub(crate) bytes: Vec<u8>,
}

impl Artifact {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { bytes }
    }

    /// The bytes of a section.
    pub(crate) fn section(&self, name: &str) -> Range<usize> {
        let elf = ElfFile64::<LittleEndian>::parse(&*self.bytes).expect("the compiler writes ELF");
        let section = elf.section_by_name(name).expect("every artifact has it");
        let (offset, size) = section.file_range().expect("it has bytes");
        offset as usize..(offset + size) as usize
    }

    pub(crate) fn descriptor(&self) -> Descriptor {
        let module = self.section(".wasmaot.module");
        let bytes = &self.bytes[module.start + Header::SIZE..module.end];
        Descriptor::decode(&mut Reader::new(bytes)).expect("the compiler's descriptor")
    }

    pub(crate) fn ranges(&self) -> Vec<CodeRange> {
        let (table, text) = (self.section(".wasmaot.code"), self.section(".text"));
        read_code_table(&self.bytes[table], text.len() as u64).expect("the compiler's table")
    }

    /// A changed file with the checksum that it has to have, so that loading it goes as far as the proof.
    pub(crate) fn resealed(&self, mut file: Vec<u8>) -> Vec<u8> {
        let at = self.section(".wasmaot.module").start + Header::CHECKSUM_OFFSET;
        file[at..at + 4].fill(0);
        let checksum = crc32fast::hash(&file);
        file[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
        file
    }

    /// The file with other code in the place of a function, and zeros behind it.
    pub(crate) fn with_code(&self, range: &CodeRange, code: &[u8]) -> Vec<u8> {
        assert!(code.len() <= range.length as usize, "the function is too short");
        let mut file = self.bytes.clone();
        let start = self.section(".text").start + range.start as usize;
        file[start..start + range.length as usize].fill(0);
        file[start..start + code.len()].copy_from_slice(code);
        file
    }
}

/// Changes a byte, or a few, of a function.
pub(crate) fn mutate(random: &mut Random, file: &mut [u8], text: usize, range: &CodeRange) {
    let start = text + range.start as usize;
    let code = &mut file[start..start + range.length as usize];
    let at = random.below(code.len());
    match random.below(6) {
        0 | 1 => code[at] ^= 1 << random.below(8),
        2 => code[at] = random.number() as u8,
        3 => code[at] = code[at].wrapping_add(if random.below(2) == 0 { 1 } else { 0xff }),
        // Nothing instead of an instruction, or of a part of one.
        4 => {
            let end = (at + 1 + random.below(4)).min(code.len());
            code[at..end].fill(0x90);
        }
        // What stands elsewhere in the function.
        _ => {
            let length = (1 + random.below(8)).min(code.len() - at);
            let from = random.below(code.len() - length + 1);
            code.copy_within(from..from + length, at);
        }
    }
}

#[derive(Default)]
struct Counts {
    accepted: usize,
    unchanged: usize,
    rejected: BTreeMap<Property, usize>,
}

impl Counts {
    fn add(mut self, other: Self) -> Self {
        self.accepted += other.accepted;
        self.unchanged += other.unchanged;
        for (property, count) in other.rejected {
            *self.rejected.entry(property).or_default() += count;
        }
        self
    }
}

#[test]
fn mutants_are_examined() {
    let (count, seed) = (variable("WASMAOT_VERIFY_MUTANTS", 6_000), variable("WASMAOT_VERIFY_SEED", 1));
    let options = all_options();
    let paths = files(&tests_folder().join("golden"), "wat");
    let artifacts: Vec<Artifact> = parallel(paths.iter().enumerate(), |(number, path)| {
        let (_, wasm) = read(path).remove(0);
        let options = &options[number % options.len()].1;
        let output = wasmaot_compiler::compile(&wasm, options, &|_| {}).unwrap_or_else(|e| panic!("{e}"));
        Artifact::new(output.bytes)
    });
    let counts = parallel(0..count, |number| {
        let mut random = Random::new(seed.wrapping_mul(1 << 32).wrapping_add(number));
        let artifact = &artifacts[random.below(artifacts.len())];
        let (text, ranges) = (artifact.section(".text").start, artifact.ranges());
        let mut file = artifact.bytes.clone();
        let range = &ranges[random.below(ranges.len())];
        mutate(&mut random, &mut file, text, range);
        let mut counts = Counts::default();
        match verify(&file) {
            _ if file == artifact.bytes => counts.unchanged += 1,
            Ok(_) => counts.accepted += 1,
            Err(refused) => {
                for rejection in refused.rejections {
                    *counts.rejected.entry(rejection.property).or_default() += 1;
                }
            }
        }
        counts
    });
    let Counts { accepted, unchanged, rejected } = counts.into_iter().fold(Counts::default(), Counts::add);
    let by: Vec<String> = rejected.iter().map(|(property, count)| format!("{count} {property}")).collect();
    report(format_args!(
        "mutants: {count}, {unchanged} unchanged, {accepted} accepted; rejections: {}",
        by.join(", ")
    ));
    let all: usize = rejected.values().sum();
    assert!(all * 2 > count as usize, "most changes break something: {all} of {count}");
    for property in [
        Property::Control,
        Property::Instructions,
        Property::Memory,
        Property::Stack,
        Property::Calls,
        Property::References,
        Property::Faults,
    ] {
        assert!(rejected.contains_key(&property), "no mutant breaks {property}");
    }
}
