sum:
      0:  push rbp
      1:  mov rbp, rsp
      4:  xor eax, eax                          ; @0x26
      6:  mov r8, rsi
      9:  sub r8d, 1
      d:  add eax, esi                          ; @0x2f
      f:  test r8d, r8d                         ; @0x39
     12:  je 0x20
     18:  mov rsi, r8
     1b:  jmp 6
     20:  mov rsp, rbp                          ; @0x3e
     23:  pop rbp
     24:  ret

switch:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r9d, 3                            ; @0x4b
      a:  mov r10d, esi
      d:  cmp r10d, r9d
     10:  cmovb r9d, r10d
     14:  lea rcx, [rip+9]
     1b:  movsxd rax, [rcx+r9*4]
     1f:  add rcx, rax
     22:  jmp rcx
     24:  .long 0x48 - 0x24
     28:  .long 0x3e - 0x24
     2c:  .long 0x34 - 0x24
     30:  .long 0x52 - 0x24
     34:  mov eax, 0x1e                         ; @0x56
     39:  jmp 0x57                              ; @0x58
     3e:  mov eax, 0x14                         ; @0x5a
     43:  jmp 0x57                              ; @0x5c
     48:  mov eax, 0xa                          ; @0x5e
     4d:  jmp 0x57                              ; @0x60
     52:  mov eax, 0x28                         ; @0x52
     57:  mov rsp, rbp                          ; @0x60
     5a:  pop rbp
     5b:  ret

swap:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rdx
      7:  mov rcx, rsi
      a:  mov rsp, rbp                          ; @0x6a
      d:  pop rbp
      e:  ret
