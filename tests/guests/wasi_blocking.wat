;; Calls of WASI that wait for what never comes.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_accept" (func $accept (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_recv" (func $recv (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "sock_send" (func $send (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  ;; A list of one buffer: 60,000 bytes at 1024.
  (data (i32.const 0) "\00\04\00\00\60\ea\00\00")
  (data (i32.const 16) "fifo")
  ;; Subscriptions: to the monotonic clock, an hour from now; to standard input.
  (data (i32.const 80) "\01\00\00\00\00\00\00\00\00\a0\b8\30\46\03\00\00")
  (data (i32.const 120) "\01")
  (func (export "print") (result i32) (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 32)))
  (func (export "read") (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32))))
  (func (export "write")
    (loop $on (br_if $on (i32.eqz (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32))))))
  (func (export "open")
    (drop (call $open (i32.const 3) (i32.const 0) (i32.const 16) (i32.const 4) (i32.const 0) (i64.const 2)
      (i64.const 0) (i32.const 0) (i32.const 32))))
  (func (export "poll_clock") (drop (call $poll (i32.const 64) (i32.const 512) (i32.const 1) (i32.const 32))))
  (func (export "poll_input") (drop (call $poll (i32.const 112) (i32.const 512) (i32.const 1) (i32.const 32))))
  (func (export "accept") (drop (call $accept (i32.const 4) (i32.const 0) (i32.const 32))))
  (func (export "connect") (result i32) (call $accept (i32.const 5) (i32.const 0) (i32.const 32)))
  (func (export "recv")
    (drop (call $recv (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 2) (i32.const 36) (i32.const 40))))
  (func (export "send")
    (loop $on
      (br_if $on (i32.eqz (call $send (i32.load (i32.const 32)) (i32.const 0) (i32.const 1) (i32.const 0) (i32.const 36)))))))
