;; Offsets up to 2 GiB - 1 are displacements; from 2 GiB on they are added apart.
(module
  (memory 1)
  (func $below (param i32) (result i32) (i32.load offset=0x7fffffff (local.get 0)))
  (func $above (param i32) (result i32) (i32.load offset=0x80000000 (local.get 0))))

;;; clif
;; ; below
;; function u0:0(i64, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0021                               v3 = uextend.i64 v1
;; @0021                               v4 = iadd v0, v3
;; @0021                               v5 = load.i32 region0 v4+0x7fff_ffff
;; @0028                               jump block1(v5)
;;
;;                                 block1(v2: i32):
;; @0028                               return v2
;; }
;;
;; ; above
;; function u0:1(i64, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @002d                               v3 = uextend.i64 v1
;; @002d                               v4 = iadd v0, v3
;; @002d                               v5 = iconst.i64 0x8000_0000
;; @002d                               v6 = iadd v4, v5  ; v5 = 0x8000_0000
;; @002d                               v7 = load.i32 region0 v6
;; @0034                               jump block1(v7)
;;
;;                                 block1(v2: i32):
;; @0034                               return v2
;; }

;;; asm
;; below:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x21
;;       6:  mov eax, [rdi+rsi+0x7fffffff]         ; trap: out of bounds memory access
;;       d:  mov rsp, rbp                          ; @0x28
;;      10:  pop rbp
;;      11:  ret
;;
;; above:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x2d
;;       6:  add rsi, rdi
;;       9:  mov edi, 0x80000000
;;       e:  mov eax, [rsi+rdi]                    ; trap: out of bounds memory access
;;      11:  mov rsp, rbp                          ; @0x34
;;      14:  pop rbp
;;      15:  ret
