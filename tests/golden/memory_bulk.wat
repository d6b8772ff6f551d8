;; Growing and bulk operations call builtins through their table.
(module
  (memory 1)
  (data $d "abc")
  (func $grow (param i32) (result i32) (memory.grow (local.get 0)))
  (func $fill (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func $copy (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func $init (param i32 i32 i32) (memory.init $d (local.get 0) (local.get 1) (local.get 2)))
  (func $drop (data.drop $d)))

;;; clif
;; ; grow
;; function u0:0(i64, i32) -> i32 tail {
;;     region0 = 4 "constants"
;;     sig0 = (i64, i64, i64) -> i64 system_v
;;
;;                                 block0(v0: i64, v1: i32):
;; @0030                               v3 = iconst.i64 0
;; @0030                               v4 = uextend.i64 v1
;; @0030                               v5 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0010
;; @0030                               v6 = load.i64 notrap aligned readonly can_move region0 v5
;; @0030                               v7 = call_indirect sig0, v6(v0, v3, v4)  ; v3 = 0
;; @0030                               v8 = ireduce.i32 v7
;; @0032                               jump block1(v8)
;;
;;                                 block1(v2: i32):
;; @0032                               return v2
;; }
;;
;; ; fill
;; function u0:1(i64, i32, i32, i32) tail {
;;     sig0 = (i64, i32, i32, i32) tail
;;     fn0 = colocated u0:6 sig0
;;
;;                                 block0(v0: i64, v1: i32, v2: i32, v3: i32):
;; @003b                               call fn0(v0, v1, v2, v3)
;; @003e                               jump block1
;;
;;                                 block1:
;; @003e                               return
;; }
;;
;; ; copy
;; function u0:2(i64, i32, i32, i32) tail {
;;     sig0 = (i64, i32, i32, i32) tail
;;     fn0 = colocated u0:5 sig0
;;
;;                                 block0(v0: i64, v1: i32, v2: i32, v3: i32):
;; @0047                               call fn0(v0, v1, v2, v3)
;; @004b                               jump block1
;;
;;                                 block1:
;; @004b                               return
;; }
;;
;; ; init
;; function u0:3(i64, i32, i32, i32) tail {
;;     region0 = 4 "constants"
;;     sig0 = (i64, i64, i64, i64, i64, i64) system_v
;;
;;                                 block0(v0: i64, v1: i32, v2: i32, v3: i32):
;; @0054                               v4 = iconst.i64 0
;; @0054                               v5 = iconst.i64 0
;; @0054                               v6 = uextend.i64 v1
;; @0054                               v7 = uextend.i64 v2
;; @0054                               v8 = uextend.i64 v3
;; @0054                               v9 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0010
;; @0054                               v10 = load.i64 notrap aligned readonly can_move region0 v9+24
;; @0054                               call_indirect sig0, v10(v0, v4, v5, v6, v7, v8)  ; v4 = 0, v5 = 0
;; @0058                               jump block1
;;
;;                                 block1:
;; @0058                               return
;; }
;;
;; ; drop
;; function u0:4(i64) tail {
;;     region0 = 4 "constants"
;;     sig0 = (i64, i64) system_v
;;
;;                                 block0(v0: i64):
;; @005b                               v1 = iconst.i64 0
;; @005b                               v2 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0010
;; @005b                               v3 = load.i64 notrap aligned readonly can_move region0 v2+32
;; @005b                               call_indirect sig0, v3(v0, v1)  ; v1 = 0
;; @005e                               jump block1
;;
;;                                 block1:
;; @005e                               return
;; }
;;
;; ; memory.copy helper
;; function u0:5(i64, i32, i32, i32) tail {
;;     sig0 = (i64, i64, i64, i64, i64, i64) system_v
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = uextend.i64 v3
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap aligned v0-8
;;     v8 = iadd v4, v5
;;     v9 = iadd v6, v5
;;     v10 = umax v8, v9
;;     v11 = icmp ugt v10, v7
;;     v12 = iconst.i64 64
;;     v13 = icmp ugt v5, v12  ; v12 = 64
;;     v14 = bor v11, v13
;;     brif v14, block2, block1
;;
;; block1:
;;     v15 = iadd.i64 v0, v4
;;     v16 = iadd.i64 v0, v6
;;     v17 = iconst.i64 33
;;     v18 = icmp.i64 uge v5, v17  ; v17 = 33
;;     brif v18, block3, block4
;;
;; block3:
;;     v19 = iadd.i64 v15, v5
;;     v20 = load.i8x16 notrap v16
;;     v21 = load.i8x16 notrap v16+16
;;     v22 = iadd.i64 v16, v5
;;     v23 = load.i8x16 notrap v22-16
;;     v24 = iadd.i64 v16, v5
;;     v25 = load.i8x16 notrap v24-32
;;     store notrap v20, v15
;;     store notrap v21, v15+16
;;     store notrap v23, v19-16
;;     store notrap v25, v19-32
;;     return
;;
;; block4:
;;     v26 = iconst.i64 16
;;     v27 = icmp.i64 uge v5, v26  ; v26 = 16
;;     brif v27, block5, block6
;;
;; block5:
;;     v28 = iadd.i64 v15, v5
;;     v29 = load.i8x16 notrap v16
;;     v30 = iadd.i64 v16, v5
;;     v31 = load.i8x16 notrap v30-16
;;     store notrap v29, v15
;;     store notrap v31, v28-16
;;     return
;;
;; block6:
;;     v32 = iconst.i64 8
;;     v33 = icmp.i64 uge v5, v32  ; v32 = 8
;;     brif v33, block7, block8
;;
;; block7:
;;     v34 = iadd.i64 v15, v5
;;     v35 = load.i64 notrap v16
;;     v36 = iadd.i64 v16, v5
;;     v37 = load.i64 notrap v36-8
;;     store notrap v35, v15
;;     store notrap v37, v34-8
;;     return
;;
;; block8:
;;     v38 = iconst.i64 4
;;     v39 = icmp.i64 uge v5, v38  ; v38 = 4
;;     brif v39, block9, block10
;;
;; block9:
;;     v40 = iadd.i64 v15, v5
;;     v41 = load.i32 notrap v16
;;     v42 = iadd.i64 v16, v5
;;     v43 = load.i32 notrap v42-4
;;     store notrap v41, v15
;;     store notrap v43, v40-4
;;     return
;;
;; block10:
;;     v44 = iconst.i64 2
;;     v45 = icmp.i64 uge v5, v44  ; v44 = 2
;;     brif v45, block11, block12
;;
;; block11:
;;     v46 = iadd.i64 v15, v5
;;     v47 = load.i16 notrap v16
;;     v48 = iadd.i64 v16, v5
;;     v49 = load.i16 notrap v48-2
;;     store notrap v47, v15
;;     store notrap v49, v46-2
;;     return
;;
;; block12:
;;     brif.i64 v5, block13, block14
;;
;; block13:
;;     v50 = load.i8 notrap v16
;;     store notrap v50, v15
;;     jump block14
;;
;; block14:
;;     return
;;
;; block2:
;;     v51 = iconst.i64 0
;;     v52 = load.i64 notrap aligned readonly can_move v0-0x0014_0010
;;     v53 = load.i64 notrap aligned readonly can_move v52+16
;;     call_indirect sig0, v53(v0, v51, v51, v4, v6, v5)  ; v51 = 0, v51 = 0
;;     return
;; }
;;
;; ; memory.fill helper
;; function u0:6(i64, i32, i32, i32) tail {
;;     sig0 = (i64, i64, i64, i64, i64) system_v
;;
;; block0(v0: i64, v1: i32, v2: i32, v3: i32):
;;     v4 = uextend.i64 v1
;;     v5 = uextend.i64 v3
;;     v6 = uextend.i64 v2
;;     v7 = load.i64 notrap aligned v0-8
;;     v8 = iadd v4, v5
;;     v9 = icmp ugt v8, v7
;;     v10 = iconst.i64 64
;;     v11 = icmp ugt v5, v10  ; v10 = 64
;;     v12 = bor v9, v11
;;     brif v12, block2, block1
;;
;; block1:
;;     v13 = iadd.i64 v0, v4
;;     v14 = ireduce.i8 v2
;;     v15 = iconst.i64 33
;;     v16 = icmp.i64 uge v5, v15  ; v15 = 33
;;     brif v16, block3, block4
;;
;; block3:
;;     v17 = iadd.i64 v13, v5
;;     v18 = splat.i8x16 v14
;;     v19 = splat.i8x16 v14
;;     v20 = splat.i8x16 v14
;;     v21 = splat.i8x16 v14
;;     store notrap v18, v13
;;     store notrap v19, v13+16
;;     store notrap v20, v17-16
;;     store notrap v21, v17-32
;;     return
;;
;; block4:
;;     v22 = iconst.i64 16
;;     v23 = icmp.i64 uge v5, v22  ; v22 = 16
;;     brif v23, block5, block6
;;
;; block5:
;;     v24 = iadd.i64 v13, v5
;;     v25 = splat.i8x16 v14
;;     v26 = splat.i8x16 v14
;;     store notrap v25, v13
;;     store notrap v26, v24-16
;;     return
;;
;; block6:
;;     v27 = iconst.i64 8
;;     v28 = icmp.i64 uge v5, v27  ; v27 = 8
;;     brif v28, block7, block8
;;
;; block7:
;;     v29 = iadd.i64 v13, v5
;;     v30 = uextend.i64 v14
;;     v31 = iconst.i64 0x0101_0101_0101_0101
;;     v32 = imul v30, v31  ; v31 = 0x0101_0101_0101_0101
;;     v33 = uextend.i64 v14
;;     v34 = iconst.i64 0x0101_0101_0101_0101
;;     v35 = imul v33, v34  ; v34 = 0x0101_0101_0101_0101
;;     store notrap v32, v13
;;     store notrap v35, v29-8
;;     return
;;
;; block8:
;;     v36 = iconst.i64 4
;;     v37 = icmp.i64 uge v5, v36  ; v36 = 4
;;     brif v37, block9, block10
;;
;; block9:
;;     v38 = iadd.i64 v13, v5
;;     v39 = uextend.i32 v14
;;     v40 = iconst.i32 0x0101_0101
;;     v41 = imul v39, v40  ; v40 = 0x0101_0101
;;     v42 = uextend.i32 v14
;;     v43 = iconst.i32 0x0101_0101
;;     v44 = imul v42, v43  ; v43 = 0x0101_0101
;;     store notrap v41, v13
;;     store notrap v44, v38-4
;;     return
;;
;; block10:
;;     v45 = iconst.i64 2
;;     v46 = icmp.i64 uge v5, v45  ; v45 = 2
;;     brif v46, block11, block12
;;
;; block11:
;;     v47 = iadd.i64 v13, v5
;;     v48 = uextend.i16 v14
;;     v49 = iconst.i16 257
;;     v50 = imul v48, v49  ; v49 = 257
;;     v51 = uextend.i16 v14
;;     v52 = iconst.i16 257
;;     v53 = imul v51, v52  ; v52 = 257
;;     store notrap v50, v13
;;     store notrap v53, v47-2
;;     return
;;
;; block12:
;;     brif.i64 v5, block13, block14
;;
;; block13:
;;     store.i8 notrap v14, v13
;;     jump block14
;;
;; block14:
;;     return
;;
;; block2:
;;     v54 = iconst.i64 0
;;     v55 = load.i64 notrap aligned readonly can_move v0-0x0014_0010
;;     v56 = load.i64 notrap aligned readonly can_move v55+8
;;     call_indirect sig0, v56(v0, v54, v4, v6, v5)  ; v54 = 0
;;     return
;; }

;;; asm
;; grow:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rsi
;;       7:  mov r8, [rdi-0x140010]                ; @0x30
;;       e:  mov r8, [r8]
;;      11:  xor rsi, rsi
;;      14:  mov edx, eax
;;      16:  call r8
;;      19:  mov rsp, rbp                          ; @0x32
;;      1c:  pop rbp
;;      1d:  ret
;;
;; fill:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  call 9                                ; memory.fill helper, @0x3b
;;       9:  mov rsp, rbp                          ; @0x3e
;;       c:  pop rbp
;;       d:  ret
;;
;; copy:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  call 9                                ; memory.copy helper, @0x47
;;       9:  mov rsp, rbp                          ; @0x4b
;;       c:  pop rbp
;;       d:  ret
;;
;; init:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rdx
;;       7:  mov r9, rcx
;;       a:  mov r11, [rdi-0x140010]               ; @0x54
;;      11:  mov r11, [r11+0x18]
;;      15:  xor rdx, rdx
;;      18:  mov ecx, esi
;;      1a:  mov r8d, eax
;;      1d:  mov rax, r9
;;      20:  mov r9d, eax
;;      23:  mov rsi, rdx
;;      26:  call r11
;;      29:  mov rsp, rbp                          ; @0x58
;;      2c:  pop rbp
;;      2d:  ret
;;
;; drop:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsi, [rdi-0x140010]               ; @0x5b
;;       b:  mov r8, [rsi+0x20]
;;       f:  xor rsi, rsi
;;      12:  call r8
;;      15:  mov rsp, rbp                          ; @0x5e
;;      18:  pop rbp
;;      19:  ret
;;
;; memory.copy helper:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, rcx
;;       7:  mov r8, rdx
;;       a:  mov ecx, esi
;;       c:  mov r9d, eax
;;       f:  lea rdx, [rcx+r9]
;;      13:  mov rsi, r8
;;      16:  mov r8d, esi
;;      19:  lea rsi, [r8+r9]
;;      1d:  cmp rsi, rdx
;;      20:  cmovae rdx, rsi
;;      24:  cmp rdx, [rdi-8]
;;      28:  seta dl
;;      2b:  cmp r9, 0x40
;;      2f:  seta sil
;;      33:  or edx, esi
;;      35:  test dl, dl
;;      37:  jne 0x14a
;;      3d:  cmp r9, 0x21
;;      41:  jae 0x109
;;      47:  cmp r9, 0x10
;;      4b:  jae 0xe3
;;      51:  cmp r9, 8
;;      55:  jae 0xc4
;;      5b:  cmp r9, 4
;;      5f:  jae 0xa6
;;      65:  cmp r9, 2
;;      69:  jae 0x84
;;      6f:  test eax, eax
;;      71:  je 0x7f
;;      77:  movzx rax, byte ptr [rdi+r8]
;;      7c:  mov [rdi+rcx], al
;;      7f:  mov rsp, rbp
;;      82:  pop rbp
;;      83:  ret
;;      84:  lea rdx, [rdi+r8]
;;      88:  movzx rax, word ptr [rdi+r8]
;;      8d:  movzx rdx, word ptr [rdx+r9-2]
;;      93:  lea rsi, [rdi+rcx]
;;      97:  mov [rdi+rcx], ax
;;      9b:  mov [rsi+r9-2], dx
;;      a1:  mov rsp, rbp
;;      a4:  pop rbp
;;      a5:  ret
;;      a6:  lea rsi, [rdi+r8]
;;      aa:  mov edx, [rdi+r8]
;;      ae:  mov esi, [rsi+r9-4]
;;      b3:  lea r8, [rdi+rcx]
;;      b7:  mov [rdi+rcx], edx
;;      ba:  mov [r8+r9-4], esi
;;      bf:  mov rsp, rbp
;;      c2:  pop rbp
;;      c3:  ret
;;      c4:  lea r10, [rdi+r8]
;;      c8:  mov rsi, [rdi+r8]
;;      cc:  mov r8, [r10+r9-8]
;;      d1:  lea r10, [rdi+rcx]
;;      d5:  mov [rdi+rcx], rsi
;;      d9:  mov [r10+r9-8], r8
;;      de:  mov rsp, rbp
;;      e1:  pop rbp
;;      e2:  ret
;;      e3:  lea r10, [rdi+r8]
;;      e7:  movdqu xmm7, [rdi+r8]
;;      ed:  movdqu xmm0, [r10+r9-0x10]
;;      f4:  lea r8, [rdi+rcx]
;;      f8:  movdqu [rdi+rcx], xmm7
;;      fd:  movdqu [r8+r9-0x10], xmm0
;;     104:  mov rsp, rbp
;;     107:  pop rbp
;;     108:  ret
;;     109:  lea r10, [rdi+r8]
;;     10d:  movdqu xmm0, [rdi+r8]
;;     113:  movdqu xmm1, [rdi+r8+0x10]
;;     11a:  movdqu xmm2, [r10+r9-0x10]
;;     121:  movdqu xmm3, [r10+r9-0x20]
;;     128:  lea r10, [rdi+rcx]
;;     12c:  movdqu [rdi+rcx], xmm0
;;     131:  movdqu [rdi+rcx+0x10], xmm1
;;     137:  movdqu [r10+r9-0x10], xmm2
;;     13e:  movdqu [r10+r9-0x20], xmm3
;;     145:  mov rsp, rbp
;;     148:  pop rbp
;;     149:  ret
;;     14a:  mov rax, [rdi-0x140010]
;;     151:  mov rax, [rax+0x10]
;;     155:  xor rdx, rdx
;;     158:  mov rsi, rdx
;;     15b:  call rax
;;     15d:  mov rsp, rbp
;;     160:  pop rbp
;;     161:  ret
;;
;; memory.fill helper:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r9, rdx
;;       7:  mov edx, esi
;;       9:  mov r8d, ecx
;;       c:  lea rax, [rdx+r8]
;;      10:  cmp rax, [rdi-8]
;;      14:  seta al
;;      17:  cmp r8, 0x40
;;      1b:  seta sil
;;      1f:  or eax, esi
;;      21:  test al, al
;;      23:  jne 0x121
;;      29:  cmp r8, 0x21
;;      2d:  jae 0xef
;;      33:  cmp r8, 0x10
;;      37:  jae 0xca
;;      3d:  cmp r8, 8
;;      41:  jae 0xa9
;;      47:  cmp r8, 4
;;      4b:  jae 0x8c
;;      51:  cmp r8, 2
;;      55:  jae 0x6e
;;      5b:  test ecx, ecx
;;      5d:  je 0x69
;;      63:  mov rax, r9
;;      66:  mov [rdi+rdx], al
;;      69:  mov rsp, rbp
;;      6c:  pop rbp
;;      6d:  ret
;;      6e:  mov rax, r9
;;      71:  movzx eax, al
;;      74:  imul ax, 0x101
;;      79:  lea rcx, [rdi+rdx]
;;      7d:  mov [rdi+rdx], ax
;;      81:  mov [rcx+r8-2], ax
;;      87:  mov rsp, rbp
;;      8a:  pop rbp
;;      8b:  ret
;;      8c:  mov rax, r9
;;      8f:  movzx eax, al
;;      92:  imul eax, 0x1010101
;;      98:  lea rcx, [rdi+rdx]
;;      9c:  mov [rdi+rdx], eax
;;      9f:  mov [rcx+r8-4], eax
;;      a4:  mov rsp, rbp
;;      a7:  pop rbp
;;      a8:  ret
;;      a9:  mov rax, r9
;;      ac:  movzx rax, al
;;      b0:  imul rax, [rip+0x88]
;;      b8:  lea rcx, [rdi+rdx]
;;      bc:  mov [rdi+rdx], rax
;;      c0:  mov [rcx+r8-8], rax
;;      c5:  mov rsp, rbp
;;      c8:  pop rbp
;;      c9:  ret
;;      ca:  mov rax, r9
;;      cd:  movd xmm0, eax
;;      d1:  pxor xmm1, xmm1
;;      d5:  pshufb xmm0, xmm1
;;      da:  lea rax, [rdi+rdx]
;;      de:  movdqu [rdi+rdx], xmm0
;;      e3:  movdqu [rax+r8-0x10], xmm0
;;      ea:  mov rsp, rbp
;;      ed:  pop rbp
;;      ee:  ret
;;      ef:  mov rax, r9
;;      f2:  movd xmm3, eax
;;      f6:  pxor xmm4, xmm4
;;      fa:  pshufb xmm3, xmm4
;;      ff:  lea rsi, [rdi+rdx]
;;     103:  movdqu [rdi+rdx], xmm3
;;     108:  movdqu [rdi+rdx+0x10], xmm3
;;     10e:  movdqu [rsi+r8-0x10], xmm3
;;     115:  movdqu [rsi+r8-0x20], xmm3
;;     11c:  mov rsp, rbp
;;     11f:  pop rbp
;;     120:  ret
;;     121:  mov rax, r9
;;     124:  mov r9, [rdi-0x140010]
;;     12b:  mov r9, [r9+8]
;;     12f:  xor rsi, rsi
;;     132:  mov ecx, eax
;;     134:  call r9
;;     137:  mov rsp, rbp
;;     13a:  pop rbp
;;     13b:  ret
;;     140:  .byte 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01
