;; Division and conversion trap in the specification's terms.
(module
  (func $div (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $rem (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  (func $trunc (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $saturate (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0))))
