//! What an adapter consists of, and how the commands that it names are found.

use crate::child::{Failure, Task};
use crate::programs::Program;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_bench::results::{Found, Level};

/// How to speak to a runtime.
pub(crate) struct Adapter {
    /// Its name in results and in `--peer NAME=PATH`. Variants of one runtime share its first word.
    pub(crate) name: &'static str,
    /// The project and version that this was written for.
    pub(crate) upstream: &'static str,
    /// The commands that it needs; `--peer` gives the first, and the others are looked for beside it and then
    /// on `PATH`. Of alternatives, separated by `|`, the first that is there.
    pub(crate) tools: &'static [&'static str],
    /// Arguments by which the first command says its version.
    pub(crate) version: &'static [&'static str],
    /// Where its work is done.
    pub(crate) work: Work,
    /// The CPU that its code is made for.
    pub(crate) level: Level,
    /// How it runs a program. Called once per program; what has to be compiled first, [`Commands::compile`]
    /// says.
    pub(crate) commands: MakeCommands,
}

pub(super) type MakeCommands = fn(&Job<'_>) -> Result<Commands, NotReady>;

/// Why there are no commands for a program.
#[derive(Debug)]
pub(crate) enum NotReady {
    /// It is not for this runtime.
    Inapplicable(String),
    /// Something went wrong.
    Failed(Failure),
}

impl From<Failure> for NotReady {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<std::io::Error> for NotReady {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Where a runtime does its work, which says what can be known about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// In the process that is started, on one thread: it can be pinned to a CPU.
    InProcess,
    /// There, on several threads.
    InThreads,
    /// In a container that the process makes, as native code.
    Container,
    /// In a container that a daemon makes, as native code: its CPU time and memory are not known.
    Daemon,
}

impl Work {
    /// Whether what runs is native code in a container.
    pub(crate) fn is_container(self) -> bool {
        matches!(self, Work::Container | Work::Daemon)
    }
}

/// What an adapter may use for a program.
pub(crate) struct Job<'a> {
    /// The program.
    pub(crate) program: &'a Program,
    /// The commands, in the order of [`Adapter::tools`].
    pub(crate) tools: &'a [PathBuf],
    /// A folder for this program and runtime, empty at first.
    pub(crate) folder: &'a Path,
    /// What may be needed to make things ready may take as long.
    pub(crate) timeout: Duration,
}

impl Job<'_> {
    /// The file that is compiled to.
    pub(crate) fn artifact(&self, extension: &str) -> PathBuf {
        self.folder.join(&self.program.name).with_extension(extension)
    }

    /// The program's source in C, for a native compiler.
    pub(crate) fn native_source(&self) -> Result<String, NotReady> {
        let name = &self.program.name;
        let missing = || NotReady::Inapplicable(format!("there is no source of {name} to compile natively"));
        self.program.source().map(text).ok_or_else(missing)
    }

    /// The commands of a runtime that compiles in one step and runs in another.
    pub(crate) fn ahead_of_time(&self, form: &AheadOfTime<'_>) -> Result<Commands, NotReady> {
        let artifact = self.artifact(form.extension);
        let fill = |template: &&str| {
            let filled = template.replace("{module}", &text(self.program.module()));
            let filled = filled.replace("{artifact}", &text(&artifact));
            filled.replace("{directory}", &text(self.program.directory()))
        };
        let open = if self.program.reads_files() { form.open } else { &[] };
        let run = form.run.iter().flat_map(|argument| match *argument {
            "{open}" => open,
            _ => std::slice::from_ref(argument),
        });
        let run = Task::new(&self.tools[0], run.map(fill).chain(self.program.args()));
        let compile = Task::new(&self.tools[form.compiler], form.compile.iter().map(fill));
        Ok(Commands { compile: Some((compile, artifact)), run, clean_up: Vec::new() })
    }

    /// Runs something that only makes things ready.
    pub(crate) fn make_ready(&self, task: &Task) -> Result<(), Failure> {
        task.print(self.timeout).map(drop)
    }
}

/// The commands for one program.
#[derive(Debug, Clone)]
pub(crate) struct Commands {
    /// Makes an artifact, with the file that it writes.
    pub(crate) compile: Option<(Task, PathBuf)>,
    /// Runs the program.
    pub(crate) run: Task,
    /// Removes what a run that did not end, or what was made ready, leaves behind.
    pub(crate) clean_up: Vec<Task>,
}

/// Command lines of a runtime that compiles in one step and runs in another. `{module}`, `{artifact}` and
/// `{directory}` stand for paths.
pub(crate) struct AheadOfTime<'a> {
    /// Which of the tools compiles.
    pub(crate) compiler: usize,
    /// Of the artifact's name.
    pub(crate) extension: &'a str,
    /// Arguments for the compiler.
    pub(crate) compile: &'a [&'a str],
    /// Arguments that give the program its directory, where `{open}` stands in those that run it.
    pub(crate) open: &'a [&'a str],
    /// Arguments for running; the program's own come after them.
    pub(crate) run: &'a [&'a str],
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// The commands of a runtime that is there.
pub(crate) struct Tools {
    /// In the order of [`Adapter::tools`].
    pub(crate) paths: Vec<PathBuf>,
    /// For the results.
    pub(crate) found: Found,
}

impl Adapter {
    /// Looks for its commands; the error says what is missing.
    pub(crate) fn find(&self, given: &BTreeMap<String, PathBuf>) -> Result<Tools, String> {
        let named = given.get(self.name).or_else(|| given.get(self.family()));
        let mut paths: Vec<PathBuf> = Vec::new();
        for tool in self.tools {
            let beside = paths.first().and_then(|first| first.parent()).map(Path::to_path_buf);
            let found = match named {
                Some(path) if paths.is_empty() => executable(path),
                _ => tool.split('|').find_map(|name| {
                    let beside = beside.as_deref().and_then(|folder| executable(&folder.join(name)));
                    beside.or_else(|| on_path(name))
                }),
            };
            let wanted =
                named.filter(|_| paths.is_empty()).map_or_else(|| tool.to_string(), |path| text(path));
            paths.push(found.ok_or_else(|| format!("no command {}", wanted.replace('|', " or ")))?);
        }
        let found = present(&paths, self.version)?;
        Ok(Tools { paths, found })
    }

    /// The first word of its name.
    pub(crate) fn family(&self) -> &str {
        self.name.split(' ').next().unwrap_or(self.name)
    }
}

/// What is said of commands that are there, of which the first says its version by these arguments. The error
/// is why it does not.
pub(crate) fn present(commands: &[PathBuf], version: &[&str]) -> Result<Found, String> {
    let said = Task::new(&commands[0], version.iter().copied()).print(Duration::from_secs(20));
    let said = said.map_err(|failure| failure.0)?;
    let line = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("").trim();
    Ok(Found::Present { version: without_path(line), bytes: size_with_libraries(commands) })
}

/// A version line that begins with the path of the command, as some do, with its name instead.
fn without_path(line: &str) -> String {
    let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
    let name = Path::new(first).file_name().filter(|_| first.starts_with('/'));
    name.map_or(line.to_string(), |name| format!("{} {rest}", name.display()))
}

/// Bytes of the commands and of all shared libraries that they are linked to, each counted once.
fn size_with_libraries(commands: &[PathBuf]) -> u64 {
    let mut files: BTreeSet<PathBuf> = commands.iter().filter_map(|path| path.canonicalize().ok()).collect();
    for command in commands {
        // It fails for scripts and static executables, which have no libraries.
        let listed = Task::new(Path::new("ldd"), [text(command)]).print(Duration::from_secs(20));
        let libraries = listed.unwrap_or_default();
        let paths = libraries.split_whitespace().filter(|word| word.starts_with('/'));
        files.extend(paths.filter_map(|path| Path::new(path.trim_end_matches(':')).canonicalize().ok()));
    }
    files.iter().filter_map(|path| Some(path.metadata().ok()?.len())).sum()
}

/// A command of this name on `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find_map(|folder| executable(&folder.join(name)))
}

/// The file itself, if it can be run.
pub(crate) fn executable(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let file = path.canonicalize().ok()?;
    let metadata = file.metadata().ok()?;
    (metadata.is_file() && metadata.permissions().mode() & 0o111 != 0).then_some(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_without_paths() {
        assert_eq!(without_path("/opt/bin/wasmedge version 0.17.1"), "wasmedge version 0.17.1");
        assert_eq!(without_path("iwasm 2.4.5"), "iwasm 2.4.5");
        assert_eq!(without_path("1.0.42"), "1.0.42");
    }

    #[test]
    fn libraries_count() {
        let shell = executable(Path::new("/bin/sh")).expect("there is a shell");
        let alone = shell.metadata().expect("it has a size").len();
        let once = size_with_libraries(std::slice::from_ref(&shell));
        assert!(once > alone, "{once} is not more than {alone}: the C library is missing");
        assert_eq!(size_with_libraries(&[shell.clone(), shell]), once, "what is shared counts once");
    }
}
