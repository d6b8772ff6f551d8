;;! --max-memory 262144 --max-table 8 --trap-at-limits
;; Growth beyond the limits of the store is a trap. Beyond what the module declares it fails, which is the module's own affair.

(module
  (memory 2 10)
  (table $t 5 100 externref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_table") (param i32) (result i32) (table.grow $t (ref.null extern) (local.get 0))))

(assert_return (invoke "grow" (i32.const 1000)) (i32.const -1))
(assert_trap (invoke "grow" (i32.const 3)) "memory limit")
(assert_return (invoke "grow" (i32.const 2)) (i32.const 2))
(assert_trap (invoke "grow" (i32.const 1)) "memory limit")
(assert_return (invoke "grow_table" (i32.const 1000)) (i32.const -1))
(assert_trap (invoke "grow_table" (i32.const 4)) "table limit")
(assert_return (invoke "grow_table" (i32.const 3)) (i32.const 5))
(assert_trap (invoke "grow_table" (i32.const 1)) "table limit")
