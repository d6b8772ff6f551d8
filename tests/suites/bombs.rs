//! Small modules that could cost much: what is made of them is in proportion to them, or they are
//! refused by a limit that the error names.
//!
//! Nothing is timed: code bytes, table entries and image bytes are counted instead.

use wasmaot_compiler::{CompileError, Emit, MAX_FUNCTION_SIZE, Options, Output, Summary};
use wasmaot_runtime::{Instance, Linker, ModuleLimits, Store, Val};
use wasmaot_tests::{Guest, files, options, parallel, report, repository};

fn try_compile(wat: &str, options: &Options) -> Result<Output, CompileError> {
    let wasm = wat::parse_str(wat).unwrap_or_else(|e| panic!("{e}"));
    wasmaot_compiler::compile(&wasm, options, &|_| {})
}

fn compile(wat: &str) -> Output {
    try_compile(wat, &options()).unwrap_or_else(|e| panic!("{e}"))
}

fn failure(result: Result<Output, CompileError>) -> CompileError {
    match result {
        Err(error) => error,
        Ok(output) => panic!("it compiles: {:?}", output.summary),
    }
}

/// The error of a module that is beyond the limit on intermediate code, of all functions or of one.
fn refused(wat: &str) -> String {
    let error = failure(try_compile(wat, &options()));
    assert!(matches!(error, CompileError::Limit { .. } | CompileError::FunctionSize { .. }), "{error}");
    error.to_string()
}

const TOO_LARGE: &str = "limit exceeded: values, operands and branch targets of the intermediate code";

/// Real programs have an eighth of the intermediate code that they may have, or less, and so have their
/// functions.
#[test]
fn programs_are_far_from_the_limit() {
    let folders = ["benchmarks/programs", "tests/programs"].map(|folder| repository().join(folder));
    let programs: Vec<_> = folders.iter().flat_map(|folder| files(folder, "wasm")).collect();
    assert!(programs.len() > 5);
    let sizes = parallel(&programs, |path| {
        let wasm = std::fs::read(path).expect("a readable file");
        let output = wasmaot_compiler::compile(&wasm, &options(), &|_| {}).unwrap_or_else(|e| panic!("{e}"));
        let Summary { intermediate_size, largest_function, .. } = output.summary;
        (intermediate_size, largest_function, wasm.len() as u64)
    });
    for (path, (size, largest, bytes)) in programs.iter().zip(sizes) {
        report(format_args!(
            "bombs: {}: {size} of intermediate code in {bytes} bytes, {largest} in one function",
            path.display()
        ));
        assert!(largest <= MAX_FUNCTION_SIZE / 8, "{}: {largest} in one function", path.display());
        assert!(size <= 2 * bytes + 10_000, "{}: {size} in {bytes} bytes", path.display());
    }
}

/// The bytes of a section of an artifact.
fn section(artifact: &[u8], name: &str) -> usize {
    use object::{Object, ObjectSection};
    let file = object::File::parse(artifact).expect("an ELF file");
    file.section_by_name(name).map_or(0, |section| section.data().expect("inside the file").len())
}

/// Returns the concatenation of `text` for each index.
fn each(count: usize, text: impl Fn(usize) -> String) -> String {
    (0..count).map(text).collect()
}

/// A table of branches to one label, which takes `operands` values.
fn branch_table(operands: usize, entries: usize) -> String {
    let (types, gets, drops) =
        (" i32".repeat(operands), "(local.get 0)".repeat(operands), "(drop)".repeat(operands));
    let labels = " 0".repeat(entries);
    format!(
        r#"(module (func (export "f") (param i32)
            (block (result {types}) {gets} (local.get 0) (br_table {labels} 0)) {drops}))"#
    )
}

#[test]
fn entries_of_a_branch_table_share_the_way_to_a_label() {
    let code = |entries| compile(&branch_table(200, entries)).summary.code_bytes;
    let (few, many) = (code(10), code(4010));
    // An entry of the jump table has four bytes.
    assert!(many <= few + 4000 * 4 + 64, "{few} bytes of code, {many} with 4,000 entries more");
}

/// The same where the operands of the label are the values of locals.
#[test]
fn entries_of_a_branch_table_share_what_locals_become() {
    let code = |entries: usize| {
        let (locals, labels) = (100, " 0".repeat(entries));
        let set =
            each(locals, |local| format!("(local.set {local} (i32.load offset={local} (local.get 0)))"));
        let sum = each(locals, |local| format!("(local.get {local}) (i32.add)"));
        let params = " i32".repeat(locals);
        let wat = format!(
            r#"(module (memory 1) (func (export "f") (param {params}) (result i32)
                (block (br_if 0 (local.get 0)) {set} (br_table {labels} 0 (local.get 0)))
                (i32.const 0) {sum}))"#
        );
        compile(&wat).summary.code_bytes
    };
    let (few, many) = (code(10), code(2010));
    assert!(many <= few + 2000 * 4 + 64, "{few} bytes of code, {many} with 2,000 entries more");
}

/// What shared entries do is what each would do on its own.
#[test]
fn a_branch_table_with_repeated_labels_goes_where_it_says() {
    let wat = r#"(module (func (export "f") (param i32) (result i32)
        (block (result i32)
            (block (result i32)
                (br_table 0 1 0 1 0 1 1 (i32.const 10) (local.get 0)))
            (i32.add (i32.const 5)))))"#;
    let mut guest = Guest::new(wat);
    let results = [0, 1, 2, 3, 4, 5, 6, -1].map(|index| guest.i32("f", &[index]));
    assert_eq!(results, [15, 10, 15, 10, 15, 10, 10, 10]);
}

/// Calls inside `try_table`s: each around the next, with a clause that `clause` gives.
fn tries(depth: usize, calls: usize, clause: impl Fn(usize) -> String) -> String {
    let tags = each(depth, |tag| format!("(tag $t{tag})"));
    let open = each(depth, |index| format!("(try_table {} ", clause(index)));
    let (calls, close) = ("(call $e)".repeat(calls), ")".repeat(depth));
    format!(
        r#"(module (import "m" "e" (func $e)) {tags} (func (export "f") (block $out {open} {calls} {close})))"#
    )
}

/// Handlers in the artifact of calls inside `try_table`s.
fn handlers(wat: &str, calls: usize) -> usize {
    const HEAD: usize = 8;
    const SITE: usize = 16;
    const HANDLER: usize = 8;
    (section(&compile(wat).bytes, ".wasmaot.exceptions") - HEAD - calls * SITE) / HANDLER
}

#[test]
fn handlers_behind_one_that_catches_all_are_not_listed() {
    assert_eq!(handlers(&tries(100, 50, |_| "(catch_all $out)".into()), 50), 50);
    assert_eq!(handlers(&tries(100, 50, |_| "(catch $t0 $out)".into()), 50), 50, "nor those of a tag again");
    assert_eq!(handlers(&tries(20, 50, |tag| format!("(catch $t{tag} $out)")), 50), 20 * 50);
}

/// Imports with as many parameters, which are exported or not.
fn imports(count: usize, params: usize, exported: bool) -> String {
    let params = " i32".repeat(params);
    let imports = each(count, |_| r#"(import "m" "e" (func (type $many)))"#.into());
    let export = |index: usize| {
        if exported { format!(r#"(export "e{index}" (func {index}))"#) } else { String::new() }
    };
    let exports = each(count, export);
    format!(r#"(module (type $many (func (param {params}))) {imports} (func (export "f")) {exports})"#)
}

/// An import takes code only where something needs a function of this module in its place.
#[test]
fn imports_that_are_not_referred_to_take_no_code() {
    let code = |count| compile(&imports(count, 10, false)).summary.code_bytes;
    assert_eq!(code(1), code(1000));
    assert!(compile(&imports(1000, 10, true)).summary.code_bytes > 100 * code(1000));
}

#[test]
fn what_types_say_is_too_much_is_refused_before_any_code_is_generated() {
    let wasm = wat::parse_str(imports(300, 1000, true)).expect("it is sound");
    let begun = std::sync::atomic::AtomicBool::new(false);
    let begin = |_| begun.store(true, std::sync::atomic::Ordering::Relaxed);
    let error = failure(wasmaot_compiler::compile(&wasm, &options(), &begin));
    assert!(error.to_string().starts_with(TOO_LARGE), "{error}");
    assert!(!begun.into_inner());
    compile(&imports(300, 1000, false));
}

/// A function with this code, and a parameter.
fn one_function(code: &str) -> String {
    format!(r#"(module (memory 1) (func $large (param i32) {code}))"#)
}

#[test]
fn the_size_of_a_function_is_limited_by_the_options() {
    let wat = one_function("(drop (i32.load (local.get 0)))");
    let with = |most| try_compile(&wat, &Options { max_function_size: Some(most), ..options() });
    let size = compile(&wat).summary.largest_function;
    let output = with(size).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((output.summary.largest_function, output.bytes), (size, compile(&wat).bytes));
    let limit = size - 1;
    assert_eq!(
        failure(with(limit)).to_string(),
        format!(
            "limit exceeded: values, operands and branch targets of the intermediate code of large: {size}, at most {limit}"
        )
    );
}

/// One function may not take whatever its module may: its code is generated in a time that grows with the
/// square of its size.
#[test]
fn the_size_of_a_function_is_limited_by_default() {
    let code = "(drop (i32.load (local.get 0)))".repeat(MAX_FUNCTION_SIZE as usize / 2);
    let begun = std::sync::atomic::AtomicBool::new(false);
    let begin = |_| begun.store(true, std::sync::atomic::Ordering::Relaxed);
    let wasm = wat::parse_str(one_function(&code)).expect("it is sound");
    let error = failure(wasmaot_compiler::compile(&wasm, &options(), &begin));
    assert!(matches!(error, CompileError::FunctionSize { .. }), "{error}");
    assert!(!begun.into_inner());
}

/// What is nested costs no more than what is not, unless these are loops.
#[test]
fn nested_blocks_are_in_proportion() {
    let kinds = [
        ("block ", "end "),
        ("local.get 0 if ", "end "),
        ("local.get 0 if else ", "end "),
        ("try_table ", "end "),
        ("block local.get 0 br_if 0 ", "end "),
        ("local.get 0 i32.load ", "drop "),
    ];
    for (open, close) in kinds {
        let size = |depth| {
            let code = open.repeat(depth) + &close.repeat(depth);
            compile(&one_function(&code)).summary.intermediate_size
        };
        let (few, many) = (size(1000), size(4000));
        assert!(many <= 4 * few, "{open}: {few} of intermediate code at 1,000, {many} at 4,000");
    }
}

/// A table that does not list its labels goes where it says.
#[test]
fn a_branch_table_of_many_labels_goes_where_it_says() {
    const LABELS: usize = 1000;
    let (open, list) = ("block ".repeat(LABELS), each(LABELS, |label| format!(" {label}")));
    let add = |label| format!("end (local.set 1 (i32.add (local.get 1) (i32.const {label})))");
    let mut guest = Guest::new(&format!(
        r#"(module (func (export "f") (param i32) (result i32) (local i32)
            {open} local.get 0 br_table {list} {} local.get 1))"#,
        each(LABELS, add)
    ));
    for index in [0, 1, 500, LABELS - 1, LABELS, LABELS + 1] {
        let from = index.min(LABELS - 1) as i32;
        assert_eq!(guest.i32("f", &[index as i32]), (from..LABELS as i32).sum(), "{index}");
    }
}

/// The code generator looks at each loop around an instruction.
#[test]
fn deeply_nested_loops_are_limited() {
    let nested = |depth: usize| {
        let (open, close) = ("loop ".repeat(depth), "local.get 0 br_if 0 end ".repeat(depth));
        format!(r#"(module (func (export "f") (param i32) {open} {close}))"#)
    };
    compile(&nested(200));
    let error = refused(&nested(5000));
    assert!(error.starts_with(TOO_LARGE), "{error}");
}

#[test]
fn nested_handlers_times_calls_are_limited() {
    let error = refused(&tries(1500, 1500, |tag| format!("(catch $t{tag} $out)")));
    assert!(error.starts_with(TOO_LARGE), "{error}");
    // Also where there is no call at all.
    let error = refused(&tries(3000, 0, |tag| format!("(catch $t{tag} $out)")));
    assert!(error.starts_with(TOO_LARGE), "{error}");
}

/// Locals that differ on each way to a block become operands of it: for a few bytes of code as many
/// as there are locals.
#[test]
fn locals_that_change_in_nested_loops_are_limited() {
    let (locals, depth) = (2000, 2000);
    let params = " i32".repeat(locals);
    let changes =
        each(locals, |local| format!("(local.set {local} (i32.add (local.get {local}) (i32.const 1)))"));
    let (open, close) = ("(loop ".repeat(depth), "(br_if 0 (local.get 0)))".repeat(depth));
    let error = refused(&format!(
        r#"(module (func (export "f") (param i32) (local {params}) {open} {changes} {close}))"#
    ));
    assert!(error.starts_with(TOO_LARGE), "{error}");
}

/// Where locals times blocks are too many, locals lie in the frame. They are what they were otherwise.
#[test]
fn thousands_of_locals_in_thousands_of_blocks_work() {
    let types = ["i32", "i64", "f32", "f64", "v128"];
    let (locals, ifs) = (4000, 8000);
    let ty = |local: usize| types[(local - 1) % types.len()];
    let declared = each(locals, |index| format!(" {}", ty(index + 1)));
    let value = |local: usize| match ty(local) {
        "v128" => format!("(i32x4.splat (i32.const {local}))"),
        ty => format!("({ty}.const {local})"),
    };
    // Each local is set twice.
    let sets = each(ifs, |index| {
        let local = 1 + index % locals;
        format!("(if (local.get 0) (then (local.set {local} {})))", value(local))
    });
    let sum = each(locals, |index| {
        let (local, get) = (index + 1, format!("(local.get {})", index + 1));
        match ty(local) {
            "i32" => format!("{get} (i32.add)"),
            "i64" => format!("(i32.wrap_i64 {get}) (i32.add)"),
            "v128" => format!("(i32x4.extract_lane 3 {get}) (i32.add)"),
            ty => format!("(i32.trunc_{ty}_s {get}) (i32.add)"),
        }
    });
    let wat = format!(
        r#"(module (func (export "f") (param i32) (result i32) (local {declared})
            (loop {sets} (local.set 0 (i32.sub (local.get 0) (i32.const 1))) (br_if 0 (i32.gt_s (local.get 0) (i32.const 0))))
            (i32.const 0) {sum}))"#
    );
    let mut guest = Guest::new(&wat);
    assert_eq!(guest.i32("f", &[0]), 0);
    assert_eq!(guest.i32("f", &[2]), (1..=locals as i32).sum());
}

#[test]
fn calls_that_pass_many_values_are_limited() {
    let (types, zeros) = (" i32".repeat(1000), "(i32.const 0)".repeat(1000));
    let (calls, drops) = ("(call $e)".repeat(5000), "(drop)".repeat(1000));
    let wat = format!(
        r#"(module (import "m" "e" (func $e (param {types}) (result {types})))
            (func (export "f") {zeros} {calls} {drops}))"#
    );
    let error = refused(&wat);
    assert!(error.starts_with(TOO_LARGE), "{error}");
}

/// Each function handles all parameters of its type, and takes a few bytes.
#[test]
fn functions_of_many_parameters_are_limited() {
    let types = " i64".repeat(1000);
    let functions = "(func (type 0))".repeat(3000);
    let error = refused(&format!("(module (type (func (param {types}))) {functions})"));
    assert!(error.starts_with(TOO_LARGE), "{error}");
}

/// Segments of a byte, `stride` bytes apart.
fn sparse(count: usize, stride: usize) -> String {
    let pages = (count * stride).div_ceil(65_536);
    let data =
        each(count, |index| format!(r#"(data (i32.const {}) "\{:02x}")"#, index * stride, index % 255 + 1));
    format!(
        r#"(module (memory {pages}) {data}
            (func (export "at") (param i32) (result i32) (i32.load8_u (local.get 0))))"#
    )
}

#[test]
fn the_image_of_sparse_data_is_not_larger_than_it_is_worth() {
    for (count, stride) in [(1000, 61_440), (2000, 69_632)] {
        let output = compile(&sparse(count, stride));
        assert!(output.summary.image_bytes <= 1 << 20, "{} bytes", output.summary.image_bytes);
        let module = wasmaot_tests::load(&output.bytes).expect("a sound artifact");
        let runs: usize = module.descriptor().memories.iter().map(|memory| memory.image.len()).sum();
        assert!(runs <= 64, "{runs} runs");
        // Whatever the image does not hold is written when the instance is made.
        let mut store = Store::new(());
        let mut linker = Linker::new();
        linker.set_module_limits(ModuleLimits { written_pages: 2000, ..ModuleLimits::default() });
        let instance = linker.instantiate(&mut store, &module).expect("it imports nothing");
        for index in 0..count {
            let mut at = |offset: usize| read(&mut store, instance, index * stride + offset);
            assert_eq!([at(0), at(1)], [(index % 255 + 1) as i32, 0], "segment {index}");
        }
    }
}

fn read(store: &mut Store<()>, instance: Instance, address: usize) -> i32 {
    match instance.call(store, "at", &[Val::I32(address as i32)]).as_deref() {
        Ok([Val::I32(value)]) => *value,
        other => panic!("{other:?}"),
    }
}

/// Segments overlap across what the image holds and what it does not: the last one wins.
#[test]
fn order_holds_between_sparse_segments() {
    let filler = each(600, |index| format!(r#"(data (i32.const {}) "a")"#, index * 61_440));
    let wat = format!(
        r#"(module (memory 700) {filler}
            (data (i32.const 61440) "bcd") (data (i32.const 61441) "X")
            (data (i32.const 45000000) "bcd") (data (i32.const 45000001) "X")
            (func (export "at") (param i32) (result i32) (i32.load8_u (local.get 0))))"#
    );
    let mut linker = Linker::new();
    linker.set_module_limits(ModuleLimits { written_pages: 1000, ..ModuleLimits::default() });
    let mut guest = Guest::with_linker(&wat, &linker);
    for start in [61_440, 45_000_000] {
        let bytes = [0, 1, 2].map(|offset| guest.i32("at", &[start + offset]) as u8);
        assert_eq!(&bytes, b"bXd", "at {start}");
    }
}

/// Each global's value is twice that of the one before: evaluated from the start each time, that
/// doubles the work, too.
#[test]
fn constant_globals_are_evaluated_once() {
    let globals =
        each(200, |index| format!("(global i32 (i32.add (global.get {index}) (global.get {index})))"));
    let wat = format!(
        r#"(module (global i32 (i32.const 1)) {globals}
            (func (export "f") (result i32) (global.get 31))
            (func (export "g") (result i32) (global.get 200)))"#
    );
    let mut guest = Guest::new(&wat);
    assert_eq!([guest.i32("f", &[]), guest.i32("g", &[])], [i32::MIN, 0]);
}

/// A chain of this length is no recursion of this depth.
#[test]
fn a_long_chain_of_globals_takes_no_stack() {
    let globals = each(100_000, |index| format!("(global i32 (global.get {index}))"));
    let wat = format!(
        r#"(module (global i32 (i32.const 7)) {globals}
            (func (export "f") (result i32) (global.get 100000)))"#
    );
    let mut linker = Linker::new();
    linker.set_module_limits(ModuleLimits { globals: 100_001, ..ModuleLimits::default() });
    assert_eq!(Guest::with_linker(&wat, &linker).i32("f", &[]), 7);
}

#[test]
fn memory_is_limited_if_that_is_asked_for() {
    let wat = branch_table(100, 100);
    let with = |max_memory| try_compile(&wat, &Options { max_memory: Some(max_memory), ..options() });
    let error = failure(with(10_000));
    assert!(
        error.to_string().starts_with("limit exceeded: bytes of memory for the compilation: "),
        "{error}"
    );
    let limited = with(64 << 20).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(limited.bytes, compile(&wat).bytes, "a limit that holds changes nothing");
}

#[test]
fn time_is_limited_if_that_is_asked_for() {
    let wat = branch_table(1, 1);
    let with = |timeout| try_compile(&wat, &Options { timeout: Some(timeout), ..options() });
    let error = failure(with(std::time::Duration::ZERO));
    assert!(matches!(error, CompileError::Timeout { .. }), "{error}");
    with(std::time::Duration::from_secs(3600)).unwrap_or_else(|e| panic!("{e}"));
}

/// The masks that a vector of bytes is shifted with lie where a jump table might.
#[test]
fn listings_of_shifted_vectors_end() {
    let wat = r#"(module (func (export "f") (param v128 i32) (result v128)
        (i8x16.shl (local.get 0) (local.get 1))))"#;
    let listing =
        try_compile(wat, &Options { emit: Emit::Asm, ..options() }).unwrap_or_else(|e| panic!("{e}"));
    let listing = String::from_utf8(listing.bytes).expect("text");
    assert!(listing.contains(".byte 0xff"), "{listing}");
}
