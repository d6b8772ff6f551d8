;; A loop that follows calls has the base of memory, and what else it uses, in registers.
;;! -O2
(module
  (memory 1)
  (func $visit (param i32))
  (func $sum (param $from i32) (param $to i32) (param $scale i32) (result i32) (local $sum i32)
    (call $visit (local.get $from))
    (call $visit (i32.load (local.get $from)))
    (call $visit (i32.load (local.get $to)))
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.mul (i32.load (local.get $from)) (local.get $scale))))
      (local.set $from (i32.add (local.get $from) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $from) (local.get $to))))
    (i32.store (local.get $to) (local.get $sum))
    (i32.mul (local.get $sum) (local.get $scale))))

;;; clif
;; ; visit
;; function u0:0(i64, i32) tail {
;;                                 block0(v0: i64, v1: i32):
;; @0025                               jump block1
;;
;;                                 block1:
;; @0025                               return
;; }
;;
;; ; sum
;; function u0:1(i64, i32, i32, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;     sig0 = (i64, i32) tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;                                     v22 -> v2
;;                                     v17 -> v3
;; @0027                               v5 = iconst.i32 0
;; @002c                               call fn0(v0, v1)
;; @0030                               v6 = uextend.i64 v1
;; @0030                               v7 = iadd v0, v6
;; @0030                               v8 = load.i32 region0 v7
;; @0033                               call fn0(v0, v8)
;; @0037                               v9 = uextend.i64 v2
;; @0037                               v10 = iadd v0, v9
;; @0037                               v11 = load.i32 region0 v10
;; @003a                               call fn0(v0, v11)
;; @003c                               jump block2(v5, v1)  ; v5 = 0
;;
;;                                 block2(v12: i32, v13: i32):
;; @0042                               v14 = uextend.i64 v13
;; @0042                               v15 = iadd.i64 v0, v14
;; @0042                               v16 = load.i32 region0 v15
;; @0047                               v18 = imul v16, v17
;; @0048                               v19 = iadd v12, v18
;; @004d                               v20 = iconst.i32 4
;; @004f                               v21 = iadd v13, v20  ; v20 = 4
;; @0056                               v23 = icmp ult v21, v22
;; @0056                               v24 = uextend.i32 v23
;; @0057                               brif v24, block2(v19, v21), block4
;;
;;                                 block4:
;; @0059                               jump block3
;;
;;                                 block3:
;; @005e                               v25 = uextend.i64 v22
;; @005e                               v26 = iadd.i64 v0, v25
;; @005e                               store.i32 region0 v19, v26
;; @0065                               v27 = imul.i32 v19, v17
;; @0066                               jump block1(v27)
;;
;;                                 block1(v4: i32):
;; @0066                               return v4
;; }

;;; asm
;; visit:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsp, rbp                          ; @0x25
;;       7:  pop rbp
;;       8:  ret
;;
;; sum:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x30
;;       8:  mov [rsp], rbx
;;       c:  mov [rsp+8], r12
;;      11:  mov [rsp+0x10], r13
;;      16:  mov [rsp+0x18], r14
;;      1b:  mov [rsp+0x20], r15
;;      20:  mov rbx, rdi
;;      23:  mov r12, rsi
;;      26:  mov r13, rdx
;;      29:  mov r15, rcx
;;      2c:  call 0x31                             ; visit, @0x2c
;;      31:  mov eax, r12d                         ; @0x30
;;      34:  mov esi, [rbx+rax]                    ; trap: out of bounds memory access
;;      37:  mov rdi, rbx
;;      3a:  call 0x3f                             ; visit, @0x33
;;      3f:  mov r14d, r13d                        ; @0x37
;;      42:  mov esi, [rbx+r14]                    ; trap: out of bounds memory access
;;      46:  mov rdi, rbx
;;      49:  call 0x4e                             ; visit, @0x3a
;;      4e:  xor eax, eax                          ; @0x27
;;      50:  mov rcx, r15
;;      53:  mov rdx, rbx
;;      56:  mov esi, r12d                         ; @0x42
;;      59:  mov esi, [rdx+rsi]                    ; trap: out of bounds memory access
;;      5c:  imul esi, ecx                         ; @0x47
;;      5f:  add eax, esi                          ; @0x48
;;      61:  add r12d, 4
;;      68:  cmp r12d, r13d                        ; @0x57
;;      6b:  jb 0x56
;;      71:  mov [rbx+r14], eax                    ; trap: out of bounds memory access, @0x5e
;;      75:  mov rcx, r15
;;      78:  imul eax, ecx                         ; @0x65
;;      7b:  mov rbx, [rsp]                        ; @0x66
;;      7f:  mov r12, [rsp+8]
;;      84:  mov r13, [rsp+0x10]
;;      89:  mov r14, [rsp+0x18]
;;      8e:  mov r15, [rsp+0x20]
;;      93:  add rsp, 0x30
;;      97:  mov rsp, rbp
;;      9a:  pop rbp
;;      9b:  ret
