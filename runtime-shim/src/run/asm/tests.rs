//! Registers that were kept of a thread, and that [`asm::go_on`] restores.

use crate::run::activation::Activation;
use crate::run::asm;
use crate::run::protocol::reason;
use crate::run::registers::{General, Registers, frame_size};
use std::arch::{asm, naked_asm};
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};
use wasmaot_abi::entry::MXCSR;

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
    xmm.iter_mut().zip(1..).for_each(|(register, n)| *register = u128::from(word(n)) << 64 | u128::from(n));
    // It is the lower half of that.
    xmm[5] = u128::from(ymm5[1]) << 64 | u128::from(ymm5[0]);
    Seen { xmm, zmm31: [40, 41, 42, 43, 44, 45, 46, 47].map(word), ymm5, k3: word(60), mxcsr: MXCSR_UP }
}

macro_rules! sse {
    (store $n:literal) => { concat!("movups [rdi + 16 * ", $n, "], xmm", $n, "\n") };
    (load $n:literal) => { concat!("movups xmm", $n, ", [rdi + 16 * ", $n, "]\n") };
    ($move:tt) => {
        concat!(
            sse!($move 0), sse!($move 1), sse!($move 2), sse!($move 3),
            sse!($move 4), sse!($move 5), sse!($move 6), sse!($move 7),
            sse!($move 8), sse!($move 9), sse!($move 10), sse!($move 11),
            sse!($move 12), sse!($move 13), sse!($move 14), sse!($move 15)
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

/// A guest that stores its vectors where rdi says, and leaves through the activation in rsi; r8 says whether
/// there are wide ones.
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
    // SAFETY: the kernel passes the interrupted thread's state, whose frame has as many bytes as it says; the
    // test waits for this, and does nothing with the registers meanwhile.
    let is_kept = unsafe {
        let frame: *const u8 = (*context.cast::<libc::ucontext_t>()).uc_mcontext.fpregs.cast();
        let size = frame_size(&*frame.cast());
        (*KEEPS.load(Relaxed)).copy_vectors(std::slice::from_raw_parts(frame, size))
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
    let how = unsafe { asm::go_on(&raw const registers.general, area, components, activation.as_mut_ptr()) };
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
    let mut without = Registers::without_xsave();
    keep_of(&mut without, &values, false);
    assert_eq!(restored(&mut without, false), narrow);
    // What is kept at a stub has nothing of what was there before.
    registers.clear_vectors();
    without.clear_vectors();
    assert_eq!((restored(&mut registers, wide), restored(&mut without, false)), (NOTHING, NOTHING));
}
