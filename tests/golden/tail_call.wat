;; Tail calls are jumps: to a function of the module, through tables, and to an import that an instance defines.
(module
  (type $t (func (param i32) (result i32)))
  (import "m" "elsewhere" (func $elsewhere (type $t)))
  (table $constant funcref (elem $direct))
  (table $open (export "open") 4 funcref)
  (func $direct (type $t) (return_call $direct (local.get 0)))
  (func $import (type $t) (return_call $elsewhere (local.get 0)))
  (func $through_constant (type $t) (return_call_indirect $constant (type $t) (local.get 0) (local.get 0)))
  (func $through_open (type $t) (return_call_indirect $open (type $t) (local.get 0) (local.get 0)))
  (func $many (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i32)
    (return_call $direct (i32.wrap_i64 (local.get 9))))
  (func $to_many (type $t)
    (return_call $many (i64.const 0) (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6)
      (i64.const 7) (i64.const 8) (i64.extend_i32_u (local.get 0)))))

;;; clif
;; ; elsewhere
;; function u0:0(i64, i32) -> i32 tail {
;;     ss0 = explicit_slot 16, align = 16
;;     sig0 = (i64, i64, i64) system_v
;;
;; block0(v0: i64, v1: i32):
;;     v2 = load.i64 notrap aligned readonly can_move v0-0x0014_0060
;;     v3 = load.i64 notrap aligned readonly can_move v0-0x0014_0058
;;     v4 = stack_addr.i64 ss0
;;     store notrap aligned v1, v4
;;     call_indirect sig0, v2(v3, v4, v0)
;;     v5 = load.i32 notrap aligned v4
;;     return v5
;; }
;;
;; ; direct
;; function u0:1(i64, i32) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:1 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @005e                               return_call fn0(v0, v1)
;; }
;;
;; ; import
;; function u0:2(i64, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0065                               v3 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0050
;; @0065                               v4 = iconst.i64 0
;; @0065                               v5 = icmp eq v3, v4  ; v4 = 0
;; @0065                               brif v5, block2, block3
;;
;;                                 block3:
;; @0065                               v6 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0058
;; @0065                               return_call_indirect.i64 sig0, v3(v6, v1)
;;
;;                                 block2:
;; @0065                               return_call fn0(v0, v1)
;; }
;;
;; ; through_constant
;; function u0:3(i64, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     gv0 = symbol colocated userextname0
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i32):
;; @006e                               v3 = symbol_value.i64 gv0
;; @006e                               v4 = uextend.i64 v1
;; @006e                               v5 = iconst.i64 0
;; @006e                               v6 = icmp ne v4, v5  ; v5 = 0
;; @006e                               trapnz v6, user4
;; @006e                               v7 = load.i32 notrap aligned readonly can_move region0 v3+4
;; @006e                               v8 = iconst.i32 0
;; @006e                               v9 = icmp eq v7, v8  ; v8 = 0
;; @006e                               brif v9, block3, block2
;;
;;                                 block2 cold:
;; @006e                               v10 = iconst.i32 -1
;; @006e                               v11 = icmp.i32 eq v7, v10  ; v10 = -1
;; @006e                               trapnz v11, user5
;; @006e                               trap user6
;;
;;                                 block3:
;; @006e                               v12 = load.i32 notrap aligned readonly can_move region0 v3
;; @006e                               v13 = sextend.i64 v12
;; @006e                               v14 = iadd.i64 v3, v13
;; @006e                               return_call_indirect sig0, v14(v0, v1)
;; }
;;
;; ; through_open
;; function u0:4(i64, i32) -> i32 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 1 "table elements"
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i32):
;; @0078                               v3 = load.i64 notrap aligned region0 v0-80
;; @0078                               v4 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0080
;; @0078                               v5 = uextend.i64 v1
;; @0078                               v6 = icmp uge v5, v3
;; @0078                               trapnz v6, user4
;; @0078                               v7 = iconst.i64 3
;; @0078                               v8 = ishl v5, v7  ; v7 = 3
;; @0078                               v9 = iadd v4, v8
;; @0078                               v10 = select_spectre_guard v6, v4, v9
;; @0078                               v11 = load.i64 notrap aligned region2 v10
;; @0078                               v12 = load.i32 user5 aligned readonly v11+16
;; @0078                               v13 = load.i32 notrap aligned readonly can_move region1 v0-0x0014_0044
;; @0078                               v14 = icmp eq v12, v13
;; @0078                               trapz v14, user6
;; @0078                               v15 = load.i64 notrap aligned readonly v11
;; @0078                               v16 = load.i64 notrap aligned readonly v11+24
;; @0078                               return_call_indirect sig0, v15(v16, v1)
;; }
;;
;; ; many
;; function u0:5(i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:1 sig0
;;
;;                                 block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64, v5: i64, v6: i64, v7: i64, v8: i64, v9: i64, v10: i64):
;; @0080                               v12 = ireduce.i32 v10
;; @0081                               return_call fn0(v0, v12)
;; }
;;
;; ; to_many
;; function u0:6(i64, i32) -> i32 tail {
;;     sig0 = (i64, i64, i64, i64, i64, i64, i64, i64, i64, i64, i64) -> i32 tail
;;     fn0 = colocated u0:5 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0086                               v3 = iconst.i64 0
;; @0088                               v4 = iconst.i64 1
;; @008a                               v5 = iconst.i64 2
;; @008c                               v6 = iconst.i64 3
;; @008e                               v7 = iconst.i64 4
;; @0090                               v8 = iconst.i64 5
;; @0092                               v9 = iconst.i64 6
;; @0094                               v10 = iconst.i64 7
;; @0096                               v11 = iconst.i64 8
;; @009a                               v12 = uextend.i64 v1
;; @009b                               return_call fn0(v0, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12)  ; v3 = 0, v4 = 1, v5 = 2, v6 = 3, v7 = 4, v8 = 5, v9 = 6, v10 = 7, v11 = 8
;; }

;;; asm
;; elsewhere:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x10
;;       8:  lea r9, [rsp]
;;       c:  mov [rsp], esi
;;       f:  mov r8, [rdi-0x140060]
;;      16:  mov rax, rdi
;;      19:  mov rdi, [rax-0x140058]
;;      20:  mov rdx, rax
;;      23:  mov rsi, r9
;;      26:  call r8
;;      29:  mov eax, [rsp]
;;      2c:  add rsp, 0x10
;;      30:  mov rsp, rbp
;;      33:  pop rbp
;;      34:  ret
;;
;; direct:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsp, rbp                          ; @0x5e
;;       7:  pop rbp
;;       8:  jmp 0xd                               ; direct
;;
;; import:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r10, [rdi-0x140050]               ; @0x65
;;       b:  test r10, r10
;;       e:  je 0x22
;;      14:  mov rdi, [rdi-0x140058]
;;      1b:  mov rsp, rbp
;;      1e:  pop rbp
;;      1f:  jmp r10
;;      22:  mov rsp, rbp
;;      25:  pop rbp
;;      26:  jmp 0x2b                              ; elsewhere
;;
;; through_constant:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  test esi, esi                         ; @0x6e
;;       6:  jne 0x3a
;;       c:  lea r9, [rip]                         ; table[0]
;;      13:  mov r10d, [r9+4]
;;      17:  test r10d, r10d
;;      1a:  jne 0x2e
;;      20:  movsxd rax, [r9]
;;      23:  lea r10, [r9+rax]
;;      27:  mov rsp, rbp
;;      2a:  pop rbp
;;      2b:  jmp r10
;;      2e:  cmp r10d, 0xffffffff
;;      32:  je 0x3c
;;      38:  ud2                                   ; trap: indirect call type mismatch
;;      3a:  ud2                                   ; trap: undefined element
;;      3c:  ud2                                   ; trap: uninitialized element
;;
;; through_open:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, [rdi-0x50]                   ; @0x78
;;       8:  mov ecx, esi
;;       a:  cmp rcx, rax
;;       d:  jae 0x45
;;      13:  mov rdx, [rdi-0x140080]
;;      1a:  lea r8, [rdx+rcx*8]
;;      1e:  cmp rcx, rax
;;      21:  cmovae r8, rdx
;;      25:  mov rax, [r8]
;;      28:  mov ecx, [rax+0x10]                   ; trap: uninitialized element
;;      2b:  cmp ecx, [rdi-0x140044]
;;      31:  jne 0x47
;;      37:  mov r10, [rax]
;;      3a:  mov rdi, [rax+0x18]
;;      3e:  mov rsp, rbp
;;      41:  pop rbp
;;      42:  jmp r10
;;      45:  ud2                                   ; trap: undefined element
;;      47:  ud2                                   ; trap: indirect call type mismatch
;;
;; many:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsi, [rbp+0x30]
;;       8:  mov rsp, rbp                          ; @0x81
;;       b:  pop rbp
;;       c:  mov r11, [rsp]
;;      10:  mov [rsp+0x30], r11
;;      15:  add rsp, 0x30
;;      19:  jmp 0x1e                              ; direct
;;
;; to_many:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x30
;;       8:  mov rbp, rsp
;;       b:  mov r11, [rsp+0x30]
;;      10:  mov [rsp], r11
;;      14:  mov r11, [rsp+0x38]
;;      19:  mov [rsp+8], r11
;;      1e:  sub rsp, 0x20
;;      22:  mov [rsp], rbx
;;      26:  mov [rsp+8], r14
;;      2b:  mov [rsp+0x10], r15
;;      30:  mov rbx, rsi
;;      33:  xor rsi, rsi                          ; @0x86
;;      36:  mov edx, 1                            ; @0x88
;;      3b:  mov ecx, 2                            ; @0x8a
;;      40:  mov r8d, 3                            ; @0x8c
;;      46:  mov r9d, 4                            ; @0x8e
;;      4c:  mov eax, 5                            ; @0x90
;;      51:  mov r10d, 6                           ; @0x92
;;      57:  mov r11d, 7                           ; @0x94
;;      5d:  mov r14d, 8                           ; @0x96
;;      63:  mov r15d, ebx                         ; @0x9a
;;      66:  mov [rbp+0x10], rax                   ; @0x9b
;;      6a:  mov [rbp+0x18], r10
;;      6e:  mov [rbp+0x20], r11
;;      72:  mov [rbp+0x28], r14
;;      76:  mov [rbp+0x30], r15
;;      7a:  mov rbx, [rsp]
;;      7e:  mov r14, [rsp+8]
;;      83:  mov r15, [rsp+0x10]
;;      88:  add rsp, 0x20
;;      8c:  mov rsp, rbp
;;      8f:  pop rbp
;;      90:  jmp 0x95                              ; many
