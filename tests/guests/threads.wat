;; Atomic operators on a shared memory, and waits for notifications.
(module
  (import "host" "memory" (memory 1 100 shared))
  (export "memory" (memory 0))
  (func (export "wait") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 (local.get 0) (local.get 1) (local.get 2)))
  (func $notify (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify (local.get 0) (local.get 1)))
  (func (export "notify_offset") (param i32) (result i32)
    (memory.atomic.notify offset=16 (local.get 0) (i32.const -1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "size") (result i32) memory.size)
  (func (export "load") (param i32) (result i32) (i32.atomic.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.atomic.store (local.get 0) (local.get 1)))

  ;; Adds, subtracts and exchanges bits at neighbouring addresses, so many times.
  (func (export "contend") (param $n i32)
    (loop $again
      (drop (i32.atomic.rmw.add (i32.const 64) (i32.const 3)))
      (drop (i64.atomic.rmw.sub (i32.const 72) (i64.const 5)))
      (drop (i32.atomic.rmw8.add_u (i32.const 68) (i32.const 1)))
      (drop (i32.atomic.rmw8.add_u (i32.const 69) (i32.const 1)))
      (drop (i64.atomic.rmw16.add_u (i32.const 70) (i64.const 1)))
      (drop (i64.atomic.rmw32.xor_u (i32.const 80) (i64.const 0xffffffff)))
      (call $increment)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  ;; By comparing and exchanging.
  (func $increment (local $old i32)
    (loop $again
      (local.set $old (i32.atomic.load (i32.const 84)))
      (br_if $again (i32.ne (local.get $old)
        (i32.atomic.rmw.cmpxchg (i32.const 84) (local.get $old) (i32.add (local.get $old) (i32.const 1)))))))

  ;; A lock at 128: 0 free, 1 taken, 2 taken and waited for. What it protects, at 132, is not atomic.
  (func $lock (local $old i32)
    (local.set $old (i32.atomic.rmw.cmpxchg (i32.const 128) (i32.const 0) (i32.const 1)))
    (block $done
      (br_if $done (i32.eqz (local.get $old)))
      (loop $again
        (if (i32.or (i32.eq (local.get $old) (i32.const 2))
              (i32.ne (i32.atomic.rmw.cmpxchg (i32.const 128) (i32.const 1) (i32.const 2)) (i32.const 0)))
          (then (drop (memory.atomic.wait32 (i32.const 128) (i32.const 2) (i64.const -1)))))
        (local.set $old (i32.atomic.rmw.cmpxchg (i32.const 128) (i32.const 0) (i32.const 2)))
        (br_if $again (local.get $old)))))
  (func $unlock
    (if (i32.ne (i32.atomic.rmw.sub (i32.const 128) (i32.const 1)) (i32.const 1))
      (then
        (i32.atomic.store (i32.const 128) (i32.const 0))
        (drop (call $notify (i32.const 128) (i32.const 1))))))
  (func (export "locked") (param $n i32)
    (loop $again
      (call $lock)
      (i32.store (i32.const 132) (i32.add (i32.load (i32.const 132)) (i32.const 1)))
      (call $unlock)
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))

  ;; Waits at 192 for `mine` and sets it to `theirs`, so many times.
  (func (export "alternate") (param $mine i32) (param $theirs i32) (param $n i32)
    (loop $again
      (block $turn
        (loop $wait
          (br_if $turn (i32.eq (i32.atomic.load (i32.const 192)) (local.get $mine)))
          (drop (memory.atomic.wait32 (i32.const 192) (local.get $theirs) (i64.const -1)))
          (br $wait)))
      (i32.atomic.store (i32.const 192) (local.get $theirs))
      (drop (call $notify (i32.const 192) (i32.const 1)))
      (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))))
