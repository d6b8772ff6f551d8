//! The C API, called as C calls it.

use std::ffi::{CStr, CString, c_void};
use std::ptr::{null, null_mut};
use wasmaot::*;

const MODULE: &str = r#"(module
    (import "host" "next" (func $next (param i32 f64) (result i64)))
    (memory (export "memory") 1)
    (data (i32.const 8) "data")
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
    (func (export "next") (param i32) (result i64) (call $next (local.get 0) (f64.const 1.5)))
    (func $inner (unreachable))
    (func (export "trap") (call $inner))
)"#;

unsafe extern "C" fn next(
    environment: *mut c_void,
    caller: *mut wasmaot_caller_t<'_, '_>,
    args: *const wasmaot_value_t,
    results: *mut wasmaot_value_t,
) -> *mut wasmaot_error_t {
    // SAFETY: the arguments are the runtime's, for a function of this type; the environment is a counter.
    unsafe {
        let number = (*args).of as i32;
        assert_eq!(f64::from_bits((*args.add(1)).of), 1.5);
        match number {
            -1 => return wasmaot_error_new(c"it failed".as_ptr()),
            -2 => return wasmaot_error_new_exit(42),
            -3 => return wasmaot_caller_write(caller, 65536, (&raw const number).cast(), 4),
            _ => {}
        }
        assert_eq!(wasmaot_caller_memory_size(caller), 65536);
        assert!(wasmaot_caller_write(caller, 100, (&raw const number).cast(), 4).is_null());
        let mut bytes = [0u8; 4];
        assert!(wasmaot_caller_read(caller, 8, bytes.as_mut_ptr().cast(), 4).is_null());
        assert_eq!(&bytes, b"data");
        let counter = environment.cast::<u64>();
        *counter += 1;
        assert_eq!((*results).ty, 2);
        (*results).of = *counter + number as u64;
        null_mut()
    }
}

/// Kind, message, status and trap code of an error, which is deleted.
fn taken(error: *mut wasmaot_error_t) -> (u32, String, i32, u8) {
    assert!(!error.is_null(), "an error was expected");
    // SAFETY: the error is valid, and deleted once.
    unsafe {
        let message = CStr::from_ptr(wasmaot_error_message(error)).to_str().unwrap().to_string();
        let taken = (
            wasmaot_error_kind(error),
            message,
            wasmaot_error_exit_status(error),
            wasmaot_error_trap_code(error),
        );
        wasmaot_error_delete(error);
        taken
    }
}

fn open(wat: &str) -> *mut wasmaot_module_t {
    let wasm = wat::parse_str(wat).unwrap();
    let output = wasmaot_compiler::compile(&wasm, &Default::default(), &|_| ()).unwrap();
    let mut module = null_mut();
    // SAFETY: the bytes and the place for the module are valid.
    let error = unsafe { wasmaot_module_from_bytes(output.bytes.as_ptr(), output.bytes.len(), &mut module) };
    assert!(error.is_null(), "{:?}", taken(error));
    module
}

fn i32_value(value: i32) -> wasmaot_value_t {
    wasmaot_value_t { ty: 1, of: u64::from(value as u32) }
}

fn call(
    instance: *mut wasmaot_instance_t,
    name: &str,
    args: &[wasmaot_value_t],
    results: &mut [wasmaot_value_t],
) -> *mut wasmaot_error_t {
    let name = CString::new(name).unwrap();
    let (result, count) = (results.as_mut_ptr(), results.len());
    // SAFETY: the instance is valid, and counts agree.
    unsafe { wasmaot_instance_call(instance, name.as_ptr(), args.as_ptr(), args.len(), result, count) }
}

#[test]
fn instances_run_and_fail_as_the_header_says() {
    let module = open(MODULE);
    let mut counter = 0u64;
    let import = wasmaot_import_t {
        module: c"host".as_ptr(),
        name: c"next".as_ptr(),
        params: [1u8, 4].as_ptr(),
        params_count: 2,
        results: [2u8].as_ptr(),
        results_count: 1,
        function: next,
        environment: (&raw mut counter).cast(),
    };
    let mut instance = null_mut();
    // SAFETY: module and imports are valid; the instance outlives the module.
    unsafe {
        assert!(wasmaot_instance_new(module, &import, 1, &mut instance).is_null());
        wasmaot_module_delete(module);
    }
    let mut result = [wasmaot_value_t::default()];
    assert!(call(instance, "add", &[i32_value(40), i32_value(2)], &mut result).is_null());
    assert_eq!(result, [i32_value(42)]);
    assert!(call(instance, "next", &[i32_value(10)], &mut result).is_null());
    assert!(call(instance, "next", &[i32_value(10)], &mut result).is_null());
    assert_eq!(result, [wasmaot_value_t { ty: 2, of: 12 }]);

    let mut bytes = [0u8; 4];
    // SAFETY: there is room for 4 bytes.
    let (read, outside) = unsafe {
        let into = bytes.as_mut_ptr().cast::<c_void>();
        (wasmaot_instance_read(instance, 100, into, 4), wasmaot_instance_write(instance, 65533, into, 4))
    };
    assert!(read.is_null());
    assert_eq!(bytes, [10, 0, 0, 0]);
    assert_eq!(taken(outside).3, 2);

    let (kind, message, _, code) = taken(call(instance, "trap", &[], &mut []));
    assert_eq!((kind, code), (4, 1));
    assert!(message.starts_with("wasm trap: unreachable\n  in inner (wasm offset 0x"), "{message}");
    assert_eq!(message.lines().count(), 3, "{message}");
    let mut fails = |number| taken(call(instance, "next", &[i32_value(number)], &mut result));
    assert_eq!(fails(-1), (6, "it failed".to_string(), 0, 0));
    assert_eq!(fails(-2), (5, "the program exited with status 42".to_string(), 42, 0));
    assert_eq!(fails(-3).0, 4);
    assert_eq!(taken(call(instance, "nothing", &[], &mut [])).0, 3);
    assert_eq!(taken(call(instance, "add", &[], &mut result)).0, 3);
    assert_eq!(taken(call(instance, "trap", &[], &mut result)).0, 3);
    // SAFETY: it is deleted once.
    unsafe { wasmaot_instance_delete(instance) };
}

#[test]
fn files_and_imports_are_reported() {
    let mut module = null_mut();
    // SAFETY: path and place are valid.
    let error = unsafe { wasmaot_module_open(c"/nowhere.so".as_ptr(), &mut module) };
    let (kind, message, ..) = taken(error);
    assert_eq!(kind, 1);
    assert!(message.contains("No such file"), "{message}");
    assert!(module.is_null());

    let module = open(MODULE);
    let mut instance = null_mut();
    // SAFETY: the module is valid; it is deleted once; null may be deleted.
    unsafe {
        let (kind, message, ..) = taken(wasmaot_instance_new(module, null(), 0, &mut instance));
        assert_eq!(kind, 2);
        assert!(message.contains("\"host\" \"next\": function (i32, f64) -> (i64)"), "{message}");
        wasmaot_module_delete(module);
        wasmaot_module_delete(null_mut());
        wasmaot_instance_delete(instance);
        wasmaot_error_delete(null_mut());
    }
}
