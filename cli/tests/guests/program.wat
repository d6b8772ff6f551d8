;; A program of WASI that does what is put in the place of the hole. Functions say how many instructions each executes.
(module
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1 3)
  (tag $tag (param i32))

  ;; Grows the memory to two pages, copies up to 4 bytes of standard input to standard output twice, and returns their
  ;; number: 33.
  (func $copy_twice (result i32)
    (drop (memory.grow (i32.const 1)))
    (i32.store (i32.const 0) (i32.const 64))
    (i32.store (i32.const 4) (i32.const 4))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.load (i32.const 4)))

  (func (export "_start") (;body;))
  (func (export "increment") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))
