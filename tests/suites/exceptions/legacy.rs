//! The legacy form: `try` with `catch`, `catch_all` and `delegate`, and `rethrow`, under all variants of options.

use super::exception;
use wasmaot_runtime::{Linker, Module, Store, TrapCode, Val};
use wasmaot_tests::{trap_code, variants};

/// Each line `;; run: NAME ARGUMENT... -> RESULT` is a call of `i32`s; the result may also be `trap` or `throws VALUE...`.
const CASES: &str = r#"(module
  (tag $a) (tag $i (param i32)) (tag $many (param i32 i64 f32 f64))
  (type $void (func)) (type $ii (func (param i32) (result i32)))
  (table funcref (elem $throw_a $throw_i_7))
  (global $trace (mut i32) (i32.const 0))
  (func $note (param i32)
    (global.set $trace (i32.add (i32.mul (global.get $trace) (i32.const 10)) (local.get 0))))
  (func $throw_a (throw $a))
  (func $throw_i (param i32) (throw $i (local.get 0)))
  (func $throw_i_7 (throw $i (i32.const 7)))
  ;; Throws nothing for 0, $a for 1, $i for 2, $many for 3; traps for 4.
  (func $throw_if (param i32)
    (block (block (block (block (block
      (br_table 0 1 2 3 4 (local.get 0)))
      (return)) (throw $a)) (throw $i (i32.const 20)))
      (throw $many (i32.const 30) (i64.const 31) (f32.const 32) (f64.const 33)))
    (unreachable))

  ;; run: caught 0 -> 100
  ;; run: caught 1 -> 1
  ;; run: caught 2 -> 20
  ;; run: caught 3 -> 126
  ;; run: caught 4 -> trap
  (func (export "caught") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 100)
      catch $a (i32.const 1)
      catch $i
      catch $many (i32.trunc_f64_s) (local.set 0)
        (i32.trunc_f32_s) (local.get 0) (i32.add) (local.set 0)
        (i32.wrap_i64) (local.get 0) (i32.add) (i32.add) end)

  ;; run: all 0 -> 0
  ;; run: all 1 -> 9
  ;; run: all 2 -> 5
  ;; run: all 3 -> 9
  (func (export "all") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0)
      catch $i (drop) (i32.const 5)
      catch_all (i32.const 9) end)

  ;; The first clause that matches wins, also if a later one does too.
  ;; run: first 2 -> 21
  (func (export "first") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0)
      catch $i (i32.const 1) (i32.add)
      catch $i (i32.const 2) (i32.add)
      catch_all (i32.const 9) end)

  ;; run: no_clause 0 -> 3
  ;; run: no_clause 2 -> throws 20
  (func (export "no_clause") (param i32) (result i32)
    try (call $throw_if (local.get 0)) end (i32.const 3))

  ;; run: in_own_frame 5 -> 6
  (func (export "in_own_frame") (param i32) (result i32)
    try (result i32) (throw $i (local.get 0))
      catch $i (i32.const 1) (i32.add) end)

  ;; A try takes parameters and keeps what lies below them.
  ;; run: operands 0 -> 1005
  ;; run: operands 2 -> 1020
  (func (export "operands") (param i32) (result i32)
    (i32.const 1000)
    (i32.const 5)
    try (param i32) (result i32) (call $throw_if (local.get 0))
      catch $i end
    (i32.add))

  ;; What was set before the throw is seen in the clause.
  ;; run: locals 1 -> 12
  ;; run: locals 0 -> 3
  (func (export "locals") (param i32) (result i32) (local i32)
    (local.set 1 (i32.const 1))
    try (local.set 1 (i32.const 2))
        (call $throw_if (local.get 0))
        (local.set 1 (i32.const 3))
      catch_all (local.set 1 (i32.add (local.get 1) (i32.const 10))) end
    (local.get 1))

  ;; A clause does not catch what it throws itself; the try around it does.
  ;; run: throw_in_clause -> 8
  (func (export "throw_in_clause") (result i32)
    try (result i32) try (result i32) (throw $a)
          catch $a (throw $i (i32.const 8))
          catch $i (drop) (i32.const -1) end
      catch $i end)

  ;; run: rethrow 1 -> 12
  ;; run: rethrow 2 -> 132
  ;; run: rethrow 0 -> 0
  (func (export "rethrow") (param i32) (result i32)
    (global.set $trace (i32.const 0))
    try try (call $throw_if (local.get 0))
          catch $a (call $note (i32.const 1)) (rethrow 0)
          catch_all (call $note (i32.const 1)) (call $note (i32.const 3)) (rethrow 0) end
      catch_all (call $note (i32.const 2)) end
    (global.get $trace))

  ;; The values go along.
  ;; run: rethrow_value -> 7
  (func (export "rethrow_value") (result i32)
    try (result i32) try (result i32) (call $throw_i_7) (i32.const 0)
        catch $i (drop) (rethrow 0) end
      catch $i end)

  ;; Depth 0 is the inner exception, depth 1 (or 2, with a block between) the outer.
  ;; run: rethrow_depth 0 -> 2
  ;; run: rethrow_depth 1 -> 1
  ;; run: rethrow_depth 2 -> 1
  (func (export "rethrow_depth") (param i32) (result i32)
    try (result i32) try (result i32) (throw $i (i32.const 1))
          catch $i (drop)
            try (result i32) (throw $i (i32.const 2))
              catch_all (if (i32.eqz (local.get 0)) (then (rethrow 1)))
                (if (i32.eq (local.get 0) (i32.const 1)) (then (rethrow 2)))
                (block (loop (rethrow 3)))
                (unreachable) end end
      catch $i end)

  ;; From inside the body of a try in a clause; that try's own clauses come first.
  ;; run: rethrow_into_inner -> 51
  (func (export "rethrow_into_inner") (result i32)
    try (result i32) (throw $i (i32.const 1))
      catch $i (drop)
        try (result i32) (rethrow 1)
          catch $i (i32.const 50) (i32.add) end end)

  ;; run: delegate 1 -> 1
  ;; run: delegate 2 -> 20
  ;; run: delegate 0 -> 0
  (func (export "delegate") (param i32) (result i32)
    try $outer (result i32) try (result i32) try (result i32) (call $throw_if (local.get 0)) (i32.const 0)
              delegate $outer
          catch_all (i32.const -1) end
      catch $a (i32.const 1)
      catch $i end)

  ;; To the label of a block: what is around that block.
  ;; run: delegate_to_block -> 1
  (func (export "delegate_to_block") (result i32)
    try (result i32) (block $out (result i32)
          try (result i32) try (result i32) (throw $a)
                delegate $out
            catch_all (i32.const -1) end)
      catch_all (i32.const 1) end)

  ;; To the try right around it, and to itself counted from outside.
  ;; run: delegate_0 -> 1
  (func (export "delegate_0") (result i32)
    try (result i32) try (result i32) (call $throw_a) (i32.const 0) delegate 0
      catch_all (i32.const 1) end)

  ;; To the function: past all tries, to the caller.
  ;; run: delegate_to_caller -> 60
  (func $past_all
    try try (call $throw_i (i32.const 60)) delegate 1
      catch_all end)
  (func (export "delegate_to_caller") (result i32)
    try (result i32) (call $past_all) (i32.const 0) catch $i end)

  ;; A label of a try whose clause runs stands for what is around that try.
  ;; run: delegate_from_clause -> 4
  (func (export "delegate_from_clause") (result i32)
    try (result i32) try $done (result i32) (throw $a)
          catch $a try (result i32) try (result i32) (throw $i (i32.const 4)) delegate $done
              catch_all (i32.const -1) end
          catch_all (i32.const -2) end
      catch $i end)

  ;; Delegates that meet: each goes on from its label.
  ;; run: delegate_chain -> 3
  (func (export "delegate_chain") (result i32)
    try $outer (result i32) try (result i32) try $middle (result i32) try (result i32) try (result i32) (call $throw_a) (i32.const 0) delegate $middle
                  catch_all (i32.const -1) end
              delegate $outer
          catch_all (i32.const -2) end
      catch_all (i32.const 3) end)

  ;; run: inner_try_in_delegate -> 2
  (func (export "inner_try_in_delegate") (result i32)
    try (result i32) try (result i32) try (result i32) (call $throw_a) (i32.const 0) catch $a (i32.const 2) end
          delegate 0
      catch_all (i32.const -1) end)

  ;; Sums 1 to n, every third thrown, every fifth by a branch out of the try.
  ;; run: loop 10 -> 55
  ;; run: loop 1000 -> 500500
  (func (export "loop") (param $n i32) (result i32) (local $sum i32)
    (loop $again
      try (if (i32.eqz (i32.rem_u (local.get $n) (i32.const 3))) (then (call $throw_i (local.get $n))))
          (local.set $sum (i32.add (local.get $sum) (local.get $n)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (i32.and (i32.eqz (i32.rem_u (local.get $n) (i32.const 5))) (i32.ne (local.get $n) (i32.const 0))))
        catch $i (local.set $sum (i32.add (local.get $sum)))
          (local.set $n (i32.sub (local.get $n) (i32.const 1)))
          (br_if $again (local.get $n)) end
      (br_if $again (local.get $n)))
    (local.get $sum))

  ;; Branches out of a clause, with values, and returns from the body.
  ;; run: branch_out 2 -> 21
  ;; run: branch_out 1 -> 5
  ;; run: branch_out 0 -> 77
  (func (export "branch_out") (param i32) (result i32)
    (block $out (result i32)
      try (call $throw_if (local.get 0)) (return (i32.const 77))
        catch $i (br $out (i32.add (i32.const 1)))
        catch_all (br $out (i32.const 5)) end
      (i32.const -1)))

  ;; run: through_table 0 -> 1
  ;; run: through_table 1 -> 7
  (func (export "through_table") (param i32) (result i32)
    try (result i32) (call_indirect (type $void) (local.get 0)) (i32.const 0)
      catch $a (i32.const 1)
      catch $i end)

  ;; Frames without a try are passed, whatever they hold.
  ;; run: deep 1 -> 9
  ;; run: deep 1000 -> 9
  (func $descend (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (throw $i (i32.const 9))))
    (i32.add (call $descend (i32.sub (local.get 0) (i32.const 1))) (local.get 0)))
  (func (export "deep") (param i32) (result i32)
    try (result i32) (call $descend (local.get 0)) catch $i end)

  ;; Many values alive across the call, of all kinds.
  ;; run: alive 0 -> 36
  ;; run: alive 1 -> 36
  (func (export "alive") (param i32) (result i32)
    (local i32 i64 f32 f64 i32 i64 f32 f64)
    (local.set 1 (i32.add (local.get 0) (i32.const 1)))
    (local.set 2 (i64.extend_i32_u (i32.add (local.get 0) (i32.const 2))))
    (local.set 3 (f32.convert_i32_u (i32.add (local.get 0) (i32.const 3))))
    (local.set 4 (f64.convert_i32_u (i32.add (local.get 0) (i32.const 4))))
    (local.set 5 (i32.add (local.get 0) (i32.const 5)))
    (local.set 6 (i64.extend_i32_u (i32.add (local.get 0) (i32.const 6))))
    (local.set 7 (f32.convert_i32_u (i32.add (local.get 0) (i32.const 7))))
    (local.set 8 (f64.convert_i32_u (i32.add (local.get 0) (i32.const 8))))
    try (call $throw_if (local.get 0)) catch_all end
    (i32.add (i32.add (i32.add (local.get 1) (i32.wrap_i64 (local.get 2)))
      (i32.add (i32.trunc_f32_s (local.get 3)) (i32.trunc_f64_s (local.get 4))))
      (i32.add (i32.add (local.get 5) (i32.wrap_i64 (local.get 6)))
      (i32.add (i32.trunc_f32_s (local.get 7)) (i32.trunc_f64_s (local.get 8)))))
    (i32.mul (local.get 0) (i32.const 8))
    (i32.sub))

  ;; Code that cannot be reached, with tries in it, also unfinished by the validator's rules.
  ;; run: dead -> 6
  (func (export "dead") (result i32)
    (block $out (result i32)
      (br $out (i32.const 6))
      try (result i32) try (result i32) (throw $a) delegate 0
        catch $i (drop) try (rethrow 1) catch_all end (i32.const 0)
        catch_all (rethrow 0) end))

  ;; A clause that nothing can reach, because the body calls nothing.
  ;; run: idle -> 5
  (func (export "idle") (result i32)
    try (result i32) (i32.const 5)
      catch $i (call $note) try (result i32) (rethrow 1) catch_all (i32.const 1) end
      catch_all (rethrow 0) end)

  ;; run: uncaught 1 -> throws
  ;; run: uncaught 2 -> throws 20
  ;; run: uncaught 3 -> throws 30 31 32.0 33.0
  (func (export "uncaught") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0) catch_all (rethrow 0) end)

  ;; A trap is no exception.
  ;; run: trap_passes 4 -> trap
  (func (export "trap_passes") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0) catch_all (i32.const 1) end)
)"#;

#[test]
fn all_cases_under_all_options() {
    let wasm = wat::parse_str(CASES).unwrap_or_else(|e| panic!("{e}"));
    let runs: Vec<&str> = CASES.lines().filter_map(|line| line.trim().strip_prefix(";; run: ")).collect();
    assert!(runs.len() > 50);
    for (variant, options) in variants() {
        let artifact = wasmaot_compiler::compile(&wasm, &options, &|_| {}).unwrap_or_else(|e| panic!("{e}"));
        let module = Module::from_bytes(&artifact.bytes).unwrap_or_else(|e| panic!("{e}"));
        let mut store = Store::new(());
        let instance = Linker::new().instantiate(&mut store, &module).unwrap_or_else(|e| panic!("{e}"));
        for run in &runs {
            let (call, expected) = run.split_once(" -> ").expect("a result");
            let mut words = call.split(' ');
            let name = words.next().expect("a name");
            let arguments: Vec<Val> = words.map(|word| Val::I32(word.parse().expect("a number"))).collect();
            let result = instance.call(&mut store, name, &arguments);
            match expected.split_once(' ').unwrap_or((expected, "")) {
                ("trap", _) => assert_eq!(trap_code(result), TrapCode::Unreachable, "{variant}: {run}"),
                ("throws", values) => {
                    let thrown: Vec<String> = exception(result).values.iter().map(Val::to_string).collect();
                    assert_eq!(thrown.join(" "), values, "{variant}: {run}");
                }
                _ => {
                    let value = result.unwrap_or_else(|error| panic!("{variant}: {run}: {error}"));
                    assert_eq!(value, [Val::I32(expected.parse().expect("a number"))], "{variant}: {run}");
                }
            }
        }
    }
}
