//! What the design promises of machine code.

use super::file::Golden;
use super::folder;
use wasmaot_abi::slot;
use wasmaot_compiler::{Emit, Options};

/// The machine code of a golden file's module.
fn listing(module: &str) -> String {
    Golden::read(&folder().join(module).with_extension("wat")).listing(Emit::Asm)
}

/// The machine instructions of a function, without offsets and notes, and without the frame's set-up and
/// take-down.
fn code(module: &str, function: &str) -> Vec<String> {
    let text = listing(module);
    let instructions = instructions(&text, function);
    assert!(!instructions.is_empty(), "{module} has no function {function}");
    const FRAME: [&str; 5] = ["push rbp", "mov rbp, rsp", "mov rsp, rbp", "pop rbp", "ret"];
    instructions.into_iter().filter(|line| !FRAME.contains(&line.as_str())).collect()
}

/// All machine instructions of a function: lines are `OFFSET:  INSTRUCTION  ; NOTES`.
fn instructions(listing: &str, function: &str) -> Vec<String> {
    let title = format!("{function}:");
    let lines = listing.lines().skip_while(|line| *line != title).skip(1);
    let body = lines.take_while(|line| !line.is_empty()).map(|line| {
        let (_, instruction) = line.split_once(":  ").unwrap_or_else(|| panic!("not an instruction: {line}"));
        instruction.split(';').next().unwrap_or(instruction).trim().to_string()
    });
    body.collect()
}

fn memory_accesses(code: &[String]) -> Vec<&String> {
    code.iter().filter(|line| line.contains('[') && !line.starts_with("lea")).collect()
}

fn is_conditional(line: &str) -> bool {
    line.starts_with('j') && !line.starts_with("jmp")
}

fn checks(code: &[String]) -> usize {
    let words = ["cmp", "test", "ud2", "cmov"];
    code.iter().filter(|line| is_conditional(line) || words.iter().any(|word| line.starts_with(word))).count()
}

/// Checks how many instructions of a function access memory, and how many check or branch. Returns its code.
#[track_caller]
fn check(module: &str, function: &str, expected: (usize, usize)) -> Vec<String> {
    let code = code(module, function);
    assert_eq!((memory_accesses(&code).len(), checks(&code)), expected, "{function}: {code:#?}");
    code
}

/// The count stays in its register, and is written as rarely as may be.
#[test]
fn counting_is_an_addition_where_a_row_ends() {
    for (function, additions, accesses) in [("sum", 2, 1), ("choose", 2, 0)] {
        let code = code("metered", function);
        let written = code.iter().filter(|line| line.starts_with("mov r15,")).count();
        assert_eq!((written, memory_accesses(&code).len()), (additions, accesses), "{function}: {code:#?}");
    }
}

#[test]
fn a_heap_access_is_one_instruction_without_a_check() {
    for (module, function) in [
        ("heap_load", "load"),
        ("heap_load", "load8"),
        ("heap_load", "float"),
        ("heap_store", "store"),
        ("heap_store", "store8"),
        ("heap_offset", "below"),
        ("vectors", "load"),
        ("vectors", "store"),
    ] {
        let code = check(module, function, (1, 0));
        assert!(memory_accesses(&code)[0].contains("[rdi+r"), "the access is relative to vmctx: {code:#?}");
        // The other one extends the index.
        assert_eq!(code.len(), 2, "{function}: {code:#?}");
    }
}

#[test]
fn an_offset_of_two_gibibytes_is_added_apart_without_a_check() {
    check("heap_offset", "above", (1, 0));
}

#[test]
fn a_direct_call_is_one_call() {
    let code = check("call_direct", "caller", (0, 0));
    let calls: Vec<_> = code.iter().filter(|line| line.starts_with("call")).collect();
    assert_eq!(calls.len(), 1, "{code:#?}");
    assert!(calls[0].starts_with("call 0x"), "the call is direct: {code:#?}");
}

#[test]
fn no_prologue_checks_the_stack() {
    let text = listing("call_recursive");
    let code = instructions(&text, "fib");
    // Up to the first use of the parameter.
    let prologue: Vec<&String> = code.iter().take_while(|line| !line.contains("esi")).collect();
    assert!(prologue.len() >= 2, "{code:#?}");
    for line in prologue {
        assert!(!is_conditional(line) && !line.starts_with("call"), "{code:#?}");
        assert!(!line.contains("[rdi"), "no limit is loaded: {code:#?}");
    }
}

#[test]
fn a_large_frame_is_probed() {
    // This many values that are live across a call need a frame of two probes.
    let locals = 1..=slot::STACK_PROBE as usize / 4;
    let loads: String =
        locals.clone().map(|n| format!("(local.set {n} (i64.load offset={n} (local.get 0)))")).collect();
    let sums: String = locals.clone().map(|n| format!("(i64.add (local.get {n}))")).collect();
    let wasm = wat::parse_str(format!(
        "(module (memory 1) (func $leaf)
           (func $many (param i32) (result i64) (local {}) {loads} (call $leaf) (i64.const 0) {sums}))",
        "i64 ".repeat(locals.count())
    ));
    let options = Options { emit: Emit::Asm, ..wasmaot_tests::options() };
    let output =
        wasmaot_compiler::compile(&wasm.expect("valid text"), &options, &|_| {}).expect("a valid module");
    let text = String::from_utf8(output.bytes).expect("listings are UTF-8");
    let code = instructions(&text, "many");
    // Each touches the stack below the frame's bottom so far.
    let probes = code.iter().take_while(|line| !line.contains("rdi")).filter(|line| line.contains("[rsp"));
    assert!(probes.count() >= 2, "{:#?}", &code[..20]);
}

#[test]
fn a_constant_table_needs_nothing_of_the_instance() {
    let code = code("call_indirect_constant", "caller");
    assert!(code.iter().filter(|line| line.starts_with("call")).count() == 1, "{code:#?}");
    assert!(!code.iter().any(|line| line.contains("[rdi")), "nothing is loaded through vmctx: {code:#?}");
}

#[test]
fn an_immutable_global_is_a_constant() {
    let code = code("globals", "get_constant");
    assert_eq!(code.len(), 1, "{code:#?}");
    assert_eq!(code[0], "mov eax, 0x4d2");
}

#[test]
fn a_mutable_global_is_one_access() {
    for function in ["get_mutable", "set_mutable"] {
        let code = check("globals", function, (1, 0));
        assert_eq!(code.len(), 1, "{code:#?}");
    }
}

/// Changes of the lanes' type and `v128`s on the operand stack leave no trace.
#[test]
fn vector_operators_are_one_instruction_each() {
    for (function, instructions) in
        [("add", 1), ("chain", 2), ("floor", 1), ("reverse", 1), ("multiply_add", 2)]
    {
        let code = code("vectors", function);
        let code: Vec<&String> = code.iter().filter(|line| !line.starts_with(".byte")).collect();
        assert_eq!(code.len(), instructions, "{code:#?}");
    }
}

#[test]
fn the_memory_size_is_one_load() {
    let code = check("memory_size", "size", (1, 0));
    assert_eq!(code.len(), 2, "{code:#?}");
    assert!(code[1].starts_with("shr"), "{code:#?}");
}

#[test]
fn a_further_memory_costs_one_load() {
    check("memory_further", "load", (2, 0));
}

#[test]
fn a_small_64_bit_memory_is_checked_without_its_length() {
    for function in ["load", "store8"] {
        let code = code("memory64_small", function);
        assert_eq!(memory_accesses(&code).len(), 1, "{code:#?}");
        assert!(
            code.iter().any(|line| line.starts_with("cmov")),
            "the check holds under speculation: {code:#?}"
        );
        assert!(!code.iter().any(|line| is_conditional(line)), "{code:#?}");
    }
}

#[test]
fn checks_against_a_length_hold_under_speculation() {
    for (module, function, guards) in
        [("memory64_large", "load", 1), ("memory64_large", "far", 2), ("memory_byte_pages", "load", 2)]
    {
        let code = code(module, function);
        assert_eq!(code.iter().filter(|line| line.starts_with("cmov")).count(), guards, "{code:#?}");
        assert!(!code.iter().any(|line| is_conditional(line)), "{code:#?}");
    }
}

#[test]
fn atomic_operators_are_locked() {
    for (function, instruction) in [("add", "lock xadd"), ("cmpxchg16", "lock cmpxchg")] {
        let code = code("atomics", function);
        assert!(code.iter().any(|line| line.starts_with(instruction)), "{code:#?}");
    }
    assert_eq!(code("atomics", "fence"), ["mfence"]);
}

/// The instructions of a function from where its only backward branch leads up to that branch.
fn loop_of(module: &str, function: &str) -> Vec<String> {
    let (text, title) = (listing(module), format!("{function}:"));
    let body = text.lines().skip_while(|line| *line != title).skip(1).take_while(|line| !line.is_empty());
    let lines: Vec<(u64, &str)> = body
        .filter_map(|line| line.split_once(":  "))
        .map(|(at, rest)| (u64::from_str_radix(at.trim(), 16).expect("an offset"), rest.trim()))
        .collect();
    let backward = lines.iter().find_map(|&(at, line)| {
        let (_, target) = line.strip_prefix('j')?.split_once(" 0x")?;
        let target = u64::from_str_radix(target.split_whitespace().next()?, 16).ok()?;
        (target <= at).then_some((target, at))
    });
    let (first, last) = backward.expect("a loop");
    let inside = lines.iter().filter(|(at, _)| (first..=last).contains(at));
    inside.map(|&(_, line)| line.to_string()).collect()
}

#[test]
fn a_rotation_by_bytes_is_one_instruction() {
    for function in ["by_two_bytes", "by_a_byte_right_first", "words"] {
        let mut code = code("opt_rotates", function);
        code.retain(|line| !line.starts_with(".byte"));
        assert!(code.len() == 1 && code[0].starts_with("pshufb"), "{function}: {code:#?}");
    }
    for function in ["by_seven_bits", "of_two_vectors", "of_two_widths", "with_sign"] {
        let code = code("opt_rotates", function);
        assert!(code.iter().any(|line| line.starts_with("psll")), "{function}: {code:#?}");
    }
}

#[test]
fn factors_are_not_kept_in_the_frame() {
    let code = code("opt_order", "twenty_products");
    assert!(!code.iter().any(|line| line.contains("[rsp")), "{code:#?}");
}

#[test]
fn a_loop_keeps_what_it_uses_in_registers() {
    let code = loop_of("opt_carry", "sum");
    assert_eq!(memory_accesses(&code).len(), 1, "{code:#?}");
}
