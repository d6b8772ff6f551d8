//! Docker: the native program, statically linked, as the only program of an image that is made on the spot.
//! Nothing is pulled.
//!
//! Two rows: the default, in which a container has an interface of its own, and `--network none`, which
//! starts faster.

use super::adapter::{Adapter, Commands, Job, MakeCommands, NotReady, Work, text};
use super::oci::root_file_system;
use crate::child::{COPY, Task};
use wasmaot_bench::results::Level;

/// As users have it, and without a network, whose setting up is part of a start.
pub(super) const ADAPTERS: [Adapter; 2] = [
    adapter("docker", |job| commands(job, &[])),
    adapter("docker no-network", |job| commands(job, &["--network", "none"])),
];

const fn adapter(name: &'static str, commands: MakeCommands) -> Adapter {
    Adapter {
        name,
        upstream: "Docker Engine 20.10 or later, https://docs.docker.com/engine",
        tools: &["docker", "cc|gcc|clang", "tar"],
        // Fails if no daemon answers.
        version: &["version", "--format", "Docker Engine {{.Server.Version}}"],
        work: Work::Daemon,
        level: Level::Any,
        commands,
    }
}

fn commands(job: &Job<'_>, network: &[&str]) -> Result<Commands, NotReady> {
    let [docker, compiler, tar] = job.tools else { unreachable!("an adapter gets its tools") };
    let (root, archive) = (root_file_system(job, compiler)?, job.folder.join("root.tar"));
    job.make_ready(&Task::new(tar, ["-C", &text(&root), "-cf", &text(&archive), "."]))?;
    let kind = if network.is_empty() { "" } else { "-alone" };
    let name = format!("wasmaot-bench-{}-{}{kind}", job.program.name, std::process::id());
    job.make_ready(&Task::new(docker, ["import", &text(&archive), &name]))?;
    let container = format!("{name}-{COPY}");
    let image = ["--name", &container, &name, "/program"];
    let run = ["run", "--rm"].iter().chain(network).chain(&image);
    let run = run.map(|arg| arg.to_string()).chain(job.program.args());
    let clean_up =
        vec![Task::new(docker, ["rm", "--force", &container]), Task::new(docker, ["rmi", "--force", &name])];
    Ok(Commands { compile: None, run: Task::new(docker, run), clean_up })
}
