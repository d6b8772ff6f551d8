;; A direct call is one `call`; the vmctx stays in its register.
(module
  (func $caller (param i32) (result i32) (call $callee (local.get 0) (i32.const 5)))
  (func $callee (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))))

;;; clif
;; ; caller
;; function u0:0(i64, i32) -> i32 tail {
;;     sig0 = (i64, i32, i32) -> i32 tail
;;     fn0 = colocated u0:1 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0022                               v3 = iconst.i32 5
;; @0024                               v4 = call fn0(v0, v1, v3)  ; v3 = 5
;; @0026                               jump block1(v4)
;;
;;                                 block1(v2: i32):
;; @0026                               return v2
;; }
;;
;; ; callee
;; function u0:1(i64, i32, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @002d                               v4 = isub v1, v2
;; @002e                               jump block1(v4)
;;
;;                                 block1(v3: i32):
;; @002e                               return v3
;; }

;;; asm
;; caller:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov edx, 5                            ; @0x22
;;       9:  call 0xe                              ; callee, @0x24
;;       e:  mov rsp, rbp                          ; @0x26
;;      11:  pop rbp
;;      12:  ret
;;
;; callee:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  sub eax, edx                          ; @0x2d
;;       9:  mov rsp, rbp                          ; @0x2e
;;       c:  pop rbp
;;       d:  ret
