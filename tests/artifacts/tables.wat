;; A table that is constant, one that changes, references, calls through both.
;; run: fixed i32:0 -> i32:10
;; run: fixed i32:1 -> i32:20
;; run: fixed i32:2 -> trap: indirect call type mismatch
;; run: fixed i32:3 -> trap: undefined element
;; run: open i32:0 -> trap: uninitialized element
;; run: fill -> i32:3
;; run: open i32:0 -> i32:20
;; run: open i32:4 -> i32:10
;; run: open i32:5 -> trap: undefined element
;; run: is_null i32:9 -> trap: out of bounds table access
;; run: is_null i32:1 -> i32:1
(module
  (type $t (func (result i32)))
  (table $fixed funcref (elem $a $b $other))
  (table $open 3 8 funcref)
  (table $externs 2 externref)
  (elem $segment func $a)
  (func $a (type $t) (i32.const 10))
  (func $b (type $t) (i32.const 20))
  (func $other (param i64))
  (func (export "fixed") (param i32) (result i32) (call_indirect $fixed (type $t) (local.get 0)))
  (func (export "open") (param i32) (result i32) (call_indirect $open (type $t) (local.get 0)))
  (func (export "fill") (result i32)
    (table.fill $open (i32.const 0) (ref.func $b) (i32.const 3))
    (table.grow $open (ref.null func) (i32.const 2))
    (table.init $open $segment (i32.const 4) (i32.const 0) (i32.const 1)))
  (func (export "is_null") (param i32) (result i32) (ref.is_null (table.get $externs (local.get 0)))))
