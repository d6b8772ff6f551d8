;; Needs 128 KiB of memory.
(module (memory (export "memory") 2))
