;; Many calls of WASI in a row. Each export gives the number of calls that did what they should.
(module
  (import "wasi_snapshot_preview1" "clock_time_get" (func $clock_time_get (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) "null")
  ;; A list of one buffer: one byte at 64.
  (data (i32.const 16) "\40\00\00\00\01\00\00\00")
  (global $file (mut i32) (i32.const -1))
  ;; Opens "null" in the directory that is descriptor 3.
  (func (export "open") (result i32)
    (local $error i32)
    (local.set $error
      (call $path_open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0) (i64.const 64)
        (i64.const 0) (i32.const 0) (i32.const 32)))
    (global.set $file (i32.load (i32.const 32)))
    (local.get $error))
  (func (export "clock") (param $count i32) (result i32)
    (local $done i32)
    (loop $on
      (local.set $done
        (i32.add (local.get $done)
          (i32.eqz (call $clock_time_get (i32.const 1) (i64.const 0) (i32.const 40)))))
      (br_if $on (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $done))
  (func (export "write") (param $count i32) (result i32)
    (local $done i32)
    (loop $on
      (local.set $done
        (i32.add (local.get $done)
          (i32.eqz (call $fd_write (global.get $file) (i32.const 16) (i32.const 1) (i32.const 32)))))
      (br_if $on (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
    (local.get $done)))
