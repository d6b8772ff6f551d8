;; An imported memory's base is loaded from the constant part of the state.
(module
  (import "m" "memory" (memory 1))
  (func $load (param i32) (result i32) (i32.load offset=16 (local.get 0))))

;;; clif
;; ; load
;; function u0:0(i64, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     region1 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @002a                               v3 = uextend.i64 v1
;; @002a                               v4 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0058
;; @002a                               v5 = iadd v4, v3
;; @002a                               v6 = load.i32 region1 v5+16
;; @002d                               jump block1(v6)
;;
;;                                 block1(v2: i32):
;; @002d                               return v2
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, rsi
;;       7:  mov rsi, [rdi-0x140058]               ; @0x2a
;;       e:  mov rdi, r8
;;      11:  mov edi, edi
;;      13:  mov eax, [rsi+rdi+0x10]               ; trap: out of bounds memory access
;;      17:  mov rsp, rbp                          ; @0x2d
;;      1a:  pop rbp
;;      1b:  ret
