;; A memory with addresses of 64 bits that reaches beyond 4 GiB, one that threads may share, and a table with indices of 64 bits.
(module
  (import "host" "next" (func $next (param i32) (result i64)))
  (memory (export "memory") i64 65537 65540)
  (memory (export "shared") 1 2 shared)
  (table (export "table") i64 1 2 funcref)
  (func (export "next") (param i32) (result i64) (call $next (local.get 0)))
  (func (export "load") (param i64) (result i64) (i64.load (local.get 0))))
