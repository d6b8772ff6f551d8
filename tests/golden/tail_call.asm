elsewhere:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x10
      8:  lea r9, [rsp]
      c:  mov [rsp], esi
      f:  mov r8, [rdi-0x140060]
     16:  mov rax, rdi
     19:  mov rdi, [rax-0x140058]
     20:  mov rdx, rax
     23:  mov rsi, r9
     26:  call r8
     29:  mov eax, [rsp]
     2c:  add rsp, 0x10
     30:  mov rsp, rbp
     33:  pop rbp
     34:  ret

direct:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rsp, rbp                          ; @0x5e
      7:  pop rbp
      8:  jmp 0xd                               ; direct

import:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r10, [rdi-0x140050]               ; @0x65
      b:  test r10, r10
      e:  je 0x22
     14:  mov rdi, [rdi-0x140058]
     1b:  mov rsp, rbp
     1e:  pop rbp
     1f:  jmp r10
     22:  mov rsp, rbp
     25:  pop rbp
     26:  jmp 0x2b                              ; elsewhere

through_constant:
      0:  push rbp
      1:  mov rbp, rsp
      4:  test esi, esi                         ; @0x6e
      6:  jne 0x44
      c:  lea rax, [rip]                        ; table[0]
     13:  mov ecx, esi
     15:  lea r11, [rax+rcx*8]
     19:  test esi, esi
     1b:  cmovne r11, rax
     1f:  mov ecx, [r11+4]
     23:  test ecx, ecx
     25:  jne 0x39
     2b:  movsxd rcx, [r11]
     2e:  lea r10, [rax+rcx]
     32:  mov rsp, rbp
     35:  pop rbp
     36:  jmp r10
     39:  cmp ecx, 0xffffffff
     3c:  je 0x46
     42:  ud2                                   ; trap: indirect call type mismatch
     44:  ud2                                   ; trap: undefined element
     46:  ud2                                   ; trap: uninitialized element

through_open:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, [rdi-0x50]                   ; @0x78
      8:  mov ecx, esi
      a:  cmp rcx, rax
      d:  jae 0x45
     13:  mov rdx, [rdi-0x140080]
     1a:  lea r8, [rdx+rcx*8]
     1e:  cmp rcx, rax
     21:  cmovae r8, rdx
     25:  mov rax, [r8]
     28:  mov ecx, [rax+0x10]                   ; trap: uninitialized element
     2b:  cmp ecx, [rdi-0x140044]
     31:  jne 0x47
     37:  mov r10, [rax]
     3a:  mov rdi, [rax+0x18]
     3e:  mov rsp, rbp
     41:  pop rbp
     42:  jmp r10
     45:  ud2                                   ; trap: undefined element
     47:  ud2                                   ; trap: indirect call type mismatch

many:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rsi, [rbp+0x30]
      8:  mov rsp, rbp                          ; @0x81
      b:  pop rbp
      c:  mov r11, [rsp]
     10:  mov [rsp+0x30], r11
     15:  add rsp, 0x30
     19:  jmp 0x1e                              ; direct

to_many:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x30
      8:  mov rbp, rsp
      b:  mov r11, [rsp+0x30]
     10:  mov [rsp], r11
     14:  mov r11, [rsp+0x38]
     19:  mov [rsp+8], r11
     1e:  sub rsp, 0x20
     22:  mov [rsp], rbx
     26:  mov [rsp+8], r14
     2b:  mov [rsp+0x10], r15
     30:  mov rbx, rsi
     33:  xor rsi, rsi                          ; @0x86
     36:  mov edx, 1                            ; @0x88
     3b:  mov ecx, 2                            ; @0x8a
     40:  mov r8d, 3                            ; @0x8c
     46:  mov r9d, 4                            ; @0x8e
     4c:  mov eax, 5                            ; @0x90
     51:  mov r10d, 6                           ; @0x92
     57:  mov r11d, 7                           ; @0x94
     5d:  mov r14d, 8                           ; @0x96
     63:  mov r15d, ebx                         ; @0x9a
     66:  mov [rbp+0x10], rax                   ; @0x9b
     6a:  mov [rbp+0x18], r10
     6e:  mov [rbp+0x20], r11
     72:  mov [rbp+0x28], r14
     76:  mov [rbp+0x30], r15
     7a:  mov rbx, [rsp]
     7e:  mov r14, [rsp+8]
     83:  mov r15, [rsp+0x10]
     88:  add rsp, 0x20
     8c:  mov rsp, rbp
     8f:  pop rbp
     90:  jmp 0x95                              ; many
