;; An imported function is called through a thunk, which goes by its array entry.
(module
  (import "host" "f" (func $f (param i32 f64) (result i64)))
  (func $caller (param i32) (result i64) (call $f (local.get 0) (f64.const 1.5))))
