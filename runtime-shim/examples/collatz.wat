;; How many steps the Collatz sequence takes from a number to 1. Reports the sequence's peak to the host. 0 never gets to 1.
(module
  (import "host" "report" (func $report (param i64)))
  (memory (export "memory") 1)
  (func (export "steps") (param $number i64) (result i32)
    (local $steps i32) (local $peak i64)
    (block $done
      (loop $next
        (if (i64.gt_u (local.get $number) (local.get $peak)) (then (local.set $peak (local.get $number))))
        (br_if $done (i64.eq (local.get $number) (i64.const 1)))
        (if (i64.eqz (i64.and (local.get $number) (i64.const 1)))
          (then (local.set $number (i64.shr_u (local.get $number) (i64.const 1))))
          (else (local.set $number (i64.add (i64.mul (local.get $number) (i64.const 3)) (i64.const 1)))))
        (local.set $steps (i32.add (local.get $steps) (i32.const 1)))
        (br $next)))
    (call $report (local.get $peak))
    (local.get $steps)))
