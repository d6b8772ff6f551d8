//! The study's programs, the kernels, and a large module that is only compiled: what each is given, what it
//! must print, how often it runs.
//!
//! **Invariant: nothing is timed without a known answer.**

use clap::ValueEnum;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use wasmaot_bench::results::Figure;

/// The program that is only compiled, of the test suite's real programs.
const LARGE: &str = "sqlite3";

/// The name by which a hundred starts at once are measured.
const BURST: &str = "burst";

/// Amount of work that the programs do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Size {
    /// About a third of a second per program.
    Quick,
    /// A tenth of the study's sizes; about a second per kernel.
    Tenth,
    /// The study's sizes; kernels are not part of the study.
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
        if self == Size::Quick { 20 } else { 50 }
    }

    /// Runs of a program that computes.
    fn rounds(self) -> usize {
        if self == Size::Full { 10 } else { 5 }
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
    /// Whether containers, whose code is native, leave it out.
    pub(crate) skips_containers: bool,
    /// Whether it is compiled in every round.
    pub(crate) is_compiled_again: bool,
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
    /// All programs at this size, from the folders `benchmarks/programs` and `benchmarks/kernels`.
    pub(crate) fn all(folder: &Path, kernels: &Path, size: Size) -> io::Result<Vec<Self>> {
        let (folder, kernels) = (found(folder)?, found(kernels)?);
        let directory = folder.join("expected");
        let of = |folder: &Path, name: &str, figure, argument: &str| Self {
            name: name.into(),
            figure,
            argument: argument.into(),
            rounds: if figure == Figure::Start { size.starts() } else { size.rounds() },
            expected: String::new(),
            skips_containers: match figure {
                Figure::Compute => size != Size::Full,
                Figure::Burst => size == Size::Quick,
                Figure::Start | Figure::Compile => false,
            },
            is_compiled_again: figure == Figure::Compile
                || (figure == Figure::Compute && size != Size::Quick),
            module: folder.join(name).with_extension("wasm"),
            source: Some(folder.join(name).with_extension("c")),
            directory: directory.clone(),
            files: Vec::new(),
        };
        let start = |name: &str, argument: &str, files: Vec<PathBuf>, answer: &Path| {
            let expected = digest(&std::fs::read(answer)?);
            Ok::<_, io::Error>(Self { expected, files, ..of(&folder, name, Figure::Start, argument) })
        };
        let copied = directory.join("fasta.txt");
        let mut programs = vec![
            start("nop", "", Vec::new(), &directory.join("nop.txt"))?,
            start("cat-sync", "fasta.txt", vec![copied.clone()], &copied)?,
        ];
        // The same module by another name: what is measured is another thing.
        programs.push(Self { name: BURST.into(), ..of(&folder, "nop", Figure::Burst, "") });
        for (folder, answers) in [(&folder, "expected/full.sha256"), (&kernels, "expected.sha256")] {
            let answers = std::fs::read_to_string(folder.join(answers))?;
            for line in answers.lines().filter(|line| !line.starts_with('#')) {
                if let [name, of_size, argument, expected] = line.split_whitespace().collect::<Vec<_>>()[..]
                    && of_size == size.name()
                {
                    let expected = expected.into();
                    programs.push(Self { expected, ..of(folder, name, Figure::Compute, argument) });
                }
            }
        }
        let module = folder.join("../../tests/programs").join(LARGE).with_extension("wasm");
        programs.push(Self { module, source: None, ..of(&folder, LARGE, Figure::Compile, "") });
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

    /// Returns the program's input files, all of them in its directory.
    pub(crate) fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Returns whether the program reads files from its directory.
    pub(crate) fn reads_files(&self) -> bool {
        !self.files.is_empty()
    }
}

/// The folder, as an absolute path.
fn found(folder: &Path) -> io::Result<PathBuf> {
    let error = |cause| {
        let hint = "run this at the root of the repository, or say where the folders are";
        io::Error::other(format!("{}: {cause}; {hint}", folder.display()))
    };
    folder.canonicalize().map_err(error)
}

/// SHA-256 in hexadecimal digits.
fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kernel_has_a_module_a_source_and_an_answer() {
        let folders = ["programs", "kernels"].map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
        for size in [Size::Quick, Size::Tenth] {
            let programs = Program::all(&folders[0], &folders[1], size).expect("they are there");
            let kernels: Vec<&Program> =
                programs.iter().filter(|program| program.module().starts_with(&folders[1])).collect();
            assert_eq!(kernels.len(), 12, "{size:?}");
            for kernel in kernels {
                let name = &kernel.name;
                assert!(kernel.module().exists() && kernel.source().is_some_and(Path::exists), "{name}");
                assert!(kernel.expected.len() == 64 && kernel.figure == Figure::Compute, "{name}");
            }
        }
    }
}
