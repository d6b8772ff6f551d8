//! Compiling, phase by phase: a small module and a large one, on one thread, so that phases do not share
//! CPUs.

use criterion::{BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;
use wasmaot_compiler::{OptLevel, Options, Phases};

/// The phases, in their order.
type Phase = (&'static str, fn(&Phases) -> Duration);
const PHASES: [Phase; 4] = [
    ("parse", |phases| phases.parse),
    ("translate", |phases| phases.translate),
    ("generate", |phases| phases.generate),
    ("emit", |phases| phases.emit),
];

/// Levels of optimisation that differ.
const LEVELS: [(&str, OptLevel); 2] = [("O0", OptLevel::None), ("default", OptLevel::Speed)];

fn phases(criterion: &mut Criterion) {
    for name in ["benchmarks/programs/nbody.wasm", "tests/programs/sqlite3.wasm"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name);
        let wasm = std::fs::read(&path).expect("the repository has it");
        let stem = path.file_stem().expect("it is a file").to_string_lossy().into_owned();
        for (level, opt) in LEVELS {
            let options = Options { opt, jobs: 1, ..Options::default() };
            let mut group = criterion.benchmark_group(format!("compile {stem} {level}"));
            group.throughput(Throughput::Bytes(wasm.len() as u64)).sample_size(10);
            for (phase, time) in PHASES {
                group.bench_function(BenchmarkId::from_parameter(phase), |bencher| {
                    bencher.iter_custom(|count| (0..count).map(|_| time(&compile(&wasm, &options))).sum());
                });
            }
        }
    }
}

fn compile(wasm: &[u8], options: &Options) -> Phases {
    let output = wasmaot_compiler::compile(black_box(wasm), options, &|_| ()).expect("it is valid");
    black_box(output.bytes);
    output.summary.phases
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    phases(&mut criterion);
    criterion.final_summary();
}
