;; A bit of everything: memory with data, tables of both kinds, imports, globals, odd names.
(module $sample
  (import "env" "log" (func $log (param i32)))
  (memory (export "memory") 1 4) (data (i32.const 5000) "hello")
  (table $fixed funcref (elem $add $helper))
  (table $open (export "table") 2 8 funcref)
  (global $g (export "g") (mut i64) (i64.const 1))
  (func $add (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1)))
  (func $helper (param i32 i32) (result i32) (call $log (local.get 0)) (i32.load (local.get 1)))
  (func $float_work (export "malloc") (param f64) (result f64) (f64.floor (f64.sqrt (local.get 0))))
  (func (export "odd name \00 $") (param i32) (result i32)
    (call_indirect $fixed (param i32 i32) (result i32) (local.get 0) (local.get 0) (local.get 0))))
