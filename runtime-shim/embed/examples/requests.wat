;; Logs the request and turns it around; a request that begins with an "s" never ends.
(module
  (import "host" "log" (func $log (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "handle") (param $at i32) (param $length i32) (result i32)
    (local $low i32) (local $high i32) (local $byte i32)
    (call $log (local.get $at) (local.get $length))
    (if (i32.eq (i32.load8_u (local.get $at)) (i32.const 0x73)) (then (loop $spin (br $spin))))
    (local.set $low (local.get $at))
    (local.set $high (i32.sub (i32.add (local.get $at) (local.get $length)) (i32.const 1)))
    (loop $next
      (if (i32.lt_s (local.get $low) (local.get $high))
        (then
          (local.set $byte (i32.load8_u (local.get $low)))
          (i32.store8 (local.get $low) (i32.load8_u (local.get $high)))
          (i32.store8 (local.get $high) (local.get $byte))
          (local.set $low (i32.add (local.get $low) (i32.const 1)))
          (local.set $high (i32.sub (local.get $high) (i32.const 1)))
          (br $next))))
    (local.get $length)))
