;; What another instance of its store imports.
(module
  (memory (export "memory") 1 4)
  (table (export "table") 2 4 funcref)
  (global (export "count") (mut i32) (i32.const 5))
  (func $seven (export "seven") (result i32) (i32.const 7))
  (elem (i32.const 1) func $seven)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "get") (result i32) (global.get 0)))
