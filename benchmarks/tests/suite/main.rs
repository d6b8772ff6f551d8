//! The suite against stubs of all runtimes: scripts that insist on the command lines which the adapters are
//! to use, and give the known answers, or fail in each of the ways that there are.

mod stubs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use stubs::Stubs;
use tempfile::TempDir;
use wasmaot_bench::results::{Figure, Found, Outcome, Results, Run};

/// Every row of the suite.
const ROWS: [&str; 25] = [
    "native",
    "native clang",
    "native host",
    "native clang host",
    "native static",
    "wasmaot",
    "wasmaot -O0",
    "wasmaot -O2",
    "wasmaot native",
    "wasmaot -O2 native",
    "wasmaot metered",
    "wasmaot exe",
    "docker",
    "docker no-network",
    "runc",
    "crun",
    "wasmtime",
    "wasmtime fuel",
    "wasmedge",
    "wamr",
    "wamr segue",
    "wamr-soft-stack",
    "wavm",
    "wasm2c",
    "node",
];

fn bench(args: impl IntoIterator<Item = impl AsRef<std::ffi::OsStr>>) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate lies in the repository");
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasmaot-bench"));
    command.current_dir(root).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = {
        let _alone = stubs::alone();
        command.spawn().expect("the command starts")
    };
    child.wait_with_output().expect("the command ends")
}

/// Runs the suite with stubs for everything. Gives the results and the file that they are in.
fn suite(folder: &TempDir, stubs: &Stubs, args: &[&str]) -> (Results, PathBuf) {
    let (file, scratch) = (folder.path().join("results.json"), folder.path().join("scratch"));
    let text = |path: &Path| path.display().to_string();
    let mut all: Vec<String> =
        ["suite", "--quick", "--rounds", "2", "--burst", "3", "--no-instances"].map(Into::into).into();
    all.extend(["--output".into(), text(&file), "--scratch".into(), text(&scratch)]);
    all.extend(args.iter().map(|arg| arg.to_string()));
    all.extend(
        stubs.peers().iter().flat_map(|(name, path)| ["--peer".into(), format!("{name}={}", text(path))]),
    );
    let output = bench(&all);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (Results::read(&file).expect("results"), file)
}

/// What came of each program on each runtime: the message of those that failed.
fn outcomes(results: &Results) -> BTreeMap<(String, String), Result<usize, String>> {
    let rows = results.measurements.iter().filter(|row| row.figure != Figure::Compile);
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Measured { runs, .. } => Ok(runs.len()),
        Outcome::SameAs(peer) => Err(format!("same as {peer}")),
        Outcome::Failed(message) => Err(message.clone()),
        Outcome::Inapplicable(reason) => Err(format!("inapplicable: {reason}")),
    };
    rows.map(|row| ((row.program.clone(), row.peer.clone()), outcome(&row.outcome))).collect()
}

#[test]
fn every_adapter_speaks_to_its_runtime() {
    let folder = TempDir::new().expect("a temporary folder");
    let stubs = Stubs::new(folder.path());
    let (results, file) = suite(&folder, &stubs, &["--programs", "nop,cat-sync,burst,nbody"]);
    for peer in &results.peers {
        let Found::Present { version, .. } = &peer.found else { panic!("{peer:?}") };
        assert!(version.contains("stub"), "{peer:?}");
    }
    let outcomes = outcomes(&results);
    for program in ["nop", "cat-sync", "burst", "nbody"] {
        for row in ROWS.into_iter().chain(["lucet"]) {
            let outcome = outcomes.get(&(program.into(), row.into()));
            // The stubs compile to the same with every option but `-O 0`.
            let expected = match row {
                "wasmaot -O2" | "wasmaot native" | "wasmaot -O2 native" => Err("same as wasmaot".into()),
                "wamr segue" => Err("same as wamr".into()),
                "docker" | "docker no-network" | "runc" | "crun" if ["burst", "nbody"].contains(&program) => {
                    Err("inapplicable: it is native code in a container, whose starts alone are measured at this size".into())
                }
                _ => Ok(2),
            };
            assert_eq!(outcome, Some(&expected), "{program} on {row}");
        }
    }
    assert_eq!(stubs.left_behind(), Vec::<String>::new(), "containers and images are removed");
    let docker = results.runs(Figure::Start, "nop", "docker").expect("it was measured");
    assert!(
        docker.iter().all(|run| run.used.is_none() && run.busy.is_some()),
        "what a daemon does for others is not known"
    );
    let compiled = results.measurements.iter().filter(|row| row.figure == Figure::Compile);
    assert!(compiled.clone().count() >= 8 && compiled.clone().all(|row| row.program == "nbody"));

    let tables = fs::read_to_string(file.with_extension("md")).expect("tables");
    for heading in ["Figure 1", "Figure 2", "A hundred processes", "Table 1", "Metering", "Compiling"] {
        assert!(tables.contains(heading), "{heading} is not in\n{tables}");
    }
    for picture in ["cold-start", "cat-sync", "burst", "ratios", "cold-start-dark"] {
        let text =
            fs::read_to_string(folder.path().join(format!("results-{picture}.svg"))).expect("a picture");
        assert!(
            text.starts_with("<svg") && text.trim_end().ends_with("</svg>") && text.contains("wasmtime"),
            "{picture}"
        );
    }
    compare_with_itself_and_with_a_slower_one(&results, &file);
}

/// A row of code that was compiled ahead of time and takes as long as if it were interpreted is not printed
/// as if nothing were wrong.
#[test]
fn what_seems_to_be_interpreted_is_suspicious() {
    let folder = TempDir::new().expect("a temporary folder");
    let stubs = Stubs::new(folder.path());
    let (mut results, file) = suite(&folder, &stubs, &["--programs", "nbody", "--only", "native,wasmedge"]);
    let tables = |results: &Results| {
        results.write(&file).expect("it can be written");
        assert!(bench([Path::new("report"), &file]).status.success());
        fs::read_to_string(file.with_extension("md")).expect("tables")
    };
    assert!(!tables(&results).contains("Suspicious"));
    let compute = |row: &&mut wasmaot_bench::results::Measurement| {
        row.peer == "wasmedge" && row.figure == Figure::Compute
    };
    for row in results.measurements.iter_mut().filter(compute) {
        let Outcome::Measured { runs, .. } = &mut row.outcome else { panic!("{row:?}") };
        runs.iter_mut().for_each(|run| run.wall *= 1000);
    }
    let tables = tables(&results);
    assert!(tables.contains("### Suspicious") && tables.contains("nbody on wasmedge"), "{tables}");
}

fn compare_with_itself_and_with_a_slower_one(results: &Results, file: &Path) {
    let compare = |other: &Path| bench([Path::new("compare"), file, other]);
    let same = compare(file);
    assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
    let mut slower = results.clone();
    for row in slower.measurements.iter_mut().filter(|row| row.peer == "wasmaot") {
        if let Outcome::Measured { runs, .. } = &mut row.outcome {
            *runs = runs.iter().map(|run| Run { wall: run.wall * 1000, ..*run }).collect();
        }
    }
    let slow = file.with_file_name("slower.json");
    slower.write(&slow).expect("it can be written");
    let output = compare(&slow);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("Compute of nbody on wasmaot"));
    let lost = compare(&file.with_file_name("lost.json"));
    assert_eq!(lost.status.code(), Some(2), "an error is no regression");
}

#[test]
fn versions_are_judged() {
    let folder = TempDir::new().expect("a temporary folder");
    let stubs = Stubs::new(folder.path());
    let peers: BTreeMap<_, _> = stubs.peers().into_iter().collect();
    let (wasmaot, scratch) = (&peers["wasmaot"], folder.path().join("versions"));
    let slow = folder.path().join("slow");
    let text = fs::read_to_string(wasmaot).expect("the stub is there").replace("run*)", "run*) sleep 0.5;");
    stubs.add(&slow, &text);
    let versions = |old: &Path, new: &Path| {
        let rest = ["--programs", "nop", "--rounds", "3", "--threshold", "50", "--scratch"].map(Path::new);
        bench([Path::new("versions"), old, new].into_iter().chain(rest).chain([scratch.as_path()]))
    };
    let output = versions(wasmaot, &slow);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("nop: ") && said.contains("0 of 1 intervals hold 1"), "{said}");
    let faster = versions(&slow, wasmaot);
    assert!(faster.status.success(), "{}", String::from_utf8_lossy(&faster.stdout));
    let missing = versions(wasmaot, &folder.path().join("nothing"));
    assert_eq!(missing.status.code(), Some(2), "an error is no regression");
}

#[test]
fn a_large_module_is_only_compiled() {
    let folder = TempDir::new().expect("a temporary folder");
    let (results, file) = suite(&folder, &Stubs::new(folder.path()), &["--programs", "sqlite3"]);
    let outcome = |peer: &str| {
        let mut rows = results.measurements.iter().filter(|row| row.peer == peer);
        let row = rows.next().unwrap_or_else(|| panic!("{peer} has no row"));
        assert!(rows.next().is_none() && row.figure == Figure::Compile, "{peer}");
        row.outcome.clone()
    };
    for peer in ["wasmaot", "wasmtime", "wasmedge", "wamr", "wavm", "lucet"] {
        let Outcome::Measured { runs, artifact } = outcome(peer) else {
            panic!("{peer}: {:?}", outcome(peer))
        };
        assert!(runs.len() == 2 && artifact.is_some(), "{peer}");
    }
    for (peer, reason) in [("native", "no source"), ("docker", "no source"), ("node", "compiles nothing")] {
        let Outcome::Inapplicable(said) = outcome(peer) else { panic!("{peer}: {:?}", outcome(peer)) };
        assert!(said.contains(reason), "{peer}: {said}");
    }
    let tables = fs::read_to_string(file.with_extension("md")).expect("tables");
    assert!(tables.contains("Not applicable") && !tables.contains("### Failed"), "{tables}");
}

#[test]
fn what_fails_is_said_and_the_others_go_on() {
    let folder = TempDir::new().expect("a temporary folder");
    let stubs = Stubs::new(folder.path());
    stubs.breaks("wasmtime", "printf '42\\n'");
    stubs.breaks("wasmedge", "echo 'out of luck' >&2; exit 3");
    // With a child of its own, which is ended too.
    stubs.breaks("iwasm", "sleep 1000 & wait");
    stubs.breaks("node", "kill -SEGV $$");
    stubs.removes("wavm");
    // More time than any of the others takes on a busy machine.
    let (results, file) = suite(&folder, &stubs, &["--programs", "nbody", "--timeout", "10"]);
    let outcomes = outcomes(&results);
    let says = |row: &str, what: &str| {
        let outcome =
            outcomes.get(&("nbody".into(), row.into())).unwrap_or_else(|| panic!("{row} has no row"));
        let message = outcome.as_ref().expect_err("it fails");
        assert!(message.contains(what), "{row}: {message}");
    };
    says("wasmtime", "wrong output");
    says("wasmtime", "42");
    says("wasmedge", "out of luck");
    says("wasmedge", "3");
    says("wamr", "did not end within 10 s");
    says("node", "signal: 11");
    let missing = results.peers.iter().find(|peer| peer.name == "wavm").expect("it has a row");
    assert!(matches!(&missing.found, Found::Missing(reason) if reason.contains("wavm")), "{missing:?}");
    for row in ["native", "wasmaot", "wasm2c", "lucet"] {
        assert_eq!(outcomes.get(&("nbody".into(), row.into())), Some(&Ok(2)), "{row}");
    }
    let tables = fs::read_to_string(file.with_extension("md")).expect("tables");
    assert!(tables.contains("missing: no command") && tables.contains("out of luck"), "{tables}");
}
