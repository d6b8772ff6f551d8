;; Opens a path in its first directory, and exits with the error number of that. The holes are the path and the call.
(module
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 0) (;path;))
  (func $open (param $follow i32) (param $length i32) (param $flags i32) (param $rights i64)
    (call $exit (call $path_open (i32.const 3) (local.get $follow) (i32.const 0) (local.get $length)
      (local.get $flags) (local.get $rights) (i64.const 0) (i32.const 0) (i32.const 1024))))
  (func (export "_start") (;call;)))
