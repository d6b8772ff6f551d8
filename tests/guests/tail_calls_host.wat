;; Tail calls of host functions, of which one calls "chain" again.
(module
  (type $t (func (param i32) (result i32)))
  (import "m" "host" (func $host (type $t)))
  (import "m" "nested" (func $nested (type $t)))
  (export "host" (func $host))
  (table funcref (elem $host))
  (func (export "call") (type $t) (return_call $host (local.get 0)))
  (func (export "indirect") (type $t) (return_call_indirect (type $t) (local.get 0) (i32.const 0)))
  (func (export "chain") (type $t)
    (if (i32.eqz (local.get 0)) (then (return (i32.const 42))))
    (return_call $nested (i32.sub (local.get 0) (i32.const 1)))))
