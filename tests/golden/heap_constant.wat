;; A constant address folds into the displacement.
(module
  (memory 1)
  (func $constant (result i32) (i32.load offset=4 (i32.const 1024))))
