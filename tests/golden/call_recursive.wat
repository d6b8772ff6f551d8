;; No prologue checks the stack: it ends in a guard.
(module
  (func $fib (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (i32.add
        (call $fib (i32.sub (local.get 0) (i32.const 1)))
        (call $fib (i32.sub (local.get 0) (i32.const 2))))))))

;;; clif
;; ; fib
;; function u0:0(i64, i32) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @001b                               v3 = iconst.i32 2
;; @001d                               v4 = icmp ult v1, v3  ; v3 = 2
;; @001d                               v5 = uextend.i32 v4
;; @001e                               brif v5, block3, block4
;;
;;                                 block3:
;; @0022                               jump block2(v1)
;;
;;                                 block4:
;; @0025                               v7 = iconst.i32 1
;; @0027                               v8 = isub.i32 v1, v7  ; v7 = 1
;; @0028                               v9 = call fn0(v0, v8)
;; @002c                               v10 = iconst.i32 2
;; @002e                               v11 = isub.i32 v1, v10  ; v10 = 2
;; @002f                               v12 = call fn0(v0, v11)
;; @0031                               v13 = iadd v9, v12
;; @0032                               jump block2(v13)
;;
;;                                 block2(v6: i32):
;; @0033                               jump block1(v6)
;;
;;                                 block1(v2: i32):
;; @0033                               return v2
;; }

;;; asm
;; fib:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x20
;;       8:  mov [rsp], rbx
;;       c:  mov [rsp+8], r12
;;      11:  mov [rsp+0x10], r13
;;      16:  mov r13, rdi
;;      19:  cmp esi, 2                            ; @0x1e
;;      1c:  mov r12, rsi
;;      1f:  jb 0x52
;;      25:  mov rax, r12
;;      28:  mov rsi, rax
;;      2b:  sub esi, 1                            ; @0x27
;;      2e:  mov rdi, r13
;;      31:  call 0x36                             ; fib, @0x28
;;      36:  mov rbx, rax
;;      39:  mov rsi, r12
;;      3c:  sub esi, 2
;;      3f:  mov rdi, r13
;;      42:  call 0x47                             ; fib, @0x2f
;;      47:  mov rcx, rbx
;;      4a:  lea esi, [rcx+rax]                    ; @0x31
;;      4d:  jmp 0x55                              ; @0x32
;;      52:  mov rsi, r12
;;      55:  mov rax, rsi
;;      58:  mov rbx, [rsp]                        ; @0x33
;;      5c:  mov r12, [rsp+8]
;;      61:  mov r13, [rsp+0x10]
;;      66:  add rsp, 0x20
;;      6a:  mov rsp, rbp
;;      6d:  pop rbp
;;      6e:  ret
