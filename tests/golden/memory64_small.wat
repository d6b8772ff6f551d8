;; A 64-bit memory that never exceeds 4 GiB: the index is compared with a constant, and no length is loaded.
(module
  (memory i64 1 65536)
  (func $load (param i64) (result i32) (i32.load offset=16 (local.get 0)))
  (func $store8 (param i64 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func $beyond (param i64) (result i32) (i32.load offset=0x100000000 (local.get 0))))

;;; clif
;; ; load
;; function u0:0(i64, i64) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i64):
;; @002a                               v3 = iconst.i64 0x0001_0000_0000
;; @002a                               v4 = iconst.i64 32
;; @002a                               v5 = ushr v1, v4  ; v4 = 32
;; @002a                               v6 = select_spectre_guard v5, v3, v1  ; v3 = 0x0001_0000_0000
;; @002a                               v7 = iadd v0, v6
;; @002a                               v8 = load.i32 region0 v7+16
;; @002d                               jump block1(v8)
;;
;;                                 block1(v2: i32):
;; @002d                               return v2
;; }
;;
;; ; store8
;; function u0:1(i64, i64, i32) tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i64, v2: i32):
;; @0034                               v3 = iconst.i64 0x0001_0000_0000
;; @0034                               v4 = iconst.i64 32
;; @0034                               v5 = ushr v1, v4  ; v4 = 32
;; @0034                               v6 = select_spectre_guard v5, v3, v1  ; v3 = 0x0001_0000_0000
;; @0034                               v7 = iadd v0, v6
;; @0034                               istore8 region0 v2, v7
;; @0037                               jump block1
;;
;;                                 block1:
;; @0037                               return
;; }
;;
;; ; beyond
;; function u0:2(i64, i64) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i64):
;; @003c                               v3 = iconst.i64 0x0001_0000_0000
;; @003c                               v4 = iadd v0, v3  ; v3 = 0x0001_0000_0000
;; @003c                               v5 = load.i32 region0 v4
;; @0043                               jump block1(v5)
;;
;;                                 block1(v2: i32):
;; @0043                               return v2
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r9, rsi
;;       7:  shr r9, 0x20                          ; @0x2a
;;       b:  mov r8, 0x100000000
;;      15:  test r9, r9
;;      18:  cmovne rsi, r8
;;      1c:  mov eax, [rdi+rsi+0x10]               ; trap: out of bounds memory access
;;      20:  mov rsp, rbp                          ; @0x2d
;;      23:  pop rbp
;;      24:  ret
;;
;; store8:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r9, rsi
;;       7:  shr r9, 0x20                          ; @0x34
;;       b:  mov r8, 0x100000000
;;      15:  test r9, r9
;;      18:  cmovne rsi, r8
;;      1c:  mov [rdi+rsi], dl                     ; trap: out of bounds memory access
;;      1f:  mov rsp, rbp                          ; @0x37
;;      22:  pop rbp
;;      23:  ret
;;
;; beyond:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsi, 0x100000000                  ; @0x3c
;;       e:  mov eax, [rdi+rsi]                    ; trap: out of bounds memory access
;;      11:  mov rsp, rbp                          ; @0x43
;;      14:  pop rbp
;;      15:  ret
