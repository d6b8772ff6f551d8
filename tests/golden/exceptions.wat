;; A call inside a region names its landing blocks; outside of one it is a plain call. Nothing marks the region itself.
(module
  (tag $a (param i32))
  (tag $b)
  (func $callee (param i32) (result i32) (throw $a (local.get 0)))
  (func $outside (param i32) (result i32) (call $callee (local.get 0)))
  (func $catch (param i32) (result i32)
    (block $caught (result i32)
      (try_table (result i32) (catch $a $caught) (call $callee (local.get 0)))))
  (func $catch_all (param i32) (result i32)
    (block $caught
      (return (try_table (result i32) (catch_all $caught) (call $callee (local.get 0)))))
    (i32.const -1))
  (func $nested (param i32) (result i32)
    (block $outer
      (block $inner (result i32)
        (try_table (catch $b $outer)
          (br $inner (try_table (result i32) (catch $a $inner) (call $callee (local.get 0)))))
        (unreachable))
      (return))
    (i32.const -1))
  (func $again (param i32) (result i32)
    (block $caught (result exnref)
      (return (try_table (result i32) (catch_all_ref $caught) (call $callee (local.get 0)))))
    (throw_ref)))

;;; clif
;; ; callee
;; function u0:0(i64, i32) -> i32 tail {
;;     ss0 = explicit_slot 16, align = 16
;;     region0 = 4 "constants"
;;     sig0 = (i64, i64, i64) system_v
;;
;;                                 block0(v0: i64, v1: i32):
;; @002e                               v3 = stack_addr.i64 ss0
;; @002e                               store notrap aligned v1, v3
;; @002e                               v4 = iconst.i64 0
;; @002e                               v5 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0010
;; @002e                               v6 = load.i64 notrap aligned readonly can_move region0 v5+104
;; @002e                               call_indirect sig0, v6(v0, v4, v3)  ; v4 = 0
;; @002e                               trap user1
;; }
;;
;; ; outside
;; function u0:1(i64, i32) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0035                               v3 = call fn0(v0, v1)
;; @0037                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @0037                               return v2
;; }
;;
;; ; catch
;; function u0:2(i64, i32) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0044                               try_call fn0(v0, v1), sig0, block5(ret0), [ context v0, tag0: block4(exn0, exn1) ]
;;
;;                                 block5(v7: i32):
;; @0046                               jump block3(v7)
;;
;;                                 block4(v5: i64, v6: i64) cold:
;; @0046                               v8 = load.i32 notrap aligned v6
;; @0046                               v9 = ireduce.i32 v5
;; @0046                               jump block2(v8)
;;
;;                                 block3(v4: i32):
;; @0047                               jump block2(v4)
;;
;;                                 block2(v3: i32):
;; @0048                               jump block1(v3)
;;
;;                                 block1(v2: i32):
;; @0048                               return v2
;; }
;;
;; ; catch_all
;; function u0:3(i64, i32) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0054                               try_call fn0(v0, v1), sig0, block5(ret0), [ context v0, tag4294967292: block4(exn0, exn1) ]
;;
;;                                 block5(v6: i32):
;; @0056                               jump block3(v6)
;;
;;                                 block4(v4: i64, v5: i64) cold:
;; @0056                               v7 = ireduce.i32 v4
;; @0056                               jump block2
;;
;;                                 block3(v3: i32):
;; @0057                               jump block1(v3)
;;
;;                                 block2:
;; @0059                               v8 = iconst.i32 -1
;; @005b                               jump block1(v8)  ; v8 = -1
;;
;;                                 block1(v2: i32):
;; @005b                               return v2
;; }
;;
;; ; nested
;; function u0:4(i64, i32) -> i32 tail {
;;     sig0 = (i64, i32) -> i32 tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0070                               try_call fn0(v0, v1), sig0, block8(ret0), [ context v0, tag0: block6(exn0, exn1), tag2: block7(exn0, exn1) ]
;;
;;                                 block8(v9: i32):
;; @0072                               jump block5(v9)
;;
;;                                 block6(v5: i64, v6: i64) cold:
;; @0072                               v10 = load.i32 notrap aligned v6
;; @0072                               v11 = ireduce.i32 v5
;; @0072                               jump block3(v10)
;;
;;                                 block5(v4: i32):
;; @0073                               jump block3(v4)
;;
;;                                 block7(v7: i64, v8: i64) cold:
;; @0075                               v12 = ireduce.i32 v7
;; @0075                               jump block2
;;
;;                                 block3(v3: i32):
;; @0078                               jump block1(v3)
;;
;;                                 block2:
;; @007a                               v13 = iconst.i32 -1
;; @007c                               jump block1(v13)  ; v13 = -1
;;
;;                                 block1(v2: i32):
;; @007c                               return v2
;; }
;;
;; ; again
;; function u0:5(i64, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     sig0 = (i64, i32) -> i32 tail
;;     sig1 = (i64, i64) system_v
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @0088                               try_call fn0(v0, v1), sig0, block5(ret0), [ context v0, tag4294967293: block4(exn0, exn1) ]
;;
;;                                 block5(v7: i32):
;; @008a                               jump block3(v7)
;;
;;                                 block4(v5: i64, v6: i64) cold:
;; @008a                               v8 = ireduce.i32 v5
;; @008a                               jump block2(v8)
;;
;;                                 block3(v4: i32):
;; @008b                               jump block1(v4)
;;
;;                                 block2(v3: i32):
;; @008d                               v9 = uextend.i64 v3
;; @008d                               v10 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0010
;; @008d                               v11 = load.i64 notrap aligned readonly can_move region0 v10+112
;; @008d                               call_indirect sig1, v11(v0, v9)
;; @008d                               trap user1
;;
;;                                 block1(v2: i32):
;; @008e                               return v2
;; }

;;; asm
;; callee:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x10
;;       8:  lea rdx, [rsp]                        ; @0x2e
;;       c:  mov [rsp], esi
;;       f:  mov r8, [rdi-0x140010]
;;      16:  mov r8, [r8+0x68]
;;      1a:  xor rsi, rsi
;;      1d:  call r8
;;      20:  ud2                                   ; trap: unreachable
;;
;; outside:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  call 9                                ; callee, @0x35
;;       9:  mov rsp, rbp                          ; @0x37
;;       c:  pop rbp
;;       d:  ret
;;
;; catch:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x40
;;       8:  mov [rsp+0x10], rbx
;;       d:  mov [rsp+0x18], r12
;;      12:  mov [rsp+0x20], r13
;;      17:  mov [rsp+0x28], r14
;;      1c:  mov [rsp+0x30], r15
;;      21:  mov [rsp], rdi
;;      25:  call 0x2a                             ; callee, catch tag 0: 0x4c, @0x44
;;      2a:  mov rbx, [rsp+0x10]                   ; @0x48
;;      2f:  mov r12, [rsp+0x18]
;;      34:  mov r13, [rsp+0x20]
;;      39:  mov r14, [rsp+0x28]
;;      3e:  mov r15, [rsp+0x30]
;;      43:  add rsp, 0x40
;;      47:  mov rsp, rbp
;;      4a:  pop rbp
;;      4b:  ret
;;      4c:  mov eax, [rdx]                        ; @0x46
;;      4e:  jmp 0x2a
;;
;; catch_all:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x40
;;       8:  mov [rsp+0x10], rbx
;;       d:  mov [rsp+0x18], r12
;;      12:  mov [rsp+0x20], r13
;;      17:  mov [rsp+0x28], r14
;;      1c:  mov [rsp+0x30], r15
;;      21:  mov [rsp], rdi
;;      25:  call 0x2a                             ; callee, catch all: 0x2f, @0x54
;;      2a:  jmp 0x34                              ; @0x57
;;      2f:  mov eax, 0xffffffff                   ; @0x59
;;      34:  mov rbx, [rsp+0x10]                   ; @0x5b
;;      39:  mov r12, [rsp+0x18]
;;      3e:  mov r13, [rsp+0x20]
;;      43:  mov r14, [rsp+0x28]
;;      48:  mov r15, [rsp+0x30]
;;      4d:  add rsp, 0x40
;;      51:  mov rsp, rbp
;;      54:  pop rbp
;;      55:  ret
;;      56:  jmp 0x2f                              ; @0x56
;;
;; nested:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x40
;;       8:  mov [rsp+0x10], rbx
;;       d:  mov [rsp+0x18], r12
;;      12:  mov [rsp+0x20], r13
;;      17:  mov [rsp+0x28], r14
;;      1c:  mov [rsp+0x30], r15
;;      21:  mov [rsp], rdi
;;      25:  call 0x2a                             ; callee, catch tag 0: 0x5b, catch tag 1: 0x2f, @0x70
;;      2a:  jmp 0x34                              ; @0x73
;;      2f:  mov eax, 0xffffffff                   ; @0x7a
;;      34:  mov rbx, [rsp+0x10]                   ; @0x7c
;;      39:  mov r12, [rsp+0x18]
;;      3e:  mov r13, [rsp+0x20]
;;      43:  mov r14, [rsp+0x28]
;;      48:  mov r15, [rsp+0x30]
;;      4d:  add rsp, 0x40
;;      51:  mov rsp, rbp
;;      54:  pop rbp
;;      55:  ret
;;      56:  jmp 0x2f                              ; @0x75
;;      5b:  mov eax, [rdx]                        ; @0x72
;;      5d:  jmp 0x34
;;
;; again:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x40
;;       8:  mov [rsp+0x10], rbx
;;       d:  mov [rsp+0x18], r12
;;      12:  mov [rsp+0x20], r13
;;      17:  mov [rsp+0x28], r14
;;      1c:  mov [rsp+0x30], r15
;;      21:  mov [rsp], rdi
;;      25:  call 0x2a                             ; callee, catch all and keep it: 0x4c, @0x88
;;      2a:  mov rbx, [rsp+0x10]                   ; @0x8e
;;      2f:  mov r12, [rsp+0x18]
;;      34:  mov r13, [rsp+0x20]
;;      39:  mov r14, [rsp+0x28]
;;      3e:  mov r15, [rsp+0x30]
;;      43:  add rsp, 0x40
;;      47:  mov rsp, rbp
;;      4a:  pop rbp
;;      4b:  ret
;;      4c:  mov rdi, [rsp]
;;      50:  mov rcx, [rdi-0x140010]               ; @0x8d
;;      57:  mov rcx, [rcx+0x70]
;;      5b:  mov esi, eax
;;      5d:  call rcx
;;      5f:  ud2                                   ; trap: unreachable
