;; Imports, exports, a table, a memory and globals for `wasmaot inspect` to show.
(module
  (import "wasi_snapshot_preview1" "fd_write" (func (param i32 i32 i32 i32) (result i32)))
  (import "env" "\1b[2J" (global i64))
  (memory (export "memory") 2 9)
  (table 3 3 funcref)
  (elem (i32.const 1) func $start)
  (global $g (export "g") (mut i32) (i32.const 5))
  (data (i32.const 16) "hello")
  (func $start (export "_start"))
  (func (export "pair") (param i32 f64) (result i64 f32) (i64.const 1) (f32.const 2)))
