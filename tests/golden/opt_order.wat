;; Products are added as soon as their factors are loaded, so that twenty factors need no twenty registers.
;;! -O2
(module
  (memory 1)
  (func $twenty_products (param i32) (result i32)
    (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $e i32) (local $f i32) (local $g i32)
    (local $h i32) (local $i i32) (local $j i32) (local $k i32) (local $l i32) (local $m i32) (local $n i32)
    (local $o i32) (local $p i32) (local $q i32) (local $r i32) (local $s i32) (local $t i32)
    (local.set $a (i32.load offset=0 (local.get 0))) (local.set $b (i32.load offset=4 (local.get 0)))
    (local.set $c (i32.load offset=8 (local.get 0))) (local.set $d (i32.load offset=12 (local.get 0)))
    (local.set $e (i32.load offset=16 (local.get 0))) (local.set $f (i32.load offset=20 (local.get 0)))
    (local.set $g (i32.load offset=24 (local.get 0))) (local.set $h (i32.load offset=28 (local.get 0)))
    (local.set $i (i32.load offset=32 (local.get 0))) (local.set $j (i32.load offset=36 (local.get 0)))
    (local.set $k (i32.load offset=40 (local.get 0))) (local.set $l (i32.load offset=44 (local.get 0)))
    (local.set $m (i32.load offset=48 (local.get 0))) (local.set $n (i32.load offset=52 (local.get 0)))
    (local.set $o (i32.load offset=56 (local.get 0))) (local.set $p (i32.load offset=60 (local.get 0)))
    (local.set $q (i32.load offset=64 (local.get 0))) (local.set $r (i32.load offset=68 (local.get 0)))
    (local.set $s (i32.load offset=72 (local.get 0))) (local.set $t (i32.load offset=76 (local.get 0)))
    (i32.mul (local.get $a) (local.get $b))
    (i32.add (i32.mul (local.get $c) (local.get $d)))
    (i32.add (i32.mul (local.get $e) (local.get $f)))
    (i32.add (i32.mul (local.get $g) (local.get $h)))
    (i32.add (i32.mul (local.get $i) (local.get $j)))
    (i32.add (i32.mul (local.get $k) (local.get $l)))
    (i32.add (i32.mul (local.get $m) (local.get $n)))
    (i32.add (i32.mul (local.get $o) (local.get $p)))
    (i32.add (i32.mul (local.get $q) (local.get $r)))
    (i32.add (i32.mul (local.get $s) (local.get $t)))))

;;; clif
;; ; twenty_products
;; function u0:0(i64, i32) -> i32 tail {
;;     region0 = 0 "heap"
;;
;;                                 block0(v0: i64, v1: i32):
;; @001f                               v3 = iconst.i32 0
;; @0024                               v4 = uextend.i64 v1
;; @0024                               v5 = iadd v0, v4
;; @0024                               v6 = load.i32 region0 v5
;; @002b                               v7 = uextend.i64 v1
;; @002b                               v8 = iadd v0, v7
;; @002b                               v9 = load.i32 region0 v8+4
;; @0032                               v10 = uextend.i64 v1
;; @0032                               v11 = iadd v0, v10
;; @0032                               v12 = load.i32 region0 v11+8
;; @0039                               v13 = uextend.i64 v1
;; @0039                               v14 = iadd v0, v13
;; @0039                               v15 = load.i32 region0 v14+12
;; @0040                               v16 = uextend.i64 v1
;; @0040                               v17 = iadd v0, v16
;; @0040                               v18 = load.i32 region0 v17+16
;; @0047                               v19 = uextend.i64 v1
;; @0047                               v20 = iadd v0, v19
;; @0047                               v21 = load.i32 region0 v20+20
;; @004e                               v22 = uextend.i64 v1
;; @004e                               v23 = iadd v0, v22
;; @004e                               v24 = load.i32 region0 v23+24
;; @0055                               v25 = uextend.i64 v1
;; @0055                               v26 = iadd v0, v25
;; @0055                               v27 = load.i32 region0 v26+28
;; @005c                               v28 = uextend.i64 v1
;; @005c                               v29 = iadd v0, v28
;; @005c                               v30 = load.i32 region0 v29+32
;; @0063                               v31 = uextend.i64 v1
;; @0063                               v32 = iadd v0, v31
;; @0063                               v33 = load.i32 region0 v32+36
;; @006a                               v34 = uextend.i64 v1
;; @006a                               v35 = iadd v0, v34
;; @006a                               v36 = load.i32 region0 v35+40
;; @0071                               v37 = uextend.i64 v1
;; @0071                               v38 = iadd v0, v37
;; @0071                               v39 = load.i32 region0 v38+44
;; @0078                               v40 = uextend.i64 v1
;; @0078                               v41 = iadd v0, v40
;; @0078                               v42 = load.i32 region0 v41+48
;; @007f                               v43 = uextend.i64 v1
;; @007f                               v44 = iadd v0, v43
;; @007f                               v45 = load.i32 region0 v44+52
;; @0086                               v46 = uextend.i64 v1
;; @0086                               v47 = iadd v0, v46
;; @0086                               v48 = load.i32 region0 v47+56
;; @008d                               v49 = uextend.i64 v1
;; @008d                               v50 = iadd v0, v49
;; @008d                               v51 = load.i32 region0 v50+60
;; @0094                               v52 = uextend.i64 v1
;; @0094                               v53 = iadd v0, v52
;; @0094                               v54 = load.i32 region0 v53+64
;; @009b                               v55 = uextend.i64 v1
;; @009b                               v56 = iadd v0, v55
;; @009b                               v57 = load.i32 region0 v56+68
;; @00a2                               v58 = uextend.i64 v1
;; @00a2                               v59 = iadd v0, v58
;; @00a2                               v60 = load.i32 region0 v59+72
;; @00a9                               v61 = uextend.i64 v1
;; @00a9                               v62 = iadd v0, v61
;; @00a9                               v63 = load.i32 region0 v62+76
;; @00b2                               v64 = imul v6, v9
;; @00b7                               v65 = imul v12, v15
;; @00b8                               v66 = iadd v64, v65
;; @00bd                               v67 = imul v18, v21
;; @00be                               v68 = iadd v66, v67
;; @00c3                               v69 = imul v24, v27
;; @00c4                               v70 = iadd v68, v69
;; @00c9                               v71 = imul v30, v33
;; @00ca                               v72 = iadd v70, v71
;; @00cf                               v73 = imul v36, v39
;; @00d0                               v74 = iadd v72, v73
;; @00d5                               v75 = imul v42, v45
;; @00d6                               v76 = iadd v74, v75
;; @00db                               v77 = imul v48, v51
;; @00dc                               v78 = iadd v76, v77
;; @00e1                               v79 = imul v54, v57
;; @00e2                               v80 = iadd v78, v79
;; @00e7                               v81 = imul v60, v63
;; @00e8                               v82 = iadd v80, v81
;; @00e9                               jump block1(v82)
;;
;;                                 block1(v2: i32):
;; @00e9                               return v2
;; }

;;; asm
;; twenty_products:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov eax, esi                          ; @0x24
;;       6:  mov ecx, [rdi+rax]                    ; trap: out of bounds memory access
;;       9:  imul ecx, [rdi+rax+4]                 ; trap: out of bounds memory access, @0xb2
;;       e:  mov edx, [rdi+rax+8]                  ; trap: out of bounds memory access, @0x32
;;      12:  imul edx, [rdi+rax+0xc]               ; trap: out of bounds memory access, @0xb7
;;      17:  add ecx, edx                          ; @0xb8
;;      19:  mov edx, [rdi+rax+0x10]               ; trap: out of bounds memory access, @0x40
;;      1d:  imul edx, [rdi+rax+0x14]              ; trap: out of bounds memory access, @0xbd
;;      22:  add ecx, edx                          ; @0xbe
;;      24:  mov edx, [rdi+rax+0x18]               ; trap: out of bounds memory access, @0x4e
;;      28:  imul edx, [rdi+rax+0x1c]              ; trap: out of bounds memory access, @0xc3
;;      2d:  add ecx, edx                          ; @0xc4
;;      2f:  mov edx, [rdi+rax+0x20]               ; trap: out of bounds memory access, @0x5c
;;      33:  imul edx, [rdi+rax+0x24]              ; trap: out of bounds memory access, @0xc9
;;      38:  add ecx, edx                          ; @0xca
;;      3a:  mov edx, [rdi+rax+0x28]               ; trap: out of bounds memory access, @0x6a
;;      3e:  imul edx, [rdi+rax+0x2c]              ; trap: out of bounds memory access, @0xcf
;;      43:  add ecx, edx                          ; @0xd0
;;      45:  mov edx, [rdi+rax+0x30]               ; trap: out of bounds memory access, @0x78
;;      49:  imul edx, [rdi+rax+0x34]              ; trap: out of bounds memory access, @0xd5
;;      4e:  add ecx, edx                          ; @0xd6
;;      50:  mov edx, [rdi+rax+0x38]               ; trap: out of bounds memory access, @0x86
;;      54:  imul edx, [rdi+rax+0x3c]              ; trap: out of bounds memory access, @0xdb
;;      59:  add ecx, edx                          ; @0xdc
;;      5b:  mov edx, [rdi+rax+0x40]               ; trap: out of bounds memory access, @0x94
;;      5f:  imul edx, [rdi+rax+0x44]              ; trap: out of bounds memory access, @0xe1
;;      64:  add ecx, edx                          ; @0xe2
;;      66:  mov edx, [rdi+rax+0x48]               ; trap: out of bounds memory access, @0xa2
;;      6a:  imul edx, [rdi+rax+0x4c]              ; trap: out of bounds memory access, @0xe7
;;      6f:  lea eax, [rcx+rdx]                    ; @0xe8
;;      72:  mov rsp, rbp                          ; @0xe9
;;      75:  pop rbp
;;      76:  ret
