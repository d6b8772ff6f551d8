//! Builds the runner, the front part of standalone executables, which the command carries inside itself.
//!
//! The runner is a static program with a profile of its own, so it takes a build of its own. That build has a
//! workspace of its own too, generated in `OUT_DIR`, which contains the runner's crates and nothing else:
//!
//! ```text
//! OUT_DIR/runner/Cargo.toml                the workspace, with the profile
//!                Cargo.lock                the versions that the command is locked to
//!                cli/runner/Cargo.toml     the crate's manifest without tests, examples, features and what is optional
//!                cli/runner/src            link to the sources
//!                ...                       and so on for each of `CRATES`
//! ```
//!
//! **Invariants.** All crates that the runner needs are crates that the command needs, and no manifest
//! mentions others; so after cargo has downloaded what the command needs, this build downloads nothing.
//! Sources are named relative to the generated workspace; so the runner does not depend on where it is built.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Packages that the runner consists of, and where they are in the repository.
const CRATES: [(&str, &str); 5] = [
    ("wasmaot-runner", RUNNER),
    ("wasmaot-program", "cli/program"),
    ("wasmaot-runtime", "runtime-shim"),
    ("wasmaot-wasi", "runtime-shim/wasi"),
    ("wasmaot-abi", "runtime-shim/abi"),
];

/// Place of the runner's package in the repository.
const RUNNER: &str = "cli/runner";

/// Target of the runner: the one that artifacts are for.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Small, quick to start, and without the means to unwind.
const PROFILE: &str = r#"
[profile.release]
lto = true
codegen-units = 1
panic = "abort"
strip = "symbols"
"#;

/// What the build leaves.
pub(crate) struct Runner {
    /// The program.
    pub(crate) program: PathBuf,
    /// A list of the crates in it, one a line, as `NAME VERSION|LICENCE`.
    pub(crate) crates: PathBuf,
}

/// Builds the runner.
pub(crate) fn build() -> Runner {
    let output = PathBuf::from(variable("OUT_DIR"));
    let (workspace, target) = (output.join("runner"), output.join("runner-target"));
    let sources = Sources::find();
    lay_out(&sources, &workspace);
    lock(&sources, &workspace);
    let mut build = cargo("build", &workspace);
    build.args(["--package", "wasmaot-runner", "--bin", "wasmaot-runner", "--release", "--target", TARGET]);
    build.arg("--target-dir").arg(&target);
    let status = build.status().expect("cargo starts");
    assert!(status.success(), "building the runner failed: {status}");
    let crates = output.join("runner-crates.txt");
    write(&crates, &list(&workspace));
    Runner { program: target.join(TARGET).join("release/wasmaot-runner"), crates }
}

/// Lists the crates that the runner consists of.
fn list(workspace: &Path) -> String {
    let mut tree = cargo("tree", workspace);
    tree.args(["--package", "wasmaot-runner", "--edges", "normal,no-proc-macro", "--target", TARGET]);
    tree.args(["--prefix", "none", "--format", "{p}|{l}"]);
    let output = tree.output().expect("cargo starts");
    assert!(
        output.status.success(),
        "listing the runner's crates failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout).expect("names are UTF-8");
    let lines: BTreeSet<String> = text.lines().filter_map(crate_of).collect();
    lines.iter().flat_map(|line| [line, "\n"]).collect()
}

/// Name, version and licence of a crate from a line such as `NAME vVERSION (PATH)|LICENCE (*)`.
fn crate_of(line: &str) -> Option<String> {
    let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
    let mut words = package.split(' ');
    let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
    Some(format!("{name} {version}|{licence}"))
}

/// Where the crates' sources are.
enum Sources {
    /// In the repository with this root.
    Repository(PathBuf),
    /// In packages, as cargo unpacks them: this is the runner's, and the others lie beside it.
    Packages(PathBuf),
}

impl Sources {
    fn find() -> Self {
        // Set by the runner's build script.
        let runner = PathBuf::from(variable("DEP_WASMAOT_RUNNER_DIRECTORY"));
        match runner.ancestors().nth(2) {
            Some(root) if root.join(RUNNER) == runner && root.join("Cargo.toml").exists() => {
                Self::Repository(root.into())
            }
            _ => Self::Packages(runner),
        }
    }

    /// The folder of a package.
    fn folder(&self, name: &str, place: &str) -> PathBuf {
        match self {
            Self::Repository(root) => root.join(place),
            Self::Packages(runner) => {
                let versioned = runner.with_file_name(format!("{name}-{}", env!("CARGO_PKG_VERSION")));
                // Vendored packages have no version in the folder's name.
                if versioned.exists() { versioned } else { runner.with_file_name(name) }
            }
        }
    }

    /// The file with the versions that the command is locked to. It need not exist.
    fn lock(&self) -> PathBuf {
        match self {
            Self::Repository(root) => root.join("Cargo.lock"),
            Self::Packages(_) => PathBuf::from(variable("CARGO_MANIFEST_DIR")).join("Cargo.lock"),
        }
    }

    /// The manifest of the generated workspace.
    fn manifest(&self) -> String {
        match self {
            // The crates inherit from it.
            Self::Repository(root) => {
                let manifest = read(&root.join("Cargo.toml"));
                let inherited = tables(&manifest, |table, _| {
                    table == "workspace.package"
                        || table == "workspace.dependencies"
                        || table.starts_with("workspace.lints.")
                });
                format!("[workspace]\nresolver = \"3\"\nmembers = [\"{RUNNER}\"]\n\n{inherited}{PROFILE}")
            }
            Self::Packages(_) => {
                let patches = CRATES.map(|(name, place)| format!("{name} = {{ path = \"{place}\" }}\n"));
                let patches = patches.concat();
                format!(
                    "[workspace]\nresolver = \"3\"\nmembers = [\"{RUNNER}\"]\n\n[patch.crates-io]\n{patches}{PROFILE}"
                )
            }
        }
    }
}

/// Generates the workspace.
fn lay_out(sources: &Sources, workspace: &Path) {
    if let Sources::Repository(root) = sources {
        watch(&root.join("Cargo.toml"));
    }
    for (name, place) in CRATES {
        let (from, to) = (sources.folder(name, place), workspace.join(place));
        fs::create_dir_all(&to).expect("OUT_DIR is writable");
        let manifest = from.join("Cargo.toml");
        watch(&manifest);
        let text = tables(&read(&manifest), |table, lines| {
            let kind = table.split('.').next().unwrap_or(table);
            let is_optional = kind == "dependencies" && lines.contains(&"optional = true");
            !["dev-dependencies", "example", "test", "bench", "features"].contains(&kind) && !is_optional
        });
        write(&to.join("Cargo.toml"), &text);
        for part in ["src", "build.rs"] {
            let (source, link) = (from.join(part), to.join(part));
            if source.exists() {
                watch(&source);
                make_link(&source, &link).unwrap_or_else(|error| panic!("{}: {error}", link.display()));
            }
        }
    }
    write(&workspace.join("Cargo.toml"), &sources.manifest());
}

/// Takes over the versions that the command is locked to. `cargo install` ignores those unless it is told
/// `--locked`; what it downloads then is used instead.
fn lock(sources: &Sources, workspace: &Path) {
    let (from, to) = (sources.lock(), workspace.join("Cargo.lock"));
    if !from.exists() {
        return;
    }
    watch(&from);
    write(&to, &read(&from));
    let mut fetch = cargo("fetch", workspace);
    fetch.args(["--target", TARGET]).stderr(Stdio::null());
    if !fetch.status().expect("cargo starts").success() {
        fs::remove_file(&to).expect("OUT_DIR is writable");
    }
}

/// Prepares a cargo command for the generated workspace.
fn cargo(subcommand: &str, workspace: &Path) -> Command {
    let mut cargo = Command::new(variable("CARGO"));
    cargo
        .args([subcommand, "--quiet", "--offline", "--manifest-path"])
        .arg(workspace.join("Cargo.toml"))
        .env("CARGO_ENCODED_RUSTFLAGS", flags().join("\x1f"))
        // Clippy checks the sources where they are.
        .env_remove("RUSTC_WORKSPACE_WRAPPER");
    cargo
}

/// The compiler's options: a static program at a fixed address, whatever the command is linked like, and no
/// path of this machine in it.
fn flags() -> [String; 3] {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"))).unwrap_or_default();
    [
        "-Ctarget-feature=+crt-static".to_owned(),
        "-Crelocation-model=static".to_owned(),
        format!("--remap-path-prefix={}=cargo", home.display()),
    ]
}

/// Returns the text of those tables of a manifest that are wanted, by their names and lines.
fn tables(manifest: &str, wanted: impl Fn(&str, &[&str]) -> bool) -> String {
    let lines: Vec<&str> = manifest.lines().collect();
    let tables = lines.chunk_by(|_, next| !next.starts_with('['));
    let kept = tables.filter(|lines| match lines[0].strip_prefix('[') {
        Some(header) => wanted(header.trim_start_matches('[').split(']').next().unwrap_or(header), lines),
        None => true,
    });
    kept.flatten().flat_map(|line| [line, "\n"]).collect()
}

/// Makes a symbolic link, unless it is there.
fn make_link(target: &Path, link: &Path) -> io::Result<()> {
    match fs::read_link(link) {
        Ok(found) if found == target => return Ok(()),
        Ok(_) => fs::remove_file(link)?,
        Err(_) => {}
    }
    std::os::unix::fs::symlink(target, link)
}

/// Writes a file, unless it has these contents: cargo goes by the time of the last change.
fn write(path: &Path, contents: &str) {
    if fs::read_to_string(path).ok().as_deref() != Some(contents) {
        fs::write(path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn variable(name: &str) -> std::ffi::OsString {
    env::var_os(name).unwrap_or_else(|| panic!("cargo sets {name}"))
}

fn watch(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
