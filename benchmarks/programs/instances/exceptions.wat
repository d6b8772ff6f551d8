;; A loop with eight values that live across a call: once plainly, and once inside a `try_table` in which nothing is thrown.
(module
  (tag $never)
  (func $step (param i64) (result i64) (i64.add (i64.rotl (local.get 0) (i64.const 7)) (i64.const 1)))

  (func (export "plain") (param $n i64) (result i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $f i64) (local $g i64)
    (loop $again
      (local.set $a (i64.add (local.get $a) (call $step (local.get $g))))
      (local.set $b (i64.xor (local.get $b) (local.get $a)))
      (local.set $c (i64.add (local.get $c) (local.get $b)))
      (local.set $d (i64.xor (local.get $d) (local.get $c)))
      (local.set $e (i64.add (local.get $e) (local.get $d)))
      (local.set $f (i64.xor (local.get $f) (local.get $e)))
      (local.set $g (i64.add (local.get $g) (local.get $f)))
      (local.set $n (i64.sub (local.get $n) (i64.const 1)))
      (br_if $again (i64.ne (local.get $n) (i64.const 0))))
    (local.get $g))

  (func (export "guarded") (param $n i64) (result i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $f i64) (local $g i64)
    (block $caught
      (loop $again
        (try_table (catch $never $caught)
          (local.set $a (i64.add (local.get $a) (call $step (local.get $g)))))
        (local.set $b (i64.xor (local.get $b) (local.get $a)))
        (local.set $c (i64.add (local.get $c) (local.get $b)))
        (local.set $d (i64.xor (local.get $d) (local.get $c)))
        (local.set $e (i64.add (local.get $e) (local.get $d)))
        (local.set $f (i64.xor (local.get $f) (local.get $e)))
        (local.set $g (i64.add (local.get $g) (local.get $f)))
        (local.set $n (i64.sub (local.get $n) (i64.const 1)))
        (br_if $again (i64.ne (local.get $n) (i64.const 0)))))
    (local.get $g)))
