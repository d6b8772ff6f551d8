;;! --max-memory 262144 --max-table 8
;; Growth ends where the limits of the store are, and where the module's own are.

(module
  (memory 2 10)
  (table $t 5 100 externref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_table") (param i32) (result i32) (table.grow $t (ref.null extern) (local.get 0))))

(assert_return (invoke "grow" (i32.const 3)) (i32.const -1))
(assert_return (invoke "grow" (i32.const 1000)) (i32.const -1))
(assert_return (invoke "grow" (i32.const 2)) (i32.const 2))
(assert_return (invoke "grow" (i32.const 1)) (i32.const -1))
(assert_return (invoke "grow" (i32.const 0)) (i32.const 4))
(assert_return (invoke "grow_table" (i32.const 4)) (i32.const -1))
(assert_return (invoke "grow_table" (i32.const 3)) (i32.const 5))
(assert_return (invoke "grow_table" (i32.const 1)) (i32.const -1))
(assert_return (invoke "grow_table" (i32.const 0)) (i32.const 8))
