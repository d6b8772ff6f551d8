;; What the hosts in hosts.h call.
(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (memory (export "memory") 1)
  ;; Goes down a number of levels, and counts there.
  (func $down (param $levels i32) (param $count i32) (result i32) (local $i i32)
    (if (i32.eqz (local.get $levels))
      (then
        (loop $again
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $i) (local.get $count))))
        (return (local.get $i))))
    (i32.add (i32.const 1) (call $down (i32.sub (local.get $levels) (i32.const 1)) (local.get $count))))
  (func (export "near") (param i32 i32) (result i32) (call $down (local.get 0) (local.get 1)))
  (func (export "host") (param i32) (result i32) (call $f (local.get 0)))
  (func (export "host_forever") (param i32) (result i32) (drop (call $f (local.get 0))) (loop $on (br $on)) (unreachable))
  (func (export "host_load") (param i32) (result i32) (drop (call $f (local.get 0))) (i32.load (i32.const -4)))
  (func (export "host_deep") (param i32) (result i32) (drop (call $f (local.get 0))) (call $down (i32.const -1) (i32.const 0)))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "divide") (param i32) (result i32) (i32.div_u (i32.const 7) (local.get 0)))
  (func (export "trap") (param i32) (result i32) (unreachable))
  (func (export "forever") (param i32) (result i32) (loop $on (br $on)) (unreachable))
  ;; Sums that depend on the rounding mode, and on whether subnormal numbers are zero: 0 if neither is changed.
  (func $floats (result i32)
    (i32.or
      (f64.ne (f64.div (f64.const 1) (f64.const 3)) (f64.const 0x1.5555555555555p-2))
      (i32.or
        (f64.ne (f64.div (f64.const -2) (f64.const 3)) (f64.const -0x1.5555555555555p-1))
        (f32.ne (f32.mul (f32.const 0x1p-100) (f32.const 0x1p-40)) (f32.const 0x1p-140)))))
  (func (export "floats") (param i32) (result i32)
    (i32.or (call $floats) (i32.or (i32.and (call $f (local.get 0)) (i32.const 0)) (call $floats))))
  (func (export "floats, then trap") (param i32) (result i32) (drop (call $f (local.get 0))) (unreachable)))
