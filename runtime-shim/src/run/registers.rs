//! All registers of a guest that was interrupted between two instructions, so that it can go on there later, on any thread.
//!
//! Vectors are kept in the layout of the instruction `xsave`, which is also that of the kernel's signal frames. Of what such an area may
//! hold, only what guests use is restored: the registers of SSE, AVX and AVX-512, and MXCSR. Everything else (x87, protection keys, tiles)
//! stays the host's. A processor without `xsave` has the registers of SSE only, which lie in the first 512 bytes of the same layout.
//!
//! **Invariant: an area is one that `xrstor` takes**: it was copied whole from the kernel, or its header names no component.

use std::arch::x86_64::__cpuid_count;
use wasmaot_abi::entry::MXCSR;

/// Components of the area that guests use: bits 1 (SSE), 2 (AVX), and 5 to 7 (AVX-512). The processor leaves out those that it lacks.
const COMPONENTS: u32 = 0b1110_0110;

/// Bytes of the area up to its header, where all fixed things are, and with it.
pub(super) const LEGACY: usize = 512;
const HEADER_END: usize = 576;

/// Where MXCSR is in the area.
pub(super) const AREA_MXCSR: usize = 24;

/// Where the registers of SSE are.
pub(super) const AREA_XMM: usize = 160;

/// Words of the area that the kernel fills in: that there is more than 512 bytes, and how much.
const KERNEL_MAGIC: usize = 464;
const KERNEL_SIZE: usize = 480;

/// `FP_XSTATE_MAGIC1` of the kernel.
const MAGIC: u32 = 0x4650_5853;

/// General registers, and where the guest goes on.
#[repr(C)]
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct General {
    pub(crate) rax: u64,
    pub(crate) rbx: u64,
    pub(crate) rcx: u64,
    pub(crate) rdx: u64,
    pub(crate) rsi: u64,
    pub(crate) rdi: u64,
    pub(crate) rbp: u64,
    pub(crate) rsp: u64,
    pub(crate) r8: u64,
    pub(crate) r9: u64,
    pub(crate) r10: u64,
    pub(crate) r11: u64,
    pub(crate) r12: u64,
    pub(crate) r13: u64,
    pub(crate) r14: u64,
    pub(crate) r15: u64,
    pub(crate) rip: u64,
    pub(crate) flags: u64,
}

/// Part of an area, whose start is aligned as `xrstor` wants it.
#[repr(C, align(64))]
#[derive(Clone)]
struct Line([u8; 64]);

/// The registers of a guest that was interrupted.
pub(crate) struct Registers {
    pub(crate) general: General,
    area: Box<[Line]>,
    /// What `xrstor` is to restore; 0 where the processor does not have it.
    components: u32,
}

impl Registers {
    /// Room for registers.
    pub(crate) fn new() -> Self {
        let components = if std::is_x86_feature_detected!("xsave") { COMPONENTS } else { 0 };
        let size = if components == 0 { HEADER_END } else { area_size() };
        let area = vec![Line([0; 64]); size.div_ceil(64)].into_boxed_slice();
        Self { general: General::default(), area, components }
    }

    /// Start and components of the area.
    pub(crate) fn area(&self) -> (*const u8, u32) {
        (self.area.as_ptr().cast(), self.components)
    }

    /// Copies bytes to the start of the area.
    fn fill(&mut self, bytes: &[u8]) {
        for (line, bytes) in self.area.iter_mut().zip(bytes.chunks(64)) {
            line.0[..bytes.len()].copy_from_slice(bytes);
        }
    }

    /// Sets what a guest has where its caller may expect nothing of vectors and flags: none of what the host has left
    /// there.
    pub(crate) fn clear_vectors(&mut self) {
        let mut bytes = [0; HEADER_END];
        bytes[AREA_MXCSR..AREA_MXCSR + 4].copy_from_slice(&MXCSR.to_le_bytes());
        self.fill(&bytes);
    }

    /// Copies what the kernel's signal frame holds of the interrupted thread. `false` if that is not all that a guest may
    /// use. Callable in a signal handler.
    pub(crate) fn copy_vectors(&mut self, frame: &[u8]) -> bool {
        if self.components != 0 && frame.len() == LEGACY {
            return false;
        }
        self.fill(frame);
        true
    }
}

/// How many bytes there are of the kernel's frame that begins with these.
pub(super) fn frame_size(legacy: &[u8; LEGACY]) -> usize {
    let word = |offset: usize| legacy[offset..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
    if word(KERNEL_MAGIC) == MAGIC { word(KERNEL_SIZE) as usize } else { LEGACY }
}

/// Bytes of an area up to the end of the last component that guests use.
fn area_size() -> usize {
    let end = |component: u32| {
        let found = __cpuid_count(0xd, component);
        (found.eax + found.ebx) as usize
    };
    let used = (2..32).filter(|component| COMPONENTS & (1 << component) != 0);
    used.map(end).max().unwrap_or(0).max(HEADER_END)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::activation::Activation;
    use crate::run::asm;
    use crate::run::protocol::reason;
    use std::arch::{asm, naked_asm};
    use std::ffi::{c_int, c_void};
    use std::mem::MaybeUninit;
    use std::ptr::null_mut;
    use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

    /// Vectors as `seen` stores them: 16 of SSE, and then zmm31, ymm5, k3 and MXCSR.
    #[repr(C)]
    #[derive(Debug, Clone, Copy, PartialEq)]
    struct Seen {
        xmm: [u128; 16],
        zmm31: [u64; 8],
        ymm5: [u64; 4],
        k3: u64,
        mxcsr: u64,
    }

    const MXCSR_UP: u64 = 0x5f80;

    fn values() -> Seen {
        let word = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut ymm5 = [0; 4];
        ymm5.iter_mut().zip(50..).for_each(|(lane, n)| *lane = word(n));
        let mut xmm = [0; 16];
        xmm.iter_mut()
            .zip(1..)
            .for_each(|(register, n)| *register = u128::from(word(n)) << 64 | u128::from(n));
        // It is the lower half of that.
        xmm[5] = u128::from(ymm5[1]) << 64 | u128::from(ymm5[0]);
        Seen { xmm, zmm31: [40, 41, 42, 43, 44, 45, 46, 47].map(word), ymm5, k3: word(60), mxcsr: MXCSR_UP }
    }

    macro_rules! sse {
        (store $n:literal) => { concat!("movups [rdi + 16 * ", $n, "], xmm", $n, "\n") };
        (load $n:literal) => { concat!("movups xmm", $n, ", [rdi + 16 * ", $n, "]\n") };
        ($move:tt) => {
            concat!(
                sse!($move 0), sse!($move 1), sse!($move 2), sse!($move 3), sse!($move 4), sse!($move 5), sse!($move 6), sse!($move 7), sse!($move 8), sse!($move 9), sse!($move 10), sse!($move 11), sse!($move 12), sse!($move 13), sse!($move 14), sse!($move 15)
            )
        };
    }

    /// Loads vectors, is interrupted by a signal to this thread, and clobbers them.
    fn interrupted(values: &Seen, wide: bool) {
        let host = MXCSR;
        // SAFETY: loads what it is given, makes a system call that takes numbers, and says what it changes.
        unsafe {
            let (process, thread) = (libc::getpid(), libc::gettid());
            asm!(
                sse!(load),
                "test r8d, r8d",
                "jz 2f",
                "vmovdqu ymm5, [rdi + 320]",
                "vmovdqu64 zmm31, [rdi + 256]",
                "kmovq k3, [rdi + 352]",
                "2:",
                "ldmxcsr [rdi + 360]",
                "mov edi, r9d",
                "syscall",
                "ldmxcsr [r10]",
                inout("rdi") values => _, in("r8d") u32::from(wide), in("r9d") process, in("r10") &raw const host,
                inout("rax") libc::SYS_tgkill => _, in("rsi") thread, in("rdx") libc::SIGUSR2, clobber_abi("C"),
            );
        }
    }

    /// A guest that stores its vectors where rdi says, and leaves through the activation in rsi; r8 says whether there are wide ones.
    #[unsafe(naked)]
    unsafe extern "C" fn seen() {
        naked_asm!(
            sse!(store),
            "test r8d, r8d",
            "jz 2f",
            "vmovdqu [rdi + 320], ymm5",
            "vmovdqu64 [rdi + 256], zmm31",
            "kmovq [rdi + 352], k3",
            "2:",
            "stmxcsr [rdi + 360]",
            "mov rdi, rsi",
            "mov esi, {returned}",
            "jmp {leave}",
            returned = const reason::RETURNED,
            leave = sym asm::leave,
        )
    }

    static KEEPS: AtomicPtr<Registers> = AtomicPtr::new(null_mut());

    extern "C" fn keep(_: c_int, _: *mut libc::siginfo_t, context: *mut c_void) {
        // SAFETY: the kernel passes the interrupted thread's state; the test waits for this, and does nothing with the registers meanwhile.
        let is_kept = unsafe {
            let frame = (*context.cast::<libc::ucontext_t>()).uc_mcontext.fpregs;
            (*KEEPS.load(Relaxed)).copy_vectors(frame.cast())
        };
        assert!(is_kept);
    }

    const NOTHING: Seen = Seen { xmm: [0; 16], zmm31: [0; 8], ymm5: [0; 4], k3: 0, mxcsr: MXCSR as u64 };

    /// Keeps vectors of a thread that is interrupted.
    fn keep_of(registers: &mut Registers, values: &Seen, wide: bool) {
        KEEPS.store(registers, Relaxed);
        // SAFETY: the handler keeps to what handlers may do.
        unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = keep as *const () as usize;
            action.sa_flags = libc::SA_SIGINFO;
            assert_eq!(libc::sigaction(libc::SIGUSR2, &raw const action, null_mut()), 0);
        }
        interrupted(values, wide);
    }

    /// Goes on with vectors that were kept.
    fn restored(registers: &mut Registers, wide: bool) -> Seen {
        let (mut found, mut stack) = (NOTHING, [0u128; 64]);
        // Of which only the host's stack pointer is used.
        let mut activation = MaybeUninit::<Activation>::zeroed();
        registers.general = General {
            rdi: &raw mut found as u64,
            rsi: activation.as_mut_ptr() as u64,
            r8: u64::from(wide),
            rsp: stack.as_mut_ptr_range().end as u64,
            rip: seen as *const () as u64,
            ..General::default()
        };
        let (area, components) = registers.area();
        // SAFETY: the registers are such that `seen` can run with them.
        let how =
            unsafe { asm::go_on(&raw const registers.general, area, components, activation.as_mut_ptr()) };
        assert_eq!(how, reason::RETURNED);
        found
    }

    /// In one test, as the signal has one handler.
    #[test]
    fn vectors_are_restored_whole() {
        let (values, wide) = (values(), std::is_x86_feature_detected!("avx512bw"));
        if !wide {
            eprintln!("the processor has no AVX-512: only vectors of 16 bytes are tested");
        }
        let narrow = Seen { xmm: values.xmm, mxcsr: values.mxcsr, ..NOTHING };
        let mut registers = Registers::new();
        keep_of(&mut registers, &values, wide);
        assert_eq!(restored(&mut registers, wide), if wide { values } else { narrow });
        // As on a processor without `xsave`.
        let area = vec![Line([0; 64]); HEADER_END / 64].into_boxed_slice();
        let mut without = Registers { general: General::default(), area, components: 0 };
        keep_of(&mut without, &values, false);
        assert_eq!(restored(&mut without, false), narrow);
        // What is kept at a stub has nothing of what was there before.
        registers.clear_vectors();
        without.clear_vectors();
        assert_eq!((restored(&mut registers, wide), restored(&mut without, false)), (NOTHING, NOTHING));
    }
}
