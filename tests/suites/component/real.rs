//! Real components are flattened into valid modules, and compiled into artifacts that load and describe them.

use crate::suite;
use wasmaot_compiler::{Emit, Options};
use wasmparser::{Validator, WasmFeatures};

/// Names of real components, each with an import and an export that it must have.
const COMPONENTS: [(&str, &str, &str); 3] = [
    ("component-hello-world", "wasi:cli/environment@", "wasi:cli/run@"),
    ("hello_wasi_http", "wasi:http/types@", "wasi:http/incoming-handler@"),
    ("hello_wasi_http_csharp", "wasi:http/types@", "wasi:http/incoming-handler@"),
];

#[test]
fn real_components_become_artifacts() {
    let Some(folder) = suite() else { return };
    for (name, import, export) in COMPONENTS {
        let wasm =
            std::fs::read(folder.join("components").join(name).with_extension("wasm")).expect("a component");
        let options = Options { emit: Emit::Wasm, ..wasmaot_tests::options() };
        let flat = wasmaot_compiler::compile(&wasm, &options, &|_| {})
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        Validator::new_with_features(WasmFeatures::all()).validate_all(&flat.bytes).expect("a valid module");
        let artifact =
            wasmaot_compiler::compile(&wasm, &wasmaot_tests::options(), &|_| {}).expect("an artifact");
        let module = wasmaot_tests::load(&artifact.bytes).expect("an artifact that loads");
        let component = module.descriptor().component.as_ref().expect("a description");
        assert!(component.imported.iter().any(|found| found.path[0].starts_with(import)), "{name}: {import}");
        assert!(component.exported.iter().any(|found| found.path[0].starts_with(export)), "{name}: {export}");
        assert!(!component.lifts.is_empty() && !component.imports.is_empty(), "{name}");
        assert!(component.modules.iter().all(|module| module.instances <= 1), "{name}");
    }
}
