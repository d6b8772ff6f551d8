;; A load is one instruction: no bounds check, no load of a base. The index is extended to 64 bits first.
(module
  (memory 1)
  (func $load (param i32) (result i32) (i32.load offset=16 (local.get 0)))
  (func $load8 (param i32) (result i64) (i64.load8_s (local.get 0)))
  (func $float (param i32) (result f64) (f64.load offset=8 (local.get 0))))
