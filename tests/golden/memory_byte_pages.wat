;; Bytes behind the length may be accessible, so the whole range is compared with it.
(module
  (memory 100 (pagesize 1))
  (func $load (param i32) (result i64) (i64.load offset=16 (local.get 0))))
