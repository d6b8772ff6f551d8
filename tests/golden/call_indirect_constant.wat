;; A table that nothing can change lies in the artifact: compare the type's index, add a relative address, call.
(module
  (type $t (func (param i32) (result i32)))
  (table funcref (elem $a $b $c))
  (func $a (type $t) (local.get 0))
  (func $b (type $t) (i32.const 2))
  (func $c (param i64))
  (func $caller (param i32 i32) (result i32) (call_indirect (type $t) (local.get 0) (local.get 1))))
