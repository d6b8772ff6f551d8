;; Transfers of WASI into pages that cannot be opened.
(module
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (memory (export "memory") 64)
  (func (export "prepare")
    (i32.store (i32.const 16) (i32.const 200000))
    (i32.store (i32.const 20) (i32.const 100)))
  (func (export "random") (result i32) (call $random (i32.const 300000) (i32.const 100)))
  (func (export "read") (result i32)
    (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 8)))
  (func (export "time") (result i32)
    (call $time (i32.const 0) (i64.const 0) (i32.const 400000))))
