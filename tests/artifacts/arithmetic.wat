;; Integers and floats of all sizes, several results, traps of arithmetic.
;; run: add i32:40 i32:2 -> i32:42
;; run: divide i64:-7 i64:2 -> i64:-3 i64:-1
;; run: divide i64:1 i64:0 -> trap: integer divide by zero
;; run: hypotenuse f64:3 f64:4 -> f64:5
;; run: round f32:2.5 -> f32:2
;; run: truncate f64:1e30 -> trap: integer overflow
;; run: fib i32:20 -> i32:6765
;; run: forever -> trap: call stack exhausted
(module
  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "divide") (param i64 i64) (result i64 i64)
    (i64.div_s (local.get 0) (local.get 1))
    (i64.rem_s (local.get 0) (local.get 1)))
  (func (export "hypotenuse") (param f64 f64) (result f64)
    (f64.sqrt (f64.add (f64.mul (local.get 0) (local.get 0)) (f64.mul (local.get 1) (local.get 1)))))
  (func (export "round") (param f32) (result f32) (f32.nearest (local.get 0)))
  (func (export "truncate") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $forever (export "forever") (call $forever)))
