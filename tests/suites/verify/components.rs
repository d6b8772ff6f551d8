//! Artifacts of components are proven as those of modules are: what flattening adds is code like any other.
//!
//! The components are those of the model's own suite and real ones, from the folder that
//! `COMPONENT_TESTSUITE` names.

use crate::{Outcome, all_options, levels, verify_all};
use std::path::{Path, PathBuf};
use wasmaot_tests::{files, report};
use wast::parser::{self, ParseBuffer};
use wast::{QuoteWat, Wast, WastDirective, WastExecute};

/// The components that a script defines.
fn components_of(path: &Path) -> Vec<(String, Vec<u8>)> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let mut lexer = wast::lexer::Lexer::new(&text);
    lexer.allow_confusing_unicode(true);
    let buffer = ParseBuffer::new_with_lexer(lexer).expect("a script");
    let script: Wast<'_> = parser::parse(&buffer).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let mut components = Vec::new();
    for directive in script.directives {
        let line = directive.span().linecol_in(&text).0 + 1;
        let wasm = match directive {
            WastDirective::Module(mut wat) | WastDirective::ModuleDefinition(mut wat) => wat.encode().ok(),
            WastDirective::AssertTrap { exec: WastExecute::Wat(wat), .. } => QuoteWat::Wat(wat).encode().ok(),
            _ => None,
        };
        components.extend(wasm.map(|wasm| (format!("{name}:{line}"), wasm)));
    }
    components
}

/// Folders of the model's own suite.
fn scripts(suite: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(suite.join("component-model")).expect("the model's own suite");
    let mut folders: Vec<_> = folders.map(|folder| folder.expect("a readable folder").path()).collect();
    // Asynchronous components are not compiled.
    folders.retain(|folder| folder.is_dir() && !folder.ends_with("async"));
    folders.sort();
    folders.iter().flat_map(|folder| files(folder, "wast")).collect()
}

#[test]
fn components() {
    let Some(suite) = std::env::var_os("COMPONENT_TESTSUITE").map(PathBuf::from) else {
        return report("components: skipped, COMPONENT_TESTSUITE is not set");
    };
    let own = verify_all(scripts(&suite), &all_options(), |path| components_of(path));
    own.check("components of the model's own suite");
    let real = files(&suite.join("components"), "wasm");
    let real: Outcome = verify_all(&real, &levels(), |path| crate::read(path));
    real.check("real components");
}
