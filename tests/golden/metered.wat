;; Compiled with a meter.
(module
  (memory 1)
  ;; One addition in a round, and one for what comes behind the loop.
  (func $sum (export "sum") (param $at i32) (param $sum i32) (result i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (br_if $next (local.tee $at (i32.sub (local.get $at) (i32.const 4)))))
    (local.get $sum))
  ;; The row of the first arm goes on behind the `if`; the other one corrects it.
  (func $choose (export "choose") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (i32.const 1)))
      (else (i32.const 7)))))
