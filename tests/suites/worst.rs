//! The worst modules that the default limits let pass: what each takes of the process, as far as that does
//! not depend on time. And what modules leave behind that are closed.
//!
//! **Each module is looked at in a process of its own**, so that what it takes can be told from everything
//! else.

#[path = "../../benchmarks/src/worst.rs"]
mod modules;

use modules::{Worst, modules};
use std::fs;
use std::process::Command;
use wasmaot_runtime::{Caller, Linker, Pool, PoolConfig};
use wasmaot_tests::{compile_wat, report};

const CASE: &str = "WASMAOT_TEST_WORST";

/// Runs the test of this name again in a process of its own, unless this is that process: then `case` runs.
fn in_a_child(test: &str, case: &str, run: impl FnOnce()) {
    match std::env::var(CASE) {
        Ok(wanted) if wanted == case => return run(),
        Ok(_) => return,
        Err(_) => {}
    }
    let mut child = Command::new(std::env::current_exe().expect("it runs"));
    child.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(CASE, case);
    let output = child.output().expect("the child runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{case}: {text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines().filter(|line| line.starts_with("worst: ")).for_each(report);
}

/// What a process takes.
#[derive(Clone, Copy)]
struct Taken {
    addresses: u64,
    mappings: u64,
    private: u64,
}

impl Taken {
    fn now() -> Self {
        let maps = fs::read_to_string("/proc/self/maps").expect("mappings");
        let size = |line: &str| {
            let (start, end) =
                line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
            let number = |text| u64::from_str_radix(text, 16).expect("an address");
            number(end) - number(start)
        };
        let private = fs::read_to_string("/proc/self/smaps_rollup").expect("a summary");
        let private = private.lines().filter(|line| line.starts_with("Private_")).map(|line| {
            line.split_whitespace().nth(1).and_then(|number| number.parse::<u64>().ok()).expect("a number")
        });
        Self {
            addresses: maps.lines().map(size).sum(),
            mappings: maps.lines().count() as u64,
            private: private.sum::<u64>() * 1024,
        }
    }

    fn since(self, before: Self) -> Self {
        Self {
            addresses: self.addresses.saturating_sub(before.addresses),
            mappings: self.mappings.saturating_sub(before.mappings),
            private: self.private.saturating_sub(before.private),
        }
    }
}

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    linker.func_wrap("h", "f", |_: &mut Caller<'_, ()>| ()).expect("a new name");
    linker
}

fn check(Worst { name, text }: Worst) {
    let artifact = compile_wat(&text);
    drop(text);
    let module = wasmaot_tests::load(&artifact).expect("the module is sound");
    drop(artifact);
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool");
    let before = Taken::now();
    let linked = linker().instantiate_pre(&module).expect("it is within the limits");
    for _ in 0..3 {
        let mut instance = pool.start(&linked, ()).expect("it is within the limits");
        instance.call("f", &[]).expect("it returns");
        let Taken { addresses, mappings, private } = Taken::now().since(before);
        // The slot is the pool's.
        let addresses = addresses + (8 << 30) + (32 << 20);
        report(format_args!(
            "worst: {name}: {} MiB of addresses, {mappings} mappings, {} KiB",
            addresses >> 20,
            private >> 10
        ));
        assert!(addresses <= 80 << 30, "{name}: {addresses:#x} bytes of addresses");
        assert!(mappings <= 200, "{name}: {mappings} mappings");
        assert!(private <= 64 << 20, "{name}: {private} private bytes");
        fs::File::open("/dev/null").expect("the host opens files");
        let memory = vec![1u8; 64 << 20];
        std::thread::spawn(move || memory.len()).join().expect("the host makes threads");
    }
    assert_eq!(pool.stats().failed, 0);
}

#[test]
fn the_worst_modules_stay_within_what_an_instance_may_take() {
    for worst in modules() {
        let name = worst.name;
        in_a_child("the_worst_modules_stay_within_what_an_instance_may_take", name, || check(worst));
    }
}

/// A module with types that no other index has.
fn with_types(index: usize) -> Vec<u8> {
    let bit = |type_index: usize, bit: usize| {
        if (index * 20 + type_index) >> bit & 1 == 1 { " i64" } else { " f64" }
    };
    let ty = |i: usize| format!("(type (func (param{})))", (0..20).map(|at| bit(i, at)).collect::<String>());
    let types: String = (0..20).map(ty).collect();
    compile_wat(&format!("(module {types} (func (export \"f\")))"))
}

#[test]
fn closed_modules_leave_no_types_behind() {
    in_a_child("closed_modules_leave_no_types_behind", "types", || {
        let artifacts: Vec<_> = (0..1100).map(with_types).collect();
        let open = |artifact: &Vec<u8>| {
            let module = wasmaot_tests::load(artifact).expect("the module is sound");
            linker().instantiate_pre(&module).expect("it imports nothing");
        };
        // What the allocator keeps for later.
        artifacts[..100].iter().for_each(open);
        let before = Taken::now();
        artifacts[100..].iter().for_each(open);
        let more = Taken::now().since(before).private;
        report(format_args!("worst: 1000 modules with 20 types each leave {} KiB", more >> 10));
        assert!(more <= 5 << 20, "{more} bytes");
    });
}
