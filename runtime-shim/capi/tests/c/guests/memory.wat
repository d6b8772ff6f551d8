;; Imports what the C API does not give.
(module
  (import "host" "memory" (memory 1 2))
  (import "host" "table" (table 3 externref))
  (import "host" "global" (global (mut f32))))
