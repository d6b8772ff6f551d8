;; Calls across the border: `add` is called by the host, `loop` calls the host so many times.
(module
  (import "host" "add" (func $host (param i32 i32) (result i32)))
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "loop") (param $n i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $sum (call $host (local.get $sum) (local.get $n)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum)))
