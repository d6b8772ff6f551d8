a:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mov rsp, rbp                          ; @0x3c
      a:  pop rbp
      b:  ret

b:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov eax, 2                            ; @0x3f
      9:  mov rsp, rbp                          ; @0x41
      c:  pop rbp
      d:  ret

c:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rsp, rbp                          ; @0x44
      7:  pop rbp
      8:  ret

caller:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r11d, edx                         ; @0x4b
      7:  cmp r11, 3
      b:  jae 0x47
     11:  lea rax, [rip]                        ; table[0]
     18:  lea rcx, [rax+r11*8]
     1c:  cmp r11, 3
     20:  cmovae rcx, rax
     24:  mov edx, [rcx+4]
     27:  test edx, edx
     29:  jne 0x3c
     2f:  movsxd rcx, [rcx]
     32:  add rax, rcx
     35:  call rax
     37:  mov rsp, rbp                          ; @0x4e
     3a:  pop rbp
     3b:  ret
     3c:  cmp edx, 0xffffffff                   ; @0x4b
     3f:  je 0x49
     45:  ud2                                   ; trap: indirect call type mismatch
     47:  ud2                                   ; trap: undefined element
     49:  ud2                                   ; trap: uninitialized element
