;; Division and conversion trap in the specification's terms.
(module
  (func $div (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func $rem (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  (func $trunc (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func $saturate (param f64) (result i32) (i32.trunc_sat_f64_s (local.get 0))))

;;; clif
;; ; div
;; function u0:0(i64, i32, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @002c                               v4 = sdiv v1, v2
;; @002d                               jump block1(v4)
;;
;;                                 block1(v3: i32):
;; @002d                               return v3
;; }
;;
;; ; rem
;; function u0:1(i64, i64, i64) -> i64 tail {
;;                                 block0(v0: i64, v1: i64, v2: i64):
;; @0034                               v4 = srem v1, v2
;; @0035                               jump block1(v4)
;;
;;                                 block1(v3: i64):
;; @0035                               return v3
;; }
;;
;; ; trunc
;; function u0:2(i64, f64) -> i32 tail {
;;                                 block0(v0: i64, v1: f64):
;; @003a                               v3 = fcvt_to_sint.i32 v1
;; @003b                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @003b                               return v2
;; }
;;
;; ; saturate
;; function u0:3(i64, f64) -> i32 tail {
;;                                 block0(v0: i64, v1: f64):
;; @0040                               v3 = fcvt_to_sint_sat.i32 v1
;; @0042                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @0042                               return v2
;; }

;;; asm
;; div:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mov r11, rdx
;;       a:  cdq                                   ; @0x2c
;;       b:  test r11d, r11d
;;       e:  je 0x1c
;;      14:  idiv r11d                             ; trap: integer overflow
;;      17:  mov rsp, rbp                          ; @0x2d
;;      1a:  pop rbp
;;      1b:  ret
;;      1c:  ud2                                   ; trap: integer divide by zero, @0x2c
;;
;; rem:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mov r9, rdx
;;       a:  cqo                                   ; @0x34
;;       c:  cmp r9, 0xffffffffffffffff
;;      10:  jne 0x20
;;      16:  mov edx, 0
;;      1b:  jmp 0x23
;;      20:  idiv r9                               ; trap: integer divide by zero
;;      23:  mov rax, rdx
;;      26:  mov rsp, rbp                          ; @0x35
;;      29:  pop rbp
;;      2a:  ret
;;
;; trunc:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  cvttsd2si eax, xmm0                   ; @0x3a
;;       8:  cmp eax, 1
;;       b:  jno 0x42
;;      11:  ucomisd xmm0, xmm0
;;      15:  jp 0x47
;;      1b:  mov rsi, 0xc1e0000000200000
;;      25:  movq xmm3, rsi
;;      2a:  ucomisd xmm0, xmm3
;;      2e:  jbe 0x49
;;      34:  xorpd xmm3, xmm3
;;      38:  ucomisd xmm3, xmm0
;;      3c:  jb 0x4b
;;      42:  mov rsp, rbp                          ; @0x3b
;;      45:  pop rbp
;;      46:  ret
;;      47:  ud2                                   ; trap: invalid conversion to integer, @0x3a
;;      49:  ud2                                   ; trap: integer overflow
;;      4b:  ud2                                   ; trap: integer overflow
;;
;; saturate:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  cvttsd2si eax, xmm0                   ; @0x40
;;       8:  cmp eax, 1
;;       b:  jno 0x35
;;      11:  ucomisd xmm0, xmm0
;;      15:  jnp 0x22
;;      1b:  xor eax, eax
;;      1d:  jmp 0x35
;;      22:  xorpd xmm4, xmm4
;;      26:  ucomisd xmm4, xmm0
;;      2a:  jae 0x35
;;      30:  mov eax, 0x7fffffff
;;      35:  mov rsp, rbp                          ; @0x42
;;      38:  pop rbp
;;      39:  ret
