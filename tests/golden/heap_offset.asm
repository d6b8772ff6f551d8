below:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x21
      6:  mov eax, [rdi+rsi+0x7fffffff]         ; trap: out of bounds memory access
      d:  mov rsp, rbp                          ; @0x28
     10:  pop rbp
     11:  ret

above:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x2d
      6:  add rsi, rdi
      9:  mov edi, 0x80000000
      e:  mov eax, [rsi+rdi]                    ; trap: out of bounds memory access
     11:  mov rsp, rbp                          ; @0x34
     14:  pop rbp
     15:  ret
