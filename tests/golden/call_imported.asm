f:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x20
      8:  lea r8, [rsp]
      c:  mov [rsp], esi
      f:  movsd [rsp+0x10], xmm0
     15:  mov r9, [rdi-0x140060]
     1c:  mov rax, rdi
     1f:  mov rdi, [rax-0x140058]
     26:  mov rdx, rax
     29:  mov rsi, r8
     2c:  call r9
     2f:  mov rax, [rsp]
     33:  add rsp, 0x20
     37:  mov rsp, rbp
     3a:  pop rbp
     3b:  ret

caller:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, 0x3ff8000000000000            ; @0x2d
      e:  movq xmm0, r8
     13:  call 0x18                             ; f, @0x36
     18:  mov rsp, rbp                          ; @0x38
     1b:  pop rbp
     1c:  ret
