;; Imports of every kind. The host's function gives twice its argument; its global is 7, its memory one page, its table 2 elements.
;; run: call i32:21 -> i32:42
;; run: global -> i32:7
;; run: memory i32:77 -> i32:77
;; run: table -> i32:1
;; run: started -> i32:1
(module
  (import "host" "double" (func $double (param i32) (result i32)))
  (import "host" "seven" (global $seven i32))
  (import "host" "memory" (memory 1))
  (import "host" "table" (table 2 funcref))
  (global $started (mut i32) (i32.const 0))
  (start $start)
  (func $start (global.set $started (i32.const 1)))
  (func (export "call") (param i32) (result i32) (call $double (local.get 0)))
  (func (export "global") (result i32) (global.get $seven))
  (func (export "memory") (param i32) (result i32)
    (i32.store (i32.const 65532) (local.get 0))
    (i32.load (i32.const 65532)))
  (func (export "table") (result i32) (ref.is_null (table.get (i32.const 1))))
  (func (export "started") (result i32) (global.get $started)))
