add:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  add rax, rcx                          ; @0x2f
      a:  mov rcx, rdx
      d:  adc rcx, r8
     10:  mov rsp, rbp                          ; @0x31
     13:  pop rbp
     14:  ret

sub:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  sub rax, rcx                          ; @0x3c
      a:  mov rcx, rdx
      d:  sbb rcx, r8
     10:  mov rsp, rbp                          ; @0x3e
     13:  pop rbp
     14:  ret

product_s:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  imul rdx                              ; @0x45
      a:  mov rcx, rdx
      d:  mov rsp, rbp                          ; @0x47
     10:  pop rbp
     11:  ret

product_u:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mul rdx                               ; @0x4e
      a:  mov rcx, rdx
      d:  mov rsp, rbp                          ; @0x50
     10:  pop rbp
     11:  ret
