//! The programs in `tests/wasi`: every function of both versions of WASI, and every error number that it can
//! give here.
//!
//! A program prints a line for each call that did as expected. **Invariant: `errnos.txt` is complete.** The
//! lines of all programs must be exactly the pairs of function and error number that it lists, for each
//! version. Set `WASMAOT_BLESS=1` to write it anew.
//!
//! What a program is given is described in `tests/wasi/check.h`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Permissions};
use std::io::{self, PipeWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::blocking::LONG;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{CWD, FileType, Mode};
use rustix::process::Uid;
use tempfile::TempDir;
use wasmaot_tests::{compile, files, parallel, report, start, tests_folder};
use wasmaot_wasi::{Version, WasiCtxBuilder};

/// Pairs of function and error number.
type Pairs = BTreeSet<(String, String)>;

/// Descriptors that a program may have open: enough, and soon used up.
const MAX_DESCRIPTORS: usize = 64;

/// A user without any privileges.
const UNPRIVILEGED: u32 = 65534;

fn folder() -> PathBuf {
    tests_folder().join("wasi")
}

fn name(version: Version) -> &'static str {
    match version {
        Version::Unstable => ".unstable.wasm",
        Version::Preview1 => ".wasm",
    }
}

/// What a program works on: "/", "/ro" and the place for its lines.
struct Place {
    scratch: TempDir,
    /// A directory of another file system, if there is one to write to.
    other: Option<TempDir>,
}

impl Place {
    fn new() -> Self {
        let scratch = tempfile::tempdir().expect("a temporary folder");
        let path = |name: &str| scratch.path().join(name);
        for directory in ["root", "root/closed", "ro", "ro/dir"] {
            fs::create_dir(path(directory)).expect("a new folder");
        }
        fs::write(path("ro/file"), "text").expect("a new file");
        fs::write(path("secret"), "secret").expect("a new file");
        let other = other_file_system(scratch.path());
        Self { scratch, other }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// What only some programs find in "/".
    fn prepare(&self, program: &str) {
        let path = |name: &str| self.path("root").join(name);
        let mode = |name: &str, mode: u32| {
            fs::set_permissions(path(name), Permissions::from_mode(mode)).expect("it is ours");
        };
        match program {
            "path" => {
                for (target, name) in [("/etc", "absolute"), ("../secret", "outside"), ("..", "up")] {
                    symlink(target, path(name)).expect("a new link");
                }
                rustix::fs::mknodat(CWD, path("fifo"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)
                    .expect("a new FIFO");
            }
            "access" => {
                fs::write(path("owned"), "").expect("a new file");
                fs::write(path("closed/file"), "").expect("a new file");
                symlink("file", path("closed/link")).expect("a new link");
                mode("owned", 0o644);
                mode("closed", 0o700);
                mode("", 0o755);
            }
            _ => {}
        }
    }

    /// What a program is given, and the addresses of the sockets that listen.
    fn context(&self, program: &str) -> (WasiCtxBuilder, SocketAddr) {
        let mut builder = WasiCtxBuilder::new();
        let (reader, writer) = std::io::pipe().expect("a pipe");
        match program {
            "memory" => builder.stdin_bytes(*b"input").capture_stderr(10),
            "broken" => builder.stderr(OwnedFd::from(broken_pipe())),
            _ => builder.stdin(OwnedFd::from(reader)).stderr(OwnedFd::from(writer)),
        };
        let other = self.other.as_ref();
        builder
            .stdout(File::create(self.path("lines")).expect("a new file"))
            .args(["program", "two words", ""])
            .env("A", "1")
            .env("OTHER", if other.is_some() { "1" } else { "0" })
            .max_descriptors(MAX_DESCRIPTORS);
        let other = other.map_or(self.path("root"), |other| other.path().to_path_buf());
        let opened = builder
            .preopen_dir(self.path("root"), "/")
            .and_then(|builder| builder.preopen_dir_read_only(self.path("ro"), "/ro"))
            .and_then(|builder| builder.preopen_dir(other, "/other"));
        opened.expect("the folders are there");
        let mut listen = || builder.listen(([127, 0, 0, 1], 0).into()).expect("a loopback port");
        listen();
        let address = listen();
        (builder, address)
    }
}

/// The end of a pipe without readers: until it is started, a child that another test has just
/// forked has the other end, too.
fn broken_pipe() -> PipeWriter {
    let (reader, writer) = io::pipe().expect("a pipe");
    drop(reader);
    let mut broken = [PollFd::new(&writer, PollFlags::empty())];
    let ready = poll(&mut broken, Some(&Timespec::try_from(LONG).expect("a time"))).expect("a pipe");
    assert_eq!(ready, 1, "another process has the other end");
    writer
}

/// A folder of another file system than `here`.
fn other_file_system(here: &Path) -> Option<TempDir> {
    let device = |path: &Path| fs::metadata(path).map(|metadata| metadata.dev()).ok();
    let places = ["/dev/shm", "/run", "/tmp", "/var/tmp"].map(Path::new);
    let others = places.into_iter().filter(|place| device(place) != device(here));
    others.filter_map(|place| tempfile::tempdir_in(place).ok()).next()
}

/// The clients of `socket.c`. Ends when `leave` does, or if the program does not answer.
fn clients(address: SocketAddr, leave: &Receiver<()>) -> io::Result<()> {
    let connect = || {
        let client = TcpStream::connect(address)?;
        client.set_read_timeout(Some(LONG))?;
        Ok::<_, io::Error>(client)
    };
    let mut first = connect()?;
    first.write_all(b"ping")?;
    let mut answer = String::new();
    first.read_to_string(&mut answer)?;
    if answer != "pong" {
        return Err(io::Error::other(answer));
    }
    // The program waits for the end of what the client sends.
    drop(first);
    let mut second = connect()?;
    second.read_exact(&mut [0; 5])?;
    rustix::net::sockopt::set_socket_linger(&second, Some(std::time::Duration::ZERO))?;
    drop(second);
    let third = connect()?;
    // Nothing is ever sent; the other side is dropped.
    let _ = leave.recv();
    drop(third);
    Ok(())
}

/// Whether tests run with all privileges, and so can take them off a thread.
fn is_privileged() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a program with the given version and checks how it ended. Gives the pairs that it printed.
fn run(program: &str, version: Version) -> Result<Pairs, String> {
    let wasm =
        fs::read(folder().join(program.to_owned() + name(version))).map_err(|error| error.to_string())?;
    let module = wasmaot_tests::load(&compile(&wasm)).map_err(|error| error.to_string())?;
    let place = Place::new();
    place.prepare(program);
    let (builder, address) = place.context(program);
    let (stay, leave) = channel();
    let (status, served) = thread::scope(|scope| {
        let served = (program == "socket" && version == Version::Preview1)
            .then(|| scope.spawn(move || clients(address, &leave)));
        let ended = scope.spawn(|| {
            if program == "access" {
                // Of this thread alone.
                let unprivileged = Uid::from_raw(UNPRIVILEGED);
                rustix::thread::set_thread_res_uid(unprivileged, unprivileged, unprivileged)
                    .expect("privileged");
            }
            start(&module, builder.build())
        });
        let ended = ended.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        drop(stay);
        (ended, served.map_or(Ok(()), |served| served.join().expect("it does not panic")))
    });
    let status = status?;
    let lines = fs::read_to_string(place.path("lines")).expect("the program's lines");
    let wrong: Vec<&str> = lines.lines().filter(|line| line.starts_with("FAILED")).collect();
    let expected = match program {
        "exit" => 42,
        "raise" => 134,
        _ => 0,
    };
    if status != expected || !wrong.is_empty() {
        return Err(format!("status {status}\n{}", wrong.join("\n")));
    }
    served.map_err(|error| format!("a client: {error}"))?;
    if fs::read_dir(place.scratch.path()).expect("a folder").count() != 4 {
        return Err("something was made beside its folders".into());
    }
    lines.lines().map(pair).collect()
}

fn pair(line: &str) -> Result<(String, String), String> {
    let (function, errno) = line.split_once(' ').ok_or_else(|| format!("not a line of a check: {line}"))?;
    Ok((function.into(), errno.into()))
}

/// The names of the programs.
fn programs() -> Vec<String> {
    let names =
        files(&folder(), "c").into_iter().map(|path| path.file_stem().map(|name| name.to_os_string()));
    names.map(|name| name.expect("a name").into_string().expect("UTF-8")).collect()
}

/// The pairs in `errnos.txt`.
fn table() -> Pairs {
    let text = fs::read_to_string(folder().join("errnos.txt")).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let pairs = lines.flat_map(|line| {
        let (function, errnos) = line.split_once(": ").expect("function: error numbers");
        errnos.split_whitespace().map(|errno| (function.to_string(), errno.to_string()))
    });
    pairs.collect()
}

fn bless(pairs: &Pairs) {
    let mut functions = BTreeMap::<&str, Vec<&str>>::new();
    for (function, errno) in pairs {
        functions.entry(function).or_default().push(errno);
    }
    let mut text = String::from(
        "# Every function of WASI preview 1 and every error number that it can give here, each met by a program of this\n\
         # folder; but for sock_accept, the same of wasi_unstable. What only failing hardware, a full disk or a remote file\n\
         # system could give is left out. `poll_oneoff:event` is about errors inside of events.\n\n",
    );
    for (function, mut errnos) in functions {
        errnos.sort_by_key(|errno| (*errno != "SUCCESS", *errno));
        text += &format!("{function}: {}\n", errnos.join(" "));
    }
    fs::write(folder().join("errnos.txt"), text).expect("a writable folder");
}

/// What a version cannot show on this machine, or has not.
fn is_excused((function, errno): &(String, String), version: Version, other: bool) -> bool {
    match errno.as_str() {
        "XDEV" => !other,
        "ACCES" | "PERM" => !is_privileged() && (errno == "ACCES" || function.ends_with("set_times")),
        _ => version == Version::Unstable && function.starts_with("sock_"),
    }
}

fn check(version: Version) {
    let programs = programs();
    assert!(programs.len() > 10, "the programs are not where this test looks");
    let other = other_file_system(&std::env::temp_dir()).is_some();
    if !other {
        report("wasi: one file system only: what may not cross two was not tried");
    }
    let privileged = is_privileged();
    if !privileged {
        report("wasi: access.c skipped: it takes privileges to do without them");
    }
    let tried: Vec<&String> = programs.iter().filter(|name| privileged || *name != "access").collect();
    let results = parallel(tried.clone(), |program| run(program, version));
    let mut found = Pairs::new();
    let mut failures = Vec::new();
    for (program, result) in tried.iter().zip(results) {
        match result {
            Ok(pairs) => found.extend(pairs),
            Err(error) => failures.push(format!("{program}: {error}")),
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    if std::env::var_os("WASMAOT_BLESS").is_some() && version == Version::Preview1 {
        bless(&found);
    }
    let table = table();
    let extra: Vec<_> = found.difference(&table).collect();
    assert!(extra.is_empty(), "not in errnos.txt: {extra:?}");
    let missing = table.difference(&found).filter(|pair| !is_excused(pair, version, other));
    let missing: Vec<_> = missing.collect();
    assert!(missing.is_empty(), "in errnos.txt, and met by no program: {missing:?}");
    report(format_args!(
        "wasi: {} own programs for {} passed: {} functions with {} error numbers",
        tried.len(),
        version.module(),
        found.iter().map(|(function, _)| function).collect::<BTreeSet<_>>().len(),
        found.len()
    ));
}

#[test]
fn preview1_does_all_that_is_listed() {
    check(Version::Preview1);
}

#[test]
fn unstable_does_all_that_is_listed() {
    check(Version::Unstable);
}

/// Of the 46 functions none is left out.
#[test]
fn every_function_is_listed() {
    let header = fs::read_to_string(folder().join("wasi.h")).expect("there");
    let imports = header.split("IMPORT(").skip(2).filter_map(|rest| rest.split_once(')'));
    let imports: BTreeSet<String> = imports.map(|(name, _)| name.to_string()).collect();
    assert_eq!(imports.len(), 46);
    let listed: BTreeSet<String> =
        table().into_iter().filter(|(_, errno)| errno == "SUCCESS").map(|(function, _)| function).collect();
    let without: Vec<_> = imports.difference(&listed).collect();
    assert!(without.is_empty(), "never succeed: {without:?}");
}
