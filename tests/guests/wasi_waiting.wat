;; Calls of WASI that wait for what comes some time.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; A list of one buffer: a byte at 1024.
  (data (i32.const 0) "\00\04\00\00\01\00\00\00")
  ;; Subscriptions: to the monotonic clock, with user data 7; to standard input, with user data 9.
  (data (i32.const 64) "\07\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00")
  (data (i32.const 112) "\09\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\00\00\00")

  ;; Reads a byte of standard input; the error number as a negative number.
  (func $byte (export "byte") (result i32)
    (local $error i32)
    (local.set $error (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 32)))
    (if (result i32) (local.get $error)
      (then (i32.sub (i32.const 0) (local.get $error)))
      (else (i32.load8_u (i32.const 1024)))))

  ;; Passes a byte on, one more than it was, so many times.
  (func (export "pass") (param $times i32) (result i32)
    (local $byte i32)
    (loop $again
      (local.set $byte (i32.add (call $byte) (i32.const 1)))
      (i32.store8 (i32.const 1024) (local.get $byte))
      (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 32)))
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $byte))

  ;; Waits for so many nanoseconds.
  (func (export "sleep") (param i64) (result i32)
    (i64.store (i32.const 88) (local.get 0))
    (call $poll (i32.const 64) (i32.const 512) (i32.const 1) (i32.const 32)))

  ;; Waits for standard input, for so many nanoseconds at most. The user data of the first event.
  (func (export "either") (param i64) (result i64)
    (i64.store (i32.const 88) (local.get 0))
    (if (call $poll (i32.const 64) (i32.const 512) (i32.const 2) (i32.const 32)) (then (unreachable)))
    (if (i32.ne (i32.load (i32.const 32)) (i32.const 1)) (then (unreachable)))
    (i64.load (i32.const 512))))
