;; Vectors: one instruction for an operator, and none for a change of the lanes' type.
(module
  (memory 1)
  (global $mutable (mut v128) (v128.const i64x2 1 2))
  (global $constant v128 (v128.const i64x2 3 4))
  (func $load (param i32) (result v128) (v128.load offset=16 (local.get 0)))
  (func $store (param i32 v128) (v128.store offset=16 (local.get 0) (local.get 1)))
  (func $load_lane (param i32 v128) (result v128) (v128.load32_lane 1 (local.get 0) (local.get 1)))
  (func $load_splat (param i32) (result v128) (v128.load32_splat (local.get 0)))
  (func $add (param v128 v128) (result v128) (i32x4.add (local.get 0) (local.get 1)))
  (func $chain (param v128 v128) (result v128)
    (f32x4.mul (i32x4.add (local.get 0) (local.get 1)) (local.get 1)))
  (func $pmin (param v128 v128) (result v128) (f32x4.pmin (local.get 0) (local.get 1)))
  (func $floor (param v128) (result v128) (f64x2.floor (local.get 0)))
  (func $swizzle (param v128 v128) (result v128) (i8x16.swizzle (local.get 0) (local.get 1)))
  (func $reverse (param v128) (result v128)
    (i8x16.shuffle 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0 (local.get 0) (local.get 0)))
  (func $multiply_add (param v128 v128 v128) (result v128)
    (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
  (func $get_mutable (result v128) (global.get $mutable))
  (func $get_constant (result v128) (global.get $constant))
  (func (export "two") (param v128 i32) (result i32 v128) (local.get 1) (local.get 0)))

;;; clif
;; ; load
;; function u0:0(i64, i32) -> i8x16 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @008c                               v3 = uextend.i64 v1
;; @008c                               v4 = iadd v0, v3
;; @008c                               v5 = load.i8x16 region0 v4+16
;; @0090                               jump block1(v5)
;;
;;                                 block1(v2: i8x16):
;; @0090                               return v2
;; }
;;
;; ; store
;; function u0:1(i64, i32, i8x16) tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i8x16):
;; @0097                               v3 = uextend.i64 v1
;; @0097                               v4 = iadd v0, v3
;; @0097                               store region0 v2, v4+16
;; @009b                               jump block1
;;
;;                                 block1:
;; @009b                               return
;; }
;;
;; ; load_lane
;; function u0:2(i64, i32, i8x16) -> i8x16 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32, v2: i8x16):
;; @00a2                               v4 = bitcast.i32x4 little v2
;; @00a2                               v5 = uextend.i64 v1
;; @00a2                               v6 = iadd v0, v5
;; @00a2                               v7 = load.i32 region0 v6
;; @00a2                               v8 = insertlane v4, v7, 1
;; @00a2                               v9 = bitcast.i8x16 little v8
;; @00a7                               jump block1(v9)
;;
;;                                 block1(v3: i8x16):
;; @00a7                               return v3
;; }
;;
;; ; load_splat
;; function u0:3(i64, i32) -> i8x16 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @00ac                               v3 = uextend.i64 v1
;; @00ac                               v4 = iadd v0, v3
;; @00ac                               v5 = load.i32 region0 v4
;; @00ac                               v6 = splat.i32x4 v5
;; @00ac                               v7 = bitcast.i8x16 little v6
;; @00b0                               jump block1(v7)
;;
;;                                 block1(v2: i8x16):
;; @00b0                               return v2
;; }
;;
;; ; add
;; function u0:4(i64, i8x16, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16, v2: i8x16):
;; @00b7                               v4 = bitcast.i32x4 little v2
;; @00b7                               v5 = bitcast.i32x4 little v1
;; @00b7                               v6 = iadd v5, v4
;; @00b7                               v7 = bitcast.i8x16 little v6
;; @00ba                               jump block1(v7)
;;
;;                                 block1(v3: i8x16):
;; @00ba                               return v3
;; }
;;
;; ; chain
;; function u0:5(i64, i8x16, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16, v2: i8x16):
;; @00c1                               v4 = bitcast.i32x4 little v2
;; @00c1                               v5 = bitcast.i32x4 little v1
;; @00c1                               v6 = iadd v5, v4
;; @00c1                               v7 = bitcast.i8x16 little v6
;; @00c6                               v8 = bitcast.f32x4 little v2
;; @00c6                               v9 = bitcast.f32x4 little v7
;; @00c6                               v10 = fmul v9, v8
;; @00c6                               v11 = bitcast.i8x16 little v10
;; @00c9                               jump block1(v11)
;;
;;                                 block1(v3: i8x16):
;; @00c9                               return v3
;; }
;;
;; ; pmin
;; function u0:6(i64, i8x16, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16, v2: i8x16):
;; @00d0                               v4 = bitcast.f32x4 little v2
;; @00d0                               v5 = bitcast.f32x4 little v1
;; @00d0                               v6 = fcmp lt v4, v5
;; @00d0                               v7 = bitcast.f32x4 little v6
;; @00d0                               v8 = bitselect v7, v4, v5
;; @00d0                               v9 = bitcast.i8x16 little v8
;; @00d3                               jump block1(v9)
;;
;;                                 block1(v3: i8x16):
;; @00d3                               return v3
;; }
;;
;; ; floor
;; function u0:7(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @00d8                               v3 = bitcast.f64x2 little v1
;; @00d8                               v4 = floor v3
;; @00d8                               v5 = bitcast.i8x16 little v4
;; @00da                               jump block1(v5)
;;
;;                                 block1(v2: i8x16):
;; @00da                               return v2
;; }
;;
;; ; swizzle
;; function u0:8(i64, i8x16, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16, v2: i8x16):
;; @00e1                               v4 = swizzle v1, v2
;; @00e3                               jump block1(v4)
;;
;;                                 block1(v3: i8x16):
;; @00e3                               return v3
;; }
;;
;; ; reverse
;; function u0:9(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @00ea                               v3 = shuffle v1, v1, 0x000102030405060708090a0b0c0d0e0f
;; @00fc                               jump block1(v3)
;;
;;                                 block1(v2: i8x16):
;; @00fc                               return v2
;; }
;;
;; ; multiply_add
;; function u0:10(i64, i8x16, i8x16, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16, v2: i8x16, v3: i8x16):
;; @0105                               v5 = bitcast.f32x4 little v3
;; @0105                               v6 = bitcast.f32x4 little v2
;; @0105                               v7 = bitcast.f32x4 little v1
;; @0105                               v8 = fmul v7, v6
;; @0105                               v9 = fadd v8, v5
;; @0105                               v10 = bitcast.i8x16 little v9
;; @0108                               jump block1(v10)
;;
;;                                 block1(v4: i8x16):
;; @0108                               return v4
;; }
;;
;; ; get_mutable
;; function u0:11(i64) -> i8x16 tail {
;;     region0 = 5 "global 0"
;;
;;                                 block0(v0: i64):
;; @010b                               v2 = load.i8x16 notrap aligned region0 v0-80
;; @010d                               jump block1(v2)
;;
;;                                 block1(v1: i8x16):
;; @010d                               return v1
;; }
;;
;; ; get_constant
;; function u0:12(i64) -> i8x16 tail {
;;     const0 = 0x00000000000000040000000000000003
;;
;;                                 block0(v0: i64):
;; @0110                               v2 = vconst.i8x16 const0
;; @0112                               jump block1(v2)  ; v2 = const0
;;
;;                                 block1(v1: i8x16):
;; @0112                               return v1
;; }
;;
;; ; two
;; function u0:13(i64, i8x16, i32) -> i32, i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16, v2: i32):
;; @0119                               jump block1(v2, v1)
;;
;;                                 block1(v3: i32, v4: i8x16):
;; @0119                               return v3, v4
;; }
;;
;; ; array entry of two
;; function u0:14(i64, i64, i64) system_v {
;;     sig0 = (i64, i8x16, i32) -> i32, i8x16 tail
;;     fn0 = colocated u0:13 sig0
;;
;; block0(v0: i64, v1: i64, v2: i64):
;;     v3 = load.i8x16 notrap aligned v1
;;     v4 = load.i32 notrap aligned v1+16
;;     v5, v6 = call fn0(v0, v3, v4)
;;     store notrap aligned v5, v1
;;     store notrap aligned v6, v1+16
;;     return
;; }

;;; asm
;; load:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x8c
;;       6:  movdqu xmm0, [rdi+rsi+0x10]           ; trap: out of bounds memory access
;;       c:  mov rsp, rbp                          ; @0x90
;;       f:  pop rbp
;;      10:  ret
;;
;; store:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0x97
;;       6:  movdqu [rdi+rsi+0x10], xmm0           ; trap: out of bounds memory access
;;       c:  mov rsp, rbp                          ; @0x9b
;;       f:  pop rbp
;;      10:  ret
;;
;; load_lane:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0xa2
;;       6:  mov esi, [rdi+rsi]                    ; trap: out of bounds memory access
;;       9:  pinsrd xmm0, esi, 1
;;       f:  mov rsp, rbp                          ; @0xa7
;;      12:  pop rbp
;;      13:  ret
;;
;; load_splat:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov esi, esi                          ; @0xac
;;       6:  mov esi, [rdi+rsi]                    ; trap: out of bounds memory access
;;       9:  movd xmm6, esi
;;       d:  pshufd xmm0, xmm6, 0
;;      12:  mov rsp, rbp                          ; @0xb0
;;      15:  pop rbp
;;      16:  ret
;;
;; add:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  paddd xmm0, xmm1                      ; @0xb7
;;       8:  mov rsp, rbp                          ; @0xba
;;       b:  pop rbp
;;       c:  ret
;;
;; chain:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  paddd xmm0, xmm1                      ; @0xc1
;;       8:  mulps xmm0, xmm1                      ; @0xc6
;;       b:  mov rsp, rbp                          ; @0xc9
;;       e:  pop rbp
;;       f:  ret
;;
;; pmin:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  movdqa xmm5, xmm0
;;       8:  movdqa xmm0, xmm1
;;       c:  minps xmm0, xmm5                      ; @0xd0
;;       f:  mov rsp, rbp                          ; @0xd3
;;      12:  pop rbp
;;      13:  ret
;;
;; floor:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  roundpd xmm0, xmm0, 1                 ; @0xd8
;;       a:  mov rsp, rbp                          ; @0xda
;;       d:  pop rbp
;;       e:  ret
;;
;; swizzle:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  paddusb xmm1, [rip+0x14]              ; @0xe1
;;       c:  pshufb xmm0, xmm1
;;      11:  mov rsp, rbp                          ; @0xe3
;;      14:  pop rbp
;;      15:  ret
;;      20:  .byte 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70
;;      28:  .byte 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70
;;
;; reverse:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  pshufb xmm0, [rip+0x13]               ; @0xea
;;       d:  mov rsp, rbp                          ; @0xfc
;;      10:  pop rbp
;;      11:  ret
;;      20:  .byte 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08
;;      28:  .byte 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00
;;
;; multiply_add:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mulps xmm0, xmm1                      ; @0x105
;;       7:  addps xmm0, xmm2
;;       a:  mov rsp, rbp                          ; @0x108
;;       d:  pop rbp
;;       e:  ret
;;
;; get_mutable:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  movdqu xmm0, [rdi-0x50]               ; @0x10b
;;       9:  mov rsp, rbp                          ; @0x10d
;;       c:  pop rbp
;;       d:  ret
;;
;; get_constant:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  movdqu xmm0, [rip+0x14]               ; @0x110
;;       c:  mov rsp, rbp                          ; @0x112
;;       f:  pop rbp
;;      10:  ret
;;      20:  .byte 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
;;      28:  .byte 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
;;
;; two:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mov rsp, rbp                          ; @0x119
;;       a:  pop rbp
;;       b:  ret
;;
;; array entry of two:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x10
;;       8:  mov [rsp], r12
;;       c:  movdqu xmm0, [rsi]
;;      10:  mov r10, rsi
;;      13:  mov esi, [r10+0x10]
;;      17:  mov r12, r10
;;      1a:  call 0x1f                             ; two
;;      1f:  mov rsi, r12
;;      22:  mov [rsi], eax
;;      24:  movdqu [rsi+0x10], xmm0
;;      29:  mov r12, [rsp]
;;      2d:  add rsp, 0x10
;;      31:  mov rsp, rbp
;;      34:  pop rbp
;;      35:  ret
