;; Writes to pages and looks at what they hold.
(module
  (import "host" "page" (func $page (param i32) (result i32)))
  (import "host" "stack" (func $stack (result i32)))
  (memory (export "memory") 16)
  (func (export "write") (param i32) (i32.store8 (local.get 0) (i32.const 1)))
  (func (export "read") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "page") (param i32) (result i32) (call $page (local.get 0)))
  (func (export "stack") (result i32) (call $stack))
  (func $deep (export "deep") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0)))))
