load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x2c
      6:  mov eax, [rdi+rsi+0x10]               ; trap: out of bounds memory access
      a:  mov rsp, rbp                          ; @0x2f
      d:  pop rbp
      e:  ret

load8:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x34
      6:  movsx rax, byte ptr [rdi+rsi]         ; trap: out of bounds memory access
      b:  mov rsp, rbp                          ; @0x37
      e:  pop rbp
      f:  ret

float:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x3c
      6:  movsd xmm0, [rdi+rsi+8]               ; trap: out of bounds memory access
      c:  mov rsp, rbp                          ; @0x3f
      f:  pop rbp
     10:  ret
