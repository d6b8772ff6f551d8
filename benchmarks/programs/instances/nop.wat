;; Does nothing: the cost of a start and a finish.
(module (memory (export "memory") 1) (func (export "run") (param i32)))
