//! Scripts that take the part of runtimes. Each accepts the command lines of its adapter and no others.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What the scripts share. `answer PROGRAM ARGUMENT` prints what a program prints; `name FILE` is the program
/// that a file is made of.
const SHARED: &str = r#"#!/bin/sh
answer() {
    case "$1" in
    nop | burst) test $# -eq 1 ;;
    cat-sync) test "$2" = fasta.txt && cat "$FOLDER/$2" ;;
    nbody) test "$2" = 3000000 && printf -- '-0.169075164\n-0.169019082\n' ;;
    *) exit 9 ;;
    esac
}
name() {
    file=${1##*/}
    echo "${file%%.*}"
}
unknown() {
    echo "the stub does not know: $*" >&2
    exit 8
}
"#;

/// The scripts by name. `RUN` is where a script does what the runtime would, so that tests can break it.
const SCRIPTS: [(&str, &str); 16] = [
    (
        "cc",
        r#"case "$*" in
        --version) echo "stub of cc" && exit ;;
        "-std=c11 -O3 -ffp-contract=off -static "*.c" -o "*" -lm") source=$5 to=$7 kind=static ;;
        "-std=c11 -O3 -ffp-contract=off -march=native "*.c" -o "*" -lm") source=$5 to=$7 kind=host ;;
        "-std=c11 -O3 -ffp-contract=off "*.c" -o "*" -lm") source=$4 to=$6 ;;
        *) unknown "$@" ;;
        esac
        { cat "$SHARED_FILE" && echo "answer $(name "$source") \"\$@\" # $kind"; } >"$to" && chmod +x "$to""#,
    ),
    (
        "wasmaot",
        r#"case "$1 $2" in
        "--version ") echo "stub of wasmaot" ;;
        "compile --quiet")
            case "$3 $4 $5" in
            "-O 2 --target-cpu") test "$6" = native && cp "$7" "$9" ;;
            "-O 0 "*) cp "$5" "$7" && echo slow >>"$7" ;;
            "-O 2 "* | "--target-cpu native "*) cp "$5" "$7" ;;
            "--meter "*) cp "$4" "$6" && echo metered >>"$6" ;;
            "--emit exe "*)
                if test "$5" = --dir; then test "$6" = "$FOLDER::." && shift 2; fi
                { cat "$SHARED_FILE" && echo "answer $(name "$5") \"\$@\""; } >"$7" && chmod +x "$7" ;;
            *) cp "$3" "$5" ;;
            esac ;;
        "run --dir") test "$3" = "$FOLDER::." && answer "$(name "$4")" "$5" ;;
        run*) program=$(name "$2") && shift 2 && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "wasmtime",
        r#"case "$*" in
        --version) echo "stub of wasmtime" ;;
        "compile -W fuel=1 "*.wasm" -o "*.cwasm) cp "$4" "$6" && echo metered >>"$6" ;;
        "compile "*.wasm" -o "*.cwasm) cp "$2" "$4" ;;
        "run --allow-precompiled -W fuel=18446744073709551615 --dir $FOLDER::. "*) RUN && answer "$(name "$7")" "$8" ;;
        "run --allow-precompiled -W fuel=18446744073709551615 "*) RUN && program=$(name "$5") && shift 5 && answer "$program" "$@" ;;
        "run --allow-precompiled --dir $FOLDER::. "*) RUN && answer "$(name "$5")" "$6" ;;
        "run --allow-precompiled "*) RUN && program=$(name "$3") && shift 3 && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "wasmedge",
        r#"case "$*" in
        --version) echo "$0 version 0.17.1, a stub" ;;
        "run --help") echo "[--run-mode MODE]" ;;
        "compile "*.wasm" "*.so) cp "$2" "$3" ;;
        "run --run-mode aot --dir .:$FOLDER "*) RUN && answer "$(name "$6")" "$7" ;;
        "run --run-mode aot "*) RUN && program=$(name "$4") && shift 4 && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "iwasm",
        r#"case "$*" in
        --version) echo "stub of iwasm" ;;
        "--map-dir=.::$FOLDER "*) RUN && answer "$(name "$2")" "$3" ;;
        *.aot*) RUN && program=$(name "$1") && shift && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "iwasm-soft-stack",
        r#"case "$*" in
        --version) echo "stub of iwasm" ;;
        "--map-dir=.::$FOLDER "*) answer "$(name "$2")" "$3" ;;
        *.aot*) program=$(name "$1") && shift && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "wamrc",
        r#"case "$1" in --stack-bounds-checks=1 | --enable-segue) shift ;; esac
        test "$1" = -o && cp "$3" "$2""#,
    ),
    (
        "wasm2c",
        r#"case "$*" in
        --version) echo "stub of wasm2c" ;;
        "-n guest "*.wasm" -o "*/guest.c) name "$3" >"$5" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "clang",
        r#"case "$*" in
        --version) echo "stub of clang" && exit ;;
        "-std=c11 -O3 -ffp-contract=off -march=native "*.c" -o "*" -lm") program=$(name "$5") to=$7 kind=host ;;
        "-std=c11 -O3 -ffp-contract=off "*.c" -o "*" -lm") program=$(name "$4") to=$6 ;;
        "-O3 -march=native -static "*"/guest.c "*"/wasi.c "*" -o "*/guest.exe" -lm")
            while test "$1" != -o; do shift; done
            to=$2 program=$(cat "${2%/*}/guest.c") kind=converted ;;
        *) unknown "$@" ;;
        esac
        { cat "$SHARED_FILE" && echo "answer $program \"\$@\" # clang $kind"; } >"$to" && chmod +x "$to""#,
    ),
    (
        "wavm",
        r#"case "$*" in
        version) echo "stub of wavm" ;;
        "compile "*.wasm" "*.wasm) cp "$2" "$3" ;;
        "run --precompiled --abi=wasi --mount-root $FOLDER "*) answer "$(name "$6")" "$7" ;;
        "run --precompiled --abi=wasi "*) program=$(name "$4") && shift 4 && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "node",
        r#"case "$*" in
        --version) echo "stub of node" ;;
        "--no-warnings "*.mjs" "*.wasm" $FOLDER"*)
            RUN && grep -q WASI "$2" && program=$(name "$3") && shift 4 && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    (
        "lucet-wasi",
        r#"case "$*" in
        --version) echo "stub of lucet" ;;
        *" --dir $FOLDER:. -- "*) answer "$(name "$1")" "$5" ;;
        *.so" --"*) program=$(name "$1") && shift 2 && answer "$program" "$@" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    ("lucetc-wasi", r#"test "$1" = -o && cp "$3" "$2""#),
    (
        "docker",
        r#"state=$(dirname "$0")/images
        case "$*" in
        "version --format"*) echo "stub of docker" ;;
        "import "*) mkdir -p "$state/$3" && tar -C "$state/$3" -xf "$2" ;;
        "run --rm --network none --name "*-alone-[0-9]*) cd "$state/$7" && shift 8 && ./program "$@" ;;
        "run --rm --name "*-[0-9]*) cd "$state/$5" && shift 6 && ./program "$@" ;;
        "rm --force "*) test -d "$state/${3%-*}" ;;
        "rmi --force "*) rm -r "$state/$3" ;;
        *) unknown "$@" ;;
        esac"#,
    ),
    ("runc", OCI),
    ("crun", OCI),
];

const OCI: &str = r#"case "$*" in
        --version) echo "stub of ${0##*/}" ;;
        "--root "*" run --bundle "*)
            args=$(sed 's/.*"args":\["\/program",\{0,1\}\([^]]*\)\].*/\1/' "$5/config.json" | tr -d '"')
            cd "$5/root" && ./program $args ;;
        "--root "*" delete --force "*) true ;;
        *) unknown "$@" ;;
        esac"#;

/// Keeps other tests from starting commands, and from writing scripts: a child has the files that its parent
/// is writing until it is started, and what is open for writing cannot be started.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder of scripts.
pub(crate) struct Stubs {
    folder: PathBuf,
}

impl Stubs {
    /// All of them, in order.
    pub(crate) fn new(folder: &Path) -> Self {
        let stubs = Self { folder: folder.join("stubs") };
        fs::create_dir_all(stubs.folder.join("images")).expect("a folder");
        let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/expected");
        let shared = SHARED.replace("$FOLDER", &expected.display().to_string());
        fs::write(stubs.folder.join("shared.sh"), &shared).expect("a file");
        let shared_file = stubs.folder.join("shared.sh").display().to_string();
        for (name, script) in SCRIPTS {
            let script = script.replace("$FOLDER", &expected.display().to_string());
            stubs.write(name, &format!("{shared}{}\n", script.replace("$SHARED_FILE", &shared_file)));
        }
        // What wasm2c has beside it.
        fs::create_dir_all(folder.join("wasm2c")).expect("a folder");
        fs::write(folder.join("wasm2c/wasm-rt-impl.c"), "").expect("a file");
        stubs.breaks("all", ":");
        stubs
    }

    fn write(&self, name: &str, text: &str) {
        self.add(&self.folder.join(name), text);
    }

    /// Adds a script for a single test.
    pub(crate) fn add(&self, path: &Path, text: &str) {
        let _alone = alone();
        fs::write(path, text).expect("a file");
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it can be made executable");
    }

    /// Puts a command where a script would run the program; `all` puts it everywhere.
    pub(crate) fn breaks(&self, script: &str, command: &str) {
        let names = SCRIPTS.iter().map(|(name, _)| *name).filter(|name| script == "all" || *name == script);
        for name in names {
            let text = fs::read_to_string(self.folder.join(name)).expect("the script is there");
            self.write(
                name,
                &text.replace("RUN &&", &format!("{command} &&")).replace(": &&", &format!("{command} &&")),
            );
        }
    }

    /// Removes a script.
    pub(crate) fn removes(&self, script: &str) {
        fs::remove_file(self.folder.join(script)).expect("the script is there");
    }

    /// What `--peer` is to say.
    pub(crate) fn peers(&self) -> Vec<(&'static str, PathBuf)> {
        let peers = [
            ("native", "cc"),
            ("native clang", "clang"),
            ("native clang host", "clang"),
            ("wasmaot", "wasmaot"),
            ("docker", "docker"),
            ("runc", "runc"),
            ("crun", "crun"),
            ("wasmtime", "wasmtime"),
            ("wasmedge", "wasmedge"),
            ("wamr", "iwasm"),
            ("wamr-soft-stack", "iwasm-soft-stack"),
            ("wasm2c", "wasm2c"),
            ("wavm", "wavm"),
            ("node", "node"),
            ("lucet", "lucet-wasi"),
        ];
        peers.map(|(name, script)| (name, self.folder.join(script))).into()
    }

    /// Images that were not removed.
    pub(crate) fn left_behind(&self) -> Vec<String> {
        let entries = fs::read_dir(self.folder.join("images")).expect("the folder is there");
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
    }
}
