;; A chain that ends, one that fails, and two that go on for ever, of which one changes the size of its frame.
(module
  (func $self (export "self") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (return_call $self (i32.sub (local.get 0) (i32.const 1))))
      (else (i32.const 42))))
  (func $fail (param i32) (result i32) (unreachable))
  (func $between (param i32) (result i32) (return_call $fail (local.get 0)))
  (func (export "fails") (param i32) (result i32) (i32.add (call $between (local.get 0)) (i32.const 1)))
  (func $spin (export "spin") (return_call $spin))
  (func $spin_a (export "spin_wide") (param i64 i64 i64 i64 i64 i64 i64 i64) (return_call $spin_b (i64.const 1)))
  (func $spin_b (param i64)
    (return_call $spin_a (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0) (local.get 0)
      (local.get 0) (local.get 0))))
