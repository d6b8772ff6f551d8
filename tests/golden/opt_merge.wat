;; An `end` that nothing branches to begins no block of its own.
;;! -O2
(module
  (memory 1)
  (func $in_blocks (param i32 i32) (result i32)
    (block (result i32) (block (result i32) (i32.load (local.get 0))) (i32.add (local.get 1))))
  (func $with_a_branch (param i32 i32) (result i32)
    (block (result i32) (br_if 0 (i32.load (local.get 0)) (local.get 1)) (i32.add (local.get 1)))))

;;; clif
;; ; in_blocks
;; function u0:0(i64, i32, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @0026                               v6 = uextend.i64 v1
;; @0026                               v7 = iadd v0, v6
;; @0026                               v8 = load.i32 region0 v7
;; @0029                               jump block3(v8)
;;
;;                                 block3(v5: i32):
;; @002c                               v9 = iadd v5, v2
;; @002d                               jump block2(v9)
;;
;;                                 block2(v4: i32):
;; @002e                               jump block1(v4)
;;
;;                                 block1(v3: i32):
;; @002e                               return v3
;; }
;;
;; ; with_a_branch
;; function u0:1(i64, i32, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @0035                               v5 = uextend.i64 v1
;; @0035                               v6 = iadd v0, v5
;; @0035                               v7 = load.i32 region0 v6
;; @003a                               brif v2, block2(v7), block3
;;
;;                                 block3:
;; @003e                               v8 = iadd.i32 v7, v2
;; @003f                               jump block2(v8)
;;
;;                                 block2(v4: i32):
;; @0040                               jump block1(v4)
;;
;;                                 block1(v3: i32):
;; @0040                               return v3
;; }

;;; asm
;; in_blocks:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x26
;;       6:  mov rax, rdx
;;       9:  add eax, [rdi+rsi]                    ; trap: out of bounds memory access, @0x2c
;;       c:  mov rsp, rbp                          ; @0x2e
;;       f:  pop rbp
;;      10:  ret
;;
;; with_a_branch:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8d, esi                          ; @0x35
;;       7:  mov eax, [rdi+r8]                     ; trap: out of bounds memory access
;;       b:  test edx, edx                         ; @0x3a
;;       d:  jne 0x15
;;      13:  add eax, edx                          ; @0x3e
;;      15:  mov rsp, rbp                          ; @0x40
;;      18:  pop rbp
;;      19:  ret
