;; A table that the module changes: its elements are loaded from the instance and carry process-wide type ids.
(module
  (type $t (func (param i32) (result i32)))
  (table $open 4 funcref)
  (elem declare func $a)
  (func $a (type $t) (local.get 0))
  (func $set (param i32) (table.set $open (local.get 0) (ref.func $a)))
  (func $caller (param i32 i32) (result i32) (call_indirect $open (type $t) (local.get 0) (local.get 1))))
