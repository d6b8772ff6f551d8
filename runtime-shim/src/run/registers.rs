//! All registers of a guest that was interrupted between two instructions, so that it can go on there later,
//! on any thread.
//!
//! Vectors are kept in the layout of the instruction `xsave`, which is also that of the kernel's signal
//! frames. Of what such an area may hold, only what guests use is restored: the registers of SSE, AVX and
//! AVX-512, and MXCSR. Everything else (x87, protection keys, tiles) stays the host's. A processor without
//! `xsave` has the registers of SSE only, which lie in the first 512 bytes of the same layout.
//!
//! **Invariant: an area is one that `xrstor` takes**: it was copied whole from the kernel, or its header
//! names no component.

use std::arch::x86_64::__cpuid_count;
use wasmaot_abi::entry::MXCSR;

/// Components of the area that guests use: bits 1 (SSE), 2 (AVX), and 5 to 7 (AVX-512). The processor leaves
/// out those that it lacks.
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

    /// As on a processor without `xsave`.
    #[cfg(test)]
    pub(super) fn without_xsave() -> Self {
        Self { general: General::default(), area: vec![Line([0; 64]); HEADER_END / 64].into(), components: 0 }
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

    /// Sets what a guest has where its caller may expect nothing of vectors and flags: none of what the host
    /// has left there.
    pub(crate) fn clear_vectors(&mut self) {
        let mut bytes = [0; HEADER_END];
        bytes[AREA_MXCSR..AREA_MXCSR + 4].copy_from_slice(&MXCSR.to_le_bytes());
        self.fill(&bytes);
    }

    /// Copies what the kernel's signal frame holds of the interrupted thread. `false` if that is not all that
    /// a guest may use. Callable in a signal handler.
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
