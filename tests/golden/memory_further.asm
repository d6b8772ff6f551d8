load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, rsi
      7:  mov rsi, [rdi-0x140068]               ; @0x27
      e:  mov rdi, r8
     11:  mov edi, edi
     13:  mov eax, [rsi+rdi+0x10]               ; trap: out of bounds memory access
     17:  mov rsp, rbp                          ; @0x2b
     1a:  pop rbp
     1b:  ret

size:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, [rdi-0x50]                   ; @0x2e
      8:  shr rax, 0x10
      c:  mov rsp, rbp                          ; @0x30
      f:  pop rbp
     10:  ret
