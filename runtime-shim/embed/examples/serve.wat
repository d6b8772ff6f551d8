;; Answers with its standard input in reverse. Input that starts with `spin` is never answered, and input that starts with `rest`
;; is after 20 ms.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll_oneoff (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $proc_exit (param i32)))
  ;; The range of a transfer at 0, its length at 8, what to wait for from 16 on, the text from 1024 on.
  (memory (export "memory") 2)

  (func $check (param $errno i32)
    (if (local.get $errno) (then (call $proc_exit (local.get $errno)))))

  (func $range (param $from i32) (param $to i32)
    (i32.store (i32.const 0) (local.get $from))
    (i32.store (i32.const 4) (i32.sub (local.get $to) (local.get $from))))

  ;; Reads the whole input. Returns where it ends.
  (func $input (result i32) (local $end i32)
    (local.set $end (i32.const 1024))
    (loop $more
      (call $range (local.get $end) (i32.const 131072))
      (call $check (call $fd_read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $end (i32.add (local.get $end) (i32.load (i32.const 8))))
      (br_if $more (i32.load (i32.const 8))))
    (local.get $end))

  (func $output (param $from i32) (param $to i32)
    (loop $more
      (call $range (local.get $from) (local.get $to))
      (call $check (call $fd_write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
      (local.set $from (i32.add (local.get $from) (i32.load (i32.const 8))))
      (br_if $more (i32.lt_u (local.get $from) (local.get $to)))))

  (func $reverse (param $from i32) (param $to i32) (local $byte i32)
    (loop $more
      (local.set $to (i32.sub (local.get $to) (i32.const 1)))
      (if (i32.lt_s (local.get $from) (local.get $to))
        (then
          (local.set $byte (i32.load8_u (local.get $from)))
          (i32.store8 (local.get $from) (i32.load8_u (local.get $to)))
          (i32.store8 (local.get $to) (local.get $byte))
          (local.set $from (i32.add (local.get $from) (i32.const 1)))
          (br $more)))))

  (func $rest
    (i32.store (i32.const 32) (i32.const 1))
    (i64.store (i32.const 40) (i64.const 20_000_000))
    (call $check (call $poll_oneoff (i32.const 16) (i32.const 64) (i32.const 1) (i32.const 8))))

  (func (export "_start") (local $end i32)
    (local.set $end (call $input))
    (if (i32.eq (i32.load (i32.const 1024)) (i32.const 0x6e697073)) (then (loop $spin (br $spin))))
    (if (i32.eq (i32.load (i32.const 1024)) (i32.const 0x74736572)) (then (call $rest)))
    (call $reverse (i32.const 1024) (local.get $end))
    (call $output (i32.const 1024) (local.get $end))))
