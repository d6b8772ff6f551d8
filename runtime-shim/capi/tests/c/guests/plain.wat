;; Imports nothing, and has neither memory nor names.
(module (func (export "f") (result i32) (i32.const 7)) (func (export "") (export "a\00b")))
