load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x3f
      6:  test rsi, 7
      d:  jne 0x24
     13:  mov rdi, [rdi-0x140068]
     1a:  mov rax, [rdi+rsi+0x10]               ; trap: out of bounds memory access
     1f:  mov rsp, rbp                          ; @0x43
     22:  pop rbp
     23:  ret
     24:  ud2                                   ; trap: unaligned atomic, @0x3f

store8:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, rsi
      7:  mov rsi, [rdi-0x140068]               ; @0x4a
      e:  mov rdi, r8
     11:  mov edi, edi
     13:  mov [rsi+rdi], dl                     ; trap: out of bounds memory access
     16:  mfence
     19:  mov rsp, rbp                          ; @0x4e
     1c:  pop rbp
     1d:  ret

add:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x55
      6:  test rsi, 3
      d:  jne 0x28
     13:  mov r8, [rdi-0x140068]
     1a:  mov rax, rdx
     1d:  lock xadd [r8+rsi], eax               ; trap: out of bounds memory access
     23:  mov rsp, rbp                          ; @0x59
     26:  pop rbp
     27:  ret
     28:  ud2                                   ; trap: unaligned atomic, @0x55

cmpxchg16:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8d, esi                          ; @0x62
      7:  test r8, 1
      e:  jne 0x2e
     14:  mov r10, [rdi-0x140068]
     1b:  mov rax, rdx
     1e:  lock cmpxchg [r10+r8], cx             ; trap: out of bounds memory access
     25:  movzx rax, ax
     29:  mov rsp, rbp                          ; @0x66
     2c:  pop rbp
     2d:  ret
     2e:  ud2                                   ; trap: unaligned atomic, @0x62

size:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rsi, [rdi-0x140060]               ; @0x69
      b:  mov rax, [rsi]
      e:  shr rax, 0x10
     12:  mov rsp, rbp                          ; @0x6b
     15:  pop rbp
     16:  ret

fence:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mfence                                ; @0x6e
      7:  mov rsp, rbp                          ; @0x71
      a:  pop rbp
      b:  ret
