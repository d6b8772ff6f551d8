//! The benchmark programs at small sizes: their output must equal the expected files byte for byte.

use std::fs;
use std::path::PathBuf;
use wasmaot_tests::{compile, report, repository, run_program};
use wasmaot_wasi::WasiCtxBuilder;

/// A line of the manifest.
struct Run {
    program: String,
    expected: PathBuf,
    directory: Option<PathBuf>,
    arguments: Vec<String>,
}

fn folder() -> PathBuf {
    repository().join("benchmarks/programs")
}

fn manifest() -> Vec<Run> {
    let text = fs::read_to_string(folder().join("manifest.txt")).expect("the manifest is there");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    lines
        .map(|line| {
            let mut fields = line.split_whitespace().map(str::to_string);
            let mut next =
                || fields.next().unwrap_or_else(|| panic!("a line of the manifest is too short: {line}"));
            let (program, expected, directory) = (next(), next(), next());
            Run {
                program,
                expected: folder().join(expected),
                directory: (directory != "-").then(|| folder().join(directory)),
                arguments: fields.collect(),
            }
        })
        .collect()
}

/// Runs a program. Gives the exit status and the output.
fn run(run: &Run) -> (i32, Vec<u8>) {
    let wasm = fs::read(folder().join(&run.program).with_extension("wasm")).expect("the module is there");
    let module = wasmaot_tests::load(&compile(&wasm)).unwrap_or_else(|e| panic!("{}: {e}", run.program));
    let mut builder = WasiCtxBuilder::new();
    builder.args(std::iter::once(&run.program).chain(&run.arguments));
    if let Some(directory) = &run.directory {
        builder.preopen_dir(directory, ".").expect("the folder is there");
    }
    let ended = run_program(&module, &mut builder).unwrap_or_else(|e| panic!("{}: {e}", run.program));
    (ended.status, ended.stdout)
}

#[test]
fn outputs_are_as_expected() {
    let runs = manifest();
    assert!(runs.len() >= 8);
    for program in &runs {
        let (status, output) = run(program);
        let expected = fs::read(&program.expected).expect("the expected output is there");
        assert_eq!(status, 0, "{}", program.program);
        assert!(
            output == expected,
            "{}: {} bytes, not the {} expected ones",
            program.program,
            output.len(),
            expected.len()
        );
        report(format_args!(
            "programs: {} {:?}: {} bytes as expected",
            program.program,
            program.arguments,
            output.len()
        ));
    }
}
