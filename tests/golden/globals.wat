;; An immutable global is a constant; a mutable one is a cell below vmctx; an imported one is reached by its address.
(module
  (import "m" "g" (global $imported (mut i64)))
  (global $constant i32 (i32.const 1234))
  (global $mutable (mut i32) (i32.const 5))
  (func $get_constant (result i32) (global.get $constant))
  (func $get_mutable (result i32) (global.get $mutable))
  (func $set_mutable (param i32) (global.set $mutable (local.get 0)))
  (func $get_imported (result i64) (global.get $imported)))

;;; clif
;; ; get_constant
;; function u0:0(i64) -> i32 tail {
;;                                 block0(v0: i64):
;; @003b                               v2 = iconst.i32 1234
;; @003d                               jump block1(v2)  ; v2 = 1234
;;
;;                                 block1(v1: i32):
;; @003d                               return v1
;; }
;;
;; ; get_mutable
;; function u0:1(i64) -> i32 tail {
;;     region0 = 6 "global 1"
;;
;;                                 block0(v0: i64):
;; @0040                               v2 = load.i32 notrap aligned region0 v0-96
;; @0042                               jump block1(v2)
;;
;;                                 block1(v1: i32):
;; @0042                               return v1
;; }
;;
;; ; set_mutable
;; function u0:2(i64, i32) tail {
;;     region0 = 6 "global 1"
;;
;;                                 block0(v0: i64, v1: i32):
;; @0047                               store notrap aligned region0 v1, v0-96
;; @0049                               jump block1
;;
;;                                 block1:
;; @0049                               return
;; }
;;
;; ; get_imported
;; function u0:3(i64) -> i64 tail {
;;     region0 = 4 "constants"
;;     region1 = 3 "imported globals"
;;
;;                                 block0(v0: i64):
;; @004c                               v2 = load.i64 notrap aligned readonly can_move region0 v0-0x0014_0058
;; @004c                               v3 = load.i64 notrap aligned region1 v2
;; @004e                               jump block1(v3)
;;
;;                                 block1(v1: i64):
;; @004e                               return v1
;; }

;;; asm
;; get_constant:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov eax, 0x4d2                        ; @0x3b
;;       9:  mov rsp, rbp                          ; @0x3d
;;       c:  pop rbp
;;       d:  ret
;;
;; get_mutable:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov eax, [rdi-0x60]                   ; @0x40
;;       7:  mov rsp, rbp                          ; @0x42
;;       a:  pop rbp
;;       b:  ret
;;
;; set_mutable:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov [rdi-0x60], esi                   ; @0x47
;;       7:  mov rsp, rbp                          ; @0x49
;;       a:  pop rbp
;;       b:  ret
;;
;; get_imported:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rsi, [rdi-0x140058]               ; @0x4c
;;       b:  mov rax, [rsi]
;;       e:  mov rsp, rbp                          ; @0x4e
;;      11:  pop rbp
;;      12:  ret
