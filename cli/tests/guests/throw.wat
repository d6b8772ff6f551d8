;; Exceptions that are not caught: two calls below `_start`, and in `plain`.
(module
  (tag $e (param i32 f64)) (tag $other)
  (func $throw (throw $e (i32.const 7) (f64.const 2.5)))
  (func $miss (block $caught (try_table (catch $other $caught) (call $throw))))
  (func (export "_start") (call $miss))
  (func (export "plain") (throw $other)))
