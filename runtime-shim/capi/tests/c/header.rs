//! The header: read alone by every language, and in agreement with the library and the tests.

use crate::library::{C99, CPP11, CPP17, CPP20, folder, installed, repository, run, sources};
use object::{Object, ObjectSymbol};
use std::collections::BTreeSet;
use wasmaot_abi::meter::MAX_ROW;
use wasmaot_runtime::LEAST_ALTERNATE_STACK;

pub(crate) fn text() -> String {
    std::fs::read_to_string(repository().join("runtime-shim/capi/include/wasmaot.h")).expect("the header")
}

/// The header of the compiler's library.
pub(crate) fn compilers() -> String {
    std::fs::read_to_string(repository().join("compiler/capi/include/wasmaot-compiler.h"))
        .expect("the header")
}

/// The functions that a text in C calls or declares.
fn functions(text: &str) -> BTreeSet<String> {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let starts = text.match_indices("wasmaot_").map(|(start, _)| &text[start..]);
    let names = starts.filter_map(|rest| {
        let end = rest.find(|c| !is_name(c))?;
        rest[end..].starts_with('(').then(|| rest[..end].to_string())
    });
    names.collect()
}

/// Those that the header does not define itself.
fn declared() -> BTreeSet<String> {
    let inline = [
        "wasmaot_i32",
        "wasmaot_i64",
        "wasmaot_f32",
        "wasmaot_f64",
        "wasmaot_v128",
        "wasmaot_externref",
        "wasmaot_funcref",
        "wasmaot_exnref",
    ];
    functions(&text()).into_iter().filter(|name| !inline.contains(&&**name)).collect()
}

#[test]
fn is_clean_alone() {
    for language in [C99, CPP11, CPP20] {
        let Some(mut compiler) = language.compiler() else { continue };
        let source = folder("programs").join(format!("header-{}.c", language.standard));
        std::fs::write(&source, "#include <wasmaot.h>\n#include <wasmaot-compiler.h>\n").expect("a file");
        compiler.arg("-I").arg(repository().join("compiler/capi/include"));
        run(compiler.args(["-Wconversion", "-Wshadow", "-fsyntax-only"]).arg(source));
    }
}

#[test]
fn for_cpp_is_clean_alone() {
    for language in [CPP17, CPP20] {
        let Some(mut compiler) = language.compiler() else { continue };
        let source = folder("programs").join(format!("header-of-{}.cc", language.standard));
        std::fs::write(&source, "#include <wasmaot.hpp>\n").expect("a file");
        run(compiler.args(["-Wconversion", "-Wshadow", "-fsyntax-only"]).arg(source));
    }
}

#[test]
fn declares_what_the_library_exports() {
    let library = std::fs::read(installed().join("lib/libwasmaot.so")).expect("the library");
    let library = object::File::parse(&*library).expect("an ELF file");
    let exported = library.dynamic_symbols().filter(|symbol| symbol.is_definition());
    let exported: BTreeSet<String> =
        exported.map(|symbol| symbol.name().expect("a name").to_string()).collect();
    let declared = declared();
    assert!(declared.len() > 50, "{declared:?}");
    assert_eq!(exported, declared);
}

/// Who owns what, what other threads may do, and what is refused stands at each function.
#[test]
fn every_function_is_documented() {
    for header in [text(), compilers()] {
        let lines: Vec<&str> = header.lines().collect();
        let begins = |line: &str| line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains('(');
        let is_declared =
            |line: &str| begins(line) && !line.starts_with("static") && !line.starts_with("typedef");
        let bare = lines.windows(2).filter(|pair| is_declared(pair[1]) && !pair[0].ends_with("*/"));
        let bare: Vec<&str> = bare.map(|pair| pair[1]).collect();
        assert!(bare.is_empty(), "no comment stands before {bare:#?}");
    }
}

#[test]
fn figures_are_those_of_the_runtime() {
    let words = text().replace(" * ", " ").split_whitespace().collect::<Vec<_>>().join(" ");
    let stack = format!("at least {} KiB", LEAST_ALTERNATE_STACK >> 10);
    let figures = [
        (format!("{stack}."), "the invariants"),
        (format!("one of {stack}. A program"), "signals"),
        (format!("of which up to {MAX_ROW} may be missing"), "wasmaot_instance_operators"),
        (format!("at most {MAX_ROW} operators later"), "wasmaot_instance_set_fuel"),
    ];
    for (figure, place) in figures {
        assert!(words.contains(&figure), "{place} does not say \"{figure}\"");
    }
}

#[test]
fn every_function_is_tested() {
    let mut called = BTreeSet::new();
    for entry in std::fs::read_dir(sources()).expect("the sources") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "c") {
            called.extend(functions(&std::fs::read_to_string(path).expect("UTF-8")));
        }
    }
    let all = declared().into_iter().chain(functions(&compilers()));
    let missing: Vec<String> = all.filter(|name| !called.contains(name)).collect();
    assert!(missing.is_empty(), "no test calls {missing:?}");
}
