//! The worst modules that the default limits let pass: for each limit one, and one with all at once.
//!
//! **Invariant: each is at its limit, and what one more of its kind would be is refused.** The suite `worst`
//! checks what does not depend on time, and the benchmark of that name prints the rest.

/// A module at the default limits.
pub(crate) struct Worst {
    /// The limit.
    pub(crate) name: &'static str,
    /// The module as text.
    pub(crate) text: String,
}

/// Pages from one data segment to the next, so far apart that the compiler does not make one run of them.
const STRIDE: usize = 17 * 4096;

fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

fn memories() -> String {
    format!("(memory 2000) {ODD} {}", each(7, |_| "(memory 1)".into()))
}

/// A memory that is no whole number of pages of the host's, so that a segment at its end is not part of an
/// image, nor are those after it.
const ODD: &str = "(memory 4097 (pagesize 1))";

/// Tables that are written when an instance is made, with 100,000 elements in all.
fn tables(count: usize) -> String {
    let elements = 100_000 / count;
    let table = |i| format!("(table (export \"t{i}\") {elements} funcref (ref.func $f))");
    each(count, table)
}

fn globals() -> String {
    each(10_000, |_| "(global (mut i32) (i32.const 7))".into())
}

/// Imported functions, and as many that references can be taken of, `besides` of which there are already.
fn functions(besides: usize) -> (String, String) {
    let imports = each(10_000, |_| "(import \"h\" \"f\" (func))".into());
    (imports, each(10_000 - besides, |i| format!("(func (export \"f{i}\"))")))
}

/// Types that differ, `besides` of which there are already.
fn types(besides: usize) -> String {
    let bit = |i: usize, bit: usize| if i >> bit & 1 == 1 { " i64" } else { " f32" };
    let params = |i: usize| (0..14).map(|at| bit(i, at)).collect::<String>();
    each(10_000 - besides, |i| format!("(type (func (param{})))", params(i)))
}

fn tags() -> String {
    each(1000, |_| "(tag)".into())
}

/// Segments that write a page each when an instance is made, the first in the memory `odd`, and passive ones.
fn segments(odd: usize, written: usize, passive: usize) -> String {
    let first = format!("(data (memory {odd}) (i32.const 4096) \"a\")");
    let written = each(written - 1, |i| format!("(data (i32.const {}) \"a\")", i * STRIDE));
    first + &written + &each(passive, |_| "(data \"a\")".into())
}

/// The most runs of an image that the compiler makes.
const MAX_RUNS: usize = 64;

/// Runs of an image that are a mapping each.
fn runs(count: usize) -> String {
    each(count, |i| format!("(data (i32.const {}) \"{}\")", i * STRIDE, "a".repeat(4000)))
}

const FUNCTION: &str = "(func $f (export \"f\"))";

/// Each limit's module, and the one with all.
pub(crate) fn modules() -> Vec<Worst> {
    let (imports, defined) = functions(1);
    let module = |name, text: &str| Worst { name, text: format!("(module {text} {FUNCTION})") };
    vec![
        module("memories", &memories()),
        module("tables", &tables(32)),
        module("total_elements", &tables(1)),
        module("globals", &globals()),
        module("functions", &format!("{imports} {defined}")),
        module("types", &types(1)),
        module("tags", &tags()),
        module("segments", &format!("{ODD} {}", segments(0, 1, 9999))),
        module("written_pages", &format!("(memory 2000) {ODD} {}", segments(1, 256, 0))),
        module("mappings", &format!("(memory 2000) {}", runs(MAX_RUNS))),
        module(
            "all",
            &[
                types(1),
                imports.clone(),
                memories(),
                tables(32),
                globals(),
                defined.clone(),
                tags(),
                // As many as the mappings of the tables leave room for.
                runs(43),
                segments(1, 256, 9701),
            ]
            .concat(),
        ),
    ]
}
