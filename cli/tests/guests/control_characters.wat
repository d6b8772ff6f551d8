;; Names that would drive a terminal.
(module
  (import "m\1b[2J" "f" (func $imported))
  (func $"a\1b[2J" (call $imported))
  (func $"b\0a; \1b]0;x\07" (export "e\1b") (call $"a\1b[2J")))
