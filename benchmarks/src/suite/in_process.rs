//! Instances in one process: the time that each takes, and the memory of many.
//!
//! **Invariant: these measurements run in processes of their own**, because their large memory would inflate
//! the usage reported for the suite's children. The Wasmtime side is the command `wasmaot-peers` of another
//! workspace; without it, only wasmaot is measured.

use super::opts::Opts;
use crate::adapters::{executable, on_path, present, text};
use crate::child::{Failure, Task};
use serde::de::DeserializeOwned;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wasmaot_bench::results::{Density, Found, InstanceTimes, Level, Peer, read_rows};

/// Where the workspace of `wasmaot-peers` builds it, from the root of the repository.
const BUILT: &str = "benchmarks/peers/target/x86_64-unknown-linux-gnu/release/wasmaot-peers";

/// More than either command takes.
const TIMEOUT: Duration = Duration::from_secs(1800);

pub(super) struct InProcess<'a> {
    opts: &'a Opts,
    /// The other workspace's command and what is said of it, or why it is missing.
    peers: Result<(PathBuf, Found), String>,
}

impl<'a> InProcess<'a> {
    pub(super) fn find(opts: &'a Opts) -> Self {
        let found = match &opts.embedded {
            Some(path) => executable(path).ok_or_else(|| format!("no command {}", path.display())),
            None => executable(Path::new(BUILT)).or_else(|| on_path("wasmaot-peers")).ok_or_else(|| {
                "no command wasmaot-peers; `cargo build --release` in benchmarks/peers makes it".to_string()
            }),
        };
        let peers = found.and_then(|path| {
            let found = present(std::slice::from_ref(&path), &["--version"])?;
            Ok((path, found))
        });
        Self { opts, peers }
    }

    /// The row for the list of runtimes.
    pub(super) fn peer(&self) -> Peer {
        let found = match &self.peers {
            Ok((_, found)) => found.clone(),
            Err(reason) => Found::Missing(reason.clone()),
        };
        let upstream = "the crate wasmtime 48.0.8, in one process with wasmaot's runtime";
        Peer { name: "embedded Wasmtime".into(), upstream: upstream.into(), level: Level::Host, found }
    }

    /// Start, call and finish: wasmaot by each way of resetting memory, and, in another run, both runtimes in
    /// turns.
    pub(super) fn instances(&self) -> io::Result<Vec<InstanceTimes>> {
        let quick = self.opts.quick;
        let own = ["instances", "--count", if quick { "5000" } else { "100000" }];
        let mut rows = self.rows(&std::env::current_exe()?, &own)?;
        if let Ok((peers, _)) = &self.peers {
            let both = ["instances", "--no-rates", "--count", if quick { "1000" } else { "10000" }];
            rows.extend(self.rows(peers, &both)?);
        }
        Ok(rows)
    }

    /// Memory: both runtimes, if both are there.
    pub(super) fn density(&self) -> io::Result<Vec<Density>> {
        let args = ["density", "--count", if self.opts.quick { "1000" } else { "10000" }];
        match &self.peers {
            Ok((peers, _)) => self.rows(peers, &args),
            Err(_) => self.rows(&std::env::current_exe()?, &args),
        }
    }

    fn rows<T: DeserializeOwned>(&self, command: &Path, args: &[&str]) -> io::Result<Vec<T>> {
        let file = self.opts.scratch.join("in-process.json");
        let places = [Path::new("--programs"), &self.opts.folder, Path::new("--scratch"), &self.opts.scratch];
        let args = args.iter().map(|arg| arg.to_string()).chain(places.map(text));
        let task = Task::new(command, args.chain([String::from("--json"), text(&file)]));
        task.print(TIMEOUT).map_err(|Failure(message)| io::Error::other(message))?;
        read_rows(&file)
    }
}
