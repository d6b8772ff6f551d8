;; Totals an order: items of (price, count) pairs of i32 at address 0, and says what it did through a host function.
(module
  (import "shop" "log" (func $log (param i32)))
  (memory (export "memory") 1)
  (func (export "total") (param $items i32) (result i32)
    (local $at i32) (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $items)))
        (local.set $sum (i32.add (local.get $sum)
          (i32.mul (i32.load (local.get $at)) (i32.load offset=4 (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (local.set $items (i32.sub (local.get $items) (i32.const 1)))
        (br $next)))
    (call $log (local.get $sum))
    (local.get $sum)))
