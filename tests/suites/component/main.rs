//! Components: what they are flattened into, what they do, and what is refused.
//!
//! The conformance suite of the component model and real components lie outside of the repository, in the
//! folder that `COMPONENT_TESTSUITE` names. Without it the tests that need it say that they are skipped.

mod calls;
mod conformance;
mod echo;
mod hostile;
mod leaks;
mod mutated;
mod real;
mod suspend;
mod typed;
mod values;

use std::path::PathBuf;

/// The folder with the conformance suite and real components.
fn suite() -> Option<PathBuf> {
    let folder = std::env::var_os("COMPONENT_TESTSUITE").map(PathBuf::from);
    if folder.is_none() {
        wasmaot_tests::report("component: skipped, COMPONENT_TESTSUITE is not set");
    }
    folder
}

/// Compiles a component in the text format.
fn try_compile(wat: &str) -> Result<Vec<u8>, wasmaot_compiler::CompileError> {
    let wasm = wat::parse_str(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    wasmaot_compiler::compile(&wasm, &wasmaot_tests::options(), &|_| {}).map(|output| output.bytes)
}

/// A component in the text format, compiled and opened.
fn component(wat: &str) -> wasmaot_component::Component {
    let artifact = try_compile(wat).unwrap_or_else(|error| panic!("{error}\n{wat}"));
    let module = wasmaot_tests::load(&artifact).expect("an artifact that loads");
    wasmaot_component::Component::new(module).expect("a component")
}
