size:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, [rdi-8]                      ; @0x1e
      8:  shr rax, 0x10
      c:  mov rsp, rbp                          ; @0x20
      f:  pop rbp
     10:  ret
