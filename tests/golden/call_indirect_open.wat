;; A table that the module changes: its elements are loaded from the instance and carry process-wide type ids.
(module
  (type $t (func (param i32) (result i32)))
  (table $open 4 funcref)
  (elem declare func $a)
  (func $a (type $t) (local.get 0))
  (func $set (param i32) (table.set $open (local.get 0) (ref.func $a)))
  (func $caller (param i32 i32) (result i32) (call_indirect $open (type $t) (local.get 0) (local.get 1))))

;;; clif
;; ; a
;; function u0:0(i64, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @0034                               jump block1(v1)
;;
;;                                 block1(v2: i32):
;; @0034                               return v2
;; }
;;
;; ; set
;; function u0:1(i64, i32) tail {
;;     region0 = 4 "constants"
;;     region1 = 2 "lengths"
;;     region2 = 1 "table elements"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0039                               v2 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0018
;; @0039                               v3 = iconst.i64 0
;; @0039                               v4 = iadd v2, v3  ; v3 = 0
;; @003b                               v5 = load.i64 notrap aligned region1 v0-72
;; @003b                               v6 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0060
;; @003b                               v7 = uextend.i64 v1
;; @003b                               v8 = icmp uge v7, v5
;; @003b                               trapnz v8, user3
;; @003b                               v9 = iconst.i64 3
;; @003b                               v10 = ishl v7, v9  ; v9 = 3
;; @003b                               v11 = iadd v6, v10
;; @003b                               v12 = select_spectre_guard v8, v6, v11
;; @003b                               store notrap aligned region2 v4, v12
;; @003d                               jump block1
;;
;;                                 block1:
;; @003d                               return
;; }
;;
;; ; caller
;; function u0:2(i64, i32, i32) -> i32 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 1 "table elements"
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @0044                               v4 = load.i64 notrap aligned region0 v0-72
;; @0044                               v5 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0060
;; @0044                               v6 = uextend.i64 v2
;; @0044                               v7 = icmp uge v6, v4
;; @0044                               trapnz v7, user4
;; @0044                               v8 = iconst.i64 3
;; @0044                               v9 = ishl v6, v8  ; v8 = 3
;; @0044                               v10 = iadd v5, v9
;; @0044                               v11 = select_spectre_guard v7, v5, v10
;; @0044                               v12 = load.i64 notrap aligned region2 v11
;; @0044                               v13 = load.i32 user5 aligned readonly v12+16
;; @0044                               v14 = load.i32 notrap aligned readonly can_move region1 v0-0x0014_0044
;; @0044                               v15 = icmp eq v13, v14
;; @0044                               trapz v15, user6
;; @0044                               v16 = load.i64 notrap aligned readonly v12
;; @0044                               v17 = load.i64 notrap aligned readonly v12+24
;; @0044                               v18 = call_indirect sig0, v16(v17, v1)
;; @0047                               jump block1(v18)
;;
;;                                 block1(v3: i32):
;; @0047                               return v3
;; }
;;
;; ; array entry of a
;; function u0:3(i64, i64, i64) system_v {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = load.i32 notrap aligned v1
;;     v4 = call fn0(v0, v3)
;;     store notrap aligned v4, v1
;;     return
;; }

;;; asm
;; a:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mov rsp, rbp                          ; @0x34
;;       a:  pop rbp
;;       b:  ret
;;
;; set:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, [rdi-0x48]                    ; @0x3b
;;       8:  mov r9d, esi
;;       b:  cmp r9, r8
;;       e:  jae 0x35
;;      14:  mov r10, [rdi-0x140018]               ; @0x39
;;      1b:  mov r11, [rdi-0x140060]               ; @0x3b
;;      22:  lea rax, [r11+r9*8]
;;      26:  cmp r9, r8
;;      29:  cmovae rax, r11
;;      2d:  mov [rax], r10
;;      30:  mov rsp, rbp                          ; @0x3d
;;      33:  pop rbp
;;      34:  ret
;;      35:  ud2                                   ; trap: out of bounds table access, @0x3b
;;
;; caller:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, [rdi-0x48]                   ; @0x44
;;       8:  mov ecx, edx
;;       a:  cmp rcx, rax
;;       d:  jae 0x45
;;      13:  mov rdx, [rdi-0x140060]
;;      1a:  lea r8, [rdx+rcx*8]
;;      1e:  cmp rcx, rax
;;      21:  cmovae r8, rdx
;;      25:  mov rax, [r8]
;;      28:  mov ecx, [rax+0x10]                   ; trap: uninitialized element
;;      2b:  cmp ecx, [rdi-0x140044]
;;      31:  jne 0x47
;;      37:  mov rcx, [rax]
;;      3a:  mov rdi, [rax+0x18]
;;      3e:  call rcx
;;      40:  mov rsp, rbp                          ; @0x47
;;      43:  pop rbp
;;      44:  ret
;;      45:  ud2                                   ; trap: undefined element, @0x44
;;      47:  ud2                                   ; trap: indirect call type mismatch
;;
;; array entry of a:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x10
;;       8:  mov [rsp], r12
;;       c:  mov r8, rsi
;;       f:  mov esi, [r8]
;;      12:  mov r12, r8
;;      15:  call 0x1a                             ; a
;;      1a:  mov rsi, r12
;;      1d:  mov [rsi], eax
;;      1f:  mov r12, [rsp]
;;      23:  add rsp, 0x10
;;      27:  mov rsp, rbp
;;      2a:  pop rbp
;;      2b:  ret
