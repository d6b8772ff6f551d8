;; Exceptions: caught by tag, whatever they are, and with a reference that is thrown again.
;; run: thrown i32:0 -> i32:100
;; run: thrown i32:1 -> i32:8
;; run: thrown i32:2 -> i32:-1
;; run: rethrown i32:1 -> i32:71
;; run: rethrown i32:2 -> i32:-2
;; run: nothing -> trap: null exception reference
(module
  (tag $number (param i32)) (tag $plain)
  (func $throw (param i32) (result i32)
    (if (i32.eq (local.get 0) (i32.const 1)) (then (throw $number (i32.const 7))))
    (if (i32.eq (local.get 0) (i32.const 2)) (then (throw $plain)))
    (i32.const 100))
  (func (export "thrown") (param i32) (result i32)
    (block $all
      (return (i32.add (i32.const 1) (block $number (result i32)
        (return (try_table (result i32) (catch $number $number) (catch_all $all) (call $throw (local.get 0))))))))
    (i32.const -1))
  (func $again (param i32) (result i32)
    (local $e exnref)
    (block $caught (result exnref)
      (return (try_table (result i32) (catch_all_ref $caught) (call $throw (local.get 0)))))
    (local.set $e)
    (throw_ref (local.get $e)))
  (func (export "rethrown") (param i32) (result i32)
    (block $plain
      (block $number (result i32)
        (return (try_table (result i32) (catch $number $number) (catch $plain $plain) (call $again (local.get 0)))))
      (return (i32.add (i32.mul (i32.const 10)) (i32.const 1))))
    (i32.const -2))
  (func (export "nothing") (throw_ref (ref.null exn))))
