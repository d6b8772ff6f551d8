//! Each kind of bad file has its own typed error.

use crate::image::{Image, NEEDED, RICH, SMALL, SYMENT};
use std::path::Path;
use wasmaot_abi::header::Header;
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR, METERED_CONVENTION, TAIL_CONVENTION};
use wasmaot_runtime::{Module, OpenError};

fn open(image: &Image) -> Result<Module, OpenError> {
    wasmaot_tests::load(&image.bytes)
}

/// The error of a changed and sealed artifact.
fn changed(change: impl FnOnce(&mut Image)) -> OpenError {
    let mut image = Image::new(RICH);
    change(&mut image);
    image.seal();
    open(&image).expect_err("the file is refused")
}

fn with_header(change: impl FnOnce(&mut Header)) -> Result<Module, OpenError> {
    let mut image = Image::new(SMALL);
    let mut header = image.module_header();
    change(&mut header);
    image.set_module_header(&header);
    image.seal();
    open(&image)
}

#[test]
fn good_files_open() {
    for source in [RICH, SMALL] {
        let image = Image::new(source);
        open(&image).expect("a good artifact");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("good.so");
        std::fs::write(&path, &image.bytes).expect("a writable folder");
        wasmaot_tests::open(&path).expect("a good artifact");
        wasmaot_tests::open_sealed(&path).expect("a good artifact");
    }
}

#[test]
fn not_an_artifact() {
    for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", b"\0asm\x01\0\0\0", &[0; 4096]] {
        let error = wasmaot_tests::load(bytes).expect_err("it is refused");
        assert!(matches!(error, OpenError::Elf { .. } | OpenError::Truncated { .. }), "{error}");
    }
    // Another program's file: a real ELF one, but no artifact.
    let own = std::env::current_exe().expect("this test is a file");
    let error = wasmaot_tests::open(own).expect_err("it is refused");
    assert!(matches!(error, OpenError::Elf { .. } | OpenError::Forbidden(_)), "{error}");
    let missing = wasmaot_tests::open("/no/such/file.so").expect_err("it is refused");
    assert!(matches!(missing, OpenError::Io { .. }), "{missing}");
    let folder = wasmaot_tests::open(Path::new("/")).expect_err("it is refused");
    assert!(matches!(folder, OpenError::NotAFile | OpenError::Io { .. }), "{folder}");
}

#[test]
fn a_file_without_the_descriptor() {
    let error = changed(|image| {
        let names = image.section(".shstrtab");
        let wanted = wasmaot_abi::header::SECTION.as_bytes();
        let at = image.bytes[names.clone()]
            .windows(wanted.len())
            .position(|name| name == wanted)
            .expect("the name is there");
        image.put(names.start + at, b".another");
    });
    assert!(matches!(error, OpenError::NoModule), "{error}");
}

#[test]
fn another_machine_or_kind_of_elf_file() {
    for (offset, value) in [(4, 1), (5, 2), (16, 1), (18, 183), (20, 2)] {
        let error = changed(|image| image.bytes[offset] = value);
        assert!(matches!(error, OpenError::Elf { .. }), "byte {offset}: {error}");
    }
}

#[test]
fn another_abi_version() {
    let ours = (ABI_MAJOR, ABI_MINOR);
    let others = [0, ABI_MAJOR - 1, ABI_MAJOR + 1, u16::MAX].map(|major| (major, ABI_MINOR));
    // Code of a newer minor may call builtins that this runtime does not have.
    for version in others.into_iter().chain([(ABI_MAJOR, ABI_MINOR + 1), (ABI_MAJOR, u16::MAX)]) {
        match with_header(|header| (header.major, header.minor) = version) {
            Err(OpenError::AbiVersion { found, supported }) => {
                assert_eq!((found, supported), (version, ours))
            }
            other => panic!("expected an error of the ABI version, got {other:?}"),
        }
    }
    with_header(|header| header.minor = 0).expect("older minors of the major load");
}

#[test]
fn another_calling_convention() {
    for other in [0, METERED_CONVENTION + 1, u32::MAX] {
        let error = with_header(|header| header.convention = other).expect_err("it is refused");
        assert!(
            matches!(error, OpenError::Convention { found, supported: TAIL_CONVENTION } if found == other),
            "{error}"
        );
        let told = error.to_string();
        assert!(told.contains("calling convention") && told.contains(&other.to_string()), "{told}");
    }
    // Which one it is follows from whether the code counts.
    let error = with_header(|header| header.convention = METERED_CONVENTION).expect_err("it is refused");
    assert!(matches!(error, OpenError::Invalid { what: "calling convention", .. }), "{error}");
}

#[test]
fn a_better_cpu() {
    match with_header(|header| header.cpu_features |= 1 << 63) {
        Err(OpenError::CpuFeatures { missing }) => assert_eq!(missing, ["unknown"]),
        other => panic!("expected an error of the CPU, got {other:?}"),
    }
}

#[test]
fn changed_or_cut_after_it_was_written() {
    let good = Image::new(RICH);
    let mut flipped = good.clone();
    let text = flipped.section(".text");
    flipped.bytes[text.start] ^= 1;
    assert!(matches!(open(&flipped), Err(OpenError::Checksum { .. })));

    let mut longer = good.clone();
    longer.bytes.push(0);
    assert!(matches!(open(&longer), Err(OpenError::FileSize { .. })));

    let mut shorter = good.clone();
    shorter.bytes.truncate(good.bytes.len() / 2);
    assert!(matches!(open(&shorter), Err(OpenError::Truncated { .. })));

    let mut no_magic = good;
    no_magic.bytes[no_magic.header] ^= 1;
    no_magic.seal();
    assert!(matches!(open(&no_magic), Err(OpenError::Header(_))));
}

#[test]
fn dynamic_entries_that_run_or_change_something() {
    const DT: [(u64, u64, &str); 13] = [
        (NEEDED, 1, "DT_NEEDED"),
        (12, 0x1000, "DT_INIT"),
        (13, 0x1000, "DT_FINI"),
        (25, 0x1000, "DT_INIT_ARRAY"),
        (26, 0x1000, "DT_FINI_ARRAY"),
        (32, 0x1000, "DT_PREINIT_ARRAY"),
        (22, 0, "DT_TEXTREL"),
        (30, 4, "DF_TEXTREL"),
        (7, 0x1000, "DT_RELA"),
        (17, 0x1000, "DT_REL"),
        (23, 0x1000, "DT_JMPREL"),
        (36, 0x1000, "DT_RELR"),
        (3, 0x1000, "reloc"),
    ];
    for (tag, value, word) in DT {
        let error = changed(|image| {
            let entry = image.dynamic_entry(SYMENT);
            image.put(entry, &tag.to_le_bytes());
            image.put(entry + 8, &value.to_le_bytes());
        });
        match error {
            OpenError::Forbidden(what) => assert!(what.contains(word), "tag {tag}: {what}"),
            other => panic!("tag {tag}: {other}"),
        }
    }
    for tag in [15, 29, 0x6fff_fffe, 0x7fff_fffd] {
        let error = changed(|image| {
            let entry = image.dynamic_entry(SYMENT);
            image.put(entry, &u64::to_le_bytes(tag));
        });
        assert!(matches!(error, OpenError::DynamicTag { tag: found } if found == tag), "tag {tag}: {error}");
    }
    let error = changed(|image| {
        let entry = image.dynamic_entry(0);
        image.put(entry, &SYMENT.to_le_bytes());
    });
    assert!(matches!(error, OpenError::Elf { .. }), "an endless dynamic section: {error}");
}

#[test]
fn segments_that_give_too_many_rights() {
    const LOAD: u32 = 1;
    const STACK: u32 = 0x6474_e551;
    for (kind, nth, what) in
        [(LOAD, 1, "the code writable"), (LOAD, 2, "the data executable"), (STACK, 0, "the stack executable")]
    {
        let error = changed(|image| {
            let flags = image.segment(kind, nth) + 4;
            image.put(flags, &7_u32.to_le_bytes());
        });
        assert!(matches!(error, OpenError::Elf { .. }), "{what}: {error}");
    }
    for (kind, what) in [(3, "an interpreter"), (7, "thread-local storage")] {
        let error = changed(|image| {
            let at = image.segment(STACK, 0);
            image.put(at, &u32::to_le_bytes(kind));
        });
        assert!(matches!(error, OpenError::Forbidden(_)), "{what}: {error}");
    }
}

#[test]
fn symbols_that_run_code_or_need_others() {
    let error = changed(|image| {
        let symbol = image.section(".dynsym").start + 24;
        image.bytes[symbol + 4] = 0x1a;
    });
    assert!(matches!(error, OpenError::Forbidden(what) if what.contains("IFUNC")), "{error}");
    let error = changed(|image| {
        let symbol = image.section(".dynsym").start + 24;
        image.put(symbol + 6, &[0, 0]);
    });
    assert!(matches!(error, OpenError::Forbidden(what) if what.contains("symbol")), "{error}");
}

#[test]
fn relocation_sections() {
    for kind in [4_u32, 9, 19] {
        let error = changed(|image| {
            let sections = image.u64_at(40) as usize;
            let count = usize::from(image.bytes[60]);
            // The last one holds section names, the one before it names of symbols.
            image.put(sections + (count - 2) * 64 + 4, &kind.to_le_bytes());
        });
        assert!(matches!(error, OpenError::Forbidden(what) if what.contains("relocation")), "{error}");
    }
}
