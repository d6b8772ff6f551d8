;; The size in pages is one load and a shift.
(module
  (memory 1 9)
  (func $size (result i32) (memory.size)))
