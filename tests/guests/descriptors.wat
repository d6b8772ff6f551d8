;; Opens and moves descriptors of WASI, and ends in one of several ways.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_renumber" (func $renumber (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "host" "kill" (func $kill))
  (memory (export "memory") 1)
  (data (i32.const 0) "file")
  (data (i32.const 8) ".")
  ;; A list of one buffer: 20,000 bytes at 1024.
  (data (i32.const 16) "\00\04\00\00\20\4e\00\00")
  (func $must (param i32) (if (local.get 0) (then unreachable)))
  (func $file (param $rights i64)
    (call $must (call $open (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 4) (i32.const 0)
      (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 32))))
  (func $take
    (call $file (i64.const 2))   ;; 4
    (call $file (i64.const 64))  ;; 5
    (call $file (i64.const 2))   ;; 6
    (call $must (call $renumber (i32.const 4) (i32.const 6)))
    (call $must (call $open (i32.const 3) (i32.const 0) (i32.const 8) (i32.const 1) (i32.const 2)
      (i64.const 0x4000) (i64.const 0) (i32.const 0) (i32.const 32)))  ;; 4
    (call $must (call $list (i32.const 3) (i32.const 1024) (i32.const 1000) (i64.const 0) (i32.const 32)))
    (call $must (call $list (i32.const 4) (i32.const 1024) (i32.const 1000) (i64.const 0) (i32.const 32)))
    (call $must (call $write (i32.const 5) (i32.const 16) (i32.const 1) (i32.const 32)))
    (call $must (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32))))
  (func (export "return") (call $take))
  (func (export "exit") (call $take) (call $exit (i32.const 3)))
  (func (export "trap") (call $take) unreachable)
  (func (export "kill") (call $take) (call $kill) (loop $on (br $on))))
