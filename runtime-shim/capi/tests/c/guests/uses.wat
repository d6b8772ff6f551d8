;; Uses what another instance of its store, or its host, defines.
(module
  (import "defines" "memory" (memory 1 4))
  (import "defines" "table" (table 2 4 funcref))
  (import "defines" "count" (global $count (mut i32)))
  (export "count" (global $count))
  (export "memory" (memory 0))
  (export "table" (table 0))
  (func (export "run") (result i32)
    (i32.store8 (i32.const 3) (i32.const 42))
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (call_indirect (result i32) (i32.const 1)))
  (func (export "forever") (loop $again (br $again))))
