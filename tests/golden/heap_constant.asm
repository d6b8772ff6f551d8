constant:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov eax, [rdi+0x404]                  ; trap: out of bounds memory access, @0x20
      a:  mov rsp, rbp                          ; @0x23
      d:  pop rbp
      e:  ret
