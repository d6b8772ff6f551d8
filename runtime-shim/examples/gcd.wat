;; The greatest common divisor of two numbers.
(module
  (func (export "gcd") (param i32 i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get 1)) (then (return (local.get 0))))
      (local.get 1)
      (i32.rem_u (local.get 0) (local.get 1))
      (local.set 1) (local.set 0)
      (br $next))
    unreachable))
