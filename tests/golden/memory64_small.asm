load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r9, rsi
      7:  shr r9, 0x20                          ; @0x2a
      b:  mov r8, 0x100000000
     15:  test r9, r9
     18:  cmovne rsi, r8
     1c:  mov eax, [rdi+rsi+0x10]               ; trap: out of bounds memory access
     20:  mov rsp, rbp                          ; @0x2d
     23:  pop rbp
     24:  ret

store8:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r9, rsi
      7:  shr r9, 0x20                          ; @0x34
      b:  mov r8, 0x100000000
     15:  test r9, r9
     18:  cmovne rsi, r8
     1c:  mov [rdi+rsi], dl                     ; trap: out of bounds memory access
     1f:  mov rsp, rbp                          ; @0x37
     22:  pop rbp
     23:  ret

beyond:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rsi, 0x100000000                  ; @0x3c
      e:  mov eax, [rdi+rsi]                    ; trap: out of bounds memory access
     11:  mov rsp, rbp                          ; @0x43
     14:  pop rbp
     15:  ret
