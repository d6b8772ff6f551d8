sum:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov eax, esi                          ; @0x3d
      6:  mov eax, [rdi+rax]                    ; trap: out of bounds memory access
      9:  mov rcx, r15                          ; @0x4a
      c:  add rcx, 0xa
     13:  mov r15, rcx                          ; @0x4a
     16:  test rcx, rcx
     19:  jg 0x4f
     1f:  sub esi, 4
     22:  add eax, edx                          ; @0x40
     24:  test esi, esi                         ; @0x4a
     26:  je 0x34
     2c:  mov rdx, rax
     2f:  jmp 4
     34:  mov rcx, r15                          ; @0x4f
     37:  add rcx, 1
     3e:  mov r15, rcx
     41:  test rcx, rcx
     44:  jg 0x51
     4a:  mov rsp, rbp
     4d:  pop rbp
     4e:  ret
     4f:  ud2                                   ; trap: out of fuel, @0x4a
     51:  ud2                                   ; trap: out of fuel, @0x4f

choose:
      0:  push rbp
      1:  mov rbp, rsp
      4:  test esi, esi                         ; @0x54
      6:  jne 0x23
      c:  mov r11, r15                          ; @0x5e
      f:  add r11, 0xfffffffffffffffe
     16:  mov r15, r11
     19:  mov eax, 7                            ; @0x5c
     1e:  jmp 0x26                              ; @0x5e
     23:  lea eax, [rsi+1]                      ; @0x5a
     26:  mov rcx, r15                          ; @0x5f
     29:  add rcx, 5
     30:  mov r15, rcx
     33:  test rcx, rcx
     36:  jg 0x41
     3c:  mov rsp, rbp
     3f:  pop rbp
     40:  ret
     41:  ud2                                   ; trap: out of fuel

array entry of sum:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x10
      8:  mov [rsp], r12
      c:  mov r12, rsi
      f:  mov esi, [rsi]
     11:  mov r9, r12
     14:  mov edx, [r9+0x10]
     18:  call 0x1d                             ; sum
     1d:  mov rsi, r12
     20:  mov [rsi], eax
     22:  mov r12, [rsp]
     26:  add rsp, 0x10
     2a:  mov rsp, rbp
     2d:  pop rbp
     2e:  ret

array entry of choose:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x10
      8:  mov [rsp], r12
      c:  mov r8, rsi
      f:  mov esi, [r8]
     12:  mov r12, r8
     15:  call 0x1a                             ; choose
     1a:  mov rsi, r12
     1d:  mov [rsi], eax
     1f:  mov r12, [rsp]
     23:  add rsp, 0x10
     27:  mov rsp, rbp
     2a:  pop rbp
     2b:  ret
