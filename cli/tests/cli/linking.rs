//! Both ways of linking: the command is static, which is what makes it start fast, and a build that sets
//! those flags aside gives the library for C.

use object::elf::{ET_DYN, ET_EXEC, FileHeader64, PT_DYNAMIC, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{Endianness, pod};
use std::path::{Path, PathBuf};
use std::process::Command;

/// An ELF file's type, and whether a dynamic loader has a part in it.
fn kind(path: &Path) -> (u16, bool) {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (header, _) = pod::from_bytes::<FileHeader64<Endianness>>(&bytes).expect("an ELF header");
    let endian = header.endian().expect("little-endian");
    let segments = header.program_headers(endian, &bytes[..]).expect("program headers");
    let dynamic = segments.iter().any(|segment| matches!(segment.p_type(endian), PT_INTERP | PT_DYNAMIC));
    (header.e_type(endian), dynamic)
}

#[test]
fn the_command_is_static_and_at_a_fixed_address() {
    let command = Path::new(env!("CARGO_BIN_EXE_wasmaot"));
    assert_eq!(kind(command), (ET_EXEC, false), "is RUSTFLAGS set? It overrides .cargo/config.toml");
}

#[test]
fn the_shared_library_is_built_by_a_command_of_its_own() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("shared");
    // As in the README, but for the profile.
    let status = Command::new(env!("CARGO"))
        .args(["rustc", "--quiet", "--locked", "-p", "wasmaot-capi", "--crate-type", "staticlib,cdylib"])
        .arg("--target-dir")
        .arg(&target)
        .env("RUSTFLAGS", "")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .current_dir(root)
        .status()
        .expect("cargo starts");
    assert!(status.success(), "{status}");
    let built = target.join("x86_64-unknown-linux-gnu/debug");
    assert_eq!(kind(&built.join("libwasmaot.so")), (ET_DYN, true));
    assert!(built.join("libwasmaot.a").is_file());
    the_example_in_c(&built);
}

/// The static library in a C program, as `runtime-shim/examples/orders.c` tells.
fn the_example_in_c(built: &Path) {
    if Command::new("gcc").arg("--version").output().is_err() {
        println!("skipped: no gcc to build runtime-shim/examples/orders.c with");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the repository");
    let folder = tempfile::tempdir().expect("a folder");
    let (program, artifact) = (folder.path().join("orders"), folder.path().join("orders.so"));
    let compiled = Command::new(env!("CARGO_BIN_EXE_wasmaot"))
        .args(["compile", "--quiet"])
        .arg(root.join("runtime-shim/examples/orders.wat"))
        .arg("-o")
        .arg(&artifact)
        .status()
        .expect("wasmaot starts");
    assert!(compiled.success());
    let linked = Command::new("gcc")
        .args(["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"])
        .arg(root.join("runtime-shim/examples/orders.c"))
        .arg("-I")
        .arg(root.join("runtime-shim/capi/include"))
        .arg(built.join("libwasmaot.a"))
        .args(["-lm", "-lpthread", "-ldl", "-o"])
        .arg(&program)
        .output()
        .expect("gcc starts");
    assert!(linked.status.success(), "{}", String::from_utf8_lossy(&linked.stderr));
    let ran = Command::new(&program).arg(&artifact).output().expect("the program starts");
    let printed = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{printed}");
    assert!(printed.starts_with("total 1297\nlogged 1297\n"), "{printed}");
    assert!(printed.contains("out of bounds memory access"), "{printed}");
}
