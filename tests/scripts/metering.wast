;;! --meter
;; What each instruction counts, and what is counted by the time of a trap or an exception. The comment of a function says its count.

(module
  (memory 1 4)
  (tag $tag (param i32))
  (type $none (func))
  (table 2 2 funcref)
  (elem (i32.const 0) $empty)
  (func $empty (export "empty"))
  (func $add (export "add") (param i32 i32) (result i32) ;; 3
    (i32.add (local.get 0) (local.get 1)))
  (func (export "blocks") ;; 1
    (block (block (nop) (br 1))))
  (func (export "if") (param i32) ;; 4 or 2
    (local.get 0) (if (then (drop (i32.const 0))) (else (nop))))
  (func (export "if alone") (param i32) ;; 5 or 3, and 1
    (local.get 0) i32.eqz (if (then (drop (i32.const 0)))) (return))
  (func (export "if leaves") (param i32) ;; 3, or 2 and 2
    (local.get 0) (if (then (return))) (drop (i32.const 0)))
  (func (export "br_table") (param i32) ;; 2, and 4, 2 or 0
    (block (block (block (br_table 0 1 2 (local.get 0))) (drop (i32.const 1))) (drop (i32.const 1))))
  (func (export "br_if") (param i32) ;; 2, and 4 if 0
    (block (br_if 0 (local.get 0)) (drop (i32.const 0)) (drop (i32.const 1))))
  (func (export "loop") (param i32) ;; 5 for each round
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "loop with a way out") (param i32) ;; 8 for each round, 3 for the last one, and 1
    (block (loop
      (br_if 1 (i32.eqz (local.get 0)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br 0)))
    (return))
  (func $call (export "call") (result i32) ;; 2 and 1 and 3
    (call $add (i32.const 1) (i32.const 2)))
  (func (export "call of one that traps") ;; 1 and 3
    (call $late))
  (func $deep (export "deep") (param i32) (result i32) ;; 6 for each level, 3 for the last one
    (if (result i32) (local.get 0)
      (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
      (else (i32.const 0))))
  (func (export "tail call") (param i32) ;; 6 for each level, 2 for the last one
    (if (local.get 0) (then (return_call $tail (i32.sub (local.get 0) (i32.const 1))))))
  (func $tail (param i32)
    (if (local.get 0) (then (return_call $tail (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "indirect") (param i32) ;; 2
    (call_indirect (type $none) (local.get 0)))
  (func (export "divide") (param i32 i32) (result i32) ;; 3, and 2 if it does not trap
    (i32.div_s (local.get 0) (local.get 1)) (drop) (i32.const 0))
  (func (export "load") (param i32) (result i32) ;; 2
    (i32.load (local.get 0)))
  (func $late (export "late") ;; 3
    (drop (i32.const 1)) (unreachable) (drop (i32.const 2)))
  (func (export "truncate") (param f32) (result i32) ;; 2
    (i32.trunc_f32_s (local.get 0)))
  (func (export "fill") (param i32) ;; 4
    (memory.fill (local.get 0) (i32.const 1) (i32.const 70000)))
  (func (export "small fill") (param i32) ;; 4
    (memory.fill (local.get 0) (i32.const 1) (i32.const 8)))
  (func (export "grow") (param i32) (result i32) ;; 2
    (memory.grow (local.get 0)))
  (func (export "throw") (param i32) ;; 2
    (throw $tag (local.get 0)))
  (func (export "catch") (param i32) (result i32) ;; 2, 2 and 1
    (block $caught (result i32)
      (try_table (catch $tag $caught) (call $throws (local.get 0)))
      (i32.const 7))
    (return))
  (func $throws (param i32) (throw $tag (local.get 0)))
  (func (export "select") (param i32) (result i32) ;; 4
    (select (i32.const 1) (i32.const 2) (local.get 0))))

(assert_return (invoke "empty")) ;; counts 0
(assert_return (invoke "add" (i32.const 1) (i32.const 2)) (i32.const 3)) ;; counts 3
(assert_return (invoke "blocks")) ;; counts 1
(assert_return (invoke "if" (i32.const 1))) ;; counts 4
(assert_return (invoke "if" (i32.const 0))) ;; counts 2
(assert_return (invoke "if alone" (i32.const 0))) ;; counts 6
(assert_return (invoke "if alone" (i32.const 1))) ;; counts 4
(assert_return (invoke "if leaves" (i32.const 1))) ;; counts 3
(assert_return (invoke "if leaves" (i32.const 0))) ;; counts 4
(assert_return (invoke "br_table" (i32.const 0))) ;; counts 6
(assert_return (invoke "br_table" (i32.const 1))) ;; counts 4
(assert_return (invoke "br_table" (i32.const 2))) ;; counts 2
(assert_return (invoke "br_table" (i32.const -1))) ;; counts 2
(assert_return (invoke "br_if" (i32.const 0))) ;; counts 6
(assert_return (invoke "br_if" (i32.const 1))) ;; counts 2
(assert_return (invoke "loop" (i32.const 1))) ;; counts 5
(assert_return (invoke "loop" (i32.const 1000))) ;; counts 5000
(assert_return (invoke "loop with a way out" (i32.const 0))) ;; counts 4
(assert_return (invoke "loop with a way out" (i32.const 10))) ;; counts 84
(assert_return (invoke "call") (i32.const 3)) ;; counts 6
(assert_trap (invoke "call of one that traps") "unreachable") ;; counts 4
(assert_return (invoke "deep" (i32.const 0)) (i32.const 0)) ;; counts 3
(assert_return (invoke "deep" (i32.const 100)) (i32.const 0)) ;; counts 603
(assert_return (invoke "tail call" (i32.const 10))) ;; counts 62
(assert_return (invoke "indirect" (i32.const 0))) ;; counts 2
(assert_trap (invoke "indirect" (i32.const 1)) "uninitialized element") ;; counts 2
(assert_trap (invoke "indirect" (i32.const 2)) "undefined element") ;; counts 2
(assert_return (invoke "divide" (i32.const 6) (i32.const 3)) (i32.const 0)) ;; counts 5
(assert_trap (invoke "divide" (i32.const 6) (i32.const 0)) "integer divide by zero") ;; counts 3
(assert_trap (invoke "divide" (i32.const -2147483648) (i32.const -1)) "integer overflow") ;; counts 3
(assert_return (invoke "load" (i32.const 0)) (i32.const 0)) ;; counts 2
(assert_trap (invoke "load" (i32.const 0x7fff0000)) "out of bounds memory access") ;; counts 2
(assert_trap (invoke "late") "unreachable") ;; counts 3
(assert_trap (invoke "fill" (i32.const 0)) "out of bounds memory access") ;; counts 4
(assert_return (invoke "small fill" (i32.const 0))) ;; counts 4
(assert_trap (invoke "small fill" (i32.const 65530)) "out of bounds memory access") ;; counts 4
(assert_return (invoke "catch" (i32.const 3)) (i32.const 3)) ;; counts 5
(assert_return (invoke "select" (i32.const 0)) (i32.const 2)) ;; counts 4
(assert_trap (invoke "truncate" (f32.const nan)) "invalid conversion to integer") ;; counts 2
(assert_exception (invoke "throw" (i32.const 1))) ;; counts 2
