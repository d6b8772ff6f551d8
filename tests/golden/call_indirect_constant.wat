;; A table that nothing can change lies in the artifact: compare the type's index, add a relative address, call.
(module
  (type $t (func (param i32) (result i32)))
  (table funcref (elem $a $b $c))
  (func $a (type $t) (local.get 0))
  (func $b (type $t) (i32.const 2))
  (func $c (param i64))
  (func $caller (param i32 i32) (result i32) (call_indirect (type $t) (local.get 0) (local.get 1))))

;;; clif
;; ; a
;; function u0:0(i64, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @003c                               jump block1(v1)
;;
;;                                 block1(v2: i32):
;; @003c                               return v2
;; }
;;
;; ; b
;; function u0:1(i64, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @003f                               v3 = iconst.i32 2
;; @0041                               jump block1(v3)  ; v3 = 2
;;
;;                                 block1(v2: i32):
;; @0041                               return v2
;; }
;;
;; ; c
;; function u0:2(i64, i64) tail {
;;                                 block0(v0: i64, v1: i64):
;; @0044                               jump block1
;;
;;                                 block1:
;; @0044                               return
;; }
;;
;; ; caller
;; function u0:3(i64, i32, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     gv0 = symbol colocated userextname0
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @004b                               v4 = iconst.i64 3
;; @004b                               v5 = symbol_value.i64 gv0
;; @004b                               v6 = uextend.i64 v2
;; @004b                               v7 = icmp uge v6, v4  ; v4 = 3
;; @004b                               trapnz v7, user4
;; @004b                               v8 = iconst.i64 3
;; @004b                               v9 = ishl v6, v8  ; v8 = 3
;; @004b                               v10 = iadd v5, v9
;; @004b                               v11 = select_spectre_guard v7, v5, v10
;; @004b                               v12 = load.i32 notrap aligned readonly can_move region0 v11+4
;; @004b                               v13 = iconst.i32 0
;; @004b                               v14 = icmp eq v12, v13  ; v13 = 0
;; @004b                               brif v14, block3, block2
;;
;;                                 block2 cold:
;; @004b                               v15 = iconst.i32 -1
;; @004b                               v16 = icmp.i32 eq v12, v15  ; v15 = -1
;; @004b                               trapnz v16, user5
;; @004b                               trap user6
;;
;;                                 block3:
;; @004b                               v17 = load.i32 notrap aligned readonly can_move region0 v11
;; @004b                               v18 = sextend.i64 v17
;; @004b                               v19 = iadd.i64 v5, v18
;; @004b                               v20 = call_indirect sig0, v19(v0, v1)
;; @004e                               jump block1(v20)
;;
;;                                 block1(v3: i32):
;; @004e                               return v3
;; }

;;; asm
;; a:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mov rsp, rbp                          ; @0x3c
;;       a:  pop rbp
;;       b:  ret
;;
;; b:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov eax, 2                            ; @0x3f
;;       9:  mov rsp, rbp                          ; @0x41
;;       c:  pop rbp
;;       d:  ret
;;
;; c:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsp, rbp                          ; @0x44
;;       7:  pop rbp
;;       8:  ret
;;
;; caller:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r11d, edx                         ; @0x4b
;;       7:  cmp r11, 3
;;       b:  jae 0x47
;;      11:  lea rax, [rip]                        ; table[0]
;;      18:  lea rcx, [rax+r11*8]
;;      1c:  cmp r11, 3
;;      20:  cmovae rcx, rax
;;      24:  mov edx, [rcx+4]
;;      27:  test edx, edx
;;      29:  jne 0x3c
;;      2f:  movsxd rcx, [rcx]
;;      32:  add rax, rcx
;;      35:  call rax
;;      37:  mov rsp, rbp                          ; @0x4e
;;      3a:  pop rbp
;;      3b:  ret
;;      3c:  cmp edx, 0xffffffff                   ; @0x4b
;;      3f:  je 0x49
;;      45:  ud2                                   ; trap: indirect call type mismatch
;;      47:  ud2                                   ; trap: undefined element
;;      49:  ud2                                   ; trap: uninitialized element
