;; Grows its memory by a page, and its table by an element, as often as it can, and exits with the sum.
(module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1 10)
  (table 1 10 funcref)
  (func (export "_start")
    (loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 1)) (i32.const 0))))
    (loop $again (br_if $again (i32.ge_s (table.grow (ref.null func) (i32.const 1)) (i32.const 0))))
    (call $exit (i32.add (memory.size) (table.size)))))
