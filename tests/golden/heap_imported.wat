;; An imported memory's base is loaded from the constant part of the state.
(module
  (import "m" "memory" (memory 1))
  (func $load (param i32) (result i32) (i32.load offset=16 (local.get 0))))
