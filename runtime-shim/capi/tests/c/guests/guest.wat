;; What the tests of the C API call.
(module
  (import "host" "next" (func $next (param i32) (result i64)))
  (import "host" "mix" (func $mix (param i32 i64 f32 f64 externref v128) (result v128 externref f64 f32 i64 i32)))
  (memory (export "memory") 1 4)
  (table (export "table") 2 10 funcref)
  (global $count (export "counter") (mut i32) (i32.const 0))
  (global (export "answer") i64 (i64.const 42))
  (tag $sum (export "sum") (param i32 i64))
  (data (i32.const 8) "data")

  (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func (export "next") (param i32) (result i64) (call $next (local.get 0)))
  (func (export "mix") (param i32 i64 f32 f64 externref v128) (result v128 externref f64 f32 i64 i32)
    (call $mix (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4) (local.get 5)))
  (func (export "many")
    (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)
    (i32.sub (local.get 17) (local.get 0)))

  (func (export "count") (result i32)
    (global.set $count (i32.add (global.get $count) (i32.const 1)))
    (global.get $count))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))

  (func $inner (unreachable))
  (func (export "trap") (call $inner))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $deep (export "deep") (call $deep))
  (func (export "forever") (loop $again (br $again)))
  (func (export "null") (result funcref) (ref.null func))
  (func (unreachable))
  (func (export "nameless") (call 15))
  ;; As "deep", slowly.
  (func $walk (export "walk") (local $round i32)
    (loop $again
      (local.set $round (i32.add (local.get $round) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $round) (i32.const 3000))))
    (call $walk))

  (func $thrower (throw $sum (i32.const 40) (i64.const 2)))
  (func (export "throw") (call $thrower))
  ;; What "next" throws when it calls "throw", caught here.
  (func (export "catch") (param i32) (result i64)
    (block $caught (result i32 i64)
      (try_table (catch $sum $caught) (return (call $next (local.get 0))))
      unreachable)
    (drop)
    (i64.extend_i32_u)))
