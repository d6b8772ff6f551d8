callee:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mov rsp, rbp                          ; @0x62
      a:  pop rbp
      b:  ret

call_ref:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r8, [rsi]                         ; trap: null function reference, @0x69
      7:  mov rdi, [rsi+0x18]                   ; trap: null function reference
      b:  mov esi, 1                            ; @0x65
     10:  call r8                               ; @0x69
     13:  mov rsp, rbp                          ; @0x6b
     16:  pop rbp
     17:  ret

call_global:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rdi, [rdi-0x50]                   ; @0x70
      8:  mov r8, [rdi]                         ; trap: null function reference, @0x72
      b:  mov rdi, [rdi+0x18]                   ; trap: null function reference
      f:  mov esi, 1                            ; @0x6e
     14:  call r8                               ; @0x72
     17:  mov rsp, rbp                          ; @0x74
     1a:  pop rbp
     1b:  ret

return_call_ref:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov r10, [rsi]                        ; trap: null function reference, @0x7b
      7:  mov rdi, [rsi+0x18]                   ; trap: null function reference
      b:  mov esi, 1                            ; @0x77
     10:  mov rsp, rbp                          ; @0x7b
     13:  pop rbp
     14:  jmp r10

call_known:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rdi, [rdi-0x140018]               ; @0x82
      b:  mov r8, [rdi]                         ; trap: null function reference, @0x84
      e:  mov rdi, [rdi+0x18]                   ; trap: null function reference
     12:  mov esi, 1                            ; @0x80
     17:  call r8                               ; @0x84
     1a:  mov rsp, rbp                          ; @0x86
     1d:  pop rbp
     1e:  ret

call_table:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, [rdi-0x58]                   ; @0x8d
      8:  mov ecx, esi
      a:  cmp rcx, rax
      d:  jae 0x3b
     13:  mov rdx, [rdi-0x140068]
     1a:  lea rsi, [rdx+rcx*8]
     1e:  cmp rcx, rax
     21:  cmovae rsi, rdx
     25:  mov rcx, [rsi]
     28:  mov rax, [rcx]                        ; trap: null function reference, @0x8f
     2b:  mov rdi, [rcx+0x18]                   ; trap: null function reference
     2f:  mov esi, 1                            ; @0x89
     34:  call rax                              ; @0x8f
     36:  mov rsp, rbp                          ; @0x91
     39:  pop rbp
     3a:  ret
     3b:  ud2                                   ; trap: out of bounds table access, @0x8d

as_non_null:
      0:  push rbp
      1:  mov rbp, rsp
      4:  test rsi, rsi                         ; @0x96
      7:  je 0x15
      d:  mov rax, rsi
     10:  mov rsp, rbp                          ; @0x97
     13:  pop rbp
     14:  ret
     15:  ud2                                   ; trap: null reference, @0x96

or_default:
      0:  push rbp
      1:  mov rbp, rsp
      4:  test rsi, rsi                         ; @0xa0
      7:  je 0x21
      d:  mov r9, [rsi]                         ; trap: null function reference, @0xa2
     10:  mov rdi, [rsi+0x18]                   ; trap: null function reference
     14:  mov esi, 2                            ; @0x9c
     19:  call r9                               ; @0xa2
     1c:  jmp 0x26                              ; @0xa4
     21:  mov eax, 0xffffffff                   ; @0xa6
     26:  mov rsp, rbp                          ; @0xa8
     29:  pop rbp
     2a:  ret

first_non_null:
      0:  push rbp
      1:  mov rbp, rsp
      4:  test esi, esi                         ; @0xb0
      6:  jne 0x17
      c:  test edx, edx                         ; @0xb4
      e:  je 0x1f
     14:  mov rsi, rdx
     17:  mov rax, rsi
     1a:  mov rsp, rbp                          ; @0xb8
     1d:  pop rbp
     1e:  ret
     1f:  ud2                                   ; trap: unreachable, @0xb4

array entry of callee:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x10
      8:  mov [rsp], r12
      c:  mov r8, rsi
      f:  mov esi, [r8]
     12:  mov r12, r8
     15:  call 0x1a                             ; callee
     1a:  mov rsi, r12
     1d:  mov [rsi], eax
     1f:  mov r12, [rsp]
     23:  add rsp, 0x10
     27:  mov rsp, rbp
     2a:  pop rbp
     2b:  ret
