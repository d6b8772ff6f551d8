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
;;     v15 = iconst.i64 33
;;     v16 = icmp.i64 uge v5, v15  ; v15 = 33
;;     brif v16, block3, block4
;;
;; block3:
;;     v17 = iadd.i64 v4, v5
;;     v18 = ireduce.i32 v17
;;     v19 = iconst.i32 -32
;;     v20 = iadd v18, v19  ; v19 = -32
;;     v21 = uextend.i64 v20
;;     v22 = iadd.i64 v6, v5
;;     v23 = ireduce.i32 v22
;;     v24 = iconst.i32 -32
;;     v25 = iadd v23, v24  ; v24 = -32
;;     v26 = uextend.i64 v25
;;     v27 = iadd.i64 v0, v6
;;     v28 = load.i8x16 notrap v27
;;     v29 = iadd.i64 v0, v6
;;     v30 = load.i8x16 notrap v29+16
;;     v31 = iadd.i64 v0, v26
;;     v32 = load.i8x16 notrap v31
;;     v33 = iadd.i64 v0, v26
;;     v34 = load.i8x16 notrap v33+16
;;     v35 = iadd.i64 v0, v4
;;     store notrap v28, v35
;;     v36 = iadd.i64 v0, v4
;;     store notrap v30, v36+16
;;     v37 = iadd.i64 v0, v21
;;     store notrap v32, v37
;;     v38 = iadd.i64 v0, v21
;;     store notrap v34, v38+16
;;     return
;;
;; block4:
;;     v39 = iconst.i64 16
;;     v40 = icmp.i64 uge v5, v39  ; v39 = 16
;;     brif v40, block5, block6
;;
;; block5:
;;     v41 = iadd.i64 v4, v5
;;     v42 = ireduce.i32 v41
;;     v43 = iconst.i32 -16
;;     v44 = iadd v42, v43  ; v43 = -16
;;     v45 = uextend.i64 v44
;;     v46 = iadd.i64 v6, v5
;;     v47 = ireduce.i32 v46
;;     v48 = iconst.i32 -16
;;     v49 = iadd v47, v48  ; v48 = -16
;;     v50 = uextend.i64 v49
;;     v51 = iadd.i64 v0, v6
;;     v52 = load.i8x16 notrap v51
;;     v53 = iadd.i64 v0, v50
;;     v54 = load.i8x16 notrap v53
;;     v55 = iadd.i64 v0, v4
;;     store notrap v52, v55
;;     v56 = iadd.i64 v0, v45
;;     store notrap v54, v56
;;     return
;;
;; block6:
;;     v57 = iconst.i64 8
;;     v58 = icmp.i64 uge v5, v57  ; v57 = 8
;;     brif v58, block7, block8
;;
;; block7:
;;     v59 = iadd.i64 v4, v5
;;     v60 = ireduce.i32 v59
;;     v61 = iconst.i32 -8
;;     v62 = iadd v60, v61  ; v61 = -8
;;     v63 = uextend.i64 v62
;;     v64 = iadd.i64 v6, v5
;;     v65 = ireduce.i32 v64
;;     v66 = iconst.i32 -8
;;     v67 = iadd v65, v66  ; v66 = -8
;;     v68 = uextend.i64 v67
;;     v69 = iadd.i64 v0, v6
;;     v70 = load.i64 notrap v69
;;     v71 = iadd.i64 v0, v68
;;     v72 = load.i64 notrap v71
;;     v73 = iadd.i64 v0, v4
;;     store notrap v70, v73
;;     v74 = iadd.i64 v0, v63
;;     store notrap v72, v74
;;     return
;;
;; block8:
;;     v75 = iconst.i64 4
;;     v76 = icmp.i64 uge v5, v75  ; v75 = 4
;;     brif v76, block9, block10
;;
;; block9:
;;     v77 = iadd.i64 v4, v5
;;     v78 = ireduce.i32 v77
;;     v79 = iconst.i32 -4
;;     v80 = iadd v78, v79  ; v79 = -4
;;     v81 = uextend.i64 v80
;;     v82 = iadd.i64 v6, v5
;;     v83 = ireduce.i32 v82
;;     v84 = iconst.i32 -4
;;     v85 = iadd v83, v84  ; v84 = -4
;;     v86 = uextend.i64 v85
;;     v87 = iadd.i64 v0, v6
;;     v88 = load.i32 notrap v87
;;     v89 = iadd.i64 v0, v86
;;     v90 = load.i32 notrap v89
;;     v91 = iadd.i64 v0, v4
;;     store notrap v88, v91
;;     v92 = iadd.i64 v0, v81
;;     store notrap v90, v92
;;     return
;;
;; block10:
;;     v93 = iconst.i64 2
;;     v94 = icmp.i64 uge v5, v93  ; v93 = 2
;;     brif v94, block11, block12
;;
;; block11:
;;     v95 = iadd.i64 v4, v5
;;     v96 = ireduce.i32 v95
;;     v97 = iconst.i32 -2
;;     v98 = iadd v96, v97  ; v97 = -2
;;     v99 = uextend.i64 v98
;;     v100 = iadd.i64 v6, v5
;;     v101 = ireduce.i32 v100
;;     v102 = iconst.i32 -2
;;     v103 = iadd v101, v102  ; v102 = -2
;;     v104 = uextend.i64 v103
;;     v105 = iadd.i64 v0, v6
;;     v106 = load.i16 notrap v105
;;     v107 = iadd.i64 v0, v104
;;     v108 = load.i16 notrap v107
;;     v109 = iadd.i64 v0, v4
;;     store notrap v106, v109
;;     v110 = iadd.i64 v0, v99
;;     store notrap v108, v110
;;     return
;;
;; block12:
;;     brif.i64 v5, block13, block14
;;
;; block13:
;;     v111 = iadd.i64 v0, v6
;;     v112 = load.i8 notrap v111
;;     v113 = iadd.i64 v0, v4
;;     store notrap v112, v113
;;     jump block14
;;
;; block14:
;;     return
;;
;; block2:
;;     v114 = iconst.i64 0
;;     v115 = load.i64 notrap aligned readonly can_move v0-0x0014_0010
;;     v116 = load.i64 notrap aligned readonly can_move v115+16
;;     call_indirect sig0, v116(v0, v114, v114, v4, v6, v5)  ; v114 = 0, v114 = 0
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
;;     v13 = ireduce.i8 v2
;;     v14 = iconst.i64 33
;;     v15 = icmp.i64 uge v5, v14  ; v14 = 33
;;     brif v15, block3, block4
;;
;; block3:
;;     v16 = iadd.i64 v4, v5
;;     v17 = ireduce.i32 v16
;;     v18 = iconst.i32 -32
;;     v19 = iadd v17, v18  ; v18 = -32
;;     v20 = uextend.i64 v19
;;     v21 = splat.i8x16 v13
;;     v22 = splat.i8x16 v13
;;     v23 = splat.i8x16 v13
;;     v24 = splat.i8x16 v13
;;     v25 = iadd.i64 v0, v4
;;     store notrap v21, v25
;;     v26 = iadd.i64 v0, v4
;;     store notrap v22, v26+16
;;     v27 = iadd.i64 v0, v20
;;     store notrap v23, v27
;;     v28 = iadd.i64 v0, v20
;;     store notrap v24, v28+16
;;     return
;;
;; block4:
;;     v29 = iconst.i64 16
;;     v30 = icmp.i64 uge v5, v29  ; v29 = 16
;;     brif v30, block5, block6
;;
;; block5:
;;     v31 = iadd.i64 v4, v5
;;     v32 = ireduce.i32 v31
;;     v33 = iconst.i32 -16
;;     v34 = iadd v32, v33  ; v33 = -16
;;     v35 = uextend.i64 v34
;;     v36 = splat.i8x16 v13
;;     v37 = splat.i8x16 v13
;;     v38 = iadd.i64 v0, v4
;;     store notrap v36, v38
;;     v39 = iadd.i64 v0, v35
;;     store notrap v37, v39
;;     return
;;
;; block6:
;;     v40 = iconst.i64 8
;;     v41 = icmp.i64 uge v5, v40  ; v40 = 8
;;     brif v41, block7, block8
;;
;; block7:
;;     v42 = iadd.i64 v4, v5
;;     v43 = ireduce.i32 v42
;;     v44 = iconst.i32 -8
;;     v45 = iadd v43, v44  ; v44 = -8
;;     v46 = uextend.i64 v45
;;     v47 = uextend.i64 v13
;;     v48 = iconst.i64 0x0101_0101_0101_0101
;;     v49 = imul v47, v48  ; v48 = 0x0101_0101_0101_0101
;;     v50 = uextend.i64 v13
;;     v51 = iconst.i64 0x0101_0101_0101_0101
;;     v52 = imul v50, v51  ; v51 = 0x0101_0101_0101_0101
;;     v53 = iadd.i64 v0, v4
;;     store notrap v49, v53
;;     v54 = iadd.i64 v0, v46
;;     store notrap v52, v54
;;     return
;;
;; block8:
;;     v55 = iconst.i64 4
;;     v56 = icmp.i64 uge v5, v55  ; v55 = 4
;;     brif v56, block9, block10
;;
;; block9:
;;     v57 = iadd.i64 v4, v5
;;     v58 = ireduce.i32 v57
;;     v59 = iconst.i32 -4
;;     v60 = iadd v58, v59  ; v59 = -4
;;     v61 = uextend.i64 v60
;;     v62 = uextend.i32 v13
;;     v63 = iconst.i32 0x0101_0101
;;     v64 = imul v62, v63  ; v63 = 0x0101_0101
;;     v65 = uextend.i32 v13
;;     v66 = iconst.i32 0x0101_0101
;;     v67 = imul v65, v66  ; v66 = 0x0101_0101
;;     v68 = iadd.i64 v0, v4
;;     store notrap v64, v68
;;     v69 = iadd.i64 v0, v61
;;     store notrap v67, v69
;;     return
;;
;; block10:
;;     v70 = iconst.i64 2
;;     v71 = icmp.i64 uge v5, v70  ; v70 = 2
;;     brif v71, block11, block12
;;
;; block11:
;;     v72 = iadd.i64 v4, v5
;;     v73 = ireduce.i32 v72
;;     v74 = iconst.i32 -2
;;     v75 = iadd v73, v74  ; v74 = -2
;;     v76 = uextend.i64 v75
;;     v77 = uextend.i16 v13
;;     v78 = iconst.i16 257
;;     v79 = imul v77, v78  ; v78 = 257
;;     v80 = uextend.i16 v13
;;     v81 = iconst.i16 257
;;     v82 = imul v80, v81  ; v81 = 257
;;     v83 = iadd.i64 v0, v4
;;     store notrap v79, v83
;;     v84 = iadd.i64 v0, v76
;;     store notrap v82, v84
;;     return
;;
;; block12:
;;     brif.i64 v5, block13, block14
;;
;; block13:
;;     v85 = iadd.i64 v0, v4
;;     store.i8 notrap v13, v85
;;     jump block14
;;
;; block14:
;;     return
;;
;; block2:
;;     v86 = iconst.i64 0
;;     v87 = load.i64 notrap aligned readonly can_move v0-0x0014_0010
;;     v88 = load.i64 notrap aligned readonly can_move v87+8
;;     call_indirect sig0, v88(v0, v86, v4, v6, v5)  ; v86 = 0
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
;;       4:  mov eax, esi
;;       6:  mov r11, rax
;;       9:  mov r9d, ecx
;;       c:  mov r8, r11
;;       f:  lea rax, [r8+r9]
;;      13:  mov r8d, edx
;;      16:  lea r10, [r8+r9]
;;      1a:  cmp r10, rax
;;      1d:  cmovae rax, r10
;;      21:  cmp rax, [rdi-8]
;;      25:  seta al
;;      28:  cmp r9, 0x40
;;      2c:  seta r10b
;;      30:  or eax, r10d
;;      33:  test al, al
;;      35:  jne 0x160
;;      3b:  cmp r9, 0x21
;;      3f:  jae 0x11c
;;      45:  cmp r9, 0x10
;;      49:  jae 0xf0
;;      4f:  cmp r9, 8
;;      53:  jae 0xcc
;;      59:  cmp r9, 4
;;      5d:  jae 0xab
;;      63:  cmp r9, 2
;;      67:  jae 0x85
;;      6d:  test ecx, ecx
;;      6f:  je 0x80
;;      75:  movzx rax, byte ptr [rdi+r8]
;;      7a:  mov rcx, r11
;;      7d:  mov [rdi+rcx], al
;;      80:  mov rsp, rbp
;;      83:  pop rbp
;;      84:  ret
;;      85:  mov rax, rcx
;;      88:  mov rcx, r11
;;      8b:  movzx r8, word ptr [rdi+r8]
;;      90:  lea edx, [rdx+rax-2]
;;      94:  movzx rdx, word ptr [rdi+rdx]
;;      99:  mov [rdi+rcx], r8w
;;      9e:  lea eax, [rsi+rax-2]
;;      a2:  mov [rdi+rax], dx
;;      a6:  mov rsp, rbp
;;      a9:  pop rbp
;;      aa:  ret
;;      ab:  mov rax, rcx
;;      ae:  mov rcx, r11
;;      b1:  mov r8d, [rdi+r8]
;;      b5:  lea edx, [rdx+rax-4]
;;      b9:  mov edx, [rdi+rdx]
;;      bc:  mov [rdi+rcx], r8d
;;      c0:  lea esi, [rsi+rax-4]
;;      c4:  mov [rdi+rsi], edx
;;      c7:  mov rsp, rbp
;;      ca:  pop rbp
;;      cb:  ret
;;      cc:  mov rax, rcx
;;      cf:  mov rcx, r11
;;      d2:  mov r8, [rdi+r8]
;;      d6:  lea r9d, [rdx+rax-8]
;;      db:  mov r9, [rdi+r9]
;;      df:  mov [rdi+rcx], r8
;;      e3:  lea esi, [rsi+rax-8]
;;      e7:  mov [rdi+rsi], r9
;;      eb:  mov rsp, rbp
;;      ee:  pop rbp
;;      ef:  ret
;;      f0:  mov rax, rcx
;;      f3:  mov rcx, r11
;;      f6:  movdqu xmm7, [rdi+r8]
;;      fc:  lea r8d, [rdx+rax-0x10]
;;     101:  movdqu xmm0, [rdi+r8]
;;     107:  movdqu [rdi+rcx], xmm7
;;     10c:  lea r8d, [rsi+rax-0x10]
;;     111:  movdqu [rdi+r8], xmm0
;;     117:  mov rsp, rbp
;;     11a:  pop rbp
;;     11b:  ret
;;     11c:  mov rax, rcx
;;     11f:  mov rcx, r11
;;     122:  movdqu xmm0, [rdi+r8]
;;     128:  movdqu xmm1, [rdi+r8+0x10]
;;     12f:  lea r10d, [rdx+rax-0x20]
;;     134:  movdqu xmm2, [rdi+r10]
;;     13a:  movdqu xmm3, [rdi+r10+0x10]
;;     141:  movdqu [rdi+rcx], xmm0
;;     146:  movdqu [rdi+rcx+0x10], xmm1
;;     14c:  lea eax, [rsi+rax-0x20]
;;     150:  movdqu [rdi+rax], xmm2
;;     155:  movdqu [rdi+rax+0x10], xmm3
;;     15b:  mov rsp, rbp
;;     15e:  pop rbp
;;     15f:  ret
;;     160:  mov rcx, r11
;;     163:  mov rax, [rdi-0x140010]
;;     16a:  mov rax, [rax+0x10]
;;     16e:  xor rdx, rdx
;;     171:  mov rsi, rdx
;;     174:  call rax
;;     176:  mov rsp, rbp
;;     179:  pop rbp
;;     17a:  ret
;;
;; memory.fill helper:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r10, rdx
;;       7:  mov edx, esi
;;       9:  mov r9, rdx
;;       c:  mov r8d, ecx
;;       f:  lea rax, [rdx+r8]
;;      13:  cmp rax, [rdi-8]
;;      17:  seta al
;;      1a:  cmp r8, 0x40
;;      1e:  seta dl
;;      21:  or eax, edx
;;      23:  test al, al
;;      25:  jne 0x12b
;;      2b:  cmp r8, 0x21
;;      2f:  jae 0xf9
;;      35:  cmp r8, 0x10
;;      39:  jae 0xd3
;;      3f:  cmp r8, 8
;;      43:  jae 0xb0
;;      49:  cmp r8, 4
;;      4d:  jae 0x92
;;      53:  cmp r8, 2
;;      57:  jae 0x73
;;      5d:  test ecx, ecx
;;      5f:  je 0x6e
;;      65:  mov rax, r10
;;      68:  mov rdx, r9
;;      6b:  mov [rdi+rdx], al
;;      6e:  mov rsp, rbp
;;      71:  pop rbp
;;      72:  ret
;;      73:  mov rax, r10
;;      76:  mov rdx, r9
;;      79:  movzx eax, al
;;      7c:  imul ax, 0x101
;;      81:  mov [rdi+rdx], ax
;;      85:  lea ecx, [rsi+rcx-2]
;;      89:  mov [rdi+rcx], ax
;;      8d:  mov rsp, rbp
;;      90:  pop rbp
;;      91:  ret
;;      92:  mov rax, r10
;;      95:  mov rdx, r9
;;      98:  movzx eax, al
;;      9b:  imul eax, 0x1010101
;;      a1:  mov [rdi+rdx], eax
;;      a4:  lea ecx, [rsi+rcx-4]
;;      a8:  mov [rdi+rcx], eax
;;      ab:  mov rsp, rbp
;;      ae:  pop rbp
;;      af:  ret
;;      b0:  mov rax, r10
;;      b3:  mov rdx, r9
;;      b6:  movzx rax, al
;;      ba:  imul rax, [rip+0x8e]
;;      c2:  mov [rdi+rdx], rax
;;      c6:  lea ecx, [rsi+rcx-8]
;;      ca:  mov [rdi+rcx], rax
;;      ce:  mov rsp, rbp
;;      d1:  pop rbp
;;      d2:  ret
;;      d3:  mov rax, r10
;;      d6:  mov rdx, r9
;;      d9:  movd xmm0, eax
;;      dd:  pxor xmm1, xmm1
;;      e1:  pshufb xmm0, xmm1
;;      e6:  movdqu [rdi+rdx], xmm0
;;      eb:  lea ecx, [rsi+rcx-0x10]
;;      ef:  movdqu [rdi+rcx], xmm0
;;      f4:  mov rsp, rbp
;;      f7:  pop rbp
;;      f8:  ret
;;      f9:  mov rax, r10
;;      fc:  mov rdx, r9
;;      ff:  movd xmm3, eax
;;     103:  pxor xmm4, xmm4
;;     107:  pshufb xmm3, xmm4
;;     10c:  movdqu [rdi+rdx], xmm3
;;     111:  movdqu [rdi+rdx+0x10], xmm3
;;     117:  lea esi, [rsi+rcx-0x20]
;;     11b:  movdqu [rdi+rsi], xmm3
;;     120:  movdqu [rdi+rsi+0x10], xmm3
;;     126:  mov rsp, rbp
;;     129:  pop rbp
;;     12a:  ret
;;     12b:  mov rax, r10
;;     12e:  mov rdx, r9
;;     131:  mov r9, [rdi-0x140010]
;;     138:  mov r9, [r9+8]
;;     13c:  xor rsi, rsi
;;     13f:  mov ecx, eax
;;     141:  call r9
;;     144:  mov rsp, rbp
;;     147:  pop rbp
;;     148:  ret
;;     150:  .byte 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01
