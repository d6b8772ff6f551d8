;; A store is one instruction.
(module
  (memory 1)
  (func $store (param i32 i64) (i64.store offset=16 (local.get 0) (local.get 1)))
  (func $store8 (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))
