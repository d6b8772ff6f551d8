;; Accesses of tables are checked, and what a failed check would read is replaced, so that nothing leaks by speculation.
(module
  (table $t 10 20 externref)
  (func $get (param i32) (result externref) (table.get $t (local.get 0)))
  (func $set (param i32 externref) (table.set $t (local.get 0) (local.get 1)))
  (func $size (result i32) (table.size $t)))

;;; clif
;; ; get
;; function u0:0(i64, i32) -> i32 tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 1 "table elements"
;;
;;                                 block0(v0: i64, v1: i32):
;; @002d                               v3 = load.i64 notrap aligned region0 v0-72
;; @002d                               v4 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0060
;; @002d                               v5 = uextend.i64 v1
;; @002d                               v6 = icmp uge v5, v3
;; @002d                               trapnz v6, user3
;; @002d                               v7 = iconst.i64 3
;; @002d                               v8 = ishl v5, v7  ; v7 = 3
;; @002d                               v9 = iadd v4, v8
;; @002d                               v10 = select_spectre_guard v6, v4, v9
;; @002d                               v11 = load.i32 notrap aligned region2 v10
;; @002f                               jump block1(v11)
;;
;;                                 block1(v2: i32):
;; @002f                               return v2
;; }
;;
;; ; set
;; function u0:1(i64, i32, i32) tail {
;;     region0 = 2 "lengths"
;;     region1 = 4 "constants"
;;     region2 = 1 "table elements"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @0036                               v3 = load.i64 notrap aligned region0 v0-72
;; @0036                               v4 = load.i64 notrap aligned readonly can_move region1 v0-0x0014_0060
;; @0036                               v5 = uextend.i64 v1
;; @0036                               v6 = icmp uge v5, v3
;; @0036                               trapnz v6, user3
;; @0036                               v7 = iconst.i64 3
;; @0036                               v8 = ishl v5, v7  ; v7 = 3
;; @0036                               v9 = iadd v4, v8
;; @0036                               v10 = select_spectre_guard v6, v4, v9
;; @0036                               v11 = uextend.i64 v2
;; @0036                               store notrap aligned region2 v11, v10
;; @0038                               jump block1
;;
;;                                 block1:
;; @0038                               return
;; }
;;
;; ; size
;; function u0:2(i64) -> i32 tail {
;;     region0 = 2 "lengths"
;;
;;                                 block0(v0: i64):
;; @003b                               v2 = load.i64 notrap aligned region0 v0-72
;; @003b                               v3 = ireduce.i32 v2
;; @003e                               jump block1(v3)
;;
;;                                 block1(v1: i32):
;; @003e                               return v1
;; }

;;; asm
;; get:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, [rdi-0x48]                    ; @0x2d
;;       8:  mov r9d, esi
;;       b:  cmp r9, r8
;;       e:  jae 0x2e
;;      14:  mov r10, [rdi-0x140060]
;;      1b:  lea r11, [r10+r9*8]
;;      1f:  cmp r9, r8
;;      22:  cmovae r11, r10
;;      26:  mov eax, [r11]
;;      29:  mov rsp, rbp                          ; @0x2f
;;      2c:  pop rbp
;;      2d:  ret
;;      2e:  ud2                                   ; trap: out of bounds table access, @0x2d
;;
;; set:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r9, [rdi-0x48]                    ; @0x36
;;       8:  mov r10d, esi
;;       b:  cmp r10, r9
;;       e:  jae 0x31
;;      14:  mov r11d, edx
;;      17:  mov rax, [rdi-0x140060]
;;      1e:  lea rcx, [rax+r10*8]
;;      22:  cmp r10, r9
;;      25:  cmovae rcx, rax
;;      29:  mov [rcx], r11
;;      2c:  mov rsp, rbp                          ; @0x38
;;      2f:  pop rbp
;;      30:  ret
;;      31:  ud2                                   ; trap: out of bounds table access, @0x36
;;
;; size:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, [rdi-0x48]                   ; @0x3b
;;       8:  mov rsp, rbp                          ; @0x3e
;;       b:  pop rbp
;;       c:  ret
