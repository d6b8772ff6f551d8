;;! --max-memory 68719476736
;; A 64-bit memory can have 64 GiB, whatever it declares, and is reached to its end.

(module (memory i64 0)
  (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
  (func (export "set") (param i64) (i64.store (local.get 0) (i64.const 42)))
  (func (export "get") (param i64) (result i64) (i64.load offset=0x100000000 (local.get 0))))

(assert_return (invoke "grow" (i64.const 1048577)) (i64.const -1))
(assert_return (invoke "grow" (i64.const -1)) (i64.const -1))
(assert_return (invoke "grow" (i64.const 327680)) (i64.const 0))
(assert_return (invoke "set" (i64.const 21474836472)))
(assert_return (invoke "get" (i64.const 17179869176)) (i64.const 42))
(assert_trap (invoke "get" (i64.const 17179869177)) "out of bounds memory access")
(assert_trap (invoke "get" (i64.const 21474836472)) "out of bounds memory access")
(assert_trap (invoke "get" (i64.const -4294967296)) "out of bounds memory access")
(assert_trap (invoke "get" (i64.const -1)) "out of bounds memory access")
(assert_trap (invoke "get" (i64.const -9223372036854775808)) "out of bounds memory access")
