callee:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x10
      8:  lea rdx, [rsp]                        ; @0x2e
      c:  mov [rsp], esi
      f:  mov r8, [rdi-0x140010]
     16:  mov r8, [r8+0x68]
     1a:  xor rsi, rsi
     1d:  call r8
     20:  ud2                                   ; trap: unreachable

outside:
      0:  push rbp
      1:  mov rbp, rsp
      4:  call 9                                ; callee, @0x35
      9:  mov rsp, rbp                          ; @0x37
      c:  pop rbp
      d:  ret

catch:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x40
      8:  mov [rsp+0x10], rbx
      d:  mov [rsp+0x18], r12
     12:  mov [rsp+0x20], r13
     17:  mov [rsp+0x28], r14
     1c:  mov [rsp+0x30], r15
     21:  mov [rsp], rdi
     25:  call 0x2a                             ; callee, catch tag 0: 0x4c, @0x44
     2a:  mov rbx, [rsp+0x10]                   ; @0x48
     2f:  mov r12, [rsp+0x18]
     34:  mov r13, [rsp+0x20]
     39:  mov r14, [rsp+0x28]
     3e:  mov r15, [rsp+0x30]
     43:  add rsp, 0x40
     47:  mov rsp, rbp
     4a:  pop rbp
     4b:  ret
     4c:  mov eax, [rdx]                        ; @0x46
     4e:  jmp 0x2a

catch_all:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x40
      8:  mov [rsp+0x10], rbx
      d:  mov [rsp+0x18], r12
     12:  mov [rsp+0x20], r13
     17:  mov [rsp+0x28], r14
     1c:  mov [rsp+0x30], r15
     21:  mov [rsp], rdi
     25:  call 0x2a                             ; callee, catch all: 0x2f, @0x54
     2a:  jmp 0x34                              ; @0x57
     2f:  mov eax, 0xffffffff                   ; @0x59
     34:  mov rbx, [rsp+0x10]                   ; @0x5b
     39:  mov r12, [rsp+0x18]
     3e:  mov r13, [rsp+0x20]
     43:  mov r14, [rsp+0x28]
     48:  mov r15, [rsp+0x30]
     4d:  add rsp, 0x40
     51:  mov rsp, rbp
     54:  pop rbp
     55:  ret
     56:  jmp 0x2f                              ; @0x56

nested:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x40
      8:  mov [rsp+0x10], rbx
      d:  mov [rsp+0x18], r12
     12:  mov [rsp+0x20], r13
     17:  mov [rsp+0x28], r14
     1c:  mov [rsp+0x30], r15
     21:  mov [rsp], rdi
     25:  call 0x2a                             ; callee, catch tag 0: 0x5b, catch tag 1: 0x2f, @0x70
     2a:  jmp 0x34                              ; @0x73
     2f:  mov eax, 0xffffffff                   ; @0x7a
     34:  mov rbx, [rsp+0x10]                   ; @0x7c
     39:  mov r12, [rsp+0x18]
     3e:  mov r13, [rsp+0x20]
     43:  mov r14, [rsp+0x28]
     48:  mov r15, [rsp+0x30]
     4d:  add rsp, 0x40
     51:  mov rsp, rbp
     54:  pop rbp
     55:  ret
     56:  jmp 0x2f                              ; @0x75
     5b:  mov eax, [rdx]                        ; @0x72
     5d:  jmp 0x34

again:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x40
      8:  mov [rsp+0x10], rbx
      d:  mov [rsp+0x18], r12
     12:  mov [rsp+0x20], r13
     17:  mov [rsp+0x28], r14
     1c:  mov [rsp+0x30], r15
     21:  mov [rsp], rdi
     25:  call 0x2a                             ; callee, catch all and keep it: 0x4c, @0x88
     2a:  mov rbx, [rsp+0x10]                   ; @0x8e
     2f:  mov r12, [rsp+0x18]
     34:  mov r13, [rsp+0x20]
     39:  mov r14, [rsp+0x28]
     3e:  mov r15, [rsp+0x30]
     43:  add rsp, 0x40
     47:  mov rsp, rbp
     4a:  pop rbp
     4b:  ret
     4c:  mov rdi, [rsp]
     50:  mov rcx, [rdi-0x140010]               ; @0x8d
     57:  mov rcx, [rcx+0x70]
     5b:  mov esi, eax
     5d:  call rcx
     5f:  ud2                                   ; trap: unreachable
