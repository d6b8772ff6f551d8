;; An imported function is called through a thunk, which goes by its array entry.
(module
  (import "host" "f" (func $f (param i32 f64) (result i64)))
  (func $caller (param i32) (result i64) (call $f (local.get 0) (f64.const 1.5))))

;;; clif
;; ; f
;; function u0:0(i64, i32, f64) -> i64 tail {
;;     ss0 = explicit_slot 32, align = 16
;;     sig0 = (i64, i64, i64) system_v
;;
;; block0(v0: i64, v1: i32, v2: f64):
;;     v3 = stack_addr.i64 ss0
;;     store notrap aligned v1, v3
;;     store notrap aligned v2, v3+16
;;     v4 = load.i64 notrap aligned readonly can_move v0-0x0014_0060
;;     v5 = load.i64 notrap aligned readonly can_move v0-0x0014_0058
;;     call_indirect sig0, v4(v5, v3, v0)
;;     v6 = load.i64 notrap aligned v3
;;     return v6
;; }
;;
;; ; caller
;; function u0:1(i64, i32) -> i64 tail {
;;     sig0 = (i64, i32, f64) -> i64 tail
;;     fn0 = colocated u0:0 sig0
;;
;;                                 block0(v0: i64, v1: i32):
;; @002d                               v3 = f64const 0x1.8000000000000p0
;; @0036                               v4 = call fn0(v0, v1, v3)  ; v3 = 0x1.8000000000000p0
;; @0038                               jump block1(v4)
;;
;;                                 block1(v2: i64):
;; @0038                               return v2
;; }

;;; asm
;; f:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x20
;;       8:  lea r8, [rsp]
;;       c:  mov [rsp], esi
;;       f:  movsd [rsp+0x10], xmm0
;;      15:  mov r9, [rdi-0x140060]
;;      1c:  mov rax, rdi
;;      1f:  mov rdi, [rax-0x140058]
;;      26:  mov rdx, rax
;;      29:  mov rsi, r8
;;      2c:  call r9
;;      2f:  mov rax, [rsp]
;;      33:  add rsp, 0x20
;;      37:  mov rsp, rbp
;;      3a:  pop rbp
;;      3b:  ret
;;
;; caller:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov r8, 0x3ff8000000000000            ; @0x2d
;;       e:  movq xmm0, r8
;;      13:  call 0x18                             ; f, @0x36
;;      18:  mov rsp, rbp                          ; @0x38
;;      1b:  pop rbp
;;      1c:  ret
