;; Typed references, recursion groups and tail calls.
;; run: apply i32:20 -> i32:41
;; run: chain i32:1000000 -> i32:7
;; run: countdown i32:1000001 -> i32:1
;; run: null -> trap: null function reference
;; run: certain -> trap: null reference
;; run: pick i32:0 -> i32:-2
;; run: pick i32:1 -> i32:-1
;; run: host i32:21 -> i32:42
(module
  (type $unary (func (param i32) (result i32)))
  (rec (type $even (func (param i32 (ref $odd)) (result i32))) (type $odd (func (param i32 (ref $even)) (result i32))))
  (import "host" "double" (func $double (type $unary)))
  (global $kept (ref $unary) (ref.func $successor))
  (table $unaries 2 (ref null $unary) (ref.func $double))
  (elem (table $unaries) (i32.const 1) (ref null $unary) (ref.null $unary))
  (elem declare func $even $odd)
  (func $successor (type $unary) (i32.add (local.get 0) (i32.const 1)))
  (func (export "apply") (type $unary)
    (call_ref $unary (call_ref $unary (local.get 0) (ref.func $double)) (global.get $kept)))
  (func $chain (export "chain") (type $unary)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
    (return_call $chain (i32.sub (local.get 0) (i32.const 1))))
  (func $even (type $even)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
    (return_call_ref $odd (i32.sub (local.get 0) (i32.const 1)) (ref.func $even) (local.get 1)))
  (func $odd (type $odd)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 1))))
    (return_call_ref $even (i32.sub (local.get 0) (i32.const 1)) (ref.func $odd) (local.get 1)))
  (func (export "countdown") (type $unary) (call $even (local.get 0) (ref.func $odd)))
  (func (export "null") (result i32)
    (call_ref $unary (i32.const 1) (table.get $unaries (i32.const 1))))
  (func (export "certain") (result i32)
    (call_ref $unary (i32.const 1) (ref.as_non_null (table.get $unaries (i32.const 1)))))
  (func (export "pick") (type $unary)
    (block $null (result i32)
      (call_ref $unary (i32.const 1) (br_on_null $null (i32.const -1) (table.get $unaries (local.get 0))))
      (return)))
  (func (export "host") (type $unary) (return_call $double (local.get 0))))
