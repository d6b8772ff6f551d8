;; Offsets up to 2 GiB - 1 are displacements; from 2 GiB on they are added apart.
(module
  (memory 1)
  (func $below (param i32) (result i32) (i32.load offset=0x7fffffff (local.get 0)))
  (func $above (param i32) (result i32) (i32.load offset=0x80000000 (local.get 0))))
