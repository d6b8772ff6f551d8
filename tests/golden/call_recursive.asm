fib:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x20
      8:  mov [rsp], rbx
      c:  mov [rsp+8], r12
     11:  mov [rsp+0x10], r13
     16:  mov r13, rdi
     19:  cmp esi, 2                            ; @0x1e
     1c:  mov r12, rsi
     1f:  jb 0x52
     25:  mov rax, r12
     28:  mov rsi, rax
     2b:  sub esi, 1                            ; @0x27
     2e:  mov rdi, r13
     31:  call 0x36                             ; fib, @0x28
     36:  mov rbx, rax
     39:  mov rsi, r12
     3c:  sub esi, 2
     3f:  mov rdi, r13
     42:  call 0x47                             ; fib, @0x2f
     47:  mov rcx, rbx
     4a:  lea esi, [rcx+rax]                    ; @0x31
     4d:  jmp 0x55                              ; @0x32
     52:  mov rsi, r12
     55:  mov rax, rsi
     58:  mov rbx, [rsp]                        ; @0x33
     5c:  mov r12, [rsp+8]
     61:  mov r13, [rsp+0x10]
     66:  add rsp, 0x20
     6a:  mov rsp, rbp
     6d:  pop rbp
     6e:  ret
