//! The calling instance's linear memory, for the duration of one host call.
//!
//! **Invariant.** Nothing outside `[0, size)` is read or written, whatever pointer, length or count the
//! guest passes: every range is checked by the runtime when it is used, with lengths computed in 64 bits.
//! Nothing here makes a Rust reference to guest memory, and nothing allocates more than 1,024
//! records at a guest's word. What a call transfers is listed by `ranges.rs`.
//!
//! A pointer that leads out of memory is [`Errno::Fault`], one that is not aligned as its type is
//! [`Errno::Inval`]. A page that the kernel refuses to make writable is [`Errno::NoMem`].

use std::ffi::CString;

use wasmaot_runtime::{MemoryData, MemoryError};

use crate::errno::Errno;

pub(crate) mod ranges;

/// Longer paths are refused before they are copied (the kernel's limit, terminator included).
const MAX_PATH: u32 = 4096;

/// Checked access to linear memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guest<'a> {
    memory: Memory<'a>,
}

/// Whose memory it is.
#[derive(Debug, Clone, Copy)]
enum Memory<'a> {
    /// The instance has none: every pointer leads out of it.
    Absent,
    Instance(MemoryData<'a>),
    /// A test's.
    #[cfg(test)]
    Test(tests::Plain<'a>),
}

fn errno(error: MemoryError) -> Errno {
    if error == MemoryError::OutOfMemory { Errno::NoMem } else { Errno::Fault }
}

impl<'a> Guest<'a> {
    /// The memory of a calling instance, if it has one.
    pub(crate) fn new(memory: Option<MemoryData<'a>>) -> Self {
        Self { memory: memory.map_or(Memory::Absent, Memory::Instance) }
    }

    /// The address of `len` bytes from `ptr`, for the kernel to write to.
    fn address(&self, ptr: u32, len: u64) -> Result<*mut u8, Errno> {
        match self.memory {
            Memory::Absent => Err(Errno::Fault),
            Memory::Instance(memory) => memory.address(ptr, len).map_err(errno),
            #[cfg(test)]
            Memory::Test(memory) => memory.address(ptr, len),
        }
    }

    /// The address of `len` bytes from `ptr`, for the kernel to read.
    fn read_address(&self, ptr: u32, len: u64) -> Result<*mut u8, Errno> {
        match self.memory {
            Memory::Absent => Err(Errno::Fault),
            Memory::Instance(memory) => {
                memory.read_address(ptr, len).map(<*const u8>::cast_mut).map_err(errno)
            }
            #[cfg(test)]
            Memory::Test(memory) => memory.address(ptr, len),
        }
    }

    pub(crate) fn copy_out(&self, ptr: u32, into: &mut [u8]) -> Result<(), Errno> {
        match self.memory {
            Memory::Absent => Err(Errno::Fault),
            Memory::Instance(memory) => memory.read(ptr, into).map_err(errno),
            #[cfg(test)]
            Memory::Test(memory) => memory.read(ptr, into),
        }
    }

    pub(crate) fn write(&self, ptr: u32, bytes: &[u8]) -> Result<(), Errno> {
        match self.memory {
            Memory::Absent => Err(Errno::Fault),
            Memory::Instance(memory) => memory.write(ptr, bytes).map_err(errno),
            #[cfg(test)]
            Memory::Test(memory) => memory.write(ptr, bytes),
        }
    }

    /// Checks an array of `count` records without touching it, so that a call fails before it acts.
    pub(crate) fn check(&self, ptr: u32, count: u32, size: u32, align: u32) -> Result<(), Errno> {
        if !ptr.is_multiple_of(align) {
            return Err(Errno::Inval);
        }
        self.read_address(ptr, u64::from(count) * u64::from(size)).map(|_| ())
    }

    /// A place for a result of `N` bytes with the alignment of `N`, checked before the call acts.
    pub(crate) fn result<const N: usize>(&self, ptr: u32) -> Result<(), Errno> {
        self.check(ptr, 1, N as u32, N as u32)
    }

    pub(crate) fn read<const N: usize>(&self, ptr: u32) -> Result<[u8; N], Errno> {
        let mut bytes = [0; N];
        self.copy_out(ptr, &mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn write_u32(&self, ptr: u32, value: u32) -> Result<(), Errno> {
        self.result::<4>(ptr)?;
        self.write(ptr, &value.to_le_bytes())
    }

    pub(crate) fn write_u64(&self, ptr: u32, value: u64) -> Result<(), Errno> {
        self.result::<8>(ptr)?;
        self.write(ptr, &value.to_le_bytes())
    }

    /// Writes a record that needs the alignment `align`.
    pub(crate) fn write_record(&self, ptr: u32, bytes: &[u8], align: u32) -> Result<(), Errno> {
        self.check(ptr, 1, bytes.len() as u32, align)?;
        self.write(ptr, bytes)
    }

    /// A path or link target: UTF-8 without NUL, at most as long as the kernel takes.
    pub(crate) fn path(&self, ptr: u32, len: u32) -> Result<CString, Errno> {
        self.check(ptr, len, 1, 1)?;
        if len >= MAX_PATH {
            return Err(Errno::NameTooLong);
        }
        let mut bytes = vec![0; len as usize];
        self.copy_out(ptr, &mut bytes)?;
        let text = String::from_utf8(bytes).map_err(|_| Errno::IlSeq)?;
        CString::new(text).map_err(|_| Errno::Inval)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::marker::PhantomData;

    /// Memory that belongs to no instance.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Plain<'a> {
        base: *mut u8,
        size: usize,
        memory: PhantomData<&'a mut [u8]>,
    }

    impl Plain<'_> {
        pub(super) fn address(&self, ptr: u32, len: u64) -> Result<*mut u8, Errno> {
            let inside = u64::from(ptr).checked_add(len).is_some_and(|end| end <= self.size as u64);
            if inside { Ok(self.base.wrapping_add(ptr as usize)) } else { Err(Errno::Fault) }
        }

        pub(super) fn read(&self, ptr: u32, into: &mut [u8]) -> Result<(), Errno> {
            let from = self.address(ptr, into.len() as u64)?;
            // SAFETY: the range is inside the slice that `Guest::over` borrows; `into` is another.
            unsafe { from.copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
            Ok(())
        }

        pub(super) fn write(&self, ptr: u32, bytes: &[u8]) -> Result<(), Errno> {
            let to = self.address(ptr, bytes.len() as u64)?;
            // SAFETY: the range is inside the slice that `Guest::over` borrows; `bytes` is another.
            unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
            Ok(())
        }
    }

    impl<'a> Guest<'a> {
        /// Takes `memory` for a guest's.
        pub(crate) fn over(memory: &'a mut [u8]) -> Self {
            let plain = Plain { base: memory.as_mut_ptr(), size: memory.len(), memory: PhantomData };
            Self { memory: Memory::Test(plain) }
        }
    }

    /// Runs `test` with a guest memory of 64 bytes that count up from 0.
    pub(crate) fn with_guest(test: impl FnOnce(Guest<'_>)) {
        let mut memory: Vec<u8> = (0..64).collect();
        test(Guest::over(&mut memory));
    }

    /// Writes a list of `(pointer, length)` pairs to address 0.
    pub(crate) fn list(guest: Guest<'_>, pairs: &[(u32, u32)]) {
        for (at, &(ptr, len)) in (0..).step_by(8).zip(pairs) {
            guest.write(at, &ptr.to_le_bytes()).expect("in range");
            guest.write(at + 4, &len.to_le_bytes()).expect("in range");
        }
    }

    #[test]
    fn no_memory_holds_nothing() {
        let guest = Guest::new(None);
        assert_eq!(guest.read::<1>(0), Err(Errno::Fault));
        assert_eq!(guest.write(0, &[]), Err(Errno::Fault));
        assert_eq!(guest.check(0, 0, 1, 1), Err(Errno::Fault));
    }

    #[test]
    fn ranges_are_checked_at_both_ends() {
        with_guest(|guest| {
            assert_eq!(guest.read::<4>(60), Ok([60, 61, 62, 63]));
            assert_eq!(guest.read::<4>(61), Err(Errno::Fault));
            assert_eq!(guest.read::<4>(u32::MAX), Err(Errno::Fault));
            assert_eq!(guest.check(0, 65, 1, 1), Err(Errno::Fault));
            assert_eq!(guest.check(64, 0, 1, 1), Ok(()));
            assert_eq!(guest.check(65, 0, 1, 1), Err(Errno::Fault));
            assert_eq!(guest.check(0, u32::MAX, u32::MAX, 1), Err(Errno::Fault));
            assert_eq!(guest.write(63, &[1, 2]), Err(Errno::Fault));
            assert_eq!(guest.read::<1>(63), Ok([63]), "a refused write writes nothing");
        });
    }

    #[test]
    fn results_are_aligned() {
        with_guest(|guest| {
            assert_eq!(guest.write_u32(2, 0), Err(Errno::Inval));
            assert_eq!(guest.write_u64(4, 0), Err(Errno::Inval));
            assert_eq!(guest.write_u64(8, u64::MAX), Ok(()));
            assert_eq!(guest.write_u64(64, 0), Err(Errno::Fault));
        });
    }

    #[test]
    fn paths_are_text() {
        with_guest(|guest| {
            guest.write(0, b"a/b\0").expect("in range");
            assert_eq!(guest.path(0, 3).expect("text").as_bytes(), b"a/b");
            assert_eq!(guest.path(0, 4), Err(Errno::Inval));
            guest.write(0, &[0xc3, 0x28]).expect("in range");
            assert_eq!(guest.path(0, 2), Err(Errno::IlSeq));
            assert_eq!(guest.path(0, 65), Err(Errno::Fault));
        });
        let mut memory = vec![b'a'; 5000];
        let guest = Guest::over(&mut memory);
        assert_eq!(guest.path(0, 4096), Err(Errno::NameTooLong));
        assert!(guest.path(0, 4095).is_ok());
    }
}
