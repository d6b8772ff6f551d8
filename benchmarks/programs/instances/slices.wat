;; A request that takes a few microseconds, and one without end.
(module
  (func (export "short") (result i64)
    (local $n i64) (local $sum i64)
    (local.set $n (i64.const 3000))
    (loop $next
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31)) (local.get $n)))
      (br_if $next (i32.eqz (i64.eqz (local.tee $n (i64.sub (local.get $n) (i64.const 1)))))))
    (local.get $sum))
  (func (export "spin") (loop $next (br $next))))
