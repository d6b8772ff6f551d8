;; Uses a memory that others use, too.
(module
  (import "host" "memory" (memory 1 3 shared))
  (func (export "add") (param i32) (result i32) (i32.atomic.rmw.add (i32.const 8) (local.get 0)))
  (func (export "pages") (result i32) (memory.size)))
