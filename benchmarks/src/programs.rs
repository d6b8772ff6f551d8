//! The study's programs, and a large one that is only compiled: what each is given, what it must print, how often it runs.
//!
//! **Invariant: nothing is timed without a known answer.**

use clap::ValueEnum;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use wasmaot_bench::results::Figure;

/// The program that is only compiled, of the test suite's real programs.
const LARGE: &str = "sqlite3";

/// How much work the programs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Size {
    /// A minute for everything.
    Quick,
    /// A tenth of what was published.
    Tenth,
    /// What was published.
    Full,
}

impl Size {
    /// Its name in `full.sha256`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Size::Quick => "quick",
            Size::Tenth => "tenth",
            Size::Full => "full",
        }
    }

    /// Runs of a program that only starts and ends.
    fn starts(self) -> usize {
        if self == Size::Quick { 10 } else { 50 }
    }

    /// Runs of a program that computes.
    fn rounds(self) -> usize {
        if self == Size::Quick { 2 } else { 5 }
    }
}

/// A program with its input and its answer.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) figure: Figure,
    /// Its argument, or nothing.
    pub(crate) argument: String,
    /// Runs of each runtime that count.
    pub(crate) rounds: usize,
    /// SHA-256 of what it prints, in hexadecimal digits. Nothing for one that is only compiled.
    pub(crate) expected: String,
    /// Its WebAssembly module.
    module: PathBuf,
    /// Its source in C, if the repository has it.
    source: Option<PathBuf>,
    /// The folder with the files that it reads.
    directory: PathBuf,
    /// Those files.
    files: Vec<PathBuf>,
}

impl Program {
    /// All programs at this size, from the folder `benchmarks/programs`.
    pub(crate) fn all(folder: &Path, size: Size) -> io::Result<Vec<Self>> {
        let folder = folder.canonicalize().map_err(|cause| {
            io::Error::other(format!(
                "{}: {cause}; run this at the root of the repository, or use --programs",
                folder.display()
            ))
        })?;
        let directory = folder.join("expected");
        let of = |name: &str, figure, argument: &str| Self {
            name: name.into(),
            figure,
            argument: argument.into(),
            rounds: if figure == Figure::Start { size.starts() } else { size.rounds() },
            expected: String::new(),
            module: folder.join(name).with_extension("wasm"),
            source: Some(folder.join(name).with_extension("c")),
            directory: directory.clone(),
            files: Vec::new(),
        };
        let start = |name: &str, argument: &str, files: Vec<PathBuf>, answer: &Path| {
            let expected = digest(&std::fs::read(answer)?);
            Ok::<_, io::Error>(Self { expected, files, ..of(name, Figure::Start, argument) })
        };
        let copied = directory.join("fasta.txt");
        let mut programs = vec![
            start("nop", "", Vec::new(), &directory.join("nop.txt"))?,
            start("cat-sync", "fasta.txt", vec![copied.clone()], &copied)?,
        ];
        let answers = std::fs::read_to_string(directory.join("full.sha256"))?;
        for line in answers.lines().filter(|line| !line.starts_with('#')) {
            if let [name, of_size, argument, expected] = line.split_whitespace().collect::<Vec<_>>()[..]
                && of_size == size.name()
            {
                programs.push(Self { expected: expected.into(), ..of(name, Figure::Compute, argument) });
            }
        }
        let module = folder.join("../../tests/programs").join(LARGE).with_extension("wasm");
        programs.push(Self { module, source: None, ..of(LARGE, Figure::Compile, "") });
        Ok(programs)
    }

    /// Its WebAssembly module.
    pub(crate) fn module(&self) -> &Path {
        &self.module
    }

    /// Its source in C, if the repository has it.
    pub(crate) fn source(&self) -> Option<&Path> {
        self.source.as_deref()
    }

    /// Its arguments.
    pub(crate) fn args(&self) -> impl Iterator<Item = String> {
        Some(self.argument.clone()).into_iter().filter(|argument| !argument.is_empty())
    }

    /// Its current directory.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The files that it reads, all of them in that directory.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Whether it needs the directory at all.
    pub(crate) fn reads_files(&self) -> bool {
        !self.files.is_empty()
    }
}

/// SHA-256 in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
