;;! --meter
(module
  (memory 1)
  ;; One addition in a round, and one for what comes behind the loop.
  (func $sum (export "sum") (param $at i32) (param $sum i32) (result i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (br_if $next (local.tee $at (i32.sub (local.get $at) (i32.const 4)))))
    (local.get $sum))
  ;; The row of the first arm goes on behind the `if`; the other one corrects it.
  (func $choose (export "choose") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (i32.const 1)))
      (else (i32.const 7)))))

;;; clif
;; ; sum
;; function u0:0(i64, i32, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @0037                               jump block2(v2, v1)
;;
;;                                 block2(v4: i32, v5: i32):
;; @003d                               v6 = uextend.i64 v5
;; @003d                               v7 = iadd.i64 v0, v6
;; @003d                               v8 = load.i32 user66 region0 v7
;; @0040                               v9 = iadd v4, v8
;; @0045                               v10 = iconst.i32 4
;; @0047                               v11 = isub v5, v10  ; v10 = 4
;; @004a                               v12 = get_pinned_reg.i64
;; @004a                               v13 = iconst.i64 10
;; @004a                               v14 = iadd v12, v13  ; v13 = 10
;; @004a                               set_pinned_reg v14
;; @004a                               v15 = iconst.i64 0
;; @004a                               v16 = icmp sgt v14, v15  ; v15 = 0
;; @004a                               trapnz v16, user22
;; @004a                               brif v11, block2(v9, v11), block4
;;
;;                                 block4:
;; @004c                               jump block3
;;
;;                                 block3:
;; @004f                               jump block1(v9)
;;
;;                                 block1(v3: i32):
;; @004f                               v17 = get_pinned_reg.i64
;; @004f                               v18 = iconst.i64 1
;; @004f                               v19 = iadd v17, v18  ; v18 = 1
;; @004f                               set_pinned_reg v19
;; @004f                               v20 = iconst.i64 0
;; @004f                               v21 = icmp sgt v19, v20  ; v20 = 0
;; @004f                               trapnz v21, user22
;; @004f                               return v3
;; }
;;
;; ; choose
;; function u0:1(i64, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @0054                               brif v1, block3, block4
;;
;;                                 block3:
;; @0058                               v4 = iconst.i32 1
;; @005a                               v5 = iadd.i32 v1, v4  ; v4 = 1
;; @005b                               jump block2(v5)
;;
;;                                 block4:
;; @005c                               v6 = iconst.i32 7
;; @005e                               v7 = get_pinned_reg.i64
;; @005e                               v8 = iconst.i64 -2
;; @005e                               v9 = iadd v7, v8  ; v8 = -2
;; @005e                               set_pinned_reg v9
;; @005e                               jump block2(v6)  ; v6 = 7
;;
;;                                 block2(v3: i32):
;; @005f                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @005f                               v10 = get_pinned_reg.i64
;; @005f                               v11 = iconst.i64 5
;; @005f                               v12 = iadd v10, v11  ; v11 = 5
;; @005f                               set_pinned_reg v12
;; @005f                               v13 = iconst.i64 0
;; @005f                               v14 = icmp sgt v12, v13  ; v13 = 0
;; @005f                               trapnz v14, user22
;; @005f                               return v2
;; }
;;
;; ; array entry of sum
;; function u0:2(i64, i64, i64) system_v {
;;     sig0 = (i64, i32, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = load.i32 notrap aligned v1
;;     v4 = load.i32 notrap aligned v1+16
;;     v5 = call fn0(v0, v3, v4)
;;     store notrap aligned v5, v1
;;     return
;; }
;;
;; ; array entry of choose
;; function u0:3(i64, i64, i64) system_v {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:1 sig0
;;
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = load.i32 notrap aligned v1
;;     v4 = call fn0(v0, v3)
;;     store notrap aligned v4, v1
;;     return
;; }

;;; asm
;; sum:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov eax, esi                          ; @0x3d
;;       6:  mov eax, [rdi+rax]                    ; trap: out of bounds memory access
;;       9:  mov rcx, r15                          ; @0x4a
;;       c:  add rcx, 0xa
;;      13:  mov r15, rcx                          ; @0x4a
;;      16:  test rcx, rcx
;;      19:  jg 0x4f
;;      1f:  sub esi, 4
;;      22:  add eax, edx                          ; @0x40
;;      24:  test esi, esi                         ; @0x4a
;;      26:  je 0x34
;;      2c:  mov rdx, rax
;;      2f:  jmp 4
;;      34:  mov rcx, r15                          ; @0x4f
;;      37:  add rcx, 1
;;      3e:  mov r15, rcx
;;      41:  test rcx, rcx
;;      44:  jg 0x51
;;      4a:  mov rsp, rbp
;;      4d:  pop rbp
;;      4e:  ret
;;      4f:  ud2                                   ; trap: out of fuel, @0x4a
;;      51:  ud2                                   ; trap: out of fuel, @0x4f
;;
;; choose:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  test esi, esi                         ; @0x54
;;       6:  jne 0x23
;;       c:  mov r11, r15                          ; @0x5e
;;       f:  add r11, 0xfffffffffffffffe
;;      16:  mov r15, r11
;;      19:  mov eax, 7                            ; @0x5c
;;      1e:  jmp 0x26                              ; @0x5e
;;      23:  lea eax, [rsi+1]                      ; @0x5a
;;      26:  mov rcx, r15                          ; @0x5f
;;      29:  add rcx, 5
;;      30:  mov r15, rcx
;;      33:  test rcx, rcx
;;      36:  jg 0x41
;;      3c:  mov rsp, rbp
;;      3f:  pop rbp
;;      40:  ret
;;      41:  ud2                                   ; trap: out of fuel
;;
;; array entry of sum:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x10
;;       8:  mov [rsp], r12
;;       c:  mov r12, rsi
;;       f:  mov esi, [rsi]
;;      11:  mov r9, r12
;;      14:  mov edx, [r9+0x10]
;;      18:  call 0x1d                             ; sum
;;      1d:  mov rsi, r12
;;      20:  mov [rsi], eax
;;      22:  mov r12, [rsp]
;;      26:  add rsp, 0x10
;;      2a:  mov rsp, rbp
;;      2d:  pop rbp
;;      2e:  ret
;;
;; array entry of choose:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x10
;;       8:  mov [rsp], r12
;;       c:  mov r8, rsi
;;       f:  mov esi, [r8]
;;      12:  mov r12, r8
;;      15:  call 0x1a                             ; choose
;;      1a:  mov rsi, r12
;;      1d:  mov [rsi], eax
;;      1f:  mov r12, [rsp]
;;      23:  add rsp, 0x10
;;      27:  mov rsp, rbp
;;      2a:  pop rbp
;;      2b:  ret
