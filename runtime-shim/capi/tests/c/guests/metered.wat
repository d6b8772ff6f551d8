;; Its code counts the operators that it executes.
(module
  ;; 5 for each round, and 1.
  (func (export "rounds") (param i32) (result i32)
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get 0))
  ;; 3.
  (func (export "fail") (drop (i32.const 0)) unreachable))
