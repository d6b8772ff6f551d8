;; Imports `thread-spawn`; the hole is what its threads would call.
(module
  (import "env" "memory" (memory 1 1 shared))
  (import "wasi" "thread-spawn" (func $spawn (param i32) (result i32)))
  (;thread;)
  (func (export "_start") unreachable))
