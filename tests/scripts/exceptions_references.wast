;; References to exceptions: they keep their identity on the way through another instance, and null is none.

(module $a
  (global (export "kept") (mut exnref) (ref.null exn))
  (func (export "throw") (param exnref) (throw_ref (local.get 0))))

(register "a" $a)

(module
  (import "a" "throw" (func $throw (param exnref)))
  (import "a" "kept" (global $kept (mut exnref)))
  (tag $t (param i32))
  (func (export "keep") (param i32)
    (block $h (result i32 exnref)
      (try_table (catch_ref $t $h) (throw $t (local.get 0)))
      (unreachable))
    (global.set $kept) (drop))
  (func (export "throw") (result i32)
    (block $h (result i32)
      (try_table (catch $t $h) (call $throw (global.get $kept)))
      (unreachable))))

(assert_return (invoke "keep" (i32.const 9)))
(assert_return (invoke "throw") (i32.const 9))
(assert_return (invoke "throw") (i32.const 9))
(assert_return (invoke "throw") (i32.const 9))

(module (func (export "null") (result exnref) (ref.null exn))
  (func (export "throw") (param exnref) (throw_ref (local.get 0))))

(assert_return (invoke "null") (ref.null exn))
(assert_trap (invoke "throw" (ref.null exn)) "null exception")
