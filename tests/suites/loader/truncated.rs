//! A file that shrinks under a running module.

use crate::image::{Image, SMALL};
use std::fs::File;
use std::path::PathBuf;
use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::{Linker, Store, Val};
use wasmaot_tests::trap_code;

struct OnDisk {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("module.so");
        std::fs::write(&path, Image::new(SMALL).bytes).expect("a writable folder");
        Self { _folder: folder, path }
    }

    fn truncate(&self) {
        File::options()
            .write(true)
            .open(&self.path)
            .and_then(|file| file.set_len(0))
            .expect("a writable file");
    }
}

#[test]
fn the_guest_traps() {
    let file = OnDisk::new();
    let module = wasmaot_tests::open(&file.path).expect("a good artifact");
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
    let arguments = [Val::I32(1), Val::I32(2)];
    assert_eq!(instance.call(&mut store, "add", &arguments).expect("no trap"), [Val::I32(3)]);
    file.truncate();
    for _ in 0..3 {
        assert_eq!(trap_code(instance.call(&mut store, "add", &arguments)), TrapCode::ArtifactChanged);
    }
    // Another module is none the worse.
    let other = OnDisk::new();
    let module = wasmaot_tests::open(&other.path).expect("a good artifact");
    let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
    assert_eq!(instance.call(&mut store, "add", &arguments).expect("no trap"), [Val::I32(3)]);
}

/// Host code that reads an untouched page of the image meets the hole first.
#[test]
fn the_host_gets_an_error() {
    let file = OnDisk::new();
    let module = wasmaot_tests::open(&file.path).expect("a good artifact");
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
    file.truncate();
    let memory = instance.get_memory(&store, "memory").expect("a memory");
    let mut bytes = [0; 5];
    memory.read(&store, 70, &mut bytes).expect_err("the page is gone");
    memory.write(&mut store, 70, &bytes).expect_err("the page is gone");
}

#[test]
fn new_instances_are_refused_or_trap() {
    let file = OnDisk::new();
    let module = wasmaot_tests::open(&file.path).expect("a good artifact");
    file.truncate();
    let mut store = Store::new(());
    if let Ok(instance) = Linker::new().instantiate(&mut store, &module) {
        assert_eq!(trap_code(instance.call(&mut store, "byte", &[Val::I32(70)])), TrapCode::ArtifactChanged);
    }
    wasmaot_tests::open(&file.path).expect_err("nothing is left of it");
}

#[test]
fn a_sealed_module_does_not_notice() {
    let file = OnDisk::new();
    let module = wasmaot_tests::open_sealed(&file.path).expect("a good artifact");
    file.truncate();
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
    assert_eq!(
        instance.call(&mut store, "byte", &[Val::I32(70)]).expect("no trap"),
        [Val::I32(i32::from(b'h'))]
    );
}
