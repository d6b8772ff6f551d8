;; A host function, a table and a global whose types name a type of functions.
(module
  (type $unary (func (param i32) (result i32)))
  (import "host" "apply" (func $apply (param (ref $unary) i32) (result (ref $unary))))
  (import "host" "table" (table $table 2 (ref $unary)))
  (import "host" "global" (global $global (ref null $unary)))
  (func (export "use") (param i32) (result i32)
    (call_ref $unary (i32.const 50) (call $apply (table.get $table (i32.const 1)) (local.get 0))))
  (func (export "is_null") (result i32) (ref.is_null (global.get $global))))
