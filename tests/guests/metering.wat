;; Functions that say what they count.
(module
  (func $add (export "add") (param i32 i32) (result i32) ;; 3
    (i32.add (local.get 0) (local.get 1)))
  (func (export "loop") (param i32) ;; 5 for each round
    (loop (br_if 0 (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
  (func (export "loop with a way out") (param i32) ;; 8 for each round, 3 for the last one, and 1
    (block (loop
      (br_if 1 (i32.eqz (local.get 0)))
      (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
      (br 0)))
    (return))
  (func $call (export "call") (result i32) ;; 2 and 1 and 3
    (call $add (i32.const 1) (i32.const 2)))
  (func $deep (export "deep") (param i32) (result i32) ;; 6 for each level, 3 for the last one
    (if (result i32) (local.get 0)
      (then (call $deep (i32.sub (local.get 0) (i32.const 1))))
      (else (i32.const 0))))
  (func (export "tail call") (param i32) ;; 6 for each level, 2 for the last one
    (if (local.get 0) (then (return_call $tail (i32.sub (local.get 0) (i32.const 1))))))
  (func $tail (param i32)
    (if (local.get 0) (then (return_call $tail (i32.sub (local.get 0) (i32.const 1))))))
  (func $late (export "late") ;; 3
    (drop (i32.const 1)) (unreachable) (drop (i32.const 2))))
