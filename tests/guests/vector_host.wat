;; Host functions that take and return vectors, handed on.
(module
  (import "host" "typed" (func $typed (param i32 v128 v128) (result v128 i32 v128)))
  (import "host" "dynamic" (func $dynamic (param v128) (result i32 v128)))
  (func (export "typed") (param i32 v128 v128) (result v128 i32 v128)
    (call $typed (local.get 0) (local.get 1) (local.get 2)))
  (func (export "dynamic") (param v128) (result i32 v128) (call $dynamic (local.get 0))))
