;; 128-bit sums and products of 64-bit halves: a carry chain, and one multiplication.
(module
  (func $add (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $sub (param i64 i64 i64 i64) (result i64 i64)
    (i64.sub128 (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func $product_s (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func $product_u (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))

;;; clif
;; ; add
;; function u0:0(i64, i64, i64, i64, i64) -> i64, i64 tail {
;;                                 block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64):
;; @002f                               v7 = iconcat v3, v4
;; @002f                               v8 = iconcat v1, v2
;; @002f                               v9 = iadd v8, v7
;; @002f                               v10, v11 = isplit v9
;; @0031                               jump block1(v10, v11)
;;
;;                                 block1(v5: i64, v6: i64):
;; @0031                               return v5, v6
;; }
;;
;; ; sub
;; function u0:1(i64, i64, i64, i64, i64) -> i64, i64 tail {
;;                                 block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64):
;; @003c                               v7 = iconcat v3, v4
;; @003c                               v8 = iconcat v1, v2
;; @003c                               v9 = isub v8, v7
;; @003c                               v10, v11 = isplit v9
;; @003e                               jump block1(v10, v11)
;;
;;                                 block1(v5: i64, v6: i64):
;; @003e                               return v5, v6
;; }
;;
;; ; product_s
;; function u0:2(i64, i64, i64) -> i64, i64 tail {
;;                                 block0(v0: i64, v1: i64, v2: i64):
;; @0045                               v5 = sextend.i128 v1
;; @0045                               v6 = sextend.i128 v2
;; @0045                               v7 = imul v5, v6
;; @0045                               v8, v9 = isplit v7
;; @0047                               jump block1(v8, v9)
;;
;;                                 block1(v3: i64, v4: i64):
;; @0047                               return v3, v4
;; }
;;
;; ; product_u
;; function u0:3(i64, i64, i64) -> i64, i64 tail {
;;                                 block0(v0: i64, v1: i64, v2: i64):
;; @004e                               v5 = uextend.i128 v1
;; @004e                               v6 = uextend.i128 v2
;; @004e                               v7 = imul v5, v6
;; @004e                               v8, v9 = isplit v7
;; @0050                               jump block1(v8, v9)
;;
;;                                 block1(v3: i64, v4: i64):
;; @0050                               return v3, v4
;; }

;;; asm
;; add:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  add rax, rcx                          ; @0x2f
;;       a:  mov rcx, rdx
;;       d:  adc rcx, r8
;;      10:  mov rsp, rbp                          ; @0x31
;;      13:  pop rbp
;;      14:  ret
;;
;; sub:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  sub rax, rcx                          ; @0x3c
;;       a:  mov rcx, rdx
;;       d:  sbb rcx, r8
;;      10:  mov rsp, rbp                          ; @0x3e
;;      13:  pop rbp
;;      14:  ret
;;
;; product_s:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  imul rdx                              ; @0x45
;;       a:  mov rcx, rdx
;;       d:  mov rsp, rbp                          ; @0x47
;;      10:  pop rbp
;;      11:  ret
;;
;; product_u:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mul rdx                               ; @0x4e
;;       a:  mov rcx, rdx
;;       d:  mov rsp, rbp                          ; @0x50
;;      10:  pop rbp
;;      11:  ret
