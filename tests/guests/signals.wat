;; Recursion to a given depth, where it spins.
(module
  (memory (export "memory") 1)
  (func $down (param $levels i32) (param $count i32) (result i32) (local $i i32)
    (if (i32.eqz (local.get $levels))
      (then
        (loop $again
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br_if $again (i32.lt_u (local.get $i) (local.get $count))))
        (return (local.get $i))))
    (i32.add (i32.const 1) (call $down (i32.sub (local.get $levels) (i32.const 1)) (local.get $count))))
  (func (export "near") (param i32 i32) (result i32) (call $down (local.get 0) (local.get 1)))
  (func (export "forever") (loop $on (br $on)))
  (func (export "load") (drop (i32.load (i32.const -4)))))
