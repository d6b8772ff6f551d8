;; Loops whose results depend on every register that they keep across their iterations.
(module
  (import "host" "f" (func $f (param i32) (result i32)))
  (import "host" "wait" (func $wait (param i32) (result i32)))
  (import "host" "back" (func $back (param i32) (result i32)))
  (memory (export "memory") 1 16)
  (global $depth (export "depth") (mut i32) (i32.const 0))
  (tag $thrown (param i32))
  (type $step (func (param i64) (result i64)))
  (table 1 1 funcref)
  (elem (i32.const 0) $mix)

  (func $mix (type $step)
    (i64.xor
      (i64.mul (local.get 0) (i64.const 6364136223846793005))
      (i64.rotl (local.get 0) (i64.const 23))))

  ;; Integers and flags.
  (func $spin (export "spin") (param $n i32) (result i64)
    (local $a i64) (local $b i64) (local $c i64) (local $d i64) (local $e i64) (local $f i64) (local $g i64)
    (local.set $a (i64.const 1))
    (local.set $b (i64.const 2))
    (local.set $c (i64.const 3))
    (loop $next
      (local.set $a (i64.add (i64.mul (local.get $a) (i64.const 0x9e3779b97f4a7c15)) (local.get $g)))
      (local.set $b (i64.xor (local.get $b) (i64.shr_u (local.get $a) (i64.const 7))))
      (local.set $c (i64.add (local.get $c) (i64.extend_i32_u (i64.lt_u (local.get $a) (local.get $b)))))
      (local.set $d (select (local.get $c) (i64.add (local.get $d) (local.get $b))
        (i64.gt_s (local.get $b) (local.get $d))))
      (local.set $e (i64.add (local.get $e) (i64.extend_i32_u (i64.eqz (i64.and (local.get $d) (i64.const 3))))))
      (local.set $f (i64.rotl (i64.add (local.get $f) (local.get $e)) (i64.const 9)))
      (local.set $g (i64.sub (local.get $f) (local.get $c)))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.add (i64.add (local.get $a) (local.get $b)) (i64.add (local.get $g) (local.get $e))))

  ;; Vectors, floating point and integers, more of each than there are registers.
  (func (export "vectors") (param $n i32) (result i64)
    (local $v0 v128) (local $v1 v128) (local $v2 v128) (local $v3 v128) (local $v4 v128) (local $v5 v128)
    (local $v6 v128) (local $v7 v128) (local $v8 v128) (local $v9 v128) (local $va v128) (local $vb v128)
    (local $x f64) (local $y f64) (local $s f32) (local $i i64)
    (local.set $v0 (v128.const i64x2 0x0123456789abcdef 0xfedcba9876543210))
    (local.set $v1 (v128.const i32x4 1 2 3 4))
    (local.set $x (f64.const 1.5))
    (loop $next
      (local.set $v2 (i64x2.add (local.get $v0) (local.get $v1)))
      (local.set $v3 (v128.xor (local.get $v2) (i64x2.shl (local.get $v0) (i32.const 13))))
      (local.set $v4 (i32x4.mul (local.get $v3) (local.get $v1)))
      (local.set $v5 (i8x16.add (local.get $v4) (local.get $vb)))
      (local.set $v6 (i64x2.mul (local.get $v5) (local.get $v3)))
      (local.set $v7 (i16x8.sub (local.get $v6) (local.get $va)))
      (local.set $v8 (v128.bitselect (local.get $v7) (local.get $v5) (local.get $v2)))
      (local.set $v9 (i8x16.swizzle (local.get $v8) (local.get $v7)))
      (local.set $va (v128.xor (local.get $v9) (local.get $va)))
      (local.set $vb (i32x4.add (local.get $va) (local.get $vb)))
      (local.set $v0 (v128.xor (local.get $v0) (local.get $vb)))
      (local.set $v1 (v128.or (i64x2.shr_u (local.get $v9) (i32.const 3)) (v128.const i64x2 1 1)))
      (local.set $x (f64.add (f64.mul (local.get $x) (f64.const 0.75)) (f64.const 1)))
      (local.set $y (f64.sqrt (f64.add (local.get $y) (local.get $x))))
      (local.set $s (f32.add (f32.mul (local.get $s) (f32.const 0.5)) (f32.demote_f64 (local.get $y))))
      (local.set $i (i64.add (i64.rotl (local.get $i) (i64.const 5)) (i64.reinterpret_f64 (local.get $y))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (i64.add
      (i64.add (i64x2.extract_lane 0 (local.get $v0)) (i64x2.extract_lane 1 (local.get $va)))
      (i64.add (local.get $i) (i64.extend_i32_u (i32.reinterpret_f32 (local.get $s))))))

  ;; Calls: through a table, and so deep that most of the time is in prologues and epilogues.
  (func $down (param $n i32) (param $x i64) (result i64)
    (if (result i64) (i32.eqz (local.get $n))
      (then (call_indirect (type $step) (local.get $x) (i32.const 0)))
      (else (i64.add (local.get $x)
        (call $down (i32.sub (local.get $n) (i32.const 1)) (call $mix (local.get $x)))))))
  (func (export "calls") (param $n i32) (result i64)
    (local $sum i64)
    (loop $next
      (local.set $sum (call $down (i32.const 20) (i64.add (local.get $sum) (i64.extend_i32_u (local.get $n)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 20))))
      (br_if $next (i32.const 0)))
    (local.get $sum))

  ;; Host functions.
  (func (export "host") (param $n i32) (result i64)
    (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31))
        (i64.extend_i32_u (call $f (local.get $n)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; Builtins.
  (func (export "bulk") (param $n i32) (result i64)
    (local $sum i64)
    (loop $next
      (memory.fill (i32.and (local.get $n) (i32.const 1023)) (local.get $n) (i32.const 777))
      (memory.copy (i32.const 4096) (i32.const 500) (i32.add (i32.const 100) (i32.and (local.get $n) (i32.const 511))))
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31))
        (i64.add (i64.load (i32.const 4100)) (i64.extend_i32_u (memory.grow (i32.const 0))))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; Exceptions.
  (func $throw (param i32) (throw $thrown (local.get 0)))
  (func (export "throws") (param $n i32) (result i64)
    (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (i64.mul (local.get $sum) (i64.const 31))
        (i64.extend_i32_u
          (block $caught (result i32)
            (try_table (catch $thrown $caught) (call $throw (local.get $n)))
            (unreachable)))))
      (local.set $sum (i64.add (local.get $sum)
        (i64.extend_i32_u
          (block $here (result i32)
            (try_table (catch $thrown $here) (throw $thrown (local.get $n)))
            (unreachable)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; Futures of the host's.
  (func (export "waits") (param $n i32) (result i64)
    (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (i64.add (local.get $sum) (call $spin (i32.const 1000)))
        (i64.extend_i32_u (call $wait (local.get $n)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))

  ;; Calls back into the guest, which cannot yield.
  (func (export "nested") (param $n i32) (result i64)
    (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $back (local.get $n)))))
      (br_if $next (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
    (local.get $sum))
  (func (export "inner") (param $n i32) (result i64)
    (call $spin (i32.add (local.get $n) (i32.const 3000))))

  (func (export "forever") (loop $next (br $next)))
  (func (export "forever_host") (loop $next (drop (call $f (i32.const 1))) (br $next)))

  ;; Traps in the innermost of some functions, after a while.
  (func $third (export "third") (param i32) (drop (call $spin (local.get 0))) (unreachable))
  (func $second (param i32) (call $third (local.get 0)) (drop (call $spin (i32.const 1))))
  (func (export "first") (param i32) (call $second (local.get 0)) (drop (call $spin (i32.const 1))))

  ;; The same without end, mostly in the prologue and the epilogue of a function that does nothing else.
  (func $idle (param i64) (result i64) (i64.add (local.get 0) (i64.const 1)))
  (func $loops (export "loops") (local $x i64)
    (loop $next
      (local.set $x (call $idle (i64.rem_u (local.get $x) (i64.or (local.get $x) (i64.const 3)))))
      (br $next)))
  (func $around (call $loops) (drop (call $spin (i32.const 1))))
  (func (export "outermost") (call $around) (drop (call $spin (i32.const 1))))

  ;; Frame by frame to the end of the stack, with work in each.
  (func $deep (export "deep")
    (global.set $depth (i32.add (global.get $depth) (i32.const 1)))
    (drop (call $spin (i32.const 20)))
    (call $deep)
    (global.set $depth (i32.const 0))))
