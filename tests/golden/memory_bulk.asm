grow:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mov r8, [rdi-0x140010]                ; @0x30
      e:  mov r8, [r8]
     11:  xor rsi, rsi
     14:  mov edx, eax
     16:  call r8
     19:  mov rsp, rbp                          ; @0x32
     1c:  pop rbp
     1d:  ret

fill:
      0:  push rbp
      1:  mov rbp, rsp
      4:  call 9                                ; memory.fill helper, @0x3b
      9:  mov rsp, rbp                          ; @0x3e
      c:  pop rbp
      d:  ret

copy:
      0:  push rbp
      1:  mov rbp, rsp
      4:  call 9                                ; memory.copy helper, @0x47
      9:  mov rsp, rbp                          ; @0x4b
      c:  pop rbp
      d:  ret

init:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rdx
      7:  mov r9, rcx
      a:  mov r11, [rdi-0x140010]               ; @0x54
     11:  mov r11, [r11+0x18]
     15:  xor rdx, rdx
     18:  mov ecx, esi
     1a:  mov r8d, eax
     1d:  mov rax, r9
     20:  mov r9d, eax
     23:  mov rsi, rdx
     26:  call r11
     29:  mov rsp, rbp                          ; @0x58
     2c:  pop rbp
     2d:  ret

drop:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rsi, [rdi-0x140010]               ; @0x5b
      b:  mov r8, [rsi+0x20]
      f:  xor rsi, rsi
     12:  call r8
     15:  mov rsp, rbp                          ; @0x5e
     18:  pop rbp
     19:  ret

memory.copy helper:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rcx
      7:  mov r8, rdx
      a:  mov ecx, esi
      c:  mov r9d, eax
      f:  lea rdx, [rcx+r9]
     13:  mov rsi, r8
     16:  mov r8d, esi
     19:  lea rsi, [r8+r9]
     1d:  cmp rsi, rdx
     20:  cmovae rdx, rsi
     24:  cmp rdx, [rdi-8]
     28:  seta dl
     2b:  cmp r9, 0x40
     2f:  seta sil
     33:  or edx, esi
     35:  test dl, dl
     37:  jne 0x14a
     3d:  cmp r9, 0x21
     41:  jae 0x109
     47:  cmp r9, 0x10
     4b:  jae 0xe3
     51:  cmp r9, 8
     55:  jae 0xc4
     5b:  cmp r9, 4
     5f:  jae 0xa6
     65:  cmp r9, 2
     69:  jae 0x84
     6f:  test eax, eax
     71:  je 0x7f
     77:  movzx rax, byte ptr [rdi+r8]
     7c:  mov [rdi+rcx], al
     7f:  mov rsp, rbp
     82:  pop rbp
     83:  ret
     84:  lea rdx, [rdi+r8]
     88:  movzx rax, word ptr [rdi+r8]
     8d:  movzx rdx, word ptr [rdx+r9-2]
     93:  lea rsi, [rdi+rcx]
     97:  mov [rdi+rcx], ax
     9b:  mov [rsi+r9-2], dx
     a1:  mov rsp, rbp
     a4:  pop rbp
     a5:  ret
     a6:  lea rsi, [rdi+r8]
     aa:  mov edx, [rdi+r8]
     ae:  mov esi, [rsi+r9-4]
     b3:  lea r8, [rdi+rcx]
     b7:  mov [rdi+rcx], edx
     ba:  mov [r8+r9-4], esi
     bf:  mov rsp, rbp
     c2:  pop rbp
     c3:  ret
     c4:  lea r10, [rdi+r8]
     c8:  mov rsi, [rdi+r8]
     cc:  mov r8, [r10+r9-8]
     d1:  lea r10, [rdi+rcx]
     d5:  mov [rdi+rcx], rsi
     d9:  mov [r10+r9-8], r8
     de:  mov rsp, rbp
     e1:  pop rbp
     e2:  ret
     e3:  lea r10, [rdi+r8]
     e7:  movdqu xmm7, [rdi+r8]
     ed:  movdqu xmm0, [r10+r9-0x10]
     f4:  lea r8, [rdi+rcx]
     f8:  movdqu [rdi+rcx], xmm7
     fd:  movdqu [r8+r9-0x10], xmm0
    104:  mov rsp, rbp
    107:  pop rbp
    108:  ret
    109:  lea r10, [rdi+r8]
    10d:  movdqu xmm0, [rdi+r8]
    113:  movdqu xmm1, [rdi+r8+0x10]
    11a:  movdqu xmm2, [r10+r9-0x10]
    121:  movdqu xmm3, [r10+r9-0x20]
    128:  lea r10, [rdi+rcx]
    12c:  movdqu [rdi+rcx], xmm0
    131:  movdqu [rdi+rcx+0x10], xmm1
    137:  movdqu [r10+r9-0x10], xmm2
    13e:  movdqu [r10+r9-0x20], xmm3
    145:  mov rsp, rbp
    148:  pop rbp
    149:  ret
    14a:  mov rax, [rdi-0x140010]
    151:  mov rax, [rax+0x10]
    155:  xor rdx, rdx
    158:  mov rsi, rdx
    15b:  call rax
    15d:  mov rsp, rbp
    160:  pop rbp
    161:  ret

memory.fill helper:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r9, rdx
      7:  mov edx, esi
      9:  mov r8d, ecx
      c:  lea rax, [rdx+r8]
     10:  cmp rax, [rdi-8]
     14:  seta al
     17:  cmp r8, 0x40
     1b:  seta sil
     1f:  or eax, esi
     21:  test al, al
     23:  jne 0x121
     29:  cmp r8, 0x21
     2d:  jae 0xef
     33:  cmp r8, 0x10
     37:  jae 0xca
     3d:  cmp r8, 8
     41:  jae 0xa9
     47:  cmp r8, 4
     4b:  jae 0x8c
     51:  cmp r8, 2
     55:  jae 0x6e
     5b:  test ecx, ecx
     5d:  je 0x69
     63:  mov rax, r9
     66:  mov [rdi+rdx], al
     69:  mov rsp, rbp
     6c:  pop rbp
     6d:  ret
     6e:  mov rax, r9
     71:  movzx eax, al
     74:  imul ax, 0x101
     79:  lea rcx, [rdi+rdx]
     7d:  mov [rdi+rdx], ax
     81:  mov [rcx+r8-2], ax
     87:  mov rsp, rbp
     8a:  pop rbp
     8b:  ret
     8c:  mov rax, r9
     8f:  movzx eax, al
     92:  imul eax, 0x1010101
     98:  lea rcx, [rdi+rdx]
     9c:  mov [rdi+rdx], eax
     9f:  mov [rcx+r8-4], eax
     a4:  mov rsp, rbp
     a7:  pop rbp
     a8:  ret
     a9:  mov rax, r9
     ac:  movzx rax, al
     b0:  imul rax, [rip+0x88]
     b8:  lea rcx, [rdi+rdx]
     bc:  mov [rdi+rdx], rax
     c0:  mov [rcx+r8-8], rax
     c5:  mov rsp, rbp
     c8:  pop rbp
     c9:  ret
     ca:  mov rax, r9
     cd:  movd xmm0, eax
     d1:  pxor xmm1, xmm1
     d5:  pshufb xmm0, xmm1
     da:  lea rax, [rdi+rdx]
     de:  movdqu [rdi+rdx], xmm0
     e3:  movdqu [rax+r8-0x10], xmm0
     ea:  mov rsp, rbp
     ed:  pop rbp
     ee:  ret
     ef:  mov rax, r9
     f2:  movd xmm3, eax
     f6:  pxor xmm4, xmm4
     fa:  pshufb xmm3, xmm4
     ff:  lea rsi, [rdi+rdx]
    103:  movdqu [rdi+rdx], xmm3
    108:  movdqu [rdi+rdx+0x10], xmm3
    10e:  movdqu [rsi+r8-0x10], xmm3
    115:  movdqu [rsi+r8-0x20], xmm3
    11c:  mov rsp, rbp
    11f:  pop rbp
    120:  ret
    121:  mov rax, r9
    124:  mov r9, [rdi-0x140010]
    12b:  mov r9, [r9+8]
    12f:  xor rsi, rsi
    132:  mov ecx, eax
    134:  call r9
    137:  mov rsp, rbp
    13a:  pop rbp
    13b:  ret
    140:  .byte 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01, 0x01
