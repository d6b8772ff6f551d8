;; A constant address folds into the displacement.
(module
  (memory 1)
  (func $constant (result i32) (i32.load offset=4 (i32.const 1024))))

;;; clif
;; ; constant
;; function u0:0(i64) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64):
;; @001d                               v2 = iconst.i32 1024
;; @0020                               v3 = uextend.i64 v2  ; v2 = 1024
;; @0020                               v4 = iadd v0, v3
;; @0020                               v5 = load.i32 region0 v4+4
;; @0023                               jump block1(v5)
;;
;;                                 block1(v1: i32):
;; @0023                               return v1
;; }

;;; asm
;; constant:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov eax, [rdi+0x404]                  ; trap: out of bounds memory access, @0x20
;;       a:  mov rsp, rbp                          ; @0x23
;;       d:  pop rbp
;;       e:  ret
