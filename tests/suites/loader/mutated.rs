//! Thousands of damaged artifacts, the same ones every time.
//!
//! Every other one is sealed again, so that its damage gets past the checksum. **Invariants.** Damage that is
//! not sealed is always an error. Damage that is sealed may open; then the module is instantiated, but no
//! code of the file is run.

use crate::image::{Image, RICH, SMALL};
use crate::instantiate::instantiate;
use std::collections::BTreeMap;
use std::ops::Range;
use wasmaot_runtime::{Module, OpenError};
use wasmaot_tests::{Random, parallel, report, variable};

/// Damaged files of an ordinary run; the variable `WASMAOT_FUZZ_FILES` asks for more.
const FILES: u64 = 16_000;

/// Files that one thread takes at a time.
const BATCH: u64 = 500;

const EMPTY: &str = "(module)";
const CODE_ONLY: &str =
    r#"(module (table funcref (elem $f)) (func $f (export "f") (result f64) (f64.const 1.5)))"#;

/// Kinds of damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Damage {
    Truncation,
    BitFlip,
    Bytes,
    Number,
    Splice,
    Move,
}

const KINDS: [Damage; 6] =
    [Damage::Truncation, Damage::BitFlip, Damage::Bytes, Damage::Number, Damage::Splice, Damage::Move];

/// Parts of a file where damage is most likely to be read: ELF header and program headers, dynamic section,
/// symbols, descriptor, tables, maps, section headers.
fn places(image: &Image) -> Vec<Range<usize>> {
    let sections = image.u64_at(40) as usize;
    let mut found = vec![0..64, 64..64 + 56 * usize::from(image.bytes[56]), sections..image.bytes.len()];
    for name in [
        ".dynamic",
        ".dynsym",
        ".dynstr",
        ".wasmaot.module",
        ".wasmaot.traps",
        ".wasmaot.exceptions",
        ".wasmaot.addrmap",
        ".wasmaot.funcs",
        ".shstrtab",
    ] {
        found.push(image.section(name));
    }
    // The descriptor is what the runtime believes.
    let descriptor = image.header + 8..image.section(".wasmaot.module").end;
    found.extend([descriptor.clone(), descriptor.clone(), descriptor]);
    found.retain(|range| !range.is_empty());
    found
}

fn pick(random: &mut Random, image: &Image, places: &[Range<usize>]) -> usize {
    if random.below(8) == 0 {
        return random.below(image.bytes.len());
    }
    let place = &places[random.below(places.len())];
    place.start + random.below(place.len())
}

/// Damages a copy of one of the artifacts.
fn damage(random: &mut Random, artifacts: &[(Image, Vec<Range<usize>>)]) -> (Damage, usize, Image) {
    const NUMBERS: [u64; 12] = [
        0,
        1,
        2,
        0xff,
        0x1000,
        0x7fff_ffff,
        0x8000_0000,
        0xffff_ffff,
        0x1_0000_0000,
        0x7fff_ffff_ffff_ffff,
        0xffff_ffff_ffff_f000,
        u64::MAX,
    ];
    let base = random.below(artifacts.len());
    let (original, places) = &artifacts[base];
    let mut image = original.clone();
    let kind = KINDS[random.below(KINDS.len())];
    let at = pick(random, original, places);
    match kind {
        Damage::Truncation => image.bytes.truncate(at),
        Damage::BitFlip => {
            for _ in 0..1 + random.below(3) {
                let at = pick(random, original, places);
                image.bytes[at] ^= 1 << random.below(8);
            }
        }
        Damage::Bytes => {
            let count = 1 + random.below(8);
            for (byte, new) in image.bytes[at..].iter_mut().zip(random.bytes(count)) {
                *byte = new;
            }
        }
        Damage::Number => {
            let width = [2, 4, 8][random.below(3)];
            let number = NUMBERS[random.below(NUMBERS.len())].to_le_bytes();
            let at = at / width * width;
            for (byte, new) in image.bytes[at..].iter_mut().zip(&number[..width]) {
                *byte = *new;
            }
        }
        Damage::Splice => {
            // A range of another artifact, from the like place or from any.
            let (other, other_places) = &artifacts[random.below(artifacts.len())];
            let place = random.below(places.len());
            let from = if random.below(2) == 0 {
                other_places[place % other_places.len()].clone()
            } else {
                places[place].clone()
            };
            let from = from.start.min(other.bytes.len())..from.end.min(other.bytes.len());
            let count = (1 + random.below(200)).min(from.len());
            for (byte, new) in image.bytes[places[place].start..].iter_mut().zip(&other.bytes[from][..count])
            {
                *byte = *new;
            }
        }
        Damage::Move => {
            // Inserts or takes out bytes, so that all that follows moves.
            let count = (1 + random.below(16)).min(image.bytes.len() - at);
            if random.below(2) == 0 {
                image.bytes.drain(at..at + count);
            } else {
                let new = random.bytes(count);
                image.bytes.splice(at..at, new);
            }
        }
    }
    (kind, base, image)
}

#[derive(Default)]
struct Tally {
    refused: BTreeMap<(Damage, bool), usize>,
    opened: usize,
    instantiated: usize,
}

fn batch(first: u64, artifacts: &[(Image, Vec<Range<usize>>)]) -> Tally {
    let mut tally = Tally::default();
    for number in first..first + BATCH {
        let mut random = Random::new(number);
        let sealed = number % 2 == 1;
        let (kind, base, mut image) = damage(&mut random, artifacts);
        if sealed {
            image.seal();
        }
        if image.bytes == artifacts[base].0.bytes {
            continue;
        }
        match open(&image.bytes, number) {
            Err(error) => {
                assert!(!error.to_string().is_empty());
                *tally.refused.entry((kind, sealed)).or_default() += 1;
            }
            Ok(module) => {
                assert!(sealed, "file {number}: {kind:?} of artifact {base} is not noticed");
                tally.opened += 1;
                tally.instantiated += usize::from(instantiate(&module).is_ok());
            }
        }
    }
    tally
}

/// Opens a file from memory, or now and then from the disk.
fn open(bytes: &[u8], number: u64) -> Result<Module, OpenError> {
    if !number.is_multiple_of(16) {
        return wasmaot_tests::load(bytes);
    }
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("a writable file");
    wasmaot_tests::open(file.path())
}

#[test]
fn damaged_files_are_errors() {
    let artifacts: Vec<_> = [RICH, SMALL, EMPTY, CODE_ONLY]
        .into_iter()
        .map(|source| {
            let image = Image::new(source);
            let places = places(&image);
            (image, places)
        })
        .collect();
    let starts = (0..variable("WASMAOT_FUZZ_FILES", FILES)).step_by(BATCH as usize);
    let mut sum = Tally::default();
    for tally in parallel(starts, |first| batch(first, &artifacts)) {
        sum.opened += tally.opened;
        sum.instantiated += tally.instantiated;
        for (key, count) in tally.refused {
            *sum.refused.entry(key).or_default() += count;
        }
    }
    let refused: usize = sum.refused.values().sum();
    report(format_args!(
        "loader: {} damaged files: {refused} refused, {} opened, {} of them could be instantiated",
        refused + sum.opened,
        sum.opened,
        sum.instantiated
    ));
    for ((kind, sealed), count) in &sum.refused {
        report(format_args!("loader:   {kind:?}{}: {count} refused", if *sealed { ", sealed" } else { "" }));
    }
    assert!(refused + sum.opened >= 10_000, "too few files were really damaged");
}
