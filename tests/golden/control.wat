;; A loop, a jump table, and a block with several results.
(module
  (func $sum (param i32) (result i32)
    (local $total i32)
    (loop $again
      (local.set $total (i32.add (local.get $total) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $total))
  (func $switch (param i32) (result i32)
    (block $a (block $b (block $c (block $d
      (br_table $a $b $c $d (local.get 0)))
      (return (i32.const 40)))
      (return (i32.const 30)))
      (return (i32.const 20)))
    (i32.const 10))
  (func $swap (param i32 i64) (result i64 i32)
    (block (result i64 i32) (local.get 1) (local.get 0))))
