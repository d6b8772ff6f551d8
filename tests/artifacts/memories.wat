;; Memories that are not the usual one: shared, with 64-bit addresses, with pages of a byte.
;; run: add i64:5 -> i64:0
;; run: add i64:7 -> i64:5
;; run: notify -> i32:0
;; run: wait -> i32:1
;; run: unaligned -> trap: unaligned atomic
;; run: wide i64:65528 i64:9 -> i64:9
;; run: wide i64:65529 i64:9 -> trap: out of bounds memory access
;; run: wide i64:4294967296 i64:9 -> trap: out of bounds memory access
;; run: bytes i32:2 -> i32:97
;; run: bytes i32:3 -> trap: out of bounds memory access
(module
  (memory $shared 1 2 shared)
  (memory $wide i64 1 4)
  (memory $bytes 3 3 (pagesize 1))
  (data (memory $bytes) (i32.const 2) "a")
  (func (export "add") (param i64) (result i64) (i64.atomic.rmw.add $shared offset=8 (i32.const 0) (local.get 0)))
  (func (export "notify") (result i32) (memory.atomic.notify $shared (i32.const 8) (i32.const -1)))
  (func (export "wait") (result i32)
    (memory.atomic.wait64 $shared (i32.const 8) (i64.const 1) (i64.const 0)))
  (func (export "unaligned") (result i32) (i32.atomic.load $shared (i32.const 2)))
  (func (export "wide") (param i64 i64) (result i64)
    (i64.store $wide (local.get 0) (local.get 1)) (i64.load $wide (local.get 0)))
  (func (export "bytes") (param i32) (result i32) (i32.load8_u $bytes (local.get 0))))
