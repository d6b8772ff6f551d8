;; Never ends its start function.
(module (func $forever (loop $again (br $again))) (start $forever))
