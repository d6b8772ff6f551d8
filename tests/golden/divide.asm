div:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mov r11, rdx
      a:  cdq                                   ; @0x2c
      b:  test r11d, r11d
      e:  je 0x1c
     14:  idiv r11d                             ; trap: integer overflow
     17:  mov rsp, rbp                          ; @0x2d
     1a:  pop rbp
     1b:  ret
     1c:  ud2                                   ; trap: integer divide by zero, @0x2c

rem:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mov r9, rdx
      a:  cqo                                   ; @0x34
      c:  cmp r9, 0xffffffffffffffff
     10:  jne 0x20
     16:  mov edx, 0
     1b:  jmp 0x23
     20:  idiv r9                               ; trap: integer divide by zero
     23:  mov rax, rdx
     26:  mov rsp, rbp                          ; @0x35
     29:  pop rbp
     2a:  ret

trunc:
      0:  push rbp
      1:  mov rbp, rsp
      4:  cvttsd2si eax, xmm0                   ; @0x3a
      8:  cmp eax, 1
      b:  jno 0x42
     11:  ucomisd xmm0, xmm0
     15:  jp 0x47
     1b:  mov rsi, 0xc1e0000000200000
     25:  movq xmm3, rsi
     2a:  ucomisd xmm0, xmm3
     2e:  jbe 0x49
     34:  xorpd xmm3, xmm3
     38:  ucomisd xmm3, xmm0
     3c:  jb 0x4b
     42:  mov rsp, rbp                          ; @0x3b
     45:  pop rbp
     46:  ret
     47:  ud2                                   ; trap: invalid conversion to integer, @0x3a
     49:  ud2                                   ; trap: integer overflow
     4b:  ud2                                   ; trap: integer overflow

saturate:
      0:  push rbp
      1:  mov rbp, rsp
      4:  cvttsd2si eax, xmm0                   ; @0x40
      8:  cmp eax, 1
      b:  jno 0x35
     11:  ucomisd xmm0, xmm0
     15:  jnp 0x22
     1b:  xor eax, eax
     1d:  jmp 0x35
     22:  xorpd xmm4, xmm4
     26:  ucomisd xmm4, xmm0
     2a:  jae 0x35
     30:  mov eax, 0x7fffffff
     35:  mov rsp, rbp                          ; @0x42
     38:  pop rbp
     39:  ret
