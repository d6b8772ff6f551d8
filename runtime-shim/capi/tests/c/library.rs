//! The installed libraries, programs that are built with them, and guests.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use wasmaot_compiler::Options;
use wasmaot_signature::SecretKey;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the repository").to_path_buf()
}

/// Returns the directory of the C sources.
pub(crate) fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/c")
}

/// What a command printed, which has to succeed.
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    succeeded(&format!("{command:?}"), &output)
}

/// What a program printed, which has to have succeeded.
pub(crate) fn succeeded(what: &str, output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{what}: {}\n{}{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// The folder that the libraries are installed below.
pub(crate) fn installed() -> &'static Path {
    static INSTALLED: OnceLock<PathBuf> = OnceLock::new();
    INSTALLED.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let prefix = target.join("installed");
        let mut install = Command::new(repository().join("runtime-shim/capi/install.sh"));
        install.arg("runtime");
        install.env("PREFIX", &prefix).env("PROFILE", "dev").env("CARGO_TARGET_DIR", target);
        let printed = run(install.env_remove("DESTDIR"));
        assert!(printed.starts_with("installed wasmaot 0."), "{printed}");
        prefix
    })
}

/// Which library a program is linked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linked {
    Statically,
    Dynamically,
    /// With none: the program loads it itself.
    AtRunTime,
}

/// A language, with how strictly it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Language {
    compiler: &'static str,
    pub(crate) standard: &'static str,
    name: &'static str,
}

pub(crate) const C99: Language = Language { compiler: "cc", standard: "c99", name: "c" };
pub(crate) const CPP11: Language = Language { compiler: "c++", standard: "c++11", name: "c++" };
pub(crate) const CPP17: Language = Language { compiler: "c++", standard: "c++17", name: "c++" };
pub(crate) const CPP20: Language = Language { compiler: "c++", standard: "c++20", name: "c++" };

impl Language {
    /// The compiler, and whether there is one. Rust's own linking needs one of C.
    pub(crate) fn compiler(self) -> Option<Command> {
        if Command::new(self.compiler).arg("--version").output().is_err() {
            assert_ne!(self.compiler, "cc", "Rust needs a C compiler, too");
            println!("skipped {}: no {}", self.standard, self.compiler);
            return None;
        }
        let mut command = Command::new(self.compiler);
        command.arg(format!("-std={}", self.standard)).args(["-x", self.name, "-D_DEFAULT_SOURCE"]);
        command.args(["-pedantic", "-Wall", "-Wextra", "-Werror", "-g"]).arg("-I");
        command.arg(installed().join("include"));
        Some(command)
    }

    /// Builds a program from sources; none if there is no compiler.
    pub(crate) fn build(self, name: &str, files: &[PathBuf], linked: Linked) -> Option<PathBuf> {
        self.build_with(name, files, linked, |compiler| compiler)
    }

    /// Builds a program with more arguments for the compiler.
    pub(crate) fn build_with(
        self,
        name: &str,
        files: &[PathBuf],
        linked: Linked,
        add: impl FnOnce(&mut Command) -> &mut Command,
    ) -> Option<PathBuf> {
        let mut compiler = self.compiler()?;
        let program = folder("programs").join(format!("{name}-{}-{linked:?}", self.standard));
        let library = installed().join("lib");
        compiler.args(files).args(["-x", "none", "-o"]).arg(&program);
        add(&mut compiler);
        match linked {
            Linked::AtRunTime => &mut compiler,
            Linked::Statically => compiler.arg(library.join("libwasmaot.a")),
            Linked::Dynamically => {
                let path = format!("-Wl,-rpath,{}", library.display());
                compiler.arg("-L").arg(&library).args(["-lwasmaot", &path])
            }
        };
        run(compiler.args(["-lm", "-lpthread", "-ldl"]));
        Some(program)
    }
}

/// Builds an example with the features that dependencies have in `cargo test --workspace`, so that they are
/// not built again. Returns the folder that it is in.
pub(crate) fn cargo_build(example: &str) -> PathBuf {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the folder of the target");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--locked", "--workspace", "--example", example, "--target-dir"]);
    cargo.arg(built.parent().expect("the folder of all targets")).current_dir(repository());
    run(&mut cargo);
    built.join("debug/examples")
}

/// A folder for what the tests make.
pub(crate) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("c").join(name);
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Writes a file that appears whole: a host of another test may have the last one mapped.
fn place(path: &Path, bytes: &[u8]) {
    let mut file = tempfile::NamedTempFile::new_in(path.parent().expect("a folder")).expect("a file");
    file.write_all(bytes).expect("written");
    file.persist(path).expect("renamed");
}

/// Compiles a guest in the text format to an artifact, which counts what it executes if `meter` is set.
pub(crate) fn compile(text: &Path, artifact: &Path, meter: bool) {
    let wasm = wat::parse_file(text).unwrap_or_else(|error| panic!("{error}"));
    let output = wasmaot_compiler::compile(&wasm, &Options { meter, ..Options::default() }, &|_| ());
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", text.display()));
    place(artifact, &output.bytes);
}

/// Makes a signed copy of a guest, and writes the key that goes with it, and one that does not.
fn sign(folder: &Path) {
    let [signer, other] = [7, 8].map(|byte| SecretKey::from_seed(&[byte; 32]));
    let mut artifact = std::fs::read(folder.join("plain.so")).expect("a guest");
    let signature = signer.block(&artifact);
    artifact.extend(signature.to_bytes());
    let keys = [("signer.pem", signer), ("other.pem", other)];
    let keys = keys.map(|(name, key)| (name, key.public_key().to_pem().into_bytes()));
    for (name, bytes) in keys.into_iter().chain([("signed.so", artifact)]) {
        place(&folder.join(name), &bytes);
    }
}

/// The folder with the artifacts of all guests of the tests, and a file.
pub(crate) fn guests() -> &'static Path {
    static GUESTS: OnceLock<PathBuf> = OnceLock::new();
    GUESTS.get_or_init(|| {
        let folder = folder("guests");
        for entry in std::fs::read_dir(sources().join("guests")).expect("guests") {
            let text = entry.expect("an entry").path();
            let name = text.file_stem().expect("a name").to_string_lossy().into_owned();
            compile(&text, &folder.join(format!("{name}.so")), name == "metered");
        }
        sign(&folder);
        std::fs::write(folder.join("hello.txt"), "hello from a file\n").expect("a file");
        folder
    })
}
