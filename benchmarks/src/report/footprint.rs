//! What runtimes take: their own size, that of an artifact, resident memory, and what a million requests
//! would cost.

use super::view::{self, NONE, View, mib, peak};
use std::fmt::Write;
use wasmaot_bench::results::{Figure, Found, InstanceTimes};

/// What a request is here: the start of a program that does nothing.
const REQUEST: &str = "nop";

/// Prices of a large cloud's containers by the second, in dollars: a CPU for an hour, and a GiB for an hour.
const PRICES: (f64, f64) = (0.0405, 0.0044);

/// A row per runtime of which starts were measured. Nothing if there are none.
pub(super) fn sizes(view: View<'_>) -> String {
    let mut text = String::new();
    for peer in &view.results.peers {
        let Found::Present { bytes, .. } = &peer.found else { continue };
        let Some(runs) = view.results.runs(Figure::Start, REQUEST, &peer.name) else { continue };
        if text.is_empty() {
            text += "\n### Footprint\n\nThe commands with their shared libraries, compilers included; the artifact of a program that does \
                nothing; what its process takes.\n\n| runtime | commands | artifact, KiB | resident, MiB |\n|---|---|---|---|\n";
        }
        let artifact = view.artifact(Figure::Start, REQUEST, &peer.name);
        let artifact = artifact.map_or(NONE.into(), |bytes| format!("{:.0}", bytes as f64 / 1024.0));
        _ = writeln!(text, "| {} | {} | {artifact} | {} |", peer.name, mib(*bytes), peak(runs));
    }
    text
}

/// A row per way of serving a request: a process or a container for each, or an instance in one process.
pub(super) fn costs(view: View<'_>) -> String {
    let mut text = String::new();
    let mut row = |name: &str, cpu: f64, memory: f64| {
        if text.is_empty() {
            _ = write!(
                text,
                "\n### What a million requests cost\n\nEach is the start of a program that does nothing. CPU time is what was used, memory \
                is what was resident for as long as it ran; where a daemon does the work, CPU time is the whole machine's and memory is not \
                known. At {} $ for a CPU and {} $ for a GiB by the hour.\n\n\
                | a request | CPU, s | memory, GiB s | $ |\n|---|---|---|---|\n",
                PRICES.0, PRICES.1
            );
        }
        let (cpu, memory) = (cpu * 1e6, memory * 1e6);
        let price = (cpu * PRICES.0 + memory * PRICES.1) / 3600.0;
        let gib = if memory > 0.0 { format!("{memory:.1}") } else { NONE.into() };
        _ = writeln!(text, "| {name} | {cpu:.2} | {gib} | {price:.6} |");
    };
    for peer in &view.results.peers {
        let Some(runs) = view.results.runs(Figure::Start, REQUEST, &peer.name) else { continue };
        let Some(cpu) = view::cpu(runs) else { continue };
        let resident = view::used(runs, |used| used.peak).unwrap_or(0.0) / f64::from(1 << 30);
        row(&format!("a process or container, {}", peer.name), cpu, resident * view::times(runs).median);
    }
    for side in instances(view) {
        row(&format!("an instance in one process, {}", side.side), side.p50 / 1e9, 0.0);
    }
    text
}

fn instances(view: View<'_>) -> Vec<&InstanceTimes> {
    view.instances(REQUEST)
}
