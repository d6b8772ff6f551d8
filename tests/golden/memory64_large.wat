;; A 64-bit memory of any size: the index is compared with the length, the guard does the rest. A static offset beyond the guard takes a
;; check of the whole range.
(module
  (memory i64 1)
  (func $load (param i64) (result i32) (i32.load offset=16 (local.get 0)))
  (func $far (param i64) (result i64) (i64.load offset=0x100000000 (local.get 0))))
