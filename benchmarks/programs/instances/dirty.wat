;; A request handler with a heap of 1 MiB that writes to its first pages of 4 KiB.
(module (memory (export "memory") 16)
  (func (export "run") (param $pages i32)
    (local $at i32)
    (block $out (loop $next
      (br_if $out (i32.eqz (local.get $pages)))
      (i32.store (local.get $at) (i32.const 1))
      (i32.store offset=2048 (local.get $at) (i32.const 1))
      (local.set $at (i32.add (local.get $at) (i32.const 4096)))
      (local.set $pages (i32.sub (local.get $pages) (i32.const 1)))
      (br $next)))))
