;; Has some of everything that a module can ask for; status 7.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1) (memory 1) (memory i64 1) (memory 9000 (pagesize 1))
  (table (export "t") 5 funcref) (table (export "u") 5 funcref)
  (global (mut i32) (i32.const 0)) (global (mut i32) (i32.const 0))
  (tag) (tag)
  (data "a") (data "b")
  (data (memory 3) (i32.const 8999) "a") (data (memory 3) (i32.const 8998) "a")
  (func (export "_start") (call $exit (i32.const 7))))
