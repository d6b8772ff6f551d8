;; Operations on tables that take long.
(module
  (table $t (export "table") 10_000_000 funcref)
  (table $small (export "small") 1 10_000_000 funcref)
  (elem declare func $f)
  (func $f (export "f"))
  (func (export "fill") (table.fill $t (i32.const 0) (ref.func $f) (i32.const 10_000_000)))
  (func (export "copy")
    (table.set $t (i32.const 0) (ref.func $f))
    (table.copy $t $t (i32.const 1) (i32.const 0) (i32.const 9_999_999)))
  (func (export "grow") (drop (table.grow $small (ref.func $f) (i32.const 9_999_999)))))
