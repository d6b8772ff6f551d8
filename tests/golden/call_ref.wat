;; Calls through references: no comparison of types, and null is met by the load of the entry, which faults.
(module
  (type $t (func (param i32) (result i32)))
  (global $callee (mut (ref null $t)) (ref.null $t))
  (table $table 2 (ref $t) (ref.func $callee))
  (func $callee (export "callee") (type $t) (local.get 0))
  (func $call_ref (param (ref null $t)) (result i32) (call_ref $t (i32.const 1) (local.get 0)))
  (func $call_global (result i32) (call_ref $t (i32.const 1) (global.get $callee)))
  (func $return_call_ref (param (ref $t)) (result i32) (return_call_ref $t (i32.const 1) (local.get 0)))
  (func $call_known (result i32) (call_ref $t (i32.const 1) (ref.func $callee)))
  (func $call_table (param i32) (result i32) (call_ref $t (i32.const 1) (table.get $table (local.get 0))))
  (func $as_non_null (param (ref null $t)) (result (ref $t)) (ref.as_non_null (local.get 0)))
  (func $or_default (param (ref null $t)) (result i32)
    (block $null
      (return (call_ref $t (i32.const 2) (br_on_null $null (local.get 0)))))
    (i32.const -1))
  (func $first_non_null (param externref externref) (result (ref extern))
    (block $found (result (ref extern))
      (br_on_non_null $found (local.get 0))
      (br_on_non_null $found (local.get 1))
      (unreachable))))

;;; clif
;; ; callee
;; function u0:0(i64, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @0062                               jump block1(v1)
;;
;;                                 block1(v2: i32):
;; @0062                               return v2
;; }
;;
;; ; call_ref
;; function u0:1(i64, i64) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i64):
;; @0065                               v3 = iconst.i32 1
;; @0069                               v4 = load.i64 user17 aligned readonly v1
;; @0069                               v5 = load.i64 user17 aligned readonly v1+24
;; @0069                               v6 = call_indirect sig0, v4(v5, v3)  ; v3 = 1
;; @006b                               jump block1(v6)
;;
;;                                 block1(v2: i32):
;; @006b                               return v2
;; }
;;
;; ; call_global
;; function u0:2(i64) -> i32 tail {
;;     region0 = 5 "global 0"
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64):
;; @006e                               v2 = iconst.i32 1
;; @0070                               v3 = load.i64 notrap aligned region0 v0-80
;; @0072                               v4 = load.i64 user17 aligned readonly v3
;; @0072                               v5 = load.i64 user17 aligned readonly v3+24
;; @0072                               v6 = call_indirect sig0, v4(v5, v2)  ; v2 = 1
;; @0074                               jump block1(v6)
;;
;;                                 block1(v1: i32):
;; @0074                               return v1
;; }
;;
;; ; return_call_ref
;; function u0:3(i64, i64) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i64):
;; @0077                               v3 = iconst.i32 1
;; @007b                               v4 = load.i64 user17 aligned readonly v1
;; @007b                               v5 = load.i64 user17 aligned readonly v1+24
;; @007b                               return_call_indirect sig0, v4(v5, v3)  ; v3 = 1
;; }
;;
;; ; call_known
;; function u0:4(i64) -> i32 tail {
;;     region0 = 4 "constants"
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64):
;; @0080                               v2 = iconst.i32 1
;; @0082                               v3 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0018
;; @0082                               v4 = iconst.i64 0
;; @0082                               v5 = iadd v3, v4  ; v4 = 0
;; @0084                               v6 = load.i64 user17 aligned readonly v5
;; @0084                               v7 = load.i64 user17 aligned readonly v5+24
;; @0084                               v8 = call_indirect sig0, v6(v7, v2)  ; v2 = 1
;; @0086                               jump block1(v8)
;;
;;                                 block1(v1: i32):
;; @0086                               return v1
;; }
;;
;; ; call_table
;; function u0:5(i64, i32) -> i32 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 1 "table elements"
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i32):
;; @0089                               v3 = iconst.i32 1
;; @008d                               v4 = load.i64 notrap aligned region0 v0-88
;; @008d                               v5 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0068
;; @008d                               v6 = uextend.i64 v1
;; @008d                               v7 = icmp uge v6, v4
;; @008d                               trapnz v7, user3
;; @008d                               v8 = iconst.i64 3
;; @008d                               v9 = ishl v6, v8  ; v8 = 3
;; @008d                               v10 = iadd v5, v9
;; @008d                               v11 = select_spectre_guard v7, v5, v10
;; @008d                               v12 = load.i64 notrap aligned region2 v11
;; @008f                               v13 = load.i64 user17 aligned readonly v12
;; @008f                               v14 = load.i64 user17 aligned readonly v12+24
;; @008f                               v15 = call_indirect sig0, v13(v14, v3)  ; v3 = 1
;; @0091                               jump block1(v15)
;;
;;                                 block1(v2: i32):
;; @0091                               return v2
;; }
;;
;; ; as_non_null
;; function u0:6(i64, i64) -> i64 tail {
;;                                 block0(v0: i64, v1: i64):
;; @0096                               trapz v1, user16
;; @0097                               jump block1(v1)
;;
;;                                 block1(v2: i64):
;; @0097                               return v2
;; }
;;
;; ; or_default
;; function u0:7(i64, i64) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;
;;                                 block0(v0: i64, v1: i64):
;; @009c                               v3 = iconst.i32 2
;; @00a0                               v4 = iconst.i64 0
;; @00a0                               v5 = icmp eq v1, v4  ; v4 = 0
;; @00a0                               brif v5, block2, block3
;;
;;                                 block3:
;; @00a2                               v6 = load.i64 user17 aligned readonly v1
;; @00a2                               v7 = load.i64 user17 aligned readonly v1+24
;; @00a2                               v8 = call_indirect sig0, v6(v7, v3)  ; v3 = 2
;; @00a4                               jump block1(v8)
;;
;;                                 block2:
;; @00a6                               v9 = iconst.i32 -1
;; @00a8                               jump block1(v9)  ; v9 = -1
;;
;;                                 block1(v2: i32):
;; @00a8                               return v2
;; }
;;
;; ; first_non_null
;; function u0:8(i64, i32, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @00b0                               brif v1, block2(v1), block3
;;
;;                                 block3:
;; @00b4                               brif.i32 v2, block2(v2), block4
;;
;;                                 block4:
;; @00b6                               trap user1
;;
;;                                 block2(v4: i32):
;; @00b8                               jump block1(v4)
;;
;;                                 block1(v3: i32):
;; @00b8                               return v3
;; }
;;
;; ; array entry of callee
;; function u0:9(i64, i64, i64) system_v {
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
;; callee:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mov rsp, rbp                          ; @0x62
;;       a:  pop rbp
;;       b:  ret
;;
;; call_ref:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, [rsi]                         ; trap: null function reference, @0x69
;;       7:  mov rdi, [rsi+0x18]                   ; trap: null function reference
;;       b:  mov esi, 1                            ; @0x65
;;      10:  call r8                               ; @0x69
;;      13:  mov rsp, rbp                          ; @0x6b
;;      16:  pop rbp
;;      17:  ret
;;
;; call_global:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rdi, [rdi-0x50]                   ; @0x70
;;       8:  mov r8, [rdi]                         ; trap: null function reference, @0x72
;;       b:  mov rdi, [rdi+0x18]                   ; trap: null function reference
;;       f:  mov esi, 1                            ; @0x6e
;;      14:  call r8                               ; @0x72
;;      17:  mov rsp, rbp                          ; @0x74
;;      1a:  pop rbp
;;      1b:  ret
;;
;; return_call_ref:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r10, [rsi]                        ; trap: null function reference, @0x7b
;;       7:  mov rdi, [rsi+0x18]                   ; trap: null function reference
;;       b:  mov esi, 1                            ; @0x77
;;      10:  mov rsp, rbp                          ; @0x7b
;;      13:  pop rbp
;;      14:  jmp r10
;;
;; call_known:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rdi, [rdi-0x140018]               ; @0x82
;;       b:  mov r8, [rdi]                         ; trap: null function reference, @0x84
;;       e:  mov rdi, [rdi+0x18]                   ; trap: null function reference
;;      12:  mov esi, 1                            ; @0x80
;;      17:  call r8                               ; @0x84
;;      1a:  mov rsp, rbp                          ; @0x86
;;      1d:  pop rbp
;;      1e:  ret
;;
;; call_table:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, [rdi-0x58]                   ; @0x8d
;;       8:  mov ecx, esi
;;       a:  cmp rcx, rax
;;       d:  jae 0x3b
;;      13:  mov rdx, [rdi-0x140068]
;;      1a:  lea rsi, [rdx+rcx*8]
;;      1e:  cmp rcx, rax
;;      21:  cmovae rsi, rdx
;;      25:  mov rcx, [rsi]
;;      28:  mov rax, [rcx]                        ; trap: null function reference, @0x8f
;;      2b:  mov rdi, [rcx+0x18]                   ; trap: null function reference
;;      2f:  mov esi, 1                            ; @0x89
;;      34:  call rax                              ; @0x8f
;;      36:  mov rsp, rbp                          ; @0x91
;;      39:  pop rbp
;;      3a:  ret
;;      3b:  ud2                                   ; trap: out of bounds table access, @0x8d
;;
;; as_non_null:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  test rsi, rsi                         ; @0x96
;;       7:  je 0x15
;;       d:  mov rax, rsi
;;      10:  mov rsp, rbp                          ; @0x97
;;      13:  pop rbp
;;      14:  ret
;;      15:  ud2                                   ; trap: null reference, @0x96
;;
;; or_default:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  test rsi, rsi                         ; @0xa0
;;       7:  je 0x21
;;       d:  mov r9, [rsi]                         ; trap: null function reference, @0xa2
;;      10:  mov rdi, [rsi+0x18]                   ; trap: null function reference
;;      14:  mov esi, 2                            ; @0x9c
;;      19:  call r9                               ; @0xa2
;;      1c:  jmp 0x26                              ; @0xa4
;;      21:  mov eax, 0xffffffff                   ; @0xa6
;;      26:  mov rsp, rbp                          ; @0xa8
;;      29:  pop rbp
;;      2a:  ret
;;
;; first_non_null:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  test esi, esi                         ; @0xb0
;;       6:  jne 0x17
;;       c:  test edx, edx                         ; @0xb4
;;       e:  je 0x1f
;;      14:  mov rsi, rdx
;;      17:  mov rax, rsi
;;      1a:  mov rsp, rbp                          ; @0xb8
;;      1d:  pop rbp
;;      1e:  ret
;;      1f:  ud2                                   ; trap: unreachable, @0xb4
;;
;; array entry of callee:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x10
;;       8:  mov [rsp], r12
;;       c:  mov r8, rsi
;;       f:  mov esi, [r8]
;;      12:  mov r12, r8
;;      15:  call 0x1a                             ; callee
;;      1a:  mov rsi, r12
;;      1d:  mov [rsi], eax
;;      1f:  mov r12, [rsp]
;;      23:  add rsp, 0x10
;;      27:  mov rsp, rbp
;;      2a:  pop rbp
;;      2b:  ret
