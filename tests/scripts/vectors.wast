;; 128-bit vectors as operands, results and locals. What each operator gives is the matter of the specification suite.

;; Through blocks, branches and locals.
(module
  (func (export "f") (param v128 v128 i32) (result v128 i32 v128) (local $zero v128)
    (local.get 0)
    (loop $again (param v128) (result v128)
      (i8x16.add (local.get 1))
      (br_if $again (local.tee 2 (i32.sub (local.get 2) (i32.const 1)))))
    (block $out (param v128) (result v128 v128)
      (local.get $zero)
      (br_table $out $out (local.get 2)))
    (local.set 0 (i8x16.add))
    (select (local.get 0) (local.get 1) (local.get 2))
    (i32x4.extract_lane 3 (local.get 0))
    (if (result v128) (local.get 2) (then (local.get 0)) (else (v128.not (local.get 1))))))

(assert_return
  (invoke "f" (v128.const i64x2 0x0706050403020100 0x0f0e0d0c0b0a0908) (v128.const i64x2 0x0123456789abcdef 0xfedcba9876543210) (i32.const 2))
  (v128.const i64x2 0x0123456789abcdef 0xfedcba9876543210) (i32.const 0x0bc6813c)
  (v128.const i64x2 0xfedcba9876543210 0x0123456789abcdef))

;; Through an indirect call.
(module
  (type $t (func (param v128 i32 v128) (result v128 v128)))
  (table (export "t") funcref (elem $g $f))
  (func $f (type $t) (local.get 2) (local.get 0))
  (func $g)
  (func (export "f") (type $t)
    (table.set 0 (i32.const 0) (table.get 0 (i32.const 1)))
    (call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2) (i32.const 0))))

(assert_return
  (invoke "f" (v128.const i64x2 0x0706050403020100 0x0f0e0d0c0b0a0908) (i32.const 0) (v128.const i64x2 0x0123456789abcdef 0xfedcba9876543210))
  (v128.const i64x2 0x0123456789abcdef 0xfedcba9876543210) (v128.const i64x2 0x0706050403020100 0x0f0e0d0c0b0a0908))

;; An access that is partly outside of memory traps, and a store of it writes nothing.
(module
  (memory 1)
  (func (export "load") (param i32) (drop (v128.load (local.get 0))))
  (func (export "load64") (param i32) (drop (v128.load32x2_u (local.get 0))))
  (func (export "lane") (param i32) (drop (v128.load16_lane 0 (local.get 0) (v128.const i64x2 0 0))))
  (func (export "store") (param i32) (v128.store (local.get 0) (v128.const i64x2 -1 -1)))
  (func (export "far") (param i32) (drop (v128.load offset=0xffffffff (local.get 0))))
  (func (export "last") (result i64) (i64.load (i32.const 65528))))

(assert_return (invoke "load" (i32.const 65520)))
(assert_trap (invoke "load" (i32.const 65521)) "out of bounds memory access")
(assert_trap (invoke "load" (i32.const 65535)) "out of bounds memory access")
(assert_trap (invoke "load" (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "load" (i32.const -1)) "out of bounds memory access")
(assert_trap (invoke "load" (i32.const -16)) "out of bounds memory access")
(assert_return (invoke "load64" (i32.const 65528)))
(assert_trap (invoke "load64" (i32.const 65529)) "out of bounds memory access")
(assert_trap (invoke "load64" (i32.const 65535)) "out of bounds memory access")
(assert_trap (invoke "load64" (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "load64" (i32.const -1)) "out of bounds memory access")
(assert_trap (invoke "load64" (i32.const -16)) "out of bounds memory access")
(assert_return (invoke "lane" (i32.const 65534)))
(assert_trap (invoke "lane" (i32.const 65535)) "out of bounds memory access")
(assert_trap (invoke "lane" (i32.const 65536)) "out of bounds memory access")
(assert_trap (invoke "lane" (i32.const -1)) "out of bounds memory access")
(assert_trap (invoke "lane" (i32.const -16)) "out of bounds memory access")
(assert_trap (invoke "store" (i32.const 65521)) "out of bounds memory access")
(assert_trap (invoke "far" (i32.const 65521)) "out of bounds memory access")
(assert_trap (invoke "store" (i32.const 65528)) "out of bounds memory access")
(assert_trap (invoke "far" (i32.const 65528)) "out of bounds memory access")
(assert_trap (invoke "store" (i32.const 65535)) "out of bounds memory access")
(assert_trap (invoke "far" (i32.const 65535)) "out of bounds memory access")
(assert_trap (invoke "store" (i32.const -1)) "out of bounds memory access")
(assert_trap (invoke "far" (i32.const -1)) "out of bounds memory access")
(assert_return (invoke "last") (i64.const 0))
