;; The size in pages is one load and a shift.
(module
  (memory 1 9)
  (func $size (result i32) (memory.size)))

;;; clif
;; ; size
;; function u0:0(i64) -> i32 tail {
;;     region0 = 2 "lengths"
;;
;;                                 block0(v0: i64):
;; @001e                               v2 = load.i64 notrap aligned region0 v0-8
;; @001e                               v3 = iconst.i64 16
;; @001e                               v4 = ushr v2, v3  ; v3 = 16
;; @001e                               v5 = ireduce.i32 v4
;; @0020                               jump block1(v5)
;;
;;                                 block1(v1: i32):
;; @0020                               return v1
;; }

;;; asm
;; size:
;;       0:  push rbp
;;       1:  mov rbp, rsp
;;       4:  mov rax, [rdi-8]                      ; @0x1e
;;       8:  shr rax, 0x10
;;       c:  mov rsp, rbp                          ; @0x20
;;       f:  pop rbp
;;      10:  ret
