;; Answers requests: to a number in decimal, how many steps the Collatz sequence takes from it to 1. Reports the sequence's peak
;; to the host. A request that is no number makes it trap; 0 never gets to 1.
(module
  (import "faas" "peak" (func $peak (param i64)))
  (memory (export "memory") 1)
  (data (i32.const 1040) " steps")

  ;; The request is at address 0. The answer's address and length.
  (func $handle (export "handle") (param $length i32) (result i32 i32)
    (local $steps i32) (local $start i32)
    (local.set $steps (call $collatz (call $parse (local.get $length))))
    (local.set $start (call $print (local.get $steps) (i32.const 1040)))
    (local.get $start)
    (i32.sub (i32.const 1046) (local.get $start)))

  (func $parse (param $length i32) (result i64)
    (local $at i32) (local $digit i32) (local $value i64)
    (if (i32.eqz (local.get $length)) (then unreachable))
    (loop $next
      (local.set $digit (i32.sub (i32.load8_u (local.get $at)) (i32.const 48)))
      (if (i32.gt_u (local.get $digit) (i32.const 9)) (then unreachable))
      (local.set $value
        (i64.add (i64.mul (local.get $value) (i64.const 10)) (i64.extend_i32_u (local.get $digit))))
      (local.set $at (i32.add (local.get $at) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $length))))
    (local.get $value))

  (func $collatz (param $number i64) (result i32)
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
    (call $peak (local.get $peak))
    (local.get $steps))

  ;; Writes a number that ends before an address, and gives the address of its first digit.
  (func $print (param $value i32) (param $at i32) (result i32)
    (loop $next
      (local.set $at (i32.sub (local.get $at) (i32.const 1)))
      (i32.store8 (local.get $at) (i32.add (i32.rem_u (local.get $value) (i32.const 10)) (i32.const 48)))
      (local.set $value (i32.div_u (local.get $value) (i32.const 10)))
      (br_if $next (local.get $value)))
    (local.get $at)))
