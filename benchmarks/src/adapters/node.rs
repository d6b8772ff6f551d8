//! V8, as Node.js runs WASI programs. It compiles the module at each start, quickly at first and then again
//! in the background.

use super::adapter::{Adapter, Commands, Job, NotReady, Work, text};
use crate::child::Task;
use wasmaot_bench::results::Level;

pub(super) const ADAPTER: Adapter = Adapter {
    name: "node",
    upstream: "Node.js 20 with V8 and node:wasi, https://nodejs.org",
    tools: &["node|nodejs"],
    version: &["--version"],
    work: Work::InThreads,
    level: Level::Host,
    commands,
};

/// Runs the module of its first argument with the directory of the second and the other arguments.
const SCRIPT: &str = r#"import { readFile } from 'node:fs/promises';
import { WASI } from 'node:wasi';
const [module, directory, ...args] = process.argv.slice(2);
const wasi = new WASI({ version: 'preview1', args: [module, ...args], preopens: { '.': directory }, returnOnExit: true });
const { instance } = await WebAssembly.instantiate(await readFile(module), wasi.getImportObject());
process.exitCode = wasi.start(instance);
"#;

fn commands(job: &Job<'_>) -> Result<Commands, NotReady> {
    let script = job.folder.join("run.mjs");
    std::fs::write(&script, SCRIPT)?;
    let mut run = vec!["--no-warnings".to_string(), text(&script)];
    run.extend([text(job.program.module()), text(job.program.directory())]);
    run.extend(job.program.args());
    Ok(Commands { compile: None, run: Task::new(&job.tools[0], run), clean_up: Vec::new() })
}
