;; Catches what the host throws.
(module
  (import "host" "t" (tag $t (param i32)))
  (import "host" "f" (func $f (param i32) (result i32)))
  (tag $own (export "own") (param i64))
  (func (export "catches") (param i32) (result i32)
    (block $any
      (block $t (result i32)
        (try_table (catch $t $t) (catch_all $any)
          (return (call $f (local.get 0))))
        (unreachable))
      (return))
    (i32.const -1))
  (func (export "passes") (param i32) (result i32) (call $f (local.get 0)))
  (func $throws (export "throws") (param i32) (result i32) (throw $t (local.get 0)))
  (func (export "throw own") (throw $own (i64.const 5))))
