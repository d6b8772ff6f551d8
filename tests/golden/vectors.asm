load:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x8c
      6:  movdqu xmm0, [rdi+rsi+0x10]           ; trap: out of bounds memory access
      c:  mov rsp, rbp                          ; @0x90
      f:  pop rbp
     10:  ret

store:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0x97
      6:  movdqu [rdi+rsi+0x10], xmm0           ; trap: out of bounds memory access
      c:  mov rsp, rbp                          ; @0x9b
      f:  pop rbp
     10:  ret

load_lane:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0xa2
      6:  mov esi, [rdi+rsi]                    ; trap: out of bounds memory access
      9:  pinsrd xmm0, esi, 1
      f:  mov rsp, rbp                          ; @0xa7
     12:  pop rbp
     13:  ret

load_splat:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov esi, esi                          ; @0xac
      6:  mov esi, [rdi+rsi]                    ; trap: out of bounds memory access
      9:  movd xmm6, esi
      d:  pshufd xmm0, xmm6, 0
     12:  mov rsp, rbp                          ; @0xb0
     15:  pop rbp
     16:  ret

add:
      0:  push rbp
      1:  mov rbp, rsp
      4:  paddd xmm0, xmm1                      ; @0xb7
      8:  mov rsp, rbp                          ; @0xba
      b:  pop rbp
      c:  ret

chain:
      0:  push rbp
      1:  mov rbp, rsp
      4:  paddd xmm0, xmm1                      ; @0xc1
      8:  mulps xmm0, xmm1                      ; @0xc6
      b:  mov rsp, rbp                          ; @0xc9
      e:  pop rbp
      f:  ret

pmin:
      0:  push rbp
      1:  mov rbp, rsp
      4:  movdqa xmm5, xmm0
      8:  movdqa xmm0, xmm1
      c:  minps xmm0, xmm5                      ; @0xd0
      f:  mov rsp, rbp                          ; @0xd3
     12:  pop rbp
     13:  ret

floor:
      0:  push rbp
      1:  mov rbp, rsp
      4:  roundpd xmm0, xmm0, 1                 ; @0xd8
      a:  mov rsp, rbp                          ; @0xda
      d:  pop rbp
      e:  ret

swizzle:
      0:  push rbp
      1:  mov rbp, rsp
      4:  paddusb xmm1, [rip+0x14]              ; @0xe1
      c:  pshufb xmm0, xmm1
     11:  mov rsp, rbp                          ; @0xe3
     14:  pop rbp
     15:  ret
     20:  .byte 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70
     28:  .byte 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70, 0x70

reverse:
      0:  push rbp
      1:  mov rbp, rsp
      4:  pshufb xmm0, [rip+0x13]               ; @0xea
      d:  mov rsp, rbp                          ; @0xfc
     10:  pop rbp
     11:  ret
     20:  .byte 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08
     28:  .byte 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0x00

multiply_add:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mulps xmm0, xmm1                      ; @0x105
      7:  addps xmm0, xmm2
      a:  mov rsp, rbp                          ; @0x108
      d:  pop rbp
      e:  ret

get_mutable:
      0:  push rbp
      1:  mov rbp, rsp
      4:  movdqu xmm0, [rdi-0x50]               ; @0x10b
      9:  mov rsp, rbp                          ; @0x10d
      c:  pop rbp
      d:  ret

get_constant:
      0:  push rbp
      1:  mov rbp, rsp
      4:  movdqu xmm0, [rip+0x14]               ; @0x110
      c:  mov rsp, rbp                          ; @0x112
      f:  pop rbp
     10:  ret
     20:  .byte 0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00
     28:  .byte 0x04, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00

two:
      0:  push rbp
      1:  mov rbp, rsp
      4:  mov rax, rsi
      7:  mov rsp, rbp                          ; @0x119
      a:  pop rbp
      b:  ret

array entry of two:
      0:  push rbp
      1:  mov rbp, rsp
      4:  sub rsp, 0x10
      8:  mov [rsp], r12
      c:  movdqu xmm0, [rsi]
     10:  mov r10, rsi
     13:  mov esi, [r10+0x10]
     17:  mov r12, r10
     1a:  call 0x1f                             ; two
     1f:  mov rsi, r12
     22:  mov [rsi], eax
     24:  movdqu [rsi+0x10], xmm0
     29:  mov r12, [rsp]
     2d:  add rsp, 0x10
     31:  mov rsp, rbp
     34:  pop rbp
     35:  ret
