;; Calls a host function that suspends it, twice.
(module
  (import "host" "fetch" (func $fetch (param i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "sum") (param i32) (result i32)
    (i32.add
      (call $fetch (local.get 0))
      (i32.add (call $fetch (i32.add (local.get 0) (i32.const 1))) (i32.load (i32.const 16)))))
  (func (export "one") (result i32) (i32.const 1)))
