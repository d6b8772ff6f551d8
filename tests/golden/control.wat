;; A loop, a jump table, and a block with several results.
(module
  (func $sum (param i32) (result i32)
    (local $total i32)
    (loop $again
      (local.set $total (i32.add (local.get $total) (local.get 0)))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1)))))
    (local.get $total))
  (func $switch (param i32) (result i32)
    (block $a (block $b (block $c (block $d
      (br_table $a $b $c $d (local.get 0)))
      (return (i32.const 40)))
      (return (i32.const 30)))
      (return (i32.const 20)))
    (i32.const 10))
  (func $swap (param i32 i64) (result i64 i32)
    (block (result i64 i32) (local.get 1) (local.get 0))))

;;; clif
;; ; sum
;; function u0:0(i64, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @0026                               v3 = iconst.i32 0
;; @0029                               jump block2(v3, v1)  ; v3 = 0
;;
;;                                 block2(v4: i32, v5: i32):
;; @002f                               v6 = iadd v4, v5
;; @0034                               v7 = iconst.i32 1
;; @0036                               v8 = isub v5, v7  ; v7 = 1
;; @0039                               brif v8, block2(v6, v8), block4
;;
;;                                 block4:
;; @003b                               jump block3
;;
;;                                 block3:
;; @003e                               jump block1(v6)
;;
;;                                 block1(v2: i32):
;; @003e                               return v2
;; }
;;
;; ; switch
;; function u0:1(i64, i32) -> i32 tail {
;;                                 block0(v0: i64, v1: i32):
;; @004b                               br_table v1, block5, [block2, block3, block4]
;;
;;                                 block5:
;; @0052                               v3 = iconst.i32 40
;; @0054                               jump block1(v3)  ; v3 = 40
;;
;;                                 block4:
;; @0056                               v4 = iconst.i32 30
;; @0058                               jump block1(v4)  ; v4 = 30
;;
;;                                 block3:
;; @005a                               v5 = iconst.i32 20
;; @005c                               jump block1(v5)  ; v5 = 20
;;
;;                                 block2:
;; @005e                               v6 = iconst.i32 10
;; @0060                               jump block1(v6)  ; v6 = 10
;;
;;                                 block1(v2: i32):
;; @0060                               return v2
;; }
;;
;; ; swap
;; function u0:2(i64, i32, i64) -> i64, i32 tail {
;;                                 block0(v0: i64, v1: i32, v2: i64):
;; @0069                               jump block2(v2, v1)
;;
;;                                 block2(v5: i64, v6: i32):
;; @006a                               jump block1(v5, v6)
;;
;;                                 block1(v3: i64, v4: i32):
;; @006a                               return v3, v4
;; }

;;; asm
;; sum:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  xor eax, eax                          ; @0x26
;;       6:  mov r8, rsi
;;       9:  sub r8d, 1
;;       d:  add eax, esi                          ; @0x2f
;;       f:  test r8d, r8d                         ; @0x39
;;      12:  je 0x20
;;      18:  mov rsi, r8
;;      1b:  jmp 6
;;      20:  mov rsp, rbp                          ; @0x3e
;;      23:  pop rbp
;;      24:  ret
;;
;; switch:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r9d, 3                            ; @0x4b
;;       a:  mov r10d, esi
;;       d:  cmp r10d, r9d
;;      10:  cmovb r9d, r10d
;;      14:  lea rcx, [rip+9]
;;      1b:  movsxd rax, [rcx+r9*4]
;;      1f:  add rcx, rax
;;      22:  jmp rcx
;;      24:  .long 0x48 - 0x24
;;      28:  .long 0x3e - 0x24
;;      2c:  .long 0x34 - 0x24
;;      30:  .long 0x52 - 0x24
;;      34:  mov eax, 0x1e                         ; @0x56
;;      39:  jmp 0x57                              ; @0x58
;;      3e:  mov eax, 0x14                         ; @0x5a
;;      43:  jmp 0x57                              ; @0x5c
;;      48:  mov eax, 0xa                          ; @0x5e
;;      4d:  jmp 0x57                              ; @0x60
;;      52:  mov eax, 0x28                         ; @0x52
;;      57:  mov rsp, rbp                          ; @0x60
;;      5a:  pop rbp
;;      5b:  ret
;;
;; swap:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rdx
;;       7:  mov rcx, rsi
;;       a:  mov rsp, rbp                          ; @0x6a
;;       d:  pop rbp
;;       e:  ret
