store:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x28
      6:  mov [rdi+rsi+0x10], rdx               ; trap: out of bounds memory access
      b:  mov rsp, rbp                          ; @0x2b
      e:  pop rbp
      f:  ret

store8:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x32
      6:  mov [rdi+rsi], dl                     ; trap: out of bounds memory access
      9:  mov rsp, rbp                          ; @0x35
      c:  pop rbp
      d:  ret
