//! Docker: the native program, statically linked, as the only program of an image that is made on the spot. Nothing is pulled.
//!
//! The container has no network of its own, which makes its start cheaper than Docker's default.

use super::oci::root_file_system;
use super::{Adapter, Commands, Job, NotReady, Work, text};
use crate::child::Task;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "docker",
    upstream: "Docker Engine 20.10 or later, https://docs.docker.com/engine",
    tools: &["docker", "cc|gcc|clang", "tar"],
    // Fails if no daemon answers.
    version: &["version", "--format", "Docker Engine {{.Server.Version}}"],
    work: Work::Elsewhere,
    commands,
};

fn commands(job: &Job<'_>) -> Result<Commands, NotReady> {
    let [docker, compiler, tar] = job.tools else { unreachable!("an adapter gets its tools") };
    let (root, archive) = (root_file_system(job, compiler)?, job.folder.join("root.tar"));
    job.make_ready(&Task::new(tar, ["-C", &text(&root), "-cf", &text(&archive), "."]))?;
    let name = format!("wasmaot-bench-{}-{}", job.program.name, std::process::id());
    job.make_ready(&Task::new(docker, ["import", &text(&archive), &name]))?;
    let mut run: Vec<String> =
        ["run", "--rm", "--network", "none", "--name", &name, &name].map(Into::into).into();
    run.push("/program".into());
    run.extend(job.program.args());
    let clean_up =
        vec![Task::new(docker, ["rm", "--force", &name]), Task::new(docker, ["rmi", "--force", &name])];
    Ok(Commands { compile: None, run: Task::new(docker, run), clean_up })
}
