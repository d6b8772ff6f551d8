;; Indices of 64 bits are compared as they are.
(module
  (type $f (func (result i32)))
  (table $t i64 4 8 funcref)
  (func $get (param i64) (result funcref) (table.get $t (local.get 0)))
  (func $size (result i64) (table.size $t))
  (func $call (param i64) (result i32) (call_indirect $t (type $f) (local.get 0))))
