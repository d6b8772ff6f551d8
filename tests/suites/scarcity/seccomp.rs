//! System calls that a filter refuses, as in containers and sandboxes.

use crate::{DATA, WAYS, assert_clean, in_a_child, link, pool};
use std::io::Write;
use wasmaot_runtime::{Linker, OpenError, ResetWay};
use wasmaot_tests::{Refused, compile_wat};

/// The number of `PAGEMAP_SCAN`.
const PAGEMAP_SCAN: u32 = 0xc060_6610;

/// Has the kernel refuse a system call with `EPERM` from now on, where an argument is `value` under a mask.
fn refuse(call: libc::c_long, argument: u32, mask: u32, value: u32) {
    let refused = Refused { call, argument, mask, value, error: libc::EPERM };
    refused.refuse().expect("the kernel filters system calls");
}

fn refuse_scans() {
    refuse(libc::SYS_ioctl, 1, u32::MAX, PAGEMAP_SCAN);
}

#[test]
fn without_scans_a_pool_drops() {
    in_a_child("seccomp::without_scans_a_pool_drops", || {
        let linked = link(DATA);
        // Some learn of it when they are made, others in the middle of things.
        let before = WAYS.map(|way| pool(1, way));
        before.iter().for_each(|pool| assert_clean(pool, &linked));
        let scanned = before.each_ref().map(|pool| pool.stats().scanned);
        assert!(scanned[1] > 0, "the kernel knows no scans, so that this shows nothing: {scanned:?}");
        refuse_scans();
        for pool in before.iter().chain(&WAYS.map(|way| pool(1, way))) {
            assert_clean(pool, &linked);
            assert_eq!(pool.stats().failed, 0);
        }
        assert_eq!(before.each_ref().map(|pool| pool.stats().scanned), scanned);
    });
}

#[test]
fn without_memory_files_modules_come_from_files() {
    in_a_child("seccomp::without_memory_files_modules_come_from_files", || {
        refuse(libc::SYS_memfd_create, 0, 0, 0);
        let artifact = compile_wat(DATA);
        let error = wasmaot_tests::load(&artifact).err();
        assert!(matches!(error, Some(OpenError::Io { .. })), "{error:?}");
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(&artifact).expect("it has room");
        let module = wasmaot_tests::open(file.path()).expect("the module is sound");
        let linked = Linker::new().instantiate_pre(&module).expect("it imports nothing");
        assert_clean(&pool(1, ResetWay::Copy), &linked);
    });
}

#[test]
fn without_executable_mappings_no_module_opens() {
    in_a_child("seccomp::without_executable_mappings_no_module_opens", || {
        let exec = libc::PROT_EXEC as u32;
        for call in [libc::SYS_mprotect, libc::SYS_mmap] {
            refuse(call, 2, exec, exec);
        }
        let error = wasmaot_tests::load(&compile_wat(DATA)).err();
        assert!(matches!(error, Some(OpenError::Io { .. })), "{error:?}");
    });
}

/// The kernel refuses to change a protection to writable, or any protection at all.
#[test]
fn without_protection_changes_nothing_starts_and_nothing_is_left() {
    for (test, mask) in [
        ("seccomp::child_that_cannot_make_pages_writable", libc::PROT_WRITE as u32),
        ("seccomp::child_that_cannot_change_protections", 0),
    ] {
        in_a_child(test, || unreachable!("{mask}: this test is not run as a child"));
    }
}

fn starts_and_finishes_without(mask: u32) {
    if std::env::var_os(crate::CASE).is_none() {
        return;
    }
    let (linked, other) = (link(DATA), link(DATA));
    let pools = WAYS.map(|way| pool(1, way));
    pools.iter().for_each(|pool| assert_clean(pool, &linked));
    let running = pools.each_ref().map(|pool| crate::start(pool, &linked));
    refuse(libc::SYS_mprotect, 2, mask, mask);
    for mut instance in running {
        _ = instance.write(60u32 << 12, &[1; 20_000]);
        _ = instance.call("grow", &[wasmaot_runtime::Val::I32(3)]);
    }
    for pool in &pools {
        for linked in [&linked, &other, &linked] {
            if let Ok(mut instance) = pool.start(linked, ()) {
                assert_eq!((crate::size(&instance), crate::nonzero(&instance)), (16 << 16, vec![]));
                _ = instance.write(61u32 << 12, &[1; 20_000]);
            }
        }
    }
}

#[test]
fn child_that_cannot_make_pages_writable() {
    starts_and_finishes_without(libc::PROT_WRITE as u32);
}

#[test]
fn child_that_cannot_change_protections() {
    starts_and_finishes_without(0);
}
