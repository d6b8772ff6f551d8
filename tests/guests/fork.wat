;; Runs for ever, by itself or after the host has forked; or writes some of its memory.
(module
  (import "host" "fork" (func $fork (result i32)))
  (memory (export "memory") 16)
  (func $spin (export "spin") (loop $on (br $on)))
  (func (export "fork_and_spin") (result i32)
    (if (i32.eqz (call $fork)) (then (call $spin)))
    (i32.const 7))
  (func (export "touch") (param $page i32) (result i32) (local $at i32)
    (local.set $at (i32.mul (local.get $page) (i32.const 4096)))
    (i32.load (local.get $at))
    (i32.store (local.get $at) (i32.const 1)))
  (func (export "write") (param i32) (result i32) (local $sum i32) (local $at i32)
    (loop $next
      (local.set $sum (i32.or (local.get $sum) (i32.load (local.get $at))))
      (i32.store (local.get $at) (local.get 0))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (br_if $next (i32.lt_u (local.get $at) (i32.const 0x100000))))
    (local.get $sum)))
