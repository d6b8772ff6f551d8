;; A 64-bit memory of any size: the index is compared with the length, the guard does the rest. A static offset beyond the guard takes a
;; check of the whole range.
(module
  (memory i64 1)
  (func $load (param i64) (result i32) (i32.load offset=16 (local.get 0)))
  (func $far (param i64) (result i64) (i64.load offset=0x100000000 (local.get 0))))

;;; clif
;; ; load
;; function u0:0(i64, i64) -> i32 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i64):
;; @0026                               v3 = load.i64 notrap aligned region0 v0-72
;; @0026                               v4 = icmp uge v1, v3
;; @0026                               v5 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0058
;; @0026                               v6 = iadd v5, v1
;; @0026                               v7 = iconst.i64 16
;; @0026                               v8 = iadd v6, v7  ; v7 = 16
;; @0026                               v9 = iconst.i64 0
;; @0026                               v10 = select_spectre_guard v4, v9, v8  ; v9 = 0
;; @0026                               v11 = load.i32 region2 v10
;; @0029                               jump block1(v11)
;;
;;                                 block1(v2: i32):
;; @0029                               return v2
;; }
;;
;; ; far
;; function u0:1(i64, i64) -> i64 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i64):
;; @002e                               v3 = load.i64 notrap aligned region0 v0-72
;; @002e                               v4 = iconst.i64 0
;; @002e                               v5 = iconst.i64 0x0001_0000_0008
;; @002e                               v6 = isub v3, v1
;; @002e                               v7 = icmp ugt v1, v3
;; @002e                               v8 = select_spectre_guard v7, v4, v6  ; v4 = 0
;; @002e                               v9 = icmp ult v8, v5  ; v5 = 0x0001_0000_0008
;; @002e                               v10 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0058
;; @002e                               v11 = iadd v10, v1
;; @002e                               v12 = iconst.i64 0x0001_0000_0000
;; @002e                               v13 = iadd v11, v12  ; v12 = 0x0001_0000_0000
;; @002e                               v14 = iconst.i64 0
;; @002e                               v15 = select_spectre_guard v9, v14, v13  ; v14 = 0
;; @002e                               v16 = load.i64 region2 v15
;; @0035                               jump block1(v16)
;;
;;                                 block1(v2: i64):
;; @0035                               return v2
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r10, [rdi-0x48]                   ; @0x26
;;       8:  xor r9, r9
;;       b:  mov r11, [rdi-0x140058]
;;      12:  lea r8, [r11+rsi+0x10]
;;      17:  cmp rsi, r10
;;      1a:  cmovae r8, r9
;;      1e:  mov eax, [r8]                         ; trap: out of bounds memory access
;;      21:  mov rsp, rbp                          ; @0x29
;;      24:  pop rbp
;;      25:  ret
;;
;; far:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rcx, [rdi-0x48]                   ; @0x2e
;;       8:  xor rax, rax
;;       b:  mov r11, rcx
;;       e:  sub r11, rsi
;;      11:  cmp rsi, rcx
;;      14:  cmova r11, rax
;;      18:  add rsi, [rdi-0x140058]
;;      1f:  mov rcx, 0x100000000
;;      29:  add rcx, rsi
;;      2c:  cmp r11, [rip+0xd]
;;      33:  cmovb rcx, rax
;;      37:  mov rax, [rcx]                        ; trap: out of bounds memory access
;;      3a:  mov rsp, rbp                          ; @0x35
;;      3d:  pop rbp
;;      3e:  ret
;;      40:  .byte 0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00
