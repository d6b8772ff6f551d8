load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r10, [rdi-0x48]                   ; @0x26
      8:  xor r9, r9
      b:  mov r11, [rdi-0x140058]
     12:  lea r8, [r11+rsi+0x10]
     17:  cmp rsi, r10
     1a:  cmovae r8, r9
     1e:  mov eax, [r8]                         ; trap: out of bounds memory access
     21:  mov rsp, rbp                          ; @0x29
     24:  pop rbp
     25:  ret

far:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rcx, [rdi-0x48]                   ; @0x2e
      8:  xor rax, rax
      b:  mov r11, rcx
      e:  sub r11, rsi
     11:  cmp rsi, rcx
     14:  cmova r11, rax
     18:  add rsi, [rdi-0x140058]
     1f:  mov rcx, 0x100000000
     29:  add rcx, rsi
     2c:  cmp r11, [rip+0xd]
     33:  cmovb rcx, rax
     37:  mov rax, [rcx]                        ; trap: out of bounds memory access
     3a:  mov rsp, rbp                          ; @0x35
     3d:  pop rbp
     3e:  ret
     40:  .byte 0x08, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00
