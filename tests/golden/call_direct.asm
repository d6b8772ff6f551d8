caller:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov edx, 5                            ; @0x22
      9:  call 0xe                              ; callee, @0x24
      e:  mov rsp, rbp                          ; @0x26
     11:  pop rbp
     12:  ret

callee:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  sub eax, edx                          ; @0x2d
      9:  mov rsp, rbp                          ; @0x2e
      c:  pop rbp
      d:  ret
