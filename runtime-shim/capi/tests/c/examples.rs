//! Runs the examples and compares their output.

use crate::library::{C99, Linked, cargo_build, compile, folder, repository, run, succeeded};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The artifact of an example's guest.
fn guest(name: &str) -> PathBuf {
    let artifact = folder("examples").join(format!("{name}.so"));
    compile(&repository().join(format!("runtime-shim/examples/{name}.wat")), &artifact, false);
    artifact
}

fn in_c(name: &str, linked: Linked) -> Command {
    let source = repository().join(format!("runtime-shim/examples/{name}.c"));
    let program = C99.build(name, &[source], linked).expect("there is a C compiler");
    Command::new(program)
}

fn in_rust(name: &str) -> Command {
    Command::new(cargo_build(name).join(name))
}

#[test]
fn orders_in_c() {
    for linked in [Linked::Statically, Linked::Dynamically] {
        let printed = run(in_c("orders", linked).arg(guest("orders")));
        assert!(
            printed.starts_with("total 1297\nlogged 1297\nwasm trap: out of bounds memory access\n"),
            "{printed}"
        );
    }
}

#[test]
fn orders_in_rust() {
    let printed = run(in_rust("orders").arg(guest("orders")));
    assert!(
        printed.starts_with("total 1297\nlogged [1297]\nwasm trap: out of bounds memory access in "),
        "{printed}"
    );
}

/// Requests: one that is answered, one that traps, one that never ends, an empty one, and again one that is
/// answered.
pub(crate) const REQUESTS: &str = "27\nx\n0\n\n97\n";

pub(crate) const ANSWERS: &str = "\
27: 111 steps, peak 9232
  used 65536 bytes of memory
x: wasm trap: unreachable in parse
  used 65536 bytes of memory
0: wasm trap: deadline exceeded in collatz
  used 65536 bytes of memory
: wasm trap: unreachable in parse
  used 65536 bytes of memory
97: 118 steps, peak 9232
  used 65536 bytes of memory
";

fn serves(mut service: Command) {
    service.arg(guest("faas")).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = service.spawn().expect("it starts");
    let mut input = child.stdin.take().expect("its input");
    input.write_all(REQUESTS.as_bytes()).expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(succeeded(&format!("{service:?}"), &output), ANSWERS);
}

#[test]
fn faas_in_c() {
    serves(in_c("faas", Linked::Statically));
    serves(in_c("faas", Linked::Dynamically));
}

#[test]
fn faas_in_rust() {
    serves(in_rust("faas"));
}
