get:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, [rdi-0x48]                    ; @0x31
      8:  cmp rsi, r8
      b:  jae 0x2b
     11:  mov r9, [rdi-0x140060]
     18:  lea r10, [r9+rsi*8]
     1c:  cmp rsi, r8
     1f:  cmovae r10, r9
     23:  mov rax, [r10]
     26:  mov rsp, rbp                          ; @0x33
     29:  pop rbp
     2a:  ret
     2b:  ud2                                   ; trap: out of bounds table access, @0x31

size:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, [rdi-0x48]                   ; @0x36
      8:  mov rsp, rbp                          ; @0x39
      b:  pop rbp
      c:  ret

call:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r11, [rdi-0x48]                   ; @0x3e
      8:  cmp rsi, r11
      b:  jae 0x43
     11:  mov rax, [rdi-0x140060]
     18:  lea rcx, [rax+rsi*8]
     1c:  cmp rsi, r11
     1f:  cmovae rcx, rax
     23:  mov rax, [rcx]
     26:  mov ecx, [rax+0x10]                   ; trap: uninitialized element
     29:  cmp ecx, [rdi-0x140044]
     2f:  jne 0x45
     35:  mov rcx, [rax]
     38:  mov rdi, [rax+0x18]
     3c:  call rcx
     3e:  mov rsp, rbp                          ; @0x41
     41:  pop rbp
     42:  ret
     43:  ud2                                   ; trap: undefined element, @0x3e
     45:  ud2                                   ; trap: indirect call type mismatch
