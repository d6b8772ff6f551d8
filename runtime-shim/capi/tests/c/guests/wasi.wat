;; Prints its arguments and environment, each with its NUL, and the file hello.txt of its first directory, and exits with 7. The
;; other functions give what the system calls say.
(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $args_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_sizes_get" (func $environ_sizes_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "environ_get" (func $environ_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_fdstat_get" (func $fd_fdstat_get (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $sock_accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  (memory (export "memory") 1)
  (data (i32.const 64) "hello.txt")

  ;; Writes so many bytes at 4096 to standard output.
  (func $print (param $length i32)
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (local.get $length))
    (if (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable)))

  ;; Opens hello.txt, whose descriptor is at 16 then.
  (func $open (export "open") (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 16)))

  ;; Opens it to be written.
  (func (export "open_to_write") (result i32)
    (call $path_open (i32.const 3) (i32.const 0) (i32.const 64) (i32.const 9) (i32.const 0)
      (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 16)))

  ;; Number of variables in the environment.
  (func (export "variables") (result i32)
    (drop (call $environ_sizes_get (i32.const 20) (i32.const 24)))
    (i32.load (i32.const 20)))

  (func (export "stat") (param $fd i32) (result i32) (call $fd_fdstat_get (local.get $fd) (i32.const 32)))

  ;; Copies up to 10 bytes of one descriptor to another; gives the first error number that is not 0.
  (func $copy (export "copy") (param $from i32) (param $to i32) (result i32) (local $errno i32)
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 10))
    (local.set $errno (call $fd_read (local.get $from) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (local.get $errno) (then (return (local.get $errno))))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (call $fd_write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 8)))

  ;; Does that from standard input, and traps.
  (func (export "copy_and_trap") (param $to i32)
    (drop (call $copy (i32.const 0) (local.get $to)))
    unreachable)

  ;; Accepts a connection to the first listening socket, and sends back what comes.
  (func (export "answer") (result i32) (local $errno i32)
    (local.set $errno (call $sock_accept (i32.const 3) (i32.const 0) (i32.const 16)))
    (if (local.get $errno) (then (return (local.get $errno))))
    (call $copy (i32.load (i32.const 16)) (i32.load (i32.const 16))))

  (func (export "_start")
    (drop (call $args_sizes_get (i32.const 20) (i32.const 24)))
    (drop (call $args_get (i32.const 1024) (i32.const 4096)))
    (call $print (i32.load (i32.const 24)))
    (drop (call $environ_sizes_get (i32.const 20) (i32.const 24)))
    (drop (call $environ_get (i32.const 1024) (i32.const 4096)))
    (call $print (i32.load (i32.const 24)))
    (if (call $open) (then unreachable))
    (i32.store (i32.const 0) (i32.const 4096))
    (i32.store (i32.const 4) (i32.const 100))
    (if (call $fd_read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1) (i32.const 8)) (then unreachable))
    (call $print (i32.load (i32.const 8)))
    (call $proc_exit (i32.const 7))))
