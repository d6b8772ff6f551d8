;; A program whose threads share a memory and count those that are done at address 0. The holes are what the first thread
;; and the others do. Functions say how many instructions each executes.
(module
  (import "env" "memory" (memory 1 9 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (export "memory" (memory 0))
  (data $text "thread\n")

  ;; Prints 7 bytes: 16.
  (func $print
    (memory.init $text (i32.const 64) (i32.const 0) (i32.const 7))
    (i32.store (i32.const 16) (i32.const 64))
    (i32.store (i32.const 20) (i32.const 7))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))

  ;; Spawns a thread, or traps: 5.
  (func $spawned (if (i32.lt_s (call $spawn (i32.const 0)) (i32.const 1)) (then unreachable)))

  ;; Counts this thread as done: 8.
  (func $done
    (drop (i32.atomic.rmw.add (i32.const 0) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 0) (i32.const -1))))

  ;; Waits until `$count` threads are done.
  (func $wait_for (param $count i32) (local $now i32)
    (loop $again
      (local.set $now (i32.atomic.load (i32.const 0)))
      (if (i32.ne (local.get $now) (local.get $count))
        (then
          (drop (memory.atomic.wait32 (i32.const 0) (local.get $now) (i64.const -1)))
          (br $again)))))

  ;; Waits forever: 5.
  (func $sleep (drop (memory.atomic.wait32 (i32.const 8) (i32.const 0) (i64.const -1))))

  (func (export "_start") (;start;))
  (func (export "wasi_thread_start") (param $number i32) (param $argument i32) (;thread;)))
