;; Calls the host below deep frames and after much garbage.
(module
  (import "host" "t" (tag $t))
  (import "host" "throw" (func $throw))
  (global (export "caught") (mut i32) (i32.const 0))
  (func $down (param i32)
    (if (local.get 0) (then (call $down (i32.sub (local.get 0) (i32.const 1)))) (else (call $throw))))
  (func $catch (export "deep") (param i32)
    (block $h (try_table (catch $t $h) (call $down (local.get 0))) (return))
    (global.set 0 (i32.const 1)))
  (func $one (param i32) (result exnref)
    (block $h (result exnref) (try_table (catch_all_ref $h) (throw $t)) (unreachable)))
  (func (export "garbage") (param i32)
    (loop $on
      (drop (call $one (i32.const 0)))
      (br_if $on (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (call $catch (i32.const 0))))
