load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, rsi
      7:  mov rsi, [rdi-0x140058]               ; @0x2a
      e:  mov rdi, r8
     11:  mov edi, edi
     13:  mov eax, [rsi+rdi+0x10]               ; trap: out of bounds memory access
     17:  mov rsp, rbp                          ; @0x2d
     1a:  pop rbp
     1b:  ret
