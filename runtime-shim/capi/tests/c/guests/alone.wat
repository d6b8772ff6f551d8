;; Imports nothing, and traps.
(module (func (export "trap") (unreachable)))
