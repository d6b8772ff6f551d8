;; Globals of vectors: imported, own, constant, and initialised from another.
(module
  (import "host" "g" (global $imported (mut v128)))
  (import "host" "fixed" (global $fixed v128))
  (global $small (mut i32) (i32.const 7))
  (global $own (export "own") (mut v128) (v128.const i64x2 5 6))
  (global $constant v128 (v128.const i64x2 7 8))
  (global $copy (export "copy") v128 (global.get $fixed))
  (func (export "swap")
    (global.get $imported) (global.set $imported (global.get $own)) (global.set $own))
  (func (export "all") (result v128 v128 v128 v128)
    (global.get $imported) (global.get $own) (global.get $constant) (global.get $copy)))
