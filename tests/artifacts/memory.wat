;; A memory with an image, segments of every kind, growing, bulk operations, globals.
;; run: byte i32:100 -> i32:104
;; run: byte i32:65535 -> i32:0
;; run: byte i32:65536 -> trap: out of bounds memory access
;; run: grow i32:2 -> i32:1
;; run: byte i32:65536 -> i32:0
;; run: grow i32:9 -> i32:-1
;; run: init i32:200 -> i32:112
;; run: drop
;; run: init i32:200 -> trap: out of bounds memory access
;; run: copy i32:300 -> i32:104
;; run: count -> i64:11
;; run: count -> i64:12
(module
  (memory (export "memory") 1 5)
  (data (i32.const 100) "hello")
  (data $passive "passive")
  (global $n (mut i64) (i64.add (i64.const 7) (i64.const 3)))
  (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "init") (param i32) (result i32)
    (memory.init $passive (local.get 0) (i32.const 0) (i32.const 7))
    (i32.load8_u (local.get 0)))
  (func (export "drop") (data.drop $passive))
  (func (export "copy") (param i32) (result i32)
    (memory.fill (local.get 0) (i32.const 1) (i32.const 10))
    (memory.copy (local.get 0) (i32.const 100) (i32.const 5))
    (i32.load8_u (local.get 0)))
  (func (export "count") (result i64)
    (global.set $n (i64.add (global.get $n) (i64.const 1)))
    (global.get $n)))
