;; A load is one instruction: no bounds check, no load of a base. The index is extended to 64 bits first.
(module
  (memory 1)
  (func $load (param i32) (result i32) (i32.load offset=16 (local.get 0)))
  (func $load8 (param i32) (result i64) (i64.load8_s (local.get 0)))
  (func $float (param i32) (result f64) (f64.load offset=8 (local.get 0))))

;;; clif
;; ; load
;; function u0:0(i64, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @002c                               v3 = uextend.i64 v1
;; @002c                               v4 = iadd v0, v3
;; @002c                               v5 = load.i32 region0 v4+16
;; @002f                               jump block1(v5)
;;
;;                                 block1(v2: i32):
;; @002f                               return v2
;; }
;;
;; ; load8
;; function u0:1(i64, i32) -> i64 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0034                               v3 = uextend.i64 v1
;; @0034                               v4 = iadd v0, v3
;; @0034                               v5 = sload8.i64 region0 v4
;; @0037                               jump block1(v5)
;;
;;                                 block1(v2: i64):
;; @0037                               return v2
;; }
;;
;; ; float
;; function u0:2(i64, i32) -> f64 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @003c                               v3 = uextend.i64 v1
;; @003c                               v4 = iadd v0, v3
;; @003c                               v5 = load.f64 region0 v4+8
;; @003f                               jump block1(v5)
;;
;;                                 block1(v2: f64):
;; @003f                               return v2
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x2c
;;       6:  mov eax, [rdi+rsi+0x10]               ; trap: out of bounds memory access
;;       a:  mov rsp, rbp                          ; @0x2f
;;       d:  pop rbp
;;       e:  ret
;;
;; load8:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x34
;;       6:  movsx rax, byte ptr [rdi+rsi]         ; trap: out of bounds memory access
;;       b:  mov rsp, rbp                          ; @0x37
;;       e:  pop rbp
;;       f:  ret
;;
;; float:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x3c
;;       6:  movsd xmm0, [rdi+rsi+8]               ; trap: out of bounds memory access
;;       c:  mov rsp, rbp                          ; @0x3f
;;       f:  pop rbp
;;      10:  ret
