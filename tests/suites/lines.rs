//! Source lines: from the DWARF of a module into backtraces, and into the DWARF of the artifact.
//!
//! The programs of `guests/debug/` say by themselves which lines are expected.

use std::process::Command;
use wasm_encoder::{CustomSection, Encode};
use wasmaot_compiler::{OptLevel, Options};
use wasmaot_runtime::{CallError, Linker, Store, Trap, Val};
use wasmaot_tests::{Random, load, report, variants};

const DIVIDE: &[u8] = include_bytes!("../guests/debug/divide.wasm");
const INDEX: &[u8] = include_bytes!("../guests/debug/index.wasm");

fn compile(wasm: &[u8], options: &Options) -> Vec<u8> {
    wasmaot_compiler::compile(wasm, options, &|_| ()).expect("it compiles").bytes
}

/// The trap that an export ends with.
fn trap(wasm: &[u8], options: &Options, argument: i32) -> Trap {
    let module = load(&compile(wasm, options)).expect("it loads");
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).expect("it imports nothing");
    match instance.call(&mut store, "main", &[Val::I32(argument)]) {
        Err(CallError::Trap(trap)) => trap,
        other => panic!("it was to trap: {other:?}"),
    }
}

/// The file and line of each frame, innermost first, by the ends of their paths.
fn places(trap: &Trap) -> Vec<(String, u32)> {
    let place = |frame: &wasmaot_runtime::Frame| {
        let source = frame.source.as_ref().expect("each frame has a line");
        (source.file.rsplit('/').next().unwrap_or_default().to_string(), source.line)
    };
    trap.backtrace.iter().map(place).collect()
}

/// The number of the line of a source that has this text.
fn line_of(source: &str, text: &str) -> u32 {
    let found = source.lines().position(|line| line.contains(text));
    found.expect("the source has such a line") as u32 + 1
}

#[test]
fn frames_of_c_have_their_lines() {
    let (source, header) =
        (include_str!("../guests/debug/divide.c"), include_str!("../guests/debug/helper.h"));
    let expected = [
        ("helper.h".to_string(), line_of(header, "return a / b;")),
        ("divide.c".to_string(), line_of(source, "return 1 + inner(a, b);")),
        ("divide.c".to_string(), line_of(source, "return 2 + outer(40, b);")),
    ];
    for (name, options) in variants() {
        let trap = trap(DIVIDE, &options, 0);
        assert_eq!(places(&trap), expected, "{name}");
        assert!(trap.frames().to_string().contains("helper.h:3:14)\n"), "{}", trap.frames());
    }
}

#[test]
fn frames_of_rust_have_their_lines() {
    let source = include_str!("../guests/debug/index.rs");
    let expected = [
        ("index.rs".to_string(), line_of(source, "self.values[index]")),
        ("index.rs".to_string(), line_of(source, "table.at(core::hint::black_box(index)) + 1")),
    ];
    for (name, options) in variants() {
        let places = places(&trap(INDEX, &options, 9));
        let own: Vec<_> = places.into_iter().filter(|place| place.0 == "index.rs").collect();
        assert_eq!(own, expected, "{name}");
        // The name section has `_ZN5index5Table2at17h37150b91212c8042E`.
        let text = trap(INDEX, &options, 9).frames().to_string();
        assert!(text.contains("<index::Table::at> at"), "{text}");
    }
}

#[test]
fn without_debug_information_nothing_is_left_of_it() {
    let options = Options { no_debug: true, ..Options::default() };
    let frames = trap(DIVIDE, &options, 0).backtrace;
    assert!(frames.iter().all(|frame| frame.source.is_none() && frame.wasm_offset.is_some()));
    let mut names = sections(&compile(DIVIDE, &options));
    let with = sections(&compile(DIVIDE, &Options::default()));
    names.extend([".wasmaot.lines", ".debug_info", ".debug_abbrev", ".debug_line"].map(String::from));
    assert_eq!(with, names);
}

/// The names of an artifact's sections, in order.
fn sections(artifact: &[u8]) -> Vec<String> {
    use object::{Object, ObjectSection};
    let file = object::File::parse(artifact).expect("an ELF file");
    file.sections().map(|section| section.name().expect("UTF-8").to_string()).collect()
}

/// Debuggers and profilers read the same lines as backtraces have.
#[test]
fn tools_find_the_lines() {
    let source = include_str!("../guests/debug/divide.c");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("divide.so");
    std::fs::write(&path, compile(DIVIDE, &Options::default())).expect("a file");
    let first = |name: &str| format!("divide.c:{}", line_of(source, name));
    let gdb = ["-batch", "-nx", "-ex", "info line outer", "-ex", "info line entry"];
    for (tool, arguments, expected) in [
        ("gdb", &gdb[..], [first("return 1 + inner"), first("return 2 + outer")]),
        ("objdump", &["-d", "-l"], [first("return 1 + inner"), first("return 2 + outer")]),
    ] {
        match Command::new(tool).args(arguments).arg(&path).output() {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout).replace("Line ", "divide.c:");
                for expected in expected {
                    assert!(text.contains(&expected), "{tool} does not say {expected}: {text}");
                }
            }
            Err(error) => report(format_args!("lines: skipped {tool}: {error}")),
        }
    }
}

/// What is wrong with debug information is as if it were missing.
#[test]
fn no_debug_information_fails_a_compilation() {
    let mut random = Random::new(0x11_4e5);
    let debug = wasmparser::Parser::new(0).parse_all(DIVIDE).find_map(|payload| match payload {
        Ok(wasmparser::Payload::CustomSection(section)) if section.name() == ".debug_line" => {
            Some(section.range())
        }
        _ => None,
    });
    let range = debug.expect("the program has a line table");
    let (start, end) = (range.start as usize + 12, range.end as usize);
    for _ in 0..300 {
        let mut wasm = DIVIDE.to_vec();
        for _ in 0..1 + random.below(8) {
            let at = start + random.below(end - start);
            wasm[at] = random.number() as u8;
        }
        let options = Options { opt: OptLevel::None, jobs: 1, ..Options::default() };
        // It loads, runs and traps as before, whatever its frames say.
        assert_eq!(trap(&wasm, &options, 0).code, wasmaot_runtime::TrapCode::IntegerDivideByZero);
    }
}

#[test]
fn a_line_table_without_units_is_none() {
    let mut wasm =
        wat::parse_str("(module (func (export \"main\") (param i32) unreachable))").expect("a module");
    let section = CustomSection { name: ".debug_line".into(), data: [0u8; 64].as_slice().into() };
    wasm.push(0);
    section.encode(&mut wasm);
    let frames = trap(&wasm, &Options::default(), 0).backtrace;
    assert!(frames.iter().all(|frame| frame.source.is_none()), "{frames:?}");
}
