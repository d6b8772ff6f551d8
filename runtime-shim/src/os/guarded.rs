//! Copies and fills of memory that may fault, in assembly, and words of memory that may not be there.
//!
//! **Invariant: the routines keep nothing on the stack and save no register**, so the signal handler can end
//! any of them by continuing at a label behind them, which returns the error.

use std::arch::global_asm;

// Everything between the first label and `fault` is leaf code that never moves rsp, so the handler can resume
// any of it at `fault`, which returns 1, or at `refused`, which returns 2. All loads of a step come before
// its stores, which makes the copy correct for overlapping ranges.
global_asm!(
    ".pushsection .text.wasmaot_guarded,\"ax\",@progbits",
    ".p2align 5",
    ".globl wasmaot_guarded_copy",
    ".hidden wasmaot_guarded_copy",
    ".type wasmaot_guarded_copy,@function",
    "wasmaot_guarded_copy:", // (rdi to, rsi from, rdx length)
    "cmp rdx, 16",
    "jb 20f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + rdx - 16]",
    "cmp rdx, 32",
    "ja 10f",
    "movups [rdi], xmm0",
    "movups [rdi + rdx - 16], xmm1",
    "xor eax, eax",
    "ret",
    "10:",
    "movups xmm2, [rsi + 16]",
    "movups xmm3, [rsi + rdx - 32]",
    "cmp rdx, 64",
    "ja 11f",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm2",
    "movups [rdi + rdx - 32], xmm3",
    "movups [rdi + rdx - 16], xmm1",
    "xor eax, eax",
    "ret",
    "11:",
    "mov rax, rdi",
    "sub rax, rsi",
    "cmp rax, rdx",
    "jb 14f",
    // Upwards. The last 64 bytes are held in registers until the end: xmm8, 9 (and 3, 1).
    "movups xmm8, [rsi + rdx - 64]",
    "movups xmm9, [rsi + rdx - 48]",
    "lea rcx, [rdi + rdx]",
    "lea r8, [rcx - 64]",
    "12:",
    "movups xmm4, [rsi]",
    "movups xmm5, [rsi + 16]",
    "movups xmm6, [rsi + 32]",
    "movups xmm7, [rsi + 48]",
    "movups [rdi], xmm4",
    "movups [rdi + 16], xmm5",
    "movups [rdi + 32], xmm6",
    "movups [rdi + 48], xmm7",
    "add rsi, 64",
    "add rdi, 64",
    "cmp rdi, r8",
    "jb 12b",
    "movups [rcx - 64], xmm8",
    "movups [rcx - 48], xmm9",
    "movups [rcx - 32], xmm3",
    "movups [rcx - 16], xmm1",
    "xor eax, eax",
    "ret",
    // Downwards. The first 64 bytes are held in registers until the end: xmm0, 2, 8, 9.
    "14:",
    "movups xmm8, [rsi + 32]",
    "movups xmm9, [rsi + 48]",
    "mov rcx, rdx",
    "15:",
    "movups xmm4, [rsi + rcx - 16]",
    "movups xmm5, [rsi + rcx - 32]",
    "movups xmm6, [rsi + rcx - 48]",
    "movups xmm7, [rsi + rcx - 64]",
    "movups [rdi + rcx - 16], xmm4",
    "movups [rdi + rcx - 32], xmm5",
    "movups [rdi + rcx - 48], xmm6",
    "movups [rdi + rcx - 64], xmm7",
    "sub rcx, 64",
    "cmp rcx, 64",
    "ja 15b",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm2",
    "movups [rdi + 32], xmm8",
    "movups [rdi + 48], xmm9",
    "xor eax, eax",
    "ret",
    // Fewer than 16 bytes.
    "20:",
    "cmp edx, 8",
    "jb 21f",
    "mov rax, [rsi]",
    "mov rcx, [rsi + rdx - 8]",
    "mov [rdi], rax",
    "mov [rdi + rdx - 8], rcx",
    "xor eax, eax",
    "ret",
    "21:",
    "cmp edx, 4",
    "jb 22f",
    "mov eax, [rsi]",
    "mov ecx, [rsi + rdx - 4]",
    "mov [rdi], eax",
    "mov [rdi + rdx - 4], ecx",
    "xor eax, eax",
    "ret",
    "22:",
    "cmp edx, 2",
    "jb 23f",
    "movzx eax, word ptr [rsi]",
    "movzx ecx, byte ptr [rsi + rdx - 1]",
    "mov [rdi], ax",
    "mov [rdi + rdx - 1], cl",
    "xor eax, eax",
    "ret",
    "23:",
    "test edx, edx",
    "jz 24f",
    "movzx eax, byte ptr [rsi]",
    "mov [rdi], al",
    "24:",
    "xor eax, eax",
    "ret",
    ".size wasmaot_guarded_copy, . - wasmaot_guarded_copy",
    ".p2align 5",
    ".globl wasmaot_guarded_fill",
    ".hidden wasmaot_guarded_fill",
    ".type wasmaot_guarded_fill,@function",
    "wasmaot_guarded_fill:", // (rdi to, esi byte, rdx length)
    "movzx eax, sil",
    "mov rcx, 0x0101010101010101",
    "imul rax, rcx",
    "movq xmm0, rax",
    "punpcklqdq xmm0, xmm0",
    "cmp rdx, 16",
    "jb 32f",
    "lea rcx, [rdi + rdx - 16]",
    "cmp rdx, 64",
    "jb 31f",
    "lea r8, [rdi + rdx - 64]",
    "30:",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm0",
    "movups [rdi + 32], xmm0",
    "movups [rdi + 48], xmm0",
    "add rdi, 64",
    "cmp rdi, r8",
    "jbe 30b",
    "31:",
    "movups [rcx], xmm0",
    "cmp rdi, rcx",
    "jae 33f",
    "movups [rdi], xmm0",
    "add rdi, 16",
    "jmp 31b",
    "32:",
    "test rdx, rdx",
    "jz 33f",
    "mov [rdi], al",
    "inc rdi",
    "dec rdx",
    "jmp 32b",
    "33:",
    "xor eax, eax",
    "ret",
    ".size wasmaot_guarded_fill, . - wasmaot_guarded_fill",
    ".globl wasmaot_guarded_fault",
    ".hidden wasmaot_guarded_fault",
    ".type wasmaot_guarded_fault,@function",
    "wasmaot_guarded_fault:",
    "mov eax, 1",
    "ret",
    ".size wasmaot_guarded_fault, . - wasmaot_guarded_fault",
    ".globl wasmaot_guarded_refused",
    ".hidden wasmaot_guarded_refused",
    ".type wasmaot_guarded_refused,@function",
    "wasmaot_guarded_refused:",
    "mov eax, 2",
    "ret",
    ".size wasmaot_guarded_refused, . - wasmaot_guarded_refused",
    ".popsection",
);

unsafe extern "C" {
    #[link_name = "wasmaot_guarded_copy"]
    fn raw_copy(to: *mut u8, from: *const u8, length: usize) -> u32;
    #[link_name = "wasmaot_guarded_fill"]
    fn raw_fill(to: *mut u8, byte: u32, length: usize) -> u32;
    #[link_name = "wasmaot_guarded_fault"]
    fn raw_fault() -> u32;
    #[link_name = "wasmaot_guarded_refused"]
    fn raw_refused() -> u32;
}

/// Why a guarded copy ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CopyError {
    /// The pages behind a range that was accessible are gone: their file was truncated.
    PagesGone,
    /// The kernel refused to make a write-protected page of a pool's slot writable.
    PageRefused,
}

impl CopyError {
    fn check(result: u32) -> Result<(), Self> {
        match result {
            0 => Ok(()),
            1 => Err(CopyError::PagesGone),
            _ => Err(CopyError::PageRefused),
        }
    }

    /// Where a guarded routine that ends with this error goes on.
    pub(crate) fn landing(self) -> usize {
        match self {
            CopyError::PagesGone => raw_fault as *const () as usize,
            CopyError::PageRefused => raw_refused as *const () as usize,
        }
    }
}

/// Copies between ranges that may overlap. A fault in memory of a registered region ends it with an error.
///
/// # Safety
/// Both ranges are valid, or inside registered regions at addresses that are accessible apart from truncated
/// files.
pub(crate) unsafe fn copy(to: *mut u8, from: *const u8, length: usize) -> Result<(), CopyError> {
    // SAFETY: the caller says that what is accessed is valid, or registered, where the handler of faults ends
    // the routine. That follows the C calling convention.
    CopyError::check(unsafe { raw_copy(to, from, length) })
}

/// Sets every byte of a range. A fault in memory of a registered region ends it with an error.
///
/// # Safety
/// As for [`copy`].
pub(crate) unsafe fn fill(to: *mut u8, byte: u8, length: usize) -> Result<(), CopyError> {
    // SAFETY: the caller says that what is accessed is valid, or registered, where the handler of faults ends
    // the routine. That follows the C calling convention.
    CopyError::check(unsafe { raw_fill(to, u32::from(byte), length) })
}

/// Whether the instruction at `pc` is one of a guarded routine.
pub(crate) fn contains(pc: usize) -> bool {
    let (start, end) = (raw_copy as *const () as usize, raw_fault as *const () as usize);
    (start..end).contains(&pc)
}

/// Reads a word of this process, if it is readable.
pub(crate) fn peek(address: usize) -> Option<usize> {
    let mut word = 0usize;
    let into = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: size_of::<usize>() };
    let from = libc::iovec { iov_base: address as *mut _, iov_len: size_of::<usize>() };
    // SAFETY: both descriptions are valid; the kernel checks the address that is read.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const into, 1, &raw const from, 1, 0) };
    (read == size_of::<usize>() as isize).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_words_that_are_there_are_read() {
        let there = 0x1234usize;
        assert_eq!(peek(&raw const there as usize), Some(0x1234));
        assert_eq!(peek(8), None);
    }

    /// Against `copy_within`, for every length up to a few steps of the loop and every kind of overlap.
    #[test]
    fn copies_like_memmove() {
        let pattern: Vec<u8> = (0..1024u32).map(|i| (i * 7 + i / 256) as u8).collect();
        for length in (0..300).chain([511, 512, 513]) {
            for (to, from) in [(0, 512), (512, 0), (300, 301), (301, 300), (300, 333), (333, 300), (300, 300)]
            {
                if to + length > 1024 || from + length > 1024 {
                    continue;
                }
                let (mut expected, mut actual) = (pattern.clone(), pattern.clone());
                expected.copy_within(from..from + length, to);
                let base = actual.as_mut_ptr();
                // SAFETY: both ranges are inside `actual`.
                let result = unsafe { copy(base.add(to), base.add(from), length) };
                assert_eq!(result, Ok(()));
                assert_eq!(actual, expected, "{length} bytes from {from} to {to}");
            }
        }
    }

    #[test]
    fn fills_exactly_the_range() {
        for length in 0..300 {
            let mut actual = vec![1u8; 512];
            let mut expected = actual.clone();
            expected[100..100 + length].fill(0xa5);
            // SAFETY: the range is inside `actual`.
            assert_eq!(unsafe { fill(actual.as_mut_ptr().add(100), 0xa5, length) }, Ok(()));
            assert_eq!(actual, expected, "{length} bytes");
        }
    }
}
