//! One program on one runtime.
//!
//! **Invariant: a row that has failed once stays as it is**, with its first message, and asks for no more
//! runs.

use super::{machine, peer::SuitePeer};
use crate::adapters::{Commands, Job, NotReady, Work};
use crate::child::{Failure, Task, Terms};
use crate::programs::Program;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;
use wasmaot_bench::results::{self, Figure, MAX_SPREAD, Measurement, Outcome, Run};

pub(super) struct Row<'a> {
    peer: &'a SuitePeer,
    program: &'a Program,
    terms: Terms,
    /// None if there is nothing to run.
    commands: Option<Commands>,
    outcome: Outcome,
    compiled: Vec<Run>,
}

/// A failed attempt to remove what a run left behind is not waited for any longer.
const CLEAN_UP: Duration = Duration::from_secs(60);

impl<'a> Row<'a> {
    /// Compiles the program and runs it once, which warms up everything and shows whether it works at all.
    pub(super) fn prepare(
        peer: &'a SuitePeer,
        program: &'a Program,
        folder: &Path,
        offered: &Terms,
        earlier: &[Self],
    ) -> io::Result<Self> {
        // It may be there from a run before.
        _ = fs::remove_dir_all(folder);
        fs::create_dir_all(folder)?;
        let cpu =
            offered.cpu.filter(|_| peer.adapter.work == Work::InProcess && program.figure != Figure::Burst);
        let terms = Terms { cpu, ..*offered };
        let outcome = Outcome::Measured { runs: Vec::new(), artifact: None };
        let mut row = Self { peer, program, terms, commands: None, outcome, compiled: Vec::new() };
        let job = Job { program, tools: &peer.tools, folder, timeout: offered.timeout };
        match row.make_ready(&job, earlier) {
            Ok(()) => (),
            Err(NotReady::Failed(failure)) => row.outcome = Outcome::Failed(failure.0),
            Err(NotReady::Inapplicable(reason)) => row.outcome = Outcome::Inapplicable(reason),
        }
        Ok(row)
    }

    fn make_ready(&mut self, job: &Job<'_>, earlier: &[Self]) -> Result<(), NotReady> {
        if self.program.skips_containers && self.peer.adapter.work.is_container() {
            let reason = "it is native code in a container, whose starts alone are measured at this size";
            return Err(NotReady::Inapplicable(reason.into()));
        }
        let commands = self.commands.insert((self.peer.adapter.commands)(job)?).clone();
        if self.is_only_compiled() && commands.compile.is_none() {
            return Err(NotReady::Inapplicable("it compiles nothing ahead of time".into()));
        }
        let mut artifact = None;
        if let Some((compile, file)) = &commands.compile {
            let first = compile.run(self.compile_terms())?.run;
            self.compiled.extend((self.program.figure == Figure::Compute).then_some(first));
            install(file)?;
            artifact = Some(fs::metadata(file)?.len());
            if let Some(other) = earlier.iter().find(|row| row.has_the_same_artifact(self, file)) {
                self.outcome = Outcome::SameAs(other.peer.adapter.name.into());
                self.commands = None;
                return Ok(());
            }
        }
        if !self.is_only_compiled() {
            self.run_checked(&commands.run)?;
        }
        self.outcome = Outcome::Measured { runs: Vec::new(), artifact };
        Ok(())
    }

    /// Whether this row runs the very bytes of another one, whose artifact this is, on the same runtime.
    fn has_the_same_artifact(&self, other: &Self, artifact: &Path) -> bool {
        let own = self.commands.as_ref().and_then(|commands| commands.compile.as_ref());
        self.peer.adapter.family() == other.peer.adapter.family()
            && own.is_some_and(
                |(_, file)| matches!((fs::read(file), fs::read(artifact)), (Ok(a), Ok(b)) if a == b),
            )
    }

    fn is_only_compiled(&self) -> bool {
        self.program.figure == Figure::Compile
    }

    /// Compilers may use all CPUs.
    fn compile_terms(&self) -> Terms {
        Terms { cpu: None, ..self.terms }
    }

    fn run_checked(&self, task: &Task) -> Result<Run, Failure> {
        if self.program.figure == Figure::Burst {
            return task
                .run_together(self.terms.burst, self.terms.timeout)
                .map(|run| self.known_of(run, None));
        }
        let before = machine::busy()?;
        let ended = task.run(self.terms)?;
        let busy = machine::busy()? - before;
        if ended.digest != self.program.expected {
            let line = task.line();
            return Err(Failure(format!("wrong output: {line} printed {}", ended.printed)));
        }
        Ok(self.known_of(ended.run, Some(busy)))
    }

    /// What a process used is not what was used where a daemon does the work: there, what the machine did is
    /// all that is known.
    fn known_of(&self, run: Run, busy: Option<u64>) -> Run {
        if self.peer.adapter.work == Work::Daemon { Run { used: None, busy, ..run } } else { run }
    }

    /// Whether its times differ by more than they should.
    pub(super) fn is_noisy(&self) -> bool {
        matches!(&self.outcome, Outcome::Measured { runs, .. } if results::spread(runs).is_some_and(|spread| spread > MAX_SPREAD))
    }

    /// Whether others are compared with it.
    pub(super) fn is_native(&self) -> bool {
        self.peer.adapter.family() == "native"
    }

    /// What is running, for people.
    pub(super) fn describe(&self) -> String {
        format!("{} on {}", self.program.name, self.peer.adapter.name)
    }

    /// Runs it once more.
    pub(super) fn run(&mut self) {
        let Some(commands) = self.commands.clone() else { return };
        if let Err(failure) = self.measure(&commands) {
            self.outcome = Outcome::Failed(failure.0);
        }
    }

    fn measure(&mut self, commands: &Commands) -> Result<(), Failure> {
        if !matches!(self.outcome, Outcome::Measured { .. }) {
            return Ok(());
        }
        let is_compiled_again = self.program.is_compiled_again;
        if let Some((compile, _)) = commands.compile.as_ref().filter(|_| is_compiled_again) {
            self.compiled.push(compile.run(self.compile_terms())?.run);
        }
        if self.is_only_compiled() {
            return Ok(());
        }
        let run = self.run_checked(&commands.run)?;
        if let Outcome::Measured { runs, .. } = &mut self.outcome {
            runs.push(run);
        }
        Ok(())
    }

    /// The rows of the results.
    pub(super) fn finish(mut self) -> Vec<Measurement> {
        let row = |figure, outcome| Measurement {
            figure,
            program: self.program.name.clone(),
            argument: self.program.argument.clone(),
            peer: self.peer.adapter.name.into(),
            outcome,
        };
        let compiled = std::mem::take(&mut self.compiled);
        let mut rows = Vec::new();
        if let (Outcome::Measured { artifact, .. }, false) = (&self.outcome, compiled.is_empty()) {
            rows.push(row(Figure::Compile, Outcome::Measured { runs: compiled, artifact: *artifact }));
        }
        if rows.is_empty() || !self.is_only_compiled() {
            rows.insert(0, row(self.program.figure, self.outcome.clone()));
        }
        rows
    }
}

/// Writes a file anew, as an installation does: one as a linker wrote it starts more slowly, for how it lies
/// in the page cache.
fn install(file: &Path) -> io::Result<()> {
    let (contents, permissions) = (fs::read(file)?, fs::metadata(file)?.permissions());
    fs::remove_file(file)?;
    fs::write(file, contents)?;
    fs::set_permissions(file, permissions)
}

impl Drop for Row<'_> {
    fn drop(&mut self) {
        for task in self.commands.iter().flat_map(|commands| &commands.clean_up) {
            // There may be nothing left to remove.
            _ = task.print(CLEAN_UP);
        }
    }
}
