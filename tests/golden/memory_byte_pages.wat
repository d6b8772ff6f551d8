;; Bytes behind the length may be accessible, so the whole range is compared with it.
(module
  (memory 100 (pagesize 1))
  (func $load (param i32) (result i64) (i64.load offset=16 (local.get 0))))

;;; clif
;; ; load
;; function u0:0(i64, i32) -> i64 tail {
;;     region0 = 2 "lengths"
;;     region1 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0021                               v3 = uextend.i64 v1
;; @0021                               v4 = load.i64 notrap aligned region0 v0-8
;; @0021                               v5 = iconst.i64 0
;; @0021                               v6 = iconst.i64 24
;; @0021                               v7 = isub v4, v3
;; @0021                               v8 = icmp ugt v3, v4
;; @0021                               v9 = select_spectre_guard v8, v5, v7  ; v5 = 0
;; @0021                               v10 = icmp ult v9, v6  ; v6 = 24
;; @0021                               v11 = iadd v0, v3
;; @0021                               v12 = iconst.i64 16
;; @0021                               v13 = iadd v11, v12  ; v12 = 16
;; @0021                               v14 = iconst.i64 0
;; @0021                               v15 = select_spectre_guard v10, v14, v13  ; v14 = 0
;; @0021                               v16 = load.i64 region1 v15
;; @0024                               jump block1(v16)
;;
;;                                 block1(v2: i64):
;; @0024                               return v2
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rcx, [rdi-8]                      ; @0x21
;;       8:  mov eax, esi
;;       a:  xor r11, r11
;;       d:  mov r10, rcx
;;      10:  sub r10, rax
;;      13:  cmp rax, rcx
;;      16:  cmova r10, r11
;;      1a:  lea rax, [rdi+rax+0x10]
;;      1f:  cmp r10, 0x18
;;      23:  cmovb rax, r11
;;      27:  mov rax, [rax]                        ; trap: out of bounds memory access
;;      2a:  mov rsp, rbp                          ; @0x24
;;      2d:  pop rbp
;;      2e:  ret
