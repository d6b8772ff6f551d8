;; A direct call is one `call`; the vmctx stays in its register.
(module
  (func $caller (param i32) (result i32) (call $callee (local.get 0) (i32.const 5)))
  (func $callee (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))))
