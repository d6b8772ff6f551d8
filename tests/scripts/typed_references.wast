;; Types are equal if the specification says so, in whichever module they were declared.

;; Types of a group refer to each other, and are told apart by the group that they are in.
(module
  (type $unused (func (param f64)))
  (rec (type $even (func (param i32 (ref $odd)) (result i32))) (type $odd (func (param i32 (ref $even)) (result i32))))
  (type $list (func (param (ref null $list)) (result i32)))
  (func $even (export "even") (type $even)
    (if (result i32) (i32.eqz (local.get 0))
      (then (i32.const 1))
      (else (return_call_ref $odd (i32.sub (local.get 0) (i32.const 1)) (ref.func $even) (local.get 1)))))
  (func $list (export "list") (type $list)
    (if (result i32) (ref.is_null (local.get 0))
      (then (i32.const 0))
      (else (i32.add (i32.const 1) (call_ref $list (ref.null $list) (local.get 0)))))))
(register "m")

(module
  (rec (type $e (func (param i32 (ref $o)) (result i32))) (type $o (func (param i32 (ref $e)) (result i32))))
  (type $l (func (param (ref null $l)) (result i32)))
  (import "m" "even" (func $even (type $e)))
  (import "m" "list" (func $list (type $l)))
  (table funcref (elem $even $list))
  (func $odd (export "odd") (type $o)
    (if (result i32) (i32.eqz (local.get 0))
      (then (i32.const 0))
      (else (return_call_ref $e (i32.sub (local.get 0) (i32.const 1)) (ref.func $odd) (local.get 1)))))
  (func (export "is_even") (param i32) (result i32) (call $even (local.get 0) (ref.func $odd)))
  (func (export "length") (result i32) (call $list (ref.func $list)))
  (func (export "indirect") (result i32) (call_indirect (type $l) (ref.func $list) (i32.const 1)))
  (func (export "mistaken") (result i32) (call_indirect (type $l) (ref.func $list) (i32.const 0))))

;; Each calls the other by reference, and not by import: ten million frames would not fit.
(assert_return (invoke "is_even" (i32.const 10000000)) (i32.const 1))
(assert_return (invoke "is_even" (i32.const 10000001)) (i32.const 0))
(assert_return (invoke "length") (i32.const 1))
(assert_return (invoke "indirect") (i32.const 1))
(assert_trap (invoke "mistaken") "indirect call type mismatch")

;; Types that only look alike do not link.
(module
  (rec (type $a (func)) (type (func (param i32))))
  (type $takes (func (param (ref null $a))))
  (func (export "a") (type $a))
  (func (export "takes") (type $takes))
  (global (export "constant") (ref $takes) (ref.func $takes))
  (global (export "variable") (mut (ref null $takes)) (ref.null $takes))
  (func $takes (type $takes))
  (elem declare func $takes))
(register "m")

(module
  (rec (type $a (func)) (type (func (param i32))))
  (type $takes (func (param (ref null $a))))
  (import "m" "a" (func (type $a)))
  (import "m" "takes" (func (type $takes)))
  (import "m" "constant" (global (ref $takes)))
  (import "m" "constant" (global (ref null $takes)))
  (import "m" "constant" (global funcref))
  (import "m" "variable" (global (mut (ref null $takes)))))

(assert_unlinkable
  (module
    (rec (type $a (func)) (type (func (param i32))))
    (type $takes (func (param (ref null $a))))
    (type $plain (func))
    (type $of_plain (func (param (ref null $plain))))
    (import "m" "a" (func (type $plain))))
  "incompatible import type")
(assert_unlinkable
  (module
    (rec (type $a (func)) (type (func (param i32))))
    (type $takes (func (param (ref null $a))))
    (type $plain (func))
    (type $of_plain (func (param (ref null $plain))))
    (import "m" "takes" (func (type $of_plain))))
  "incompatible import type")
(assert_unlinkable
  (module
    (rec (type $a (func)) (type (func (param i32))))
    (type $takes (func (param (ref null $a))))
    (type $plain (func))
    (type $of_plain (func (param (ref null $plain))))
    (import "m" "constant" (global (ref $of_plain))))
  "incompatible import type")
(assert_unlinkable
  (module
    (rec (type $a (func)) (type (func (param i32))))
    (type $takes (func (param (ref null $a))))
    (type $plain (func))
    (type $of_plain (func (param (ref null $plain))))
    (import "m" "variable" (global (ref null $takes))))
  "incompatible import type")
(assert_unlinkable
  (module
    (rec (type $a (func)) (type (func (param i32))))
    (type $takes (func (param (ref null $a))))
    (type $plain (func))
    (type $of_plain (func (param (ref null $plain))))
    (import "m" "variable" (global (mut funcref))))
  "incompatible import type")
(assert_unlinkable
  (module
    (rec (type $a (func)) (type (func (param i32))))
    (type $takes (func (param (ref null $a))))
    (type $plain (func))
    (type $of_plain (func (param (ref null $plain))))
    (import "m" "variable" (global (mut (ref $takes)))))
  "incompatible import type")
