;; A function per way of trapping: an instruction that always does, a division, an access to a guard page, no stack left.
(module
  (memory (export "memory") 1)
  (func (export "unreachable") unreachable)
  (func (export "divide") (drop (i32.div_u (i32.const 1) (i32.load (i32.const 0)))))
  (func (export "guard") (drop (i32.load (i32.const -4))))
  (func $recurse (export "overflow") (call $recurse) (drop (i32.load (i32.const 0)))))
