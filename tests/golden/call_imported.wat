;; An imported function is called through a thunk, which goes by its array entry.
(module
  (import "host" "f" (func $f (param i32 f64) (result i64)))
  (func $caller (param i32) (result i64) (call $f (local.get 0) (f64.const 1.5))))

;;; clif
;; ; caller
;; function u0:0(i64, i32) -> i64 tail {
;;     ss0 = explicit_slot 32, align = 16
;;     region0 = 4 "constants"
;;     sig0 = (i64, i64, i64) system_v
;;
;;                                 block0(v0: i64, v1: i32):
;; @002d                               v3 = f64const 0x1.8000000000000p0
;; @0036                               v4 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0060
;; @0036                               v5 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0058
;; @0036                               v6 = stack_addr.i64 ss0
;; @0036                               store notrap aligned v1, v6
;; @0036                               store notrap aligned v3, v6+16  ; v3 = 0x1.8000000000000p0
;; @0036                               call_indirect sig0, v4(v5, v6, v0)
;; @0036                               v7 = load.i64 notrap aligned v6
;; @0038                               jump block1(v7)
;;
;;                                 block1(v2: i64):
;; @0038                               return v2
;; }

;;; asm
;; caller:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  sub rsp, 0x20
;;       8:  lea r8, [rsp]                         ; @0x36
;;       c:  mov [rsp], esi
;;       f:  mov r9, 0x3ff8000000000000            ; @0x2d
;;      19:  movq xmm0, r9
;;      1e:  movsd [rsp+0x10], xmm0                ; @0x36
;;      24:  mov r10, [rdi-0x140060]
;;      2b:  mov rax, rdi
;;      2e:  mov rdi, [rax-0x140058]
;;      35:  mov rdx, rax
;;      38:  mov rsi, r8
;;      3b:  call r10
;;      3e:  mov rax, [rsp]
;;      42:  add rsp, 0x20                         ; @0x38
;;      46:  mov rsp, rbp
;;      49:  pop rbp
;;      4a:  ret
