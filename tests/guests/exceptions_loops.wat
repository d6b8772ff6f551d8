;; Throws in loops, in the ways that leave references behind and those that do not.
(module
  (tag $t (param i32)) (tag $holds (param exnref))
  (global $kept (mut exnref) (ref.null exn))
  (table $kept 4 exnref)
  (func $throw (param i32) (throw $t (local.get 0)))
  (func $caught (param i32) (result i32 exnref)
    (block $h (result i32 exnref)
      (try_table (catch_ref $t $h) (call $throw (local.get 0)))
      (unreachable)))
  (func $again (param exnref) (result i32)
    (block $h (result i32)
      (try_table (catch $t $h) (throw_ref (local.get 0)))
      (unreachable)))

  (func (export "plain") (param $n i32) (result i32) (local $sum i32)
    (loop $next
      (block $h (result i32)
        (try_table (catch $t $h) (call $throw (local.get $n)))
        (unreachable))
      (local.set $sum (i32.add (local.get $sum)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; What is kept in a global, a table, a local and in another exception survives any number of other throws.
  (func (export "references") (param $n i32) (result i32) (local $local exnref)
    (call $caught (i32.const 1)) (global.set $kept) (drop)
    (call $caught (i32.const 20)) (local.set $local) (drop)
    (table.set $kept (i32.const 2) (block (result exnref) (call $caught (i32.const 300)) (local.set $local) (drop) (local.get $local)))
    (call $caught (i32.const 20)) (local.set $local) (drop)
    (table.set $kept (i32.const 1)
      (block $h (result exnref exnref)
        (try_table (catch_ref $holds $h)
          (block (result exnref) (call $caught (i32.const 4000)) (local.set $local) (drop) (local.get $local))
          (throw $holds))
        (unreachable))
      (local.set $local) (drop) (local.get $local))
    (call $caught (i32.const 20)) (local.set $local) (drop)
    (loop $next
      (call $caught (local.get $n)) (drop) (drop)
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i32.add (i32.add (call $again (global.get $kept)) (call $again (local.get $local)))
      (i32.add (call $again (table.get $kept (i32.const 2)))
        (call $again
          (block $h (result exnref)
            (try_table (catch $holds $h) (throw_ref (table.get $kept (i32.const 1))))
            (unreachable))))))

  ;; Keeps each, deeper and deeper on the stack.
  (func $hoard (export "hoard") (param $n i32) (result i32) (local $mine exnref)
    (if (i32.eqz (local.get $n)) (then (return (i32.const 0))))
    (call $caught (local.get $n)) (local.set $mine) (drop)
    (i32.add (call $hoard (i32.sub (local.get $n) (i32.const 1))) (call $again (local.get $mine))))

  ;; Keeps each in a table that grows.
  (func (export "hoard_in_table") (param $n i32) (local $mine exnref)
    (loop $next
      (call $caught (local.get $n)) (local.set $mine) (drop)
      (drop (table.grow $kept (local.get $mine) (i32.const 1)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1))))))
  (func (export "kept") (result i32) (call $again (global.get $kept)))
  (func (export "keep") (param i32) (call $caught (local.get 0)) (global.set $kept) (drop))
  (func (export "forever") (loop $next (block $h (try_table (catch_all $h) (call $throw (i32.const 1)))) (br $next))))
