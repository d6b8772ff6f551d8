//! Containers without a daemon: `runc` and `crun`, with the native program, statically linked, as all that is
//! in the container.

use super::adapter::{Adapter, Commands, Job, NotReady, Work, text};
use super::native::FLAGS;
use crate::child::{COPY, Failure, Task};
use serde_json::json;
use std::path::{Path, PathBuf};
use wasmaot_bench::results::Level;

pub(super) const ADAPTERS: [Adapter; 2] = [
    adapter("runc", "runc 1.1, https://github.com/opencontainers/runc", &["runc", "cc|gcc|clang"]),
    adapter("crun", "crun 1.8, https://github.com/containers/crun", &["crun", "cc|gcc|clang"]),
];

const fn adapter(name: &'static str, upstream: &'static str, tools: &'static [&'static str]) -> Adapter {
    Adapter {
        name,
        upstream,
        tools,
        version: &["--version"],
        work: Work::Container,
        level: Level::Any,
        commands,
    }
}

/// Makes a folder with the program, linked statically, as `/program`, and the files that it reads beside it.
pub(super) fn root_file_system(job: &Job<'_>, compiler: &Path) -> Result<PathBuf, NotReady> {
    let root = job.folder.join("root");
    std::fs::create_dir_all(&root)?;
    let (source, to) = (job.native_source()?, text(&root.join("program")));
    let args = FLAGS.into_iter().chain(["-static", &source, "-o", &to, "-lm"]);
    job.make_ready(&Task::new(compiler, args))?;
    for file in job.program.files() {
        let name = file.file_name().ok_or_else(|| Failure(format!("{} is no file", file.display())))?;
        std::fs::copy(file, root.join(name))?;
    }
    Ok(root)
}

fn commands(job: &Job<'_>) -> Result<Commands, NotReady> {
    let [runtime, compiler] = job.tools else { unreachable!("an adapter gets its tools") };
    root_file_system(job, compiler)?;
    let args: Vec<String> = std::iter::once("/program".to_string()).chain(job.program.args()).collect();
    let namespaces = ["pid", "network", "ipc", "uts", "mount"].map(|kind| json!({ "type": kind }));
    let bundle = json!({
        "ociVersion": "1.0.2",
        "process": { "terminal": false, "user": { "uid": 0, "gid": 0 }, "args": args, "cwd": "/" },
        "root": { "path": "root", "readonly": true },
        "hostname": "bench",
        "mounts": [{ "destination": "/proc", "type": "proc", "source": "proc" }],
        "linux": { "namespaces": namespaces },
    });
    std::fs::create_dir_all(job.folder.join("root/proc"))?;
    std::fs::write(job.folder.join("config.json"), bundle.to_string())?;
    let name = format!("wasmaot-bench-{}-{}-{COPY}", job.program.name, std::process::id());
    let state = text(&job.folder.join("state"));
    let run = Task::new(runtime, ["--root", &state, "run", "--bundle", &text(job.folder), &name]);
    let clean_up = vec![Task::new(runtime, ["--root", &state, "delete", "--force", &name])];
    Ok(Commands { compile: None, run, clean_up })
}
