;; Imports of which WASI has one.
(module
  (import "env" "one" (func (param i32) (result i64)))
  (import "wasi_snapshot_preview1" "proc_exit" (func (param i32)))
  (import "wasi_snapshot_preview1" "no_such_call" (func))
  (import "env" "two" (global i32))
  (func (export "_start")))
