;; Spawns until it is refused; the threads wait forever. Status 0 if at most 4096 were spawned, each of these ran, and the
;; next one is refused with -1.
(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (export "memory" (memory 0))
  (func (export "wasi_thread_start") (param i32 i32)
    (drop (i32.atomic.rmw.add (i32.const 8) (i32.const 1)))
    (drop (memory.atomic.notify (i32.const 8) (i32.const 1)))
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const -1))))
  (func (export "_start") (local $count i32) (local $ran i32)
    (block $refused
      (loop $again
        (br_if $refused (i32.lt_s (call $spawn (i32.const 0)) (i32.const 0)))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $again)))
    (block $all
      (loop $again
        (local.set $ran (i32.atomic.load (i32.const 8)))
        (br_if $all (i32.eq (local.get $ran) (local.get $count)))
        (drop (memory.atomic.wait32 (i32.const 8) (local.get $ran) (i64.const -1)))
        (br $again)))
    (if (i32.gt_u (local.get $count) (i32.const 4096)) (then unreachable))
    (call $exit (i32.ne (call $spawn (i32.const 0)) (i32.const -1)))))
