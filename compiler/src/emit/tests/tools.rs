//! Has `readelf`, and the dynamic loader with a C program, judge an artifact. Where a tool is missing,
//! its test is skipped and says so.

use super::sample;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("wasmaot-emit-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left behind does no harm, and a failing test's own message matters more.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What a command prints, or `None` (and a line that says so) where it is not installed.
fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Option<String> {
    let program = program.as_ref();
    let output = match Command::new(program).args(arguments).env("LC_ALL", "C").output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("skipped: {} is not installed", program.display());
            return None;
        }
        Err(error) => panic!("{}: {error}", program.display()),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {}: {errors}", program.display(), output.status);
    assert_eq!(errors, "", "{} warns", program.display());
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn readelf_finds_nothing_that_a_loader_would_act_upon() {
    let folder = Folder::new("readelf");
    let path = folder.write("sample.so", &sample());
    let Some(text) = run("readelf", &["-dW", "-lW", "-sW", path.to_str().unwrap()]) else { return };
    for absent in ["RELA", "TEXTREL", "INIT", "FINI", "NEEDED", "JMPREL", "IFUNC", "RWE"] {
        assert!(!text.contains(absent), "{absent} in {text}");
    }
    let stack = text.lines().find(|line| line.contains("GNU_STACK")).unwrap();
    assert!(stack.contains(" RW ") && !stack.contains('E'), "{stack}");
    assert!(text.contains("wasmaot_export_a$2db"), "{text}");
    run("readelf", &["-aW", "--debug-dump=frames", path.to_str().unwrap()]);
}

const HOST: &str = r#"
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

struct bases { void *text, *data, *function; };
const void *_Unwind_Find_FDE(void *pc, struct bases *bases);

#define CHECK(condition) \
    do { if (!(condition)) { printf("%s: %s\n", #condition, dlerror()); return 1; } } while (0)

int main(int argc, char **argv) {
    void *artifact = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    CHECK(artifact);
    const char *module = dlsym(artifact, "wasmaot_module");
    CHECK(module && memcmp(module, "wasmaot", 8) == 0);
    unsigned (*function)(void) = (unsigned (*)(void))dlsym(artifact, "wasmaot_export_a$2db");
    CHECK(function && function() == 42);
    CHECK(!dlsym(artifact, "f"));

    struct bases bases;
    CHECK(_Unwind_Find_FDE((char *)function + 4, &bases) && bases.function == (void *)function);

    char line[512];
    int stacks = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    CHECK(maps);
    while (fgets(line, sizeof line, maps)) {
        if (strstr(line, "[stack]")) {
            CHECK(strstr(line, " rw-p "));
            stacks++;
        }
    }
    CHECK(stacks == 1);
    CHECK(dlclose(artifact) == 0);
    return 0;
}
"#;

#[test]
fn a_c_program_loads_calls_and_unwinds_it() {
    let folder = Folder::new("dlopen");
    let artifact = folder.write("sample.so", &sample());
    let source = folder.write("host.c", HOST.as_bytes());
    let host = folder.0.join("host");
    let arguments = [source.to_str().unwrap(), "-o", host.to_str().unwrap(), "-ldl"];
    if run("gcc", &arguments).is_some() {
        run(&host, &[artifact.to_str().unwrap()]);
    }
}
