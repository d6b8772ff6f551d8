;; A 64-bit memory that never exceeds 4 GiB: the index is compared with a constant, and no length is loaded.
(module
  (memory i64 1 65536)
  (func $load (param i64) (result i32) (i32.load offset=16 (local.get 0)))
  (func $store8 (param i64 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func $beyond (param i64) (result i32) (i32.load offset=0x100000000 (local.get 0))))
