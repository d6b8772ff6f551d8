;; The alignment is tested; a shared memory is not in the slot.
(module
  (memory 1 9 shared)
  (func $load (param i32) (result i64) (i64.atomic.load offset=16 (local.get 0)))
  (func $store8 (param i32 i32) (i32.atomic.store8 (local.get 0) (local.get 1)))
  (func $add (param i32 i32) (result i32) (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func $cmpxchg16 (param i32 i64 i64) (result i64)
    (i64.atomic.rmw16.cmpxchg_u (local.get 0) (local.get 1) (local.get 2)))
  (func $size (result i32) (memory.size))
  (func $fence (atomic.fence)))
