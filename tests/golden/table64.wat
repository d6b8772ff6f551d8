;; Indices of 64 bits are compared as they are.
(module
  (type $f (func (result i32)))
  (table $t i64 4 8 funcref)
  (func $get (param i64) (result funcref) (table.get $t (local.get 0)))
  (func $size (result i64) (table.size $t))
  (func $call (param i64) (result i32) (call_indirect $t (type $f) (local.get 0))))

;;; clif
;; ; get
;; function u0:0(i64, i64) -> i64 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 1 "table elements"
;;
;;                                 block0(v0: i64, v1: i64):
;; @0031                               v3 = load.i64 notrap aligned region0 v0-72
;; @0031                               v4 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0060
;; @0031                               v5 = icmp uge v1, v3
;; @0031                               trapnz v5, user3
;; @0031                               v6 = iconst.i64 3
;; @0031                               v7 = ishl v1, v6  ; v6 = 3
;; @0031                               v8 = iadd v4, v7
;; @0031                               v9 = select_spectre_guard v5, v4, v8
;; @0031                               v10 = load.i64 notrap aligned region2 v9
;; @0033                               jump block1(v10)
;;
;;                                 block1(v2: i64):
;; @0033                               return v2
;; }
;;
;; ; size
;; function u0:1(i64) -> i64 tail {
;;     region0 = 2 "lengths"
;;
;;                                 block0(v0: i64):
;; @0036                               v2 = load.i64 notrap aligned region0 v0-72
;; @0039                               jump block1(v2)
;;
;;                                 block1(v1: i64):
;; @0039                               return v1
;; }
;;
;; ; call
;; function u0:2(i64, i64) -> i32 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 1 "table elements"
;;     sig0 = (i64) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i64):
;; @003e                               v3 = load.i64 notrap aligned region0 v0-72
;; @003e                               v4 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0060
;; @003e                               v5 = icmp uge v1, v3
;; @003e                               trapnz v5, user4
;; @003e                               v6 = iconst.i64 3
;; @003e                               v7 = ishl v1, v6  ; v6 = 3
;; @003e                               v8 = iadd v4, v7
;; @003e                               v9 = select_spectre_guard v5, v4, v8
;; @003e                               v10 = load.i64 notrap aligned region2 v9
;; @003e                               v11 = load.i32 user5 aligned readonly v10+16
;; @003e                               v12 = load.i32 notrap aligned readonly can_move region1 v0-0x0014_0044
;; @003e                               v13 = icmp eq v11, v12
;; @003e                               trapz v13, user6
;; @003e                               v14 = load.i64 notrap aligned readonly v10
;; @003e                               v15 = load.i64 notrap aligned readonly v10+24
;; @003e                               v16 = call_indirect sig0, v14(v15)
;; @0041                               jump block1(v16)
;;
;;                                 block1(v2: i32):
;; @0041                               return v2
;; }

;;; asm
;; get:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, [rdi-0x48]                    ; @0x31
;;       8:  cmp rsi, r8
;;       b:  jae 0x2b
;;      11:  mov r9, [rdi-0x140060]
;;      18:  lea r10, [r9+rsi*8]
;;      1c:  cmp rsi, r8
;;      1f:  cmovae r10, r9
;;      23:  mov rax, [r10]
;;      26:  mov rsp, rbp                          ; @0x33
;;      29:  pop rbp
;;      2a:  ret
;;      2b:  ud2                                   ; trap: out of bounds table access, @0x31
;;
;; size:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, [rdi-0x48]                   ; @0x36
;;       8:  mov rsp, rbp                          ; @0x39
;;       b:  pop rbp
;;       c:  ret
;;
;; call:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r11, [rdi-0x48]                   ; @0x3e
;;       8:  cmp rsi, r11
;;       b:  jae 0x43
;;      11:  mov rax, [rdi-0x140060]
;;      18:  lea rcx, [rax+rsi*8]
;;      1c:  cmp rsi, r11
;;      1f:  cmovae rcx, rax
;;      23:  mov rax, [rcx]
;;      26:  mov ecx, [rax+0x10]                   ; trap: uninitialized element
;;      29:  cmp ecx, [rdi-0x140044]
;;      2f:  jne 0x45
;;      35:  mov rcx, [rax]
;;      38:  mov rdi, [rax+0x18]
;;      3c:  call rcx
;;      3e:  mov rsp, rbp                          ; @0x41
;;      41:  pop rbp
;;      42:  ret
;;      43:  ud2                                   ; trap: undefined element, @0x3e
;;      45:  ud2                                   ; trap: indirect call type mismatch
