load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rcx, [rdi-8]                      ; @0x21
      8:  mov eax, esi
      a:  xor r11, r11
      d:  mov r10, rcx
     10:  sub r10, rax
     13:  cmp rax, rcx
     16:  cmova r10, r11
     1a:  lea rax, [rdi+rax+0x10]
     1f:  cmp r10, 0x18
     23:  cmovb rax, r11
     27:  mov rax, [rax]                        ; trap: out of bounds memory access
     2a:  mov rsp, rbp                          ; @0x24
     2d:  pop rbp
     2e:  ret
