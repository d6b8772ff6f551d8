;; Growing and bulk operations call builtins through their table.
(module
  (memory 1)
  (data $d "abc")
  (func $grow (param i32) (result i32) (memory.grow (local.get 0)))
  (func $fill (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func $copy (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func $init (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (func $drop (data.drop $d)))
