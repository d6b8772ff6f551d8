get_constant:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov eax, 0x4d2                        ; @0x3b
      9:  mov rsp, rbp                          ; @0x3d
      c:  pop rbp
      d:  ret

get_mutable:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov eax, [rdi-0x60]                   ; @0x40
      7:  mov rsp, rbp                          ; @0x42
      a:  pop rbp
      b:  ret

set_mutable:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov [rdi-0x60], esi                   ; @0x47
      7:  mov rsp, rbp                          ; @0x49
      a:  pop rbp
      b:  ret

get_imported:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rsi, [rdi-0x140058]               ; @0x4c
      b:  mov rax, [rsi]
      e:  mov rsp, rbp                          ; @0x4e
     11:  pop rbp
     12:  ret
