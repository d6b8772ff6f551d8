//! The WebAssembly modules that instances are made of, and what is called in each.

use std::io;
use std::path::Path;

/// A module, and what a request calls in a fresh instance of it.
pub struct Guest {
    /// Its name in the results.
    pub name: String,
    /// The module in binary format.
    pub wasm: Vec<u8>,
    /// The entry point to call.
    pub entry: Entry,
}

/// What a request calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// The export `run`, with a number of pages to touch.
    Run(i32),
    /// The export `_start` of a WASI program.
    Start,
    /// The same, where functions of WASI do as little as they can: what is left is the guest's own time.
    StartQuiet,
}

/// The module that WASI programs import from.
pub const WASI: &str = "wasi_snapshot_preview1";

/// The export that runs a program of WASI.
pub const START: &str = "_start";

/// What WASI says of a descriptor that there is not.
pub const EBADF: i32 = 8;

/// Pages that `dirty.wat` writes, out of its 1 MiB.
const DIRTY: [i32; 4] = [3, 16, 64, 256];

/// Bytes of the large module's data.
const IMAGE: usize = 10 << 20;

/// Pages of it that a run reads. It writes to half of them.
const IMAGE_READ: i32 = 8;

/// Returns all guests of the benchmark. `programs` is the folder `benchmarks/programs`.
pub fn all(programs: &Path) -> io::Result<Vec<Guest>> {
    let small = programs.join("instances");
    let mut guests =
        vec![Guest { name: "nop".into(), wasm: text(&small.join("nop.wat"))?, entry: Entry::Run(0) }];
    guests.push(hello(programs, Entry::Start)?);
    guests.push(hello(programs, Entry::StartQuiet)?);
    for pages in DIRTY {
        let (name, wasm) = (format!("dirty {pages} pages"), text(&small.join("dirty.wat"))?);
        guests.push(Guest { name, wasm, entry: Entry::Run(pages) });
    }
    let (name, wasm) = ("image of 10 MiB".into(), wat::parse_str(image()).map_err(io::Error::other)?);
    guests.push(Guest { name, wasm, entry: Entry::Run(IMAGE_READ) });
    Ok(guests)
}

/// A WASI program that prints a line.
pub fn hello(programs: &Path, entry: Entry) -> io::Result<Guest> {
    let name = if entry == Entry::StartQuiet { "hello, quiet WASI" } else { "hello" };
    Ok(Guest { name: name.into(), wasm: std::fs::read(programs.join("hello.wasm"))?, entry })
}

/// The module whose functions are called, and call the host, many times in one instance.
pub fn calls(programs: &Path) -> io::Result<Vec<u8>> {
    text(&programs.join("instances/calls.wat"))
}

/// The module whose loops call inside and outside of a `try_table`.
pub fn exceptions(programs: &Path) -> io::Result<Vec<u8>> {
    text(&programs.join("instances/exceptions.wat"))
}

/// The module with a short request and one without end.
pub fn slices(programs: &Path) -> io::Result<Vec<u8>> {
    text(&programs.join("instances/slices.wat"))
}

fn text(path: &Path) -> io::Result<Vec<u8>> {
    wat::parse_file(path).map_err(io::Error::other)
}

/// A module whose memory is full of data: a run reads a word of each of a few pages that are spread over it,
/// and writes to every second one.
fn image() -> String {
    let mut state = 1u64;
    let letters = (0..IMAGE).map(|_| {
        // Marsaglia's xorshift: no two pages are alike and none is empty.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state % 26) as u8)
    });
    let data: String = letters.collect();
    format!(
        r#"(module (memory (export "memory") {pages})
            (data (i32.const 0) "{data}")
            (func (export "run") (param $count i32)
                (local $step i32) (local $at i32) (local $sum i32)
                (local.set $step (i32.div_u (i32.const {IMAGE}) (local.get $count)))
                (loop $next
                    (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
                    (if (i32.and (local.get $count) (i32.const 1))
                        (then (i32.store (local.get $at) (local.get $sum))))
                    (local.set $at (i32.add (local.get $at) (local.get $step)))
                    (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))))"#,
        pages = (IMAGE >> 16) + 1,
    )
}
