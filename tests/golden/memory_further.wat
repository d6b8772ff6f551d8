;; The base of a further memory is loaded from the constant part of the state; nothing is checked.
(module
  (memory 1)
  (memory $m 1)
  (func $load (param i32) (result i32) (i32.load $m offset=16 (local.get 0)))
  (func $size (result i32) (memory.size $m)))

;;; clif
;; ; load
;; function u0:0(i64, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     region1 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0027                               v3 = uextend.i64 v1
;; @0027                               v4 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0068
;; @0027                               v5 = iadd v4, v3
;; @0027                               v6 = load.i32 region1 v5+16
;; @002b                               jump block1(v6)
;;
;;                                 block1(v2: i32):
;; @002b                               return v2
;; }
;;
;; ; size
;; function u0:1(i64) -> i32 tail {
;;     region0 = 2 "lengths"
;;
;;                                 block0(v0: i64):
;; @002e                               v2 = load.i64 notrap aligned region0 v0-80
;; @002e                               v3 = iconst.i64 16
;; @002e                               v4 = ushr v2, v3  ; v3 = 16
;; @002e                               v5 = ireduce.i32 v4
;; @0030                               jump block1(v5)
;;
;;                                 block1(v1: i32):
;; @0030                               return v1
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, rsi
;;       7:  mov rsi, [rdi-0x140068]               ; @0x27
;;       e:  mov rdi, r8
;;      11:  mov edi, edi
;;      13:  mov eax, [rsi+rdi+0x10]               ; trap: out of bounds memory access
;;      17:  mov rsp, rbp                          ; @0x2b
;;      1a:  pop rbp
;;      1b:  ret
;;
;; size:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, [rdi-0x50]                   ; @0x2e
;;       8:  shr rax, 0x10
;;       c:  mov rsp, rbp                          ; @0x30
;;       f:  pop rbp
;;      10:  ret
