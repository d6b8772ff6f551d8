//! Hosts in C++, Python and Go, and the programs of the documentation. A language whose tools are missing is
//! skipped, and says so.

use crate::library::{
    C99, CPP17, CPP20, Linked, compile, folder, guests, installed, repository, run, sources, succeeded,
};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The artifact of an example's guest, which counts what it executes if `meter` is set.
fn guest(name: &str, artifact: &Path, meter: bool) -> PathBuf {
    let text = repository().join(format!("runtime-shim/examples/{name}.wat"));
    compile(&text, artifact, meter);
    artifact.to_path_buf()
}

/// An interpreter that has cffi.
fn python() -> Option<&'static str> {
    static FOUND: OnceLock<Option<&str>> = OnceLock::new();
    let has_cffi = |python: &&str| {
        let asked = Command::new(python).args(["-c", "import cffi"]).output();
        asked.is_ok_and(|output| output.status.success())
    };
    let found = *FOUND.get_or_init(|| ["python3", "/usr/bin/python3"].into_iter().find(has_cffi));
    if found.is_none() {
        println!("skipped: no python3 with cffi");
    }
    found
}

/// The folder with the Python package, unpacked from a wheel that was built of the installed libraries.
fn package(python: &str) -> &'static Path {
    static UNPACKED: OnceLock<PathBuf> = OnceLock::new();
    UNPACKED.get_or_init(|| {
        let wheels = tempfile::tempdir().expect("a folder");
        let unpacked = folder("python");
        let mut build = Command::new(python);
        build.arg(repository().join("runtime-shim/python/build_wheel.py")).arg(installed().join("lib"));
        build.arg(installed().join("include")).arg(repository().join("compiler/capi/include"));
        run(build.arg(wheels.path()));
        let entry = std::fs::read_dir(wheels.path()).expect("a folder").next().expect("a wheel");
        let wheel = entry.expect("an entry").path();
        let name = wheel.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(
            name.starts_with(concat!("wasmaot-", env!("CARGO_PKG_VERSION"), "-py3-none-manylinux_2_")),
            "{name}"
        );
        run(Command::new(python).args(["-m", "zipfile", "-e"]).arg(&wheel).arg(&unpacked));
        unpacked
    })
}

/// The command that runs a Python program with the package.
fn in_python(program: &Path) -> Option<Command> {
    let python = python()?;
    let mut command = Command::new(python);
    command.arg(program).env("PYTHONPATH", package(python)).current_dir(folder("programs"));
    Some(command)
}

/// The command of Go in the folder of the example, which finds the installed library.
fn go() -> Option<Command> {
    for (tool, argument) in [("go", "version"), ("pkg-config", "--version")] {
        if Command::new(tool).arg(argument).output().is_err() {
            println!("skipped: no {tool}");
            return None;
        }
    }
    let mut command = Command::new("go");
    command.current_dir(repository().join("runtime-shim/examples/go"));
    command
        .env("PKG_CONFIG_PATH", installed().join("lib/pkgconfig"))
        .env("LD_LIBRARY_PATH", installed().join("lib"));
    command.env("GOCACHE", folder("go-cache")).env("GOFLAGS", "-mod=readonly").env("GOPROXY", "off");
    Some(command)
}

/// Has a service answer the requests of the examples.
fn serves(mut service: Command) {
    service.arg(guest("faas", &folder("programs").join("faas.so"), false));
    service.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = service.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(crate::examples::REQUESTS.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(succeeded(&format!("{service:?}"), &output), crate::examples::ANSWERS);
}

#[test]
fn faas_in_cpp() {
    let source = repository().join("runtime-shim/examples/faas.cc");
    for linked in [Linked::Statically, Linked::Dynamically] {
        let Some(program) = CPP17.build("faas", std::slice::from_ref(&source), linked) else { return };
        serves(Command::new(program));
    }
}

#[test]
fn faas_in_python() {
    if let Some(service) = in_python(&repository().join("runtime-shim/examples/faas.py")) {
        serves(service);
    }
}

#[test]
fn faas_in_go() {
    let Some(mut build) = go() else { return };
    let program = folder("programs").join("faas-go");
    run(build.arg("build").arg("-o").arg(&program).arg("."));
    let mut service = Command::new(program);
    service.env("LD_LIBRARY_PATH", installed().join("lib"));
    serves(service);
}

/// Traps, deadlines and faults of its own under goroutines.
#[test]
fn goroutines_call_guests() {
    let Some(mut test) = go() else { return };
    let artifact = guest("faas", &folder("programs").join("faas-go.so"), false);
    let printed = run(test.args(["test", "-count=1", "-v", "."]).env("WASMAOT_FAAS", artifact));
    assert_eq!(printed.matches("--- PASS: ").count(), 3, "{printed}");
}

#[test]
fn owners_in_cpp() {
    for language in [CPP17, CPP20] {
        let Some(program) = language.build("raii", &[sources().join("raii.cc")], Linked::Dynamically) else {
            return;
        };
        assert_eq!(run(Command::new(program).arg(guests())), "all is well\n");
    }
}

#[test]
fn package_in_python() {
    let tests = repository().join("runtime-shim/python/tests/test_wasmaot.py");
    let Some(mut tests) = in_python(&tests) else { return };
    let output = tests.arg("-v").env("WASMAOT_GUESTS", guests()).output().expect("it starts");
    succeeded("the tests of the package", &output);
    let printed = String::from_utf8_lossy(&output.stderr);
    for line in printed.lines().filter(|line| line.contains("skipped")) {
        println!("{line}");
    }
    assert!(printed.matches(" ... ok").count() > 25, "{printed}");
}

/// The documents that may hold programs.
fn documents() -> Vec<PathBuf> {
    let root = repository();
    let mut found = vec![root.join("README.md")];
    let mut folders = vec![root.join("runtime-shim"), root.join("compiler"), root.join("docs")];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder).into_iter().flatten();
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            match path.is_dir() {
                true => folders.push(path),
                false if path.extension().is_some_and(|extension| extension == "md") => found.push(path),
                false => {}
            }
        }
    }
    found
}

/// A program of a document: its language, its text, and what it prints.
type Documented = (String, String, String);

/// The programs of a document. What one prints is in the block of text behind it.
fn programs(document: &str) -> Vec<Documented> {
    let blocks: Vec<(&str, &str)> = document
        .split("\n```")
        .skip(1)
        .step_by(2)
        .map(|block| block.split_once('\n').expect("a block has lines"))
        .collect();
    let is_tested = |language: &str| ["c", "cpp", "python", "go"].contains(&language);
    let programs = blocks.iter().enumerate().filter(|(_, (language, _))| is_tested(language));
    let programs = programs.map(|(at, (language, text))| {
        let (kind, printed) = blocks.get(at + 1).copied().unwrap_or_default();
        assert_eq!(kind, "text", "what this program prints is to follow it:\n{text}");
        (language.to_string(), format!("{text}\n"), format!("{printed}\n"))
    });
    programs.collect()
}

/// What a program prints, run in a folder with the artifacts that documents use; none if there are no tools
/// for it.
fn printed(name: &str, (language, text, _): &Documented, artifacts: &Path) -> Option<String> {
    let source = folder("programs").join(format!("{name}.{language}"));
    std::fs::write(&source, text).expect("a file");
    let mut program = match &**language {
        "c" => Command::new(C99.build(name, &[source], Linked::Dynamically)?),
        "cpp" => Command::new(CPP17.build(name, &[source], Linked::Dynamically)?),
        "python" => in_python(&source)?,
        _ => {
            let folder = folder("programs").join(name);
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("main.go"), text).expect("a file");
            std::fs::write(folder.join("go.mod"), "module example.org/documented\n\ngo 1.19\n")
                .expect("a file");
            run(go()?.current_dir(&folder).args(["build", "-o", "program", "."]));
            let mut program = Command::new(folder.join("program"));
            program.env("LD_LIBRARY_PATH", installed().join("lib"));
            program
        }
    };
    Some(run(program.current_dir(artifacts)))
}

#[test]
fn programs_of_the_documentation_print_what_it_says() {
    let artifacts = folder("documented");
    guest("collatz", &artifacts.join("collatz.so"), true);
    guest("gcd", &artifacts.join("gcd.so"), false);
    let mut count = 0;
    for document in documents() {
        let text = std::fs::read_to_string(&document).expect("UTF-8");
        for program in programs(&text) {
            count += 1;
            if let Some(printed) = printed(&format!("documented-{count}"), &program, &artifacts) {
                assert_eq!(printed, program.2, "{}", document.display());
            }
        }
    }
    assert!(count >= 4, "only {count} programs are found");
}
