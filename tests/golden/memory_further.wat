;; The base of a further memory is loaded from the constant part of the state; nothing is checked.
(module
  (memory 1)
  (memory $m 1)
  (func $load (param i32) (result i32) (i32.load $m offset=16 (local.get 0)))
  (func $size (result i32) (memory.size $m)))
