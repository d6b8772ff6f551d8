;; An immutable global is a constant; a mutable one is a cell below vmctx; an imported one is reached by its address.
(module
  (import "m" "g" (global $imported (mut i64)))
  (global $constant i32 (i32.const 1234))
  (global $mutable (mut i32) (i32.const 5))
  (func $get_constant (result i32) (global.get $constant))
  (func $get_mutable (result i32) (global.get $mutable))
  (func $set_mutable (param i32) (global.set $mutable (local.get 0)))
  (func $get_imported (result i64) (global.get $imported)))
