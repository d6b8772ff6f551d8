get:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, [rdi-0x48]                    ; @0x2d
      8:  mov r9d, esi
      b:  cmp r9, r8
      e:  jae 0x2e
     14:  mov r10, [rdi-0x140060]
     1b:  lea r11, [r10+r9*8]
     1f:  cmp r9, r8
     22:  cmovae r11, r10
     26:  mov eax, [r11]
     29:  mov rsp, rbp                          ; @0x2f
     2c:  pop rbp
     2d:  ret
     2e:  ud2                                   ; trap: out of bounds table access, @0x2d

set:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r9, [rdi-0x48]                    ; @0x36
      8:  mov r10d, esi
      b:  cmp r10, r9
      e:  jae 0x31
     14:  mov r11d, edx
     17:  mov rax, [rdi-0x140060]
     1e:  lea rcx, [rax+r10*8]
     22:  cmp r10, r9
     25:  cmovae rcx, rax
     29:  mov [rcx], r11
     2c:  mov rsp, rbp                          ; @0x38
     2f:  pop rbp
     30:  ret
     31:  ud2                                   ; trap: out of bounds table access, @0x36

size:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, [rdi-0x48]                   ; @0x3b
      8:  mov rsp, rbp                          ; @0x3e
      b:  pop rbp
      c:  ret
