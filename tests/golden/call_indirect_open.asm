a:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mov rsp, rbp                          ; @0x34
      a:  pop rbp
      b:  ret

set:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, [rdi-0x48]                    ; @0x3b
      8:  mov r9d, esi
      b:  cmp r9, r8
      e:  jae 0x35
     14:  mov r10, [rdi-0x140018]               ; @0x39
     1b:  mov r11, [rdi-0x140060]               ; @0x3b
     22:  lea rax, [r11+r9*8]
     26:  cmp r9, r8
     29:  cmovae rax, r11
     2d:  mov [rax], r10
     30:  mov rsp, rbp                          ; @0x3d
     33:  pop rbp
     34:  ret
     35:  ud2                                   ; trap: out of bounds table access, @0x3b

caller:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, [rdi-0x48]                   ; @0x44
      8:  mov ecx, edx
      a:  cmp rcx, rax
      d:  jae 0x45
     13:  mov rdx, [rdi-0x140060]
     1a:  lea r8, [rdx+rcx*8]
     1e:  cmp rcx, rax
     21:  cmovae r8, rdx
     25:  mov rax, [r8]
     28:  mov ecx, [rax+0x10]                   ; trap: uninitialized element
     2b:  cmp ecx, [rdi-0x140044]
     31:  jne 0x47
     37:  mov rcx, [rax]
     3a:  mov rdi, [rax+0x18]
     3e:  call rcx
     40:  mov rsp, rbp                          ; @0x47
     43:  pop rbp
     44:  ret
     45:  ud2                                   ; trap: undefined element, @0x44
     47:  ud2                                   ; trap: indirect call type mismatch

array entry of a:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x10
      8:  mov [rsp], r12
      c:  mov r8, rsi
      f:  mov esi, [r8]
     12:  mov r12, r8
     15:  call 0x1a                             ; a
     1a:  mov rsi, r12
     1d:  mov [rsi], eax
     1f:  mov r12, [rsp]
     23:  add rsp, 0x10
     27:  mov rsp, rbp
     2a:  pop rbp
     2b:  ret
