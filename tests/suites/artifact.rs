//! The shared object in the hands of other people's tools: `readelf`, `nm`, a C program with `dlopen`.
//!
//! A tool that is missing is reported by name, never passed over silently.

use std::path::Path;
use std::process::Command;
use wasmaot_tests::{compile_wat, report};

/// A bit of everything: memory with data, tables of both kinds, imports, globals, odd names.
const SAMPLE: &str = include_str!("../guests/sample.wat");

/// The output of a tool, or `None` with a printed reason if the machine does not have it.
fn run(tool: &str, arguments: &[&str]) -> Option<String> {
    match Command::new(tool).args(arguments).output() {
        Ok(output) => {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{tool} {arguments:?}: {}\n{stderr}", output.status);
            assert!(stderr.is_empty(), "{tool} {arguments:?} complains: {stderr}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report(format_args!("artifact: SKIPPED what needs {tool}: it is not installed"));
            None
        }
        Err(error) => panic!("{tool}: {error}"),
    }
}

fn write_sample(folder: &Path) -> String {
    let path = folder.join("sample.so");
    std::fs::write(&path, compile_wat(SAMPLE)).expect("a writable folder");
    path.display().to_string()
}

#[test]
fn readelf_sees_nothing_to_run_or_relocate() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write_sample(folder.path());
    let Some(dynamic) = run("readelf", &["-dW", &path]) else { return };
    for word in ["RELA", "REL)", "TEXTREL", "INIT", "FINI", "NEEDED", "JMPREL", "RPATH", "RUNPATH", "FLAGS"] {
        assert!(!dynamic.contains(word), "{word} in:\n{dynamic}");
    }
    assert!(dynamic.contains("GNU_HASH"), "without it dlsym finds nothing:\n{dynamic}");

    let relocations = run("readelf", &["-rW", &path]).expect("it was there just now");
    assert!(relocations.contains("no relocations"), "{relocations}");

    let segments = run("readelf", &["-lW", &path]).expect("it was there just now");
    assert!(segments.contains("DYN"), "{segments}");
    assert!(!segments.contains("RWE"), "a writable and executable segment:\n{segments}");
    let stack = segments.lines().find(|line| line.contains("GNU_STACK")).expect("a line on the stack");
    assert!(stack.contains("RW") && !stack.contains("RWE"), "{stack}");
    assert!(segments.contains("GNU_EH_FRAME"), "{segments}");
    assert!(!segments.contains("INTERP"), "{segments}");

    // Complaints about the file's form go to standard error, which `run` wants empty.
    run("readelf", &["-aW", &path]);
    let frames = run("readelf", &["--debug-dump=frames", &path]).expect("it was there just now");
    assert!(frames.contains("FDE"), "{frames}");
}

#[test]
fn nm_names_the_functions() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = write_sample(folder.path());
    let Some(all) = run("nm", &[&path]) else { return };
    for name in ["add", "helper", "float_work"] {
        assert!(all.lines().any(|line| line.ends_with(&format!(" {name}"))), "{name} in:\n{all}");
    }
    let dynamic = run("nm", &["-D", "--defined-only", &path]).expect("it was there just now");
    let names: Vec<&str> = dynamic.lines().filter_map(|line| line.split(' ').next_back()).collect();
    for name in [
        "wasmaot_module",
        "wasmaot_export_add",
        "wasmaot_export_malloc",
        "wasmaot_export_odd$20name$20$00$20$24",
    ] {
        assert!(names.contains(&name), "{name} in:\n{dynamic}");
    }
    assert!(!names.contains(&"malloc"), "an export interposes libc's:\n{dynamic}");
    let undefined = run("nm", &["-D", "--undefined-only", &path]).expect("it was there just now");
    assert!(undefined.trim().is_empty(), "an artifact imports nothing:\n{undefined}");
}

/// Opens the artifact named by its argument, looks two symbols up, calls one, and looks at its own stack.
const C_PROGRAM: &str = r#"
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct { uint64_t low, high; } cell;

static int stack_is_executable(void) {
    char line[512];
    int found = -1;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps)) {
        if (strstr(line, "[stack]")) found = strchr(line, 'x') && strchr(line, 'x') < strchr(line, '[') ? 1 : 0;
    }
    return found;
}

int main(int argc, char **argv) {
    void *artifact = dlopen(argv[argc - 1], RTLD_NOW | RTLD_LOCAL);
    if (!artifact) { printf("dlopen: %s\n", dlerror()); return 1; }
    const char *module = dlsym(artifact, "wasmaot_module");
    if (!module || memcmp(module, "wasmaot", 8) != 0) { puts("no descriptor"); return 1; }
    void (*add)(uint64_t, cell *, uint64_t);
    *(void **)&add = dlsym(artifact, "wasmaot_export_add");
    if (!add) { puts("no export"); return 1; }
    if (dlsym(artifact, "wasmaot_export_no_such_thing")) { puts("a symbol that is not there"); return 1; }
    /* It touches neither its instance nor a host function, so it needs no instance. */
    cell values[2] = {{40, 0}, {2, 0}};
    add(0, values, 0);
    if ((uint32_t)values[0].low != 42) { puts("wrong sum"); return 1; }
    if (stack_is_executable() != 0) { puts("the stack is executable"); return 1; }
    if (dlclose(artifact) != 0) { puts("dlclose"); return 1; }
    puts("ok");
    return 0;
}
"#;

#[test]
fn a_c_program_opens_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let artifact = write_sample(folder.path());
    let (source, program) = (folder.path().join("open.c"), folder.path().join("open"));
    std::fs::write(&source, C_PROGRAM).expect("a writable folder");
    let (source, program) = (source.display().to_string(), program.display().to_string());
    if run("gcc", &["-Wall", "-O1", "-o", &program, &source, "-ldl"]).is_none() {
        return;
    }
    let output = Command::new(&program).arg(&artifact).output().expect("the program runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!((text.trim(), output.status.code()), ("ok", Some(0)), "{output:?}");
}
