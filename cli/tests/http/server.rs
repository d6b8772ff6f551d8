//! The command that serves, as a child process.

use crate::client::{Client, Response};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long something may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Files that all tests share.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    FOLDER.get_or_init(|| tempfile::tempdir().expect("a folder")).path()
}

pub(crate) fn wasmaot() -> Command {
    in_folder(Command::new(env!("CARGO_BIN_EXE_wasmaot")))
}

/// Runs the command by a shell, whose script has it as its arguments.
pub(crate) fn wasmaot_by_shell(script: &str) -> Command {
    let mut command = in_folder(Command::new("sh"));
    command.args(["-c", script, "sh", env!("CARGO_BIN_EXE_wasmaot")]);
    command
}

fn in_folder(mut command: Command) -> Command {
    command.env("XDG_CACHE_HOME", folder().join("cache")).env_remove("RUST_LOG");
    command
}

fn compiled(name: &str, options: &[&str]) -> PathBuf {
    let path = folder().join(name);
    let guest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/handler.wat");
    let mut command = wasmaot();
    command.arg("compile").arg(guest).arg("-o").arg(&path).args(options);
    let output = command.output().expect("the command runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    path
}

/// The artifact of `handler.wat`.
pub(crate) fn handler() -> &'static Path {
    static ARTIFACT: OnceLock<PathBuf> = OnceLock::new();
    ARTIFACT.get_or_init(|| compiled("handler.so", &[]))
}

/// The same, with a meter.
pub(crate) fn metered() -> &'static Path {
    static ARTIFACT: OnceLock<PathBuf> = OnceLock::new();
    ARTIFACT.get_or_init(|| compiled("metered.so", &["--meter"]))
}

/// A server.
pub(crate) struct Server {
    child: Child,
    addresses: Vec<SocketAddr>,
    metrics: SocketAddr,
    log: Arc<Log>,
}

/// What the server has written to standard error.
#[derive(Default)]
pub(crate) struct Log {
    lines: Mutex<(Vec<String>, bool)>,
    more: Condvar,
}

impl Log {
    fn follow(self: Arc<Self>, stderr: ChildStderr) {
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines() {
                let Ok(line) = line else { break };
                self.lines.lock().expect("nothing panics").0.push(line);
                self.more.notify_all();
            }
            self.lines.lock().expect("nothing panics").1 = true;
            self.more.notify_all();
        });
    }

    /// Waits for something in the log.
    pub(crate) fn wait_for<R>(&self, find: impl Fn(&[String]) -> Option<R>) -> R {
        let mut lines = self.lines.lock().expect("nothing panics");
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = find(&lines.0) {
                return found;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(!lines.1 && !left.is_zero(), "it is not in the log:\n{}", lines.0.join("\n"));
            lines = self.more.wait_timeout(lines, left).expect("nothing panics").0;
        }
    }

    /// Waits for a line with these texts.
    pub(crate) fn wait_for_line(&self, texts: &[&str]) -> String {
        let has_all = |line: &&String| texts.iter().all(|text| line.contains(text));
        self.wait_for(|lines| lines.iter().find(has_all).cloned())
    }
}

impl Server {
    /// Serves `handler.wat` with options.
    pub(crate) fn start(options: &[&str]) -> Self {
        Self::start_file(handler(), options)
    }

    pub(crate) fn start_file(file: &Path, options: &[&str]) -> Self {
        let mut command = wasmaot();
        command.arg("serve").arg(file).args(["--addr", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
        Self::of(command, options, 1)
    }

    /// Serves what a file says, which has this many addresses and one for metrics.
    pub(crate) fn start_config(config: &Path, options: &[&str], addresses: usize) -> Self {
        let mut command = wasmaot();
        command.arg("serve").arg("--config").arg(config);
        Self::of(command, options, addresses)
    }

    /// Starts a server by a command, which listens at this many addresses and one for metrics.
    pub(crate) fn of(mut command: Command, options: &[&str], addresses: usize) -> Self {
        let mut child = command.args(options).stderr(Stdio::piped()).spawn().expect("the command runs");
        let log = Arc::<Log>::default();
        log.clone().follow(child.stderr.take().expect("it is piped"));
        let address = |start: &'static str| {
            move |line: &String| line.strip_prefix(start).map(|text| text.parse().expect("an address"))
        };
        let (addresses, metrics) = log.wait_for(|lines| {
            let found: Vec<SocketAddr> = lines.iter().filter_map(address("serving at ")).collect();
            let metrics = lines.iter().find_map(address("metrics at "))?;
            (found.len() == addresses).then_some((found, metrics))
        });
        Self { child, addresses, metrics, log }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.addresses[0]
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address())
    }

    /// One request by a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.connect().get(path)
    }

    /// Asks the address for metrics.
    pub(crate) fn ask(&self, path: &str) -> Response {
        Client::connect(self.metrics).get(path)
    }

    /// A figure, by its name and labels as they are written.
    pub(crate) fn figure(&self, name: &str) -> f64 {
        let text = self.ask("/metrics").text();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in:\n{text}")).parse().expect("a number")
    }

    /// Waits until this many requests run.
    pub(crate) fn wait_for_use(&self, requests: u32) {
        let until = Instant::now() + PATIENCE;
        let app = self.app();
        while self.figure(&format!("wasmaot_slots_in_use{{application=\"{app}\"}}")) != f64::from(requests) {
            assert!(Instant::now() < until, "there are never {requests}");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    fn app(&self) -> String {
        let text = self.ask("/metrics").text();
        let start = "wasmaot_slots{application=\"";
        let name = text.lines().find_map(|line| line.strip_prefix(start)?.split('"').next());
        name.expect("there is an application").to_string()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).expect("it runs");
    }

    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is a child") {
                return status;
            }
            assert!(Instant::now() < until, "it does not end");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ends it as a service manager does.
    pub(crate) fn end(mut self) {
        self.signal(rustix::process::Signal::TERM);
        assert!(self.wait().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
