;; Rotations of lanes by whole bytes are one shuffle; others keep their shifts.
;;! -O2
(module
  (func $by_two_bytes (param v128) (result v128)
    (v128.or (i32x4.shl (local.get 0) (i32.const 16)) (i32x4.shr_u (local.get 0) (i32.const 16))))
  (func $by_a_byte_right_first (param v128) (result v128)
    (v128.or (i32x4.shr_u (local.get 0) (i32.const 24)) (i32x4.shl (local.get 0) (i32.const 40))))
  (func $words (param v128) (result v128)
    (v128.xor (i16x8.shl (local.get 0) (i32.const 8)) (i16x8.shr_u (local.get 0) (i32.const 8))))
  (func $halves_of_a_sum (param v128 v128) (result v128) (local v128)
    (local.set 2 (i64x2.add (local.get 0) (local.get 1)))
    (v128.or (i64x2.shl (local.get 2) (i32.const 32)) (i64x2.shr_u (local.get 2) (i32.const 32))))
  (func $by_seven_bits (param v128) (result v128)
    (v128.or (i32x4.shl (local.get 0) (i32.const 7)) (i32x4.shr_u (local.get 0) (i32.const 25))))
  (func $of_two_vectors (param v128 v128) (result v128)
    (v128.or (i32x4.shl (local.get 0) (i32.const 16)) (i32x4.shr_u (local.get 1) (i32.const 16))))
  (func $of_two_widths (param v128) (result v128)
    (v128.or (i32x4.shl (local.get 0) (i32.const 8)) (i64x2.shr_u (local.get 0) (i32.const 24))))
  (func $with_sign (param v128) (result v128)
    (v128.or (i32x4.shl (local.get 0) (i32.const 16)) (i32x4.shr_s (local.get 0) (i32.const 16)))))

;;; clif
;; ; by_two_bytes
;; function u0:0(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @0029                               v3 = iconst.i32 16
;; @002b                               v4 = bitcast.i32x4 little v1
;; @002b                               v5 = ishl v4, v3  ; v3 = 16
;; @002b                               v6 = bitcast.i8x16 little v5
;; @0030                               v7 = iconst.i32 16
;; @0032                               v8 = bitcast.i32x4 little v1
;; @0032                               v9 = ushr v8, v7  ; v7 = 16
;; @0032                               v10 = bitcast.i8x16 little v9
;; @0035                               v11 = bor v6, v10
;; @0037                               jump block1(v11)
;;
;;                                 block1(v2: i8x16):
;; @0037                               return v2
;; }
;;
;; ; by_a_byte_right_first
;; function u0:1(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @003c                               v3 = iconst.i32 24
;; @003e                               v4 = bitcast.i32x4 little v1
;; @003e                               v5 = ushr v4, v3  ; v3 = 24
;; @003e                               v6 = bitcast.i8x16 little v5
;; @0043                               v7 = iconst.i32 40
;; @0045                               v8 = bitcast.i32x4 little v1
;; @0045                               v9 = ishl v8, v7  ; v7 = 40
;; @0045                               v10 = bitcast.i8x16 little v9
;; @0048                               v11 = bor v6, v10
;; @004a                               jump block1(v11)
;;
;;                                 block1(v2: i8x16):
;; @004a                               return v2
;; }
;;
;; ; words
;; function u0:2(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @004f                               v3 = iconst.i32 8
;; @0051                               v4 = bitcast.i16x8 little v1
;; @0051                               v5 = ishl v4, v3  ; v3 = 8
;; @0051                               v6 = bitcast.i8x16 little v5
;; @0056                               v7 = iconst.i32 8
;; @0058                               v8 = bitcast.i16x8 little v1
;; @0058                               v9 = ushr v8, v7  ; v7 = 8
;; @0058                               v10 = bitcast.i8x16 little v9
;; @005b                               v11 = bxor v6, v10
;; @005d                               jump block1(v11)
;;
;;                                 block1(v2: i8x16):
;; @005d                               return v2
;; }
;;
;; ; halves_of_a_sum
;; function u0:3(i64, i8x16, i8x16) -> i8x16 tail {
;;     const0 = 0x00000000000000000000000000000000
;;
;;                                 block0(v0: i64, v1: i8x16, v2: i8x16):
;; @005f                               v4 = vconst.i8x16 const0
;; @0066                               v5 = bitcast.i64x2 little v2
;; @0066                               v6 = bitcast.i64x2 little v1
;; @0066                               v7 = iadd v6, v5
;; @0066                               v8 = bitcast.i8x16 little v7
;; @006d                               v9 = iconst.i32 32
;; @006f                               v10 = ishl v7, v9  ; v9 = 32
;; @006f                               v11 = bitcast.i8x16 little v10
;; @0074                               v12 = iconst.i32 32
;; @0076                               v13 = ushr v7, v12  ; v12 = 32
;; @0076                               v14 = bitcast.i8x16 little v13
;; @0079                               v15 = bor v11, v14
;; @007b                               jump block1(v15)
;;
;;                                 block1(v3: i8x16):
;; @007b                               return v3
;; }
;;
;; ; by_seven_bits
;; function u0:4(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @0080                               v3 = iconst.i32 7
;; @0082                               v4 = bitcast.i32x4 little v1
;; @0082                               v5 = ishl v4, v3  ; v3 = 7
;; @0082                               v6 = bitcast.i8x16 little v5
;; @0087                               v7 = iconst.i32 25
;; @0089                               v8 = bitcast.i32x4 little v1
;; @0089                               v9 = ushr v8, v7  ; v7 = 25
;; @0089                               v10 = bitcast.i8x16 little v9
;; @008c                               v11 = bor v6, v10
;; @008e                               jump block1(v11)
;;
;;                                 block1(v2: i8x16):
;; @008e                               return v2
;; }
;;
;; ; of_two_vectors
;; function u0:5(i64, i8x16, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16, v2: i8x16):
;; @0093                               v4 = iconst.i32 16
;; @0095                               v5 = bitcast.i32x4 little v1
;; @0095                               v6 = ishl v5, v4  ; v4 = 16
;; @0095                               v7 = bitcast.i8x16 little v6
;; @009a                               v8 = iconst.i32 16
;; @009c                               v9 = bitcast.i32x4 little v2
;; @009c                               v10 = ushr v9, v8  ; v8 = 16
;; @009c                               v11 = bitcast.i8x16 little v10
;; @009f                               v12 = bor v7, v11
;; @00a1                               jump block1(v12)
;;
;;                                 block1(v3: i8x16):
;; @00a1                               return v3
;; }
;;
;; ; of_two_widths
;; function u0:6(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @00a6                               v3 = iconst.i32 8
;; @00a8                               v4 = bitcast.i32x4 little v1
;; @00a8                               v5 = ishl v4, v3  ; v3 = 8
;; @00a8                               v6 = bitcast.i8x16 little v5
;; @00ad                               v7 = iconst.i32 24
;; @00af                               v8 = bitcast.i64x2 little v1
;; @00af                               v9 = ushr v8, v7  ; v7 = 24
;; @00af                               v10 = bitcast.i8x16 little v9
;; @00b2                               v11 = bor v6, v10
;; @00b4                               jump block1(v11)
;;
;;                                 block1(v2: i8x16):
;; @00b4                               return v2
;; }
;;
;; ; with_sign
;; function u0:7(i64, i8x16) -> i8x16 tail {
;;                                 block0(v0: i64, v1: i8x16):
;; @00b9                               v3 = iconst.i32 16
;; @00bb                               v4 = bitcast.i32x4 little v1
;; @00bb                               v5 = ishl v4, v3  ; v3 = 16
;; @00bb                               v6 = bitcast.i8x16 little v5
;; @00c0                               v7 = iconst.i32 16
;; @00c2                               v8 = bitcast.i32x4 little v1
;; @00c2                               v9 = sshr v8, v7  ; v7 = 16
;; @00c2                               v10 = bitcast.i8x16 little v9
;; @00c5                               v11 = bor v6, v10
;; @00c7                               jump block1(v11)
;;
;;                                 block1(v2: i8x16):
;; @00c7                               return v2
;; }

;;; asm
;; by_two_bytes:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  pshufb xmm0, [rip+0x13]               ; @0x35
;;       d:  mov rsp, rbp                          ; @0x37
;;      10:  pop rbp
;;      11:  ret
;;      20:  .byte 0x02, 0x03, 0x00, 0x01, 0x06, 0x07, 0x04, 0x05
;;      28:  .byte 0x0a, 0x0b, 0x08, 0x09, 0x0e, 0x0f, 0x0c, 0x0d
;;
;; by_a_byte_right_first:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  pshufb xmm0, [rip+0x13]               ; @0x48
;;       d:  mov rsp, rbp                          ; @0x4a
;;      10:  pop rbp
;;      11:  ret
;;      20:  .byte 0x03, 0x00, 0x01, 0x02, 0x07, 0x04, 0x05, 0x06
;;      28:  .byte 0x0b, 0x08, 0x09, 0x0a, 0x0f, 0x0c, 0x0d, 0x0e
;;
;; words:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  pshufb xmm0, [rip+0x13]               ; @0x5b
;;       d:  mov rsp, rbp                          ; @0x5d
;;      10:  pop rbp
;;      11:  ret
;;      20:  .byte 0x01, 0x00, 0x03, 0x02, 0x05, 0x04, 0x07, 0x06
;;      28:  .byte 0x09, 0x08, 0x0b, 0x0a, 0x0d, 0x0c, 0x0f, 0x0e
;;
;; halves_of_a_sum:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  paddq xmm0, xmm1                      ; @0x66
;;       8:  pshufd xmm0, xmm0, 0xb1               ; @0x79
;;       d:  mov rsp, rbp                          ; @0x7b
;;      10:  pop rbp
;;      11:  ret
;;
;; by_seven_bits:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  movdqa xmm2, xmm0
;;       8:  pslld xmm2, 7                         ; @0x82
;;       d:  psrld xmm0, 0x19                      ; @0x89
;;      12:  movdqa xmm1, xmm0
;;      16:  movdqa xmm0, xmm2
;;      1a:  por xmm0, xmm1                        ; @0x8c
;;      1e:  mov rsp, rbp                          ; @0x8e
;;      21:  pop rbp
;;      22:  ret
;;
;; of_two_vectors:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  pslld xmm0, 0x10                      ; @0x95
;;       9:  psrld xmm1, 0x10                      ; @0x9c
;;       e:  por xmm0, xmm1                        ; @0x9f
;;      12:  mov rsp, rbp                          ; @0xa1
;;      15:  pop rbp
;;      16:  ret
;;
;; of_two_widths:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  movdqa xmm2, xmm0
;;       8:  pslld xmm2, 8                         ; @0xa8
;;       d:  psrlq xmm0, 0x18                      ; @0xaf
;;      12:  movdqa xmm1, xmm0
;;      16:  movdqa xmm0, xmm2
;;      1a:  por xmm0, xmm1                        ; @0xb2
;;      1e:  mov rsp, rbp                          ; @0xb4
;;      21:  pop rbp
;;      22:  ret
;;
;; with_sign:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  movdqa xmm2, xmm0
;;       8:  pslld xmm2, 0x10                      ; @0xbb
;;       d:  psrad xmm0, 0x10                      ; @0xc2
;;      12:  movdqa xmm1, xmm0
;;      16:  movdqa xmm0, xmm2
;;      1a:  por xmm0, xmm1                        ; @0xc5
;;      1e:  mov rsp, rbp                          ; @0xc7
;;      21:  pop rbp
;;      22:  ret
