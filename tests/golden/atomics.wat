;; The alignment is tested; a shared memory is not in the slot.
(module
  (memory 1 9 shared)
  (func $load (param i32) (result i64) (i64.atomic.load offset=16 (local.get 0)))
  (func $store8 (param i32 i32) (i32.atomic.store8 (local.get 0) (local.get 1)))
  (func $add (param i32 i32) (result i32) (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func $cmpxchg16 (param i32 i64 i64) (result i64)
    (i64.atomic.rmw16.cmpxchg_u (local.get 0) (local.get 1) (local.get 2)))
  (func $size (result i32) (memory.size))
  (func $fence (atomic.fence)))

;;; clif
;; ; load
;; function u0:0(i64, i32) -> i64 tail {
;;     region0 = 4 "constants"
;;     region1 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @003f                               v3 = uextend.i64 v1
;; @003f                               v4 = iconst.i64 0
;; @003f                               v5 = iadd v3, v4  ; v4 = 0
;; @003f                               v6 = iconst.i64 7
;; @003f                               v7 = band v5, v6  ; v6 = 7
;; @003f                               trapnz v7, user18
;; @003f                               v8 = uextend.i64 v1
;; @003f                               v9 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0068
;; @003f                               v10 = iadd v9, v8
;; @003f                               v11 = iconst.i64 16
;; @003f                               v12 = iadd v10, v11  ; v11 = 16
;; @003f                               v13 = atomic_load.i64 region1 v12
;; @0043                               jump block1(v13)
;;
;;                                 block1(v2: i64):
;; @0043                               return v2
;; }
;;
;; ; store8
;; function u0:1(i64, i32, i32) tail {
;;     region0 = 4 "constants"
;;     region1 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @004a                               v3 = ireduce.i8 v2
;; @004a                               v4 = uextend.i64 v1
;; @004a                               v5 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0068
;; @004a                               v6 = iadd v5, v4
;; @004a                               atomic_store region1 v3, v6
;; @004e                               jump block1
;;
;;                                 block1:
;; @004e                               return
;; }
;;
;; ; add
;; function u0:2(i64, i32, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     region1 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i32):
;; @0055                               v4 = uextend.i64 v1
;; @0055                               v5 = iconst.i64 0
;; @0055                               v6 = iadd v4, v5  ; v5 = 0
;; @0055                               v7 = iconst.i64 3
;; @0055                               v8 = band v6, v7  ; v7 = 3
;; @0055                               trapnz v8, user18
;; @0055                               v9 = uextend.i64 v1
;; @0055                               v10 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0068
;; @0055                               v11 = iadd v10, v9
;; @0055                               v12 = atomic_rmw.i32 add v11, v2
;; @0059                               jump block1(v12)
;;
;;                                 block1(v3: i32):
;; @0059                               return v3
;; }
;;
;; ; cmpxchg16
;; function u0:3(i64, i32, i64, i64) -> i64 tail {
;;     region0 = 4 "constants"
;;     region1 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i64, v3: i64):
;; @0062                               v5 = ireduce.i16 v3
;; @0062                               v6 = ireduce.i16 v2
;; @0062                               v7 = uextend.i64 v1
;; @0062                               v8 = iconst.i64 0
;; @0062                               v9 = iadd v7, v8  ; v8 = 0
;; @0062                               v10 = iconst.i64 1
;; @0062                               v11 = band v9, v10  ; v10 = 1
;; @0062                               trapnz v11, user18
;; @0062                               v12 = uextend.i64 v1
;; @0062                               v13 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0068
;; @0062                               v14 = iadd v13, v12
;; @0062                               v15 = atomic_cas v14, v6, v5
;; @0062                               v16 = uextend.i64 v15
;; @0066                               jump block1(v16)
;;
;;                                 block1(v4: i64):
;; @0066                               return v4
;; }
;;
;; ; size
;; function u0:4(i64) -> i32 tail {
;;     region0 = 4 "constants"
;;     region1 = 2 "lengths"
;;
;;                                 block0(v0: i64):
;; @0069                               v2 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0060
;; @0069                               v3 = atomic_load.i64 notrap aligned region1 v2
;; @0069                               v4 = iconst.i64 16
;; @0069                               v5 = ushr v3, v4  ; v4 = 16
;; @0069                               v6 = ireduce.i32 v5
;; @006b                               jump block1(v6)
;;
;;                                 block1(v1: i32):
;; @006b                               return v1
;; }
;;
;; ; fence
;; function u0:5(i64) tail {
;;                                 block0(v0: i64):
;; @006e                               fence
;; @0071                               jump block1
;;
;;                                 block1:
;; @0071                               return
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x3f
;;       6:  test rsi, 7
;;       d:  jne 0x24
;;      13:  mov rdi, [rdi-0x140068]
;;      1a:  mov rax, [rdi+rsi+0x10]               ; trap: out of bounds memory access
;;      1f:  mov rsp, rbp                          ; @0x43
;;      22:  pop rbp
;;      23:  ret
;;      24:  ud2                                   ; trap: unaligned atomic, @0x3f
;;
;; store8:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, rsi
;;       7:  mov rsi, [rdi-0x140068]               ; @0x4a
;;       e:  mov rdi, r8
;;      11:  mov edi, edi
;;      13:  mov [rsi+rdi], dl                     ; trap: out of bounds memory access
;;      16:  mfence
;;      19:  mov rsp, rbp                          ; @0x4e
;;      1c:  pop rbp
;;      1d:  ret
;;
;; add:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x55
;;       6:  test rsi, 3
;;       d:  jne 0x28
;;      13:  mov r8, [rdi-0x140068]
;;      1a:  mov rax, rdx
;;      1d:  lock xadd [r8+rsi], eax               ; trap: out of bounds memory access
;;      23:  mov rsp, rbp                          ; @0x59
;;      26:  pop rbp
;;      27:  ret
;;      28:  ud2                                   ; trap: unaligned atomic, @0x55
;;
;; cmpxchg16:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8d, esi                          ; @0x62
;;       7:  test r8, 1
;;       e:  jne 0x2e
;;      14:  mov r10, [rdi-0x140068]
;;      1b:  mov rax, rdx
;;      1e:  lock cmpxchg [r10+r8], cx             ; trap: out of bounds memory access
;;      25:  movzx rax, ax
;;      29:  mov rsp, rbp                          ; @0x66
;;      2c:  pop rbp
;;      2d:  ret
;;      2e:  ud2                                   ; trap: unaligned atomic, @0x62
;;
;; size:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsi, [rdi-0x140060]               ; @0x69
;;       b:  mov rax, [rsi]
;;       e:  shr rax, 0x10
;;      12:  mov rsp, rbp                          ; @0x6b
;;      15:  pop rbp
;;      16:  ret
;;
;; fence:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mfence                                ; @0x6e
;;       7:  mov rsp, rbp                          ; @0x71
;;       a:  pop rbp
;;       b:  ret
