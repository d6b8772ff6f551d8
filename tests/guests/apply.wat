;; Functions that call the function that they are given.
(module
  (type $unary (func (param i32) (result i32)))
  (type $apply (func (param (ref $unary) i32) (result i32)))
  (global $kept (export "kept") (mut (ref null $unary)) (ref.null $unary))
  (func (export "apply") (type $apply) (call_ref $unary (local.get 1) (local.get 0)))
  (func (export "apply_null") (param (ref null $unary) i32) (result i32)
    (call_ref $unary (local.get 1) (local.get 0)))
  (func $certain (export "certain") (param (ref null $unary)) (result i32)
    (drop (ref.as_non_null (local.get 0))) (i32.const 1))
  (func $double (export "double") (param i32) (result i32) (i32.mul (i32.const 2) (local.get 0)))
  (func (export "other") (param i64) (result i64) (local.get 0))
  (func (export "give") (result (ref $unary)) (ref.func $double)))
