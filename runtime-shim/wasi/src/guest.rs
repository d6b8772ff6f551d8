//! The calling instance's linear memory, for the duration of one host call.
//!
//! **Invariant.** Nothing outside `[0, size)` is read or written, whatever pointer, length or count the
//! guest passes: every range is checked by the runtime when it is used, with lengths computed in 64 bits.
//! Nothing here makes a Rust reference to guest memory, and nothing allocates more than [`MAX_BUFFERS`]
//! records at a guest's word.
//!
//! A pointer that leads out of memory is [`Errno::Fault`], one that is not aligned as its type is
//! [`Errno::Inval`]. A page that the kernel refuses to make writable is [`Errno::NoMem`].

use std::ffi::CString;
use std::marker::PhantomData;

use wasmaot_runtime::{AccessError, CallerMemory};

use crate::errno::Errno;
use crate::sys::IoVec;

/// Buffers handed to the kernel at once (its own limit); what a guest lists beyond that is left for its
/// next call, as a short read or write.
const MAX_BUFFERS: u32 = 1024;

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
    Instance(CallerMemory<'a>),
    /// A test's.
    #[cfg(test)]
    Test(tests::Plain<'a>),
}

fn errno(error: AccessError) -> Errno {
    match error {
        AccessError::OutOfBounds { .. } | AccessError::ArtifactChanged => Errno::Fault,
        AccessError::OutOfMemory => Errno::NoMem,
    }
}

impl<'a> Guest<'a> {
    /// The memory of a calling instance, if it has one.
    pub(crate) fn new(memory: Option<CallerMemory<'a>>) -> Self {
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

    /// One range for the kernel to write to.
    pub(crate) fn buffer(&self, ptr: u32, len: u32) -> Result<Buffers<'a>, Errno> {
        let mut buffers = Buffers::default();
        buffers.push(vector(self.address(ptr, u64::from(len))?, len));
        Ok(buffers)
    }

    /// The ranges that a guest's list of `(pointer, length)` pairs names, for the kernel to read. All of the list is checked, and
    /// every range that is handed on.
    pub(crate) fn buffers(&self, list: u32, count: u32) -> Result<Buffers<'a>, Errno> {
        self.ranges(list, count, |ptr, len| self.read_address(ptr, len))
    }

    /// The same for the kernel to write to.
    pub(crate) fn targets(&self, list: u32, count: u32) -> Result<Buffers<'a>, Errno> {
        self.ranges(list, count, |ptr, len| self.address(ptr, len))
    }

    fn ranges(
        &self,
        list: u32,
        count: u32,
        address: impl Fn(u32, u64) -> Result<*mut u8, Errno>,
    ) -> Result<Buffers<'a>, Errno> {
        let mut buffers = Buffers::with_capacity(count.min(MAX_BUFFERS) as usize);
        for pair in self.pairs(list, count)? {
            let (ptr, len) = pair?;
            buffers.push(vector(address(ptr, u64::from(len))?, len));
        }
        Ok(buffers)
    }

    /// The pairs of a list, as far as they are used at once. All of the list is checked first.
    fn pairs(
        self,
        list: u32,
        count: u32,
    ) -> Result<impl Iterator<Item = Result<(u32, u32), Errno>> + use<'a>, Errno> {
        self.check(list, count, 8, 4)?;
        Ok((0..count.min(MAX_BUFFERS)).map(move |index| {
            let pair = u64::from_le_bytes(self.read(list + index * 8)?);
            Ok((pair as u32, (pair >> 32) as u32))
        }))
    }

    /// Checks all ranges of a list and gives the bytes in them.
    pub(crate) fn listed(self, list: u32, count: u32) -> Result<u64, Errno> {
        let mut pairs = self.pairs(list, count)?;
        pairs.try_fold(0, |sum, pair| {
            let (ptr, len) = pair?;
            self.check(ptr, len, 1, 1)?;
            Ok(sum + u64::from(len))
        })
    }

    /// Copies what the ranges of a list hold to the end of `into`, at most `room` bytes, and gives how many.
    ///
    /// # Errors
    ///
    /// [`Errno::NoSpc`] if there is something to copy and no room at all.
    pub(crate) fn gather(
        self,
        list: u32,
        count: u32,
        into: &mut Vec<u8>,
        room: usize,
    ) -> Result<usize, Errno> {
        if self.listed(list, count)? > 0 && room == 0 {
            return Err(Errno::NoSpc);
        }
        let start = into.len();
        for pair in self.pairs(list, count)? {
            let (ptr, len) = pair?;
            let end = into.len();
            into.resize(end + (len as usize).min(room - (end - start)), 0);
            self.copy_out(ptr, &mut into[end..])?;
        }
        Ok(into.len() - start)
    }

    /// Copies from the start of `bytes` into the ranges of a list, and gives how many fitted.
    pub(crate) fn scatter(self, list: u32, count: u32, bytes: &[u8]) -> Result<usize, Errno> {
        self.listed(list, count)?;
        let mut left = bytes;
        for pair in self.pairs(list, count)? {
            let (ptr, len) = pair?;
            let (now, rest) = left.split_at(left.len().min(len as usize));
            self.write(ptr, now)?;
            left = rest;
        }
        Ok(bytes.len() - left.len())
    }
}

fn vector(base: *mut u8, len: u32) -> IoVec {
    IoVec { iov_base: base.cast(), iov_len: len as usize }
}

/// How many ranges need no allocation: programs rarely write more than two at once.
const INLINE: usize = 4;

/// Checked ranges of guest memory, in the form the kernel takes them.
#[derive(Debug)]
pub(crate) struct Buffers<'a> {
    few: [IoVec; INLINE],
    used: usize,
    many: Vec<IoVec>,
    memory: PhantomData<&'a mut [u8]>,
}

impl Default for Buffers<'_> {
    fn default() -> Self {
        let empty = IoVec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        Self { few: [empty; INLINE], used: 0, many: Vec::new(), memory: PhantomData }
    }
}

impl Buffers<'_> {
    fn with_capacity(count: usize) -> Self {
        let many = if count > INLINE { Vec::with_capacity(count) } else { Vec::new() };
        Self { many, ..Self::default() }
    }

    fn push(&mut self, vector: IoVec) {
        if self.many.capacity() > 0 {
            self.many.push(vector);
        } else {
            self.few[self.used] = vector;
            self.used += 1;
        }
    }

    /// Leaves the first `limit` bytes.
    pub(crate) fn truncate(&mut self, limit: usize) {
        let mut left = limit;
        let ranges = if self.many.capacity() > 0 { &mut self.many[..] } else { &mut self.few[..self.used] };
        for range in ranges {
            range.iov_len = range.iov_len.min(left);
            left -= range.iov_len;
        }
    }

    /// The ranges. Each lies in guest memory, mapped for reading and writing.
    pub(crate) fn as_slice(&self) -> &[IoVec] {
        if self.many.capacity() > 0 { &self.many } else { &self.few[..self.used] }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

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
            // SAFETY: as in `read`.
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
    fn with_guest(test: impl FnOnce(Guest<'_>)) {
        let mut memory: Vec<u8> = (0..64).collect();
        test(Guest::over(&mut memory));
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
    fn lists_are_checked_whole() {
        with_guest(|guest| {
            let pair = |at: u32, ptr: u32, len: u32| {
                guest.write(at, &ptr.to_le_bytes()).expect("in range");
                guest.write(at + 4, &len.to_le_bytes()).expect("in range");
            };
            pair(0, 32, 32);
            pair(8, 64, 0);
            assert_eq!(guest.buffers(0, 2).expect("both inside").as_slice().len(), 2);
            pair(8, 63, 2);
            assert!(matches!(guest.buffers(0, 2), Err(Errno::Fault)));
            pair(8, 1, u32::MAX);
            assert!(matches!(guest.buffers(0, 2), Err(Errno::Fault)));
            assert!(matches!(guest.buffers(0, u32::MAX), Err(Errno::Fault)));
            assert!(matches!(guest.buffers(1, 1), Err(Errno::Inval)));
            assert!(guest.buffers(64, 0).expect("an empty list").as_slice().is_empty());
        });
    }

    #[test]
    fn long_lists_are_cut() {
        let count = MAX_BUFFERS + 10;
        let mut memory = vec![0_u8; count as usize * 8];
        let guest = Guest::over(&mut memory);
        let buffers = guest.buffers(0, count).expect("all zero");
        assert_eq!(buffers.as_slice().len(), MAX_BUFFERS as usize);
    }

    #[test]
    fn buffers_are_cut() {
        let mut memory = vec![0_u8; 0x1000];
        let guest = Guest::over(&mut memory);
        for count in [3_u32, 9] {
            for at in 0..count {
                guest.write(at * 8 + 4, &10_u32.to_le_bytes()).expect("in range");
            }
            let mut buffers = guest.buffers(0, count).expect("in range");
            buffers.truncate(15);
            let lengths: Vec<_> = buffers.as_slice().iter().map(|range| range.iov_len).collect();
            assert_eq!((&lengths[..3], lengths.iter().sum()), (&[10, 5, 0][..], 15_usize));
        }
    }

    #[test]
    fn streams_in_memory_are_copied() {
        with_guest(|guest| {
            let pairs = |pairs: [(u32, u32); 3]| {
                for (at, (ptr, len)) in (0..).step_by(8).zip(pairs) {
                    guest.write(at, &ptr.to_le_bytes()).expect("in range");
                    guest.write(at + 4, &len.to_le_bytes()).expect("in range");
                }
            };
            pairs([(40, 2), (50, 0), (60, 3)]);
            let mut into = vec![1];
            assert_eq!(guest.gather(0, 3, &mut into, 4), Ok(4));
            assert_eq!(into, [1, 40, 41, 60, 61]);
            assert_eq!(guest.gather(0, 3, &mut into, 0), Err(Errno::NoSpc));
            assert_eq!(guest.gather(8, 1, &mut into, 0), Ok(0));
            assert_eq!(guest.scatter(0, 3, b"abc"), Ok(3));
            assert_eq!((guest.read(40), guest.read(60)), (Ok(*b"ab"), Ok([b'c', 61, 62])));
            assert_eq!(guest.scatter(0, 3, b"abcdefg"), Ok(5));
            pairs([(40, 2), (50, 0), (60, 5)]);
            assert_eq!(guest.scatter(0, 3, b"xyz"), Err(Errno::Fault));
            assert_eq!(guest.gather(0, 3, &mut into, 9), Err(Errno::Fault));
            assert_eq!((guest.read(40), into.len()), (Ok(*b"ab"), 5), "nothing was copied");
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
