;; A store is one instruction.
(module
  (memory 1)
  (func $store (param i32 i64) (i64.store offset=16 (local.get 0) (local.get 1)))
  (func $store8 (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))

;;; clif
;; ; store
;; function u0:0(i64, i32, i64) tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i64):
;; @0028                               v3 = uextend.i64 v1
;; @0028                               v4 = iadd v0, v3
;; @0028                               store region0 v2, v4+16
;; @002b                               jump block1
;;
;;                                 block1:
;; @002b                               return
;; }
;;
;; ; store8
;; function u0:1(i64, i32, i32) tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @0032                               v3 = uextend.i64 v1
;; @0032                               v4 = iadd v0, v3
;; @0032                               istore8 region0 v2, v4
;; @0035                               jump block1
;;
;;                                 block1:
;; @0035                               return
;; }

;;; asm
;; store:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x28
;;       6:  mov [rdi+rsi+0x10], rdx               ; trap: out of bounds memory access
;;       b:  mov rsp, rbp                          ; @0x2b
;;       e:  pop rbp
;;       f:  ret
;;
;; store8:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x32
;;       6:  mov [rdi+rsi], dl                     ; trap: out of bounds memory access
;;       9:  mov rsp, rbp                          ; @0x35
;;       c:  pop rbp
;;       d:  ret
