;; Divides by zero, two calls below `_start`.
(module
  (func $divide (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $middle (param i32) (result i32) (i32.add (call $divide (i32.const 1) (local.get 0)) (i32.const 1)))
  (func (export "_start") (drop (call $middle (i32.const 0)))))
