;; The legacy form of exceptions: `try` with `catch`, `catch_all` and `delegate`, and `rethrow`.

(module
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

  (func (export "caught") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 100)
      catch $a (i32.const 1)
      catch $i
      catch $many (i32.trunc_f64_s) (local.set 0)
        (i32.trunc_f32_s) (local.get 0) (i32.add) (local.set 0)
        (i32.wrap_i64) (local.get 0) (i32.add) (i32.add) end)

  (func (export "all") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0)
      catch $i (drop) (i32.const 5)
      catch_all (i32.const 9) end)

  ;; The first clause that matches wins, also if a later one does too.
  (func (export "first") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0)
      catch $i (i32.const 1) (i32.add)
      catch $i (i32.const 2) (i32.add)
      catch_all (i32.const 9) end)

  (func (export "no_clause") (param i32) (result i32)
    try (call $throw_if (local.get 0)) end (i32.const 3))

  (func (export "in_own_frame") (param i32) (result i32)
    try (result i32) (throw $i (local.get 0))
      catch $i (i32.const 1) (i32.add) end)

  ;; A try takes parameters and keeps what lies below them.
  (func (export "operands") (param i32) (result i32)
    (i32.const 1000)
    (i32.const 5)
    try (param i32) (result i32) (call $throw_if (local.get 0))
      catch $i end
    (i32.add))

  ;; What was set before the throw is seen in the clause.
  (func (export "locals") (param i32) (result i32) (local i32)
    (local.set 1 (i32.const 1))
    try (local.set 1 (i32.const 2))
        (call $throw_if (local.get 0))
        (local.set 1 (i32.const 3))
      catch_all (local.set 1 (i32.add (local.get 1) (i32.const 10))) end
    (local.get 1))

  ;; A clause does not catch what it throws itself; the try around it does.
  (func (export "throw_in_clause") (result i32)
    try (result i32) try (result i32) (throw $a)
          catch $a (throw $i (i32.const 8))
          catch $i (drop) (i32.const -1) end
      catch $i end)

  (func (export "rethrow") (param i32) (result i32)
    (global.set $trace (i32.const 0))
    try try (call $throw_if (local.get 0))
          catch $a (call $note (i32.const 1)) (rethrow 0)
          catch_all (call $note (i32.const 1)) (call $note (i32.const 3)) (rethrow 0) end
      catch_all (call $note (i32.const 2)) end
    (global.get $trace))

  ;; The values go along.
  (func (export "rethrow_value") (result i32)
    try (result i32) try (result i32) (call $throw_i_7) (i32.const 0)
        catch $i (drop) (rethrow 0) end
      catch $i end)

  ;; Depth 0 is the inner exception, depth 1 (or 2, with a block between) the outer.
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
  (func (export "rethrow_into_inner") (result i32)
    try (result i32) (throw $i (i32.const 1))
      catch $i (drop)
        try (result i32) (rethrow 1)
          catch $i (i32.const 50) (i32.add) end end)

  (func (export "delegate") (param i32) (result i32)
    try $outer (result i32) try (result i32) try (result i32) (call $throw_if (local.get 0)) (i32.const 0)
              delegate $outer
          catch_all (i32.const -1) end
      catch $a (i32.const 1)
      catch $i end)

  ;; To the label of a block: what is around that block.
  (func (export "delegate_to_block") (result i32)
    try (result i32) (block $out (result i32)
          try (result i32) try (result i32) (throw $a)
                delegate $out
            catch_all (i32.const -1) end)
      catch_all (i32.const 1) end)

  ;; To the try right around it, and to itself counted from outside.
  (func (export "delegate_0") (result i32)
    try (result i32) try (result i32) (call $throw_a) (i32.const 0) delegate 0
      catch_all (i32.const 1) end)

  ;; To the function: past all tries, to the caller.
  (func $past_all
    try try (call $throw_i (i32.const 60)) delegate 1
      catch_all end)
  (func (export "delegate_to_caller") (result i32)
    try (result i32) (call $past_all) (i32.const 0) catch $i end)

  ;; A label of a try whose clause runs stands for what is around that try.
  (func (export "delegate_from_clause") (result i32)
    try (result i32) try $done (result i32) (throw $a)
          catch $a try (result i32) try (result i32) (throw $i (i32.const 4)) delegate $done
              catch_all (i32.const -1) end
          catch_all (i32.const -2) end
      catch $i end)

  ;; Delegates that meet: each goes on from its label.
  (func (export "delegate_chain") (result i32)
    try $outer (result i32) try (result i32) try $middle (result i32) try (result i32) try (result i32) (call $throw_a) (i32.const 0) delegate $middle
                  catch_all (i32.const -1) end
              delegate $outer
          catch_all (i32.const -2) end
      catch_all (i32.const 3) end)

  (func (export "inner_try_in_delegate") (result i32)
    try (result i32) try (result i32) try (result i32) (call $throw_a) (i32.const 0) catch $a (i32.const 2) end
          delegate 0
      catch_all (i32.const -1) end)

  ;; Sums 1 to n, every third thrown, every fifth by a branch out of the try.
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
  (func (export "branch_out") (param i32) (result i32)
    (block $out (result i32)
      try (call $throw_if (local.get 0)) (return (i32.const 77))
        catch $i (br $out (i32.add (i32.const 1)))
        catch_all (br $out (i32.const 5)) end
      (i32.const -1)))

  (func (export "through_table") (param i32) (result i32)
    try (result i32) (call_indirect (type $void) (local.get 0)) (i32.const 0)
      catch $a (i32.const 1)
      catch $i end)

  ;; Frames without a try are passed, whatever they hold.
  (func $descend (param i32) (result i32)
    (if (i32.eqz (local.get 0)) (then (throw $i (i32.const 9))))
    (i32.add (call $descend (i32.sub (local.get 0) (i32.const 1))) (local.get 0)))
  (func (export "deep") (param i32) (result i32)
    try (result i32) (call $descend (local.get 0)) catch $i end)

  ;; Many values alive across the call, of all kinds.
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
  (func (export "dead") (result i32)
    (block $out (result i32)
      (br $out (i32.const 6))
      try (result i32) try (result i32) (throw $a) delegate 0
        catch $i (drop) try (rethrow 1) catch_all end (i32.const 0)
        catch_all (rethrow 0) end))

  ;; A clause that nothing can reach, because the body calls nothing.
  (func (export "idle") (result i32)
    try (result i32) (i32.const 5)
      catch $i (call $note) try (result i32) (rethrow 1) catch_all (i32.const 1) end
      catch_all (rethrow 0) end)

  (func (export "uncaught") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0) catch_all (rethrow 0) end)

  ;; A trap is no exception.
  (func (export "trap_passes") (param i32) (result i32)
    try (result i32) (call $throw_if (local.get 0)) (i32.const 0) catch_all (i32.const 1) end)
)

(assert_return (invoke "caught" (i32.const 0)) (i32.const 100))
(assert_return (invoke "caught" (i32.const 1)) (i32.const 1))
(assert_return (invoke "caught" (i32.const 2)) (i32.const 20))
(assert_return (invoke "caught" (i32.const 3)) (i32.const 126))
(assert_trap (invoke "caught" (i32.const 4)) "unreachable")
(assert_return (invoke "all" (i32.const 0)) (i32.const 0))
(assert_return (invoke "all" (i32.const 1)) (i32.const 9))
(assert_return (invoke "all" (i32.const 2)) (i32.const 5))
(assert_return (invoke "all" (i32.const 3)) (i32.const 9))
(assert_return (invoke "first" (i32.const 2)) (i32.const 21))
(assert_return (invoke "no_clause" (i32.const 0)) (i32.const 3))
(assert_exception (invoke "no_clause" (i32.const 2))) ;; throws 20
(assert_return (invoke "in_own_frame" (i32.const 5)) (i32.const 6))
(assert_return (invoke "operands" (i32.const 0)) (i32.const 1005))
(assert_return (invoke "operands" (i32.const 2)) (i32.const 1020))
(assert_return (invoke "locals" (i32.const 1)) (i32.const 12))
(assert_return (invoke "locals" (i32.const 0)) (i32.const 3))
(assert_return (invoke "throw_in_clause") (i32.const 8))
(assert_return (invoke "rethrow" (i32.const 1)) (i32.const 12))
(assert_return (invoke "rethrow" (i32.const 2)) (i32.const 132))
(assert_return (invoke "rethrow" (i32.const 0)) (i32.const 0))
(assert_return (invoke "rethrow_value") (i32.const 7))
(assert_return (invoke "rethrow_depth" (i32.const 0)) (i32.const 2))
(assert_return (invoke "rethrow_depth" (i32.const 1)) (i32.const 1))
(assert_return (invoke "rethrow_depth" (i32.const 2)) (i32.const 1))
(assert_return (invoke "rethrow_into_inner") (i32.const 51))
(assert_return (invoke "delegate" (i32.const 1)) (i32.const 1))
(assert_return (invoke "delegate" (i32.const 2)) (i32.const 20))
(assert_return (invoke "delegate" (i32.const 0)) (i32.const 0))
(assert_return (invoke "delegate_to_block") (i32.const 1))
(assert_return (invoke "delegate_0") (i32.const 1))
(assert_return (invoke "delegate_to_caller") (i32.const 60))
(assert_return (invoke "delegate_from_clause") (i32.const 4))
(assert_return (invoke "delegate_chain") (i32.const 3))
(assert_return (invoke "inner_try_in_delegate") (i32.const 2))
(assert_return (invoke "loop" (i32.const 10)) (i32.const 55))
(assert_return (invoke "loop" (i32.const 1000)) (i32.const 500500))
(assert_return (invoke "branch_out" (i32.const 2)) (i32.const 21))
(assert_return (invoke "branch_out" (i32.const 1)) (i32.const 5))
(assert_return (invoke "branch_out" (i32.const 0)) (i32.const 77))
(assert_return (invoke "through_table" (i32.const 0)) (i32.const 1))
(assert_return (invoke "through_table" (i32.const 1)) (i32.const 7))
(assert_return (invoke "deep" (i32.const 1)) (i32.const 9))
(assert_return (invoke "deep" (i32.const 1000)) (i32.const 9))
(assert_return (invoke "alive" (i32.const 0)) (i32.const 36))
(assert_return (invoke "alive" (i32.const 1)) (i32.const 36))
(assert_return (invoke "dead") (i32.const 6))
(assert_return (invoke "idle") (i32.const 5))
(assert_exception (invoke "uncaught" (i32.const 1))) ;; throws nothing
(assert_exception (invoke "uncaught" (i32.const 2))) ;; throws 20
(assert_exception (invoke "uncaught" (i32.const 3))) ;; throws 30 31 32.0 33.0
(assert_trap (invoke "trap_passes" (i32.const 4)) "unreachable")
