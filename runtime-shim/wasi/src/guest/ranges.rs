//! The ranges of guest memory that one call transfers, and the pieces in which it does so.
//!
//! **Invariants.** Every range is checked when it is listed, before the host acts, and again when it is used.
//! One piece has at most [`PIECE`] bytes, so a transfer of any length looks often whether its instance is to
//! be stopped; what is handed to the kernel is made writable piece by piece, never all that a guest lists. A
//! transfer that ends early reports what it has done, as the system's own calls do; an error is reported only
//! if there is nothing else to report.

use std::marker::PhantomData;

use super::Guest;
use crate::errno::Errno;
use crate::sys::{IoVec, go_on};

/// The most bytes that are transferred without a look at the deadline: some hundred microseconds.
pub(crate) const PIECE: u64 = 1 << 20;

/// The most bytes of a list that one call transfers, and how many it does unless its context allows fewer
/// (the kernel's limit): the rest is left for the guest's next call.
pub(crate) const MAX_TRANSFER: u64 = 0x7fff_f000;

/// Ranges used at once (the kernel's limit): the rest is left for the guest's next call.
const MAX_RANGES: u32 = 1024;

/// How many ranges need no allocation: programs rarely write more than two at once.
const INLINE: usize = 4;

/// Who writes to the ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    /// The kernel reads them.
    Source,
    /// The kernel writes to them.
    Target,
}

/// How far a transfer goes on behind its first piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// No further: it may have to wait for more, which a call that has something to report does not do.
    First,
    /// To the end of what is listed.
    All,
    /// There are no pieces: it is one message.
    Message,
}

impl<'a> Guest<'a> {
    /// One range for the kernel to write to, of any length.
    pub(crate) fn target(self, ptr: u32, len: u32) -> Result<Ranges<'a>, Errno> {
        let mut ranges = Ranges::new(self, Use::Target, 1);
        ranges.push(ptr, len)?;
        Ok(ranges)
    }

    /// The ranges that a guest's list of `(pointer, length)` pairs names, to be read. All of the list is
    /// checked, and every range that is used.
    pub(crate) fn sources(self, list: u32, count: u32) -> Result<Ranges<'a>, Errno> {
        self.ranges(list, count, Use::Source)
    }

    /// The same, to be written to.
    pub(crate) fn targets(self, list: u32, count: u32) -> Result<Ranges<'a>, Errno> {
        self.ranges(list, count, Use::Target)
    }

    fn ranges(self, list: u32, count: u32, used_as: Use) -> Result<Ranges<'a>, Errno> {
        self.check(list, count, 8, 4)?;
        let used = count.min(MAX_RANGES);
        let mut ranges = Ranges::new(self, used_as, used as usize);
        for index in 0..used {
            let pair = u64::from_le_bytes(self.read(list + index * 8)?);
            ranges.push(pair as u32, (pair >> 32) as u32)?;
        }
        ranges.truncate(MAX_TRANSFER);
        Ok(ranges)
    }
}

/// Checked ranges of guest memory.
#[derive(Debug)]
pub(crate) struct Ranges<'a> {
    guest: Guest<'a>,
    used_as: Use,
    few: [(u32, u32); INLINE],
    used: usize,
    many: Vec<(u32, u32)>,
    bytes: u64,
}

impl<'a> Ranges<'a> {
    fn new(guest: Guest<'a>, used_as: Use, count: usize) -> Self {
        let many = if count > INLINE { Vec::with_capacity(count) } else { Vec::new() };
        Self { guest, used_as, few: [(0, 0); INLINE], used: 0, many, bytes: 0 }
    }

    /// Checks one more range and lists it.
    fn push(&mut self, ptr: u32, len: u32) -> Result<(), Errno> {
        self.guest.check(ptr, len, 1, 1)?;
        if self.many.capacity() > 0 {
            self.many.push((ptr, len));
        } else {
            self.few[self.used] = (ptr, len);
            self.used += 1;
        }
        self.bytes += u64::from(len);
        Ok(())
    }

    fn list(&self) -> &[(u32, u32)] {
        if self.many.capacity() > 0 { &self.many } else { &self.few[..self.used] }
    }

    /// Leaves the first `limit` bytes.
    pub(crate) fn truncate(&mut self, limit: u64) {
        self.bytes = self.bytes.min(limit);
    }

    /// At most `most` bytes, behind the first `done`.
    fn piece(&self, done: u64, most: u64) -> Piece<'_, 'a> {
        Piece { ranges: self, done, bytes: (self.bytes - done).min(most) }
    }

    /// Whether there is nothing to transfer.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// All of it, in pieces of `bytes` each.
    fn pieces_of(&self, bytes: u64) -> impl Iterator<Item = Piece<'_, 'a>> {
        (0..self.bytes.div_ceil(bytes)).map(move |number| self.piece(number * bytes, bytes))
    }

    /// All of it, piece by piece.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_, 'a>> {
        self.pieces_of(PIECE)
    }

    /// Transfers by `transfer`, which says how many bytes of a piece it has transferred, and returns how many
    /// bytes those are together. `extent` is asked if there is more than a piece.
    #[inline]
    pub(crate) fn transfer(
        &self,
        extent: impl FnOnce() -> Result<Extent, Errno>,
        mut transfer: impl FnMut(&Piece<'_, 'a>) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        if self.bytes <= PIECE {
            return transfer(&self.piece(0, PIECE));
        }
        match extent()? {
            Extent::First => transfer(&self.piece(0, PIECE)),
            Extent::Message => transfer(&self.piece(0, MAX_TRANSFER)),
            Extent::All => self.in_pieces(PIECE, &go_on, &mut transfer),
        }
    }

    /// Transfers by pieces of `bytes` each, as long as `goes_on` allows the next one.
    #[cold]
    pub(crate) fn in_pieces(
        &self,
        bytes: u64,
        goes_on: &dyn Fn() -> Result<(), Errno>,
        transfer: &mut dyn FnMut(&Piece<'_, 'a>) -> Result<usize, Errno>,
    ) -> Result<usize, Errno> {
        let mut done = 0;
        for piece in self.pieces_of(bytes) {
            // An instance that is to be stopped does not see the result, but its host has it counted.
            let result = if done > 0 { goes_on().and_then(|()| transfer(&piece)) } else { transfer(&piece) };
            match result {
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
                Ok(count) => {
                    done += count;
                    if (count as u64) < piece.bytes {
                        break;
                    }
                }
            }
        }
        Ok(done)
    }
}

/// What is transferred at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Piece<'r, 'a> {
    ranges: &'r Ranges<'a>,
    /// Bytes of the ranges that lie before it.
    pub(crate) done: u64,
    /// Its length.
    pub(crate) bytes: u64,
}

impl<'a> Piece<'_, 'a> {
    /// The ranges, or what of them lies in the piece.
    fn list(&self) -> impl Iterator<Item = (u32, u32)> {
        let (mut skip, mut left) = (self.done, self.bytes);
        self.ranges.list().iter().filter_map(move |&(ptr, len)| {
            let skipped = skip.min(u64::from(len));
            skip -= skipped;
            let taken = left.min(u64::from(len) - skipped);
            left -= taken;
            (taken > 0).then_some((ptr + skipped as u32, taken as u32))
        })
    }

    /// The piece in the form the kernel takes it.
    pub(crate) fn buffers(&self) -> Result<Buffers<'a>, Errno> {
        let Ranges { guest, used_as, .. } = self.ranges;
        let mut buffers = Buffers::with_capacity(self.ranges.list().len());
        for (ptr, len) in self.list() {
            let base = match used_as {
                Use::Source => guest.read_address(ptr, u64::from(len)),
                Use::Target => guest.address(ptr, u64::from(len)),
            };
            buffers.push(IoVec { iov_base: base?.cast(), iov_len: len as usize });
        }
        Ok(buffers)
    }

    /// Copies what the piece holds to the end of `into`, at most `room` bytes, and returns how many.
    ///
    /// # Errors
    /// [`Errno::NoSpc`] if there is something to copy and no room at all.
    pub(crate) fn gather(&self, into: &mut Vec<u8>, room: usize) -> Result<usize, Errno> {
        if self.bytes > 0 && room == 0 {
            return Err(Errno::NoSpc);
        }
        let start = into.len();
        for (ptr, len) in self.list() {
            let end = into.len();
            into.resize(end + (len as usize).min(room - (end - start)), 0);
            self.ranges.guest.copy_out(ptr, &mut into[end..])?;
        }
        Ok(into.len() - start)
    }

    /// Copies from the start of `bytes` into the piece, and returns how many fitted.
    pub(crate) fn scatter(&self, bytes: &[u8]) -> Result<usize, Errno> {
        let mut left = bytes;
        for (ptr, len) in self.list() {
            let (now, rest) = left.split_at(left.len().min(len as usize));
            self.ranges.guest.write(ptr, now)?;
            left = rest;
        }
        Ok(bytes.len() - left.len())
    }
}

/// Checked ranges of guest memory, in the form the kernel takes them.
#[derive(Debug)]
pub(crate) struct Buffers<'a> {
    few: [IoVec; INLINE],
    used: usize,
    many: Vec<IoVec>,
    memory: PhantomData<&'a mut [u8]>,
}

impl Buffers<'_> {
    fn with_capacity(count: usize) -> Self {
        let empty = IoVec { iov_base: std::ptr::null_mut(), iov_len: 0 };
        let many = if count > INLINE { Vec::with_capacity(count) } else { Vec::new() };
        Self { few: [empty; INLINE], used: 0, many, memory: PhantomData }
    }

    fn push(&mut self, vector: IoVec) {
        if self.many.capacity() > 0 {
            self.many.push(vector);
        } else {
            self.few[self.used] = vector;
            self.used += 1;
        }
    }

    /// The ranges. Each lies in guest memory, mapped for reading and writing.
    pub(crate) fn as_slice(&self) -> &[IoVec] {
        if self.many.capacity() > 0 { &self.many } else { &self.few[..self.used] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::guest::tests::{list, with_guest};

    #[test]
    fn lists_are_checked_whole() {
        with_guest(|guest| {
            list(guest, &[(32, 32), (64, 0)]);
            assert_eq!(guest.sources(0, 2).expect("both inside").list().len(), 2);
            list(guest, &[(32, 32), (63, 2)]);
            assert!(matches!(guest.sources(0, 2), Err(Errno::Fault)));
            list(guest, &[(32, 32), (1, u32::MAX)]);
            assert!(matches!(guest.sources(0, 2), Err(Errno::Fault)));
            assert!(matches!(guest.sources(0, u32::MAX), Err(Errno::Fault)));
            assert!(matches!(guest.sources(1, 1), Err(Errno::Inval)));
            let empty = guest.sources(64, 0).expect("an empty list");
            assert!(empty.piece(0, PIECE).buffers().expect("nothing to check").as_slice().is_empty());
        });
    }

    #[test]
    fn long_lists_are_cut() {
        let count = MAX_RANGES + 10;
        let mut memory = vec![0_u8; count as usize * 8];
        let guest = Guest::over(&mut memory);
        assert_eq!(guest.sources(0, count).expect("all zero").list().len(), MAX_RANGES as usize);
    }

    #[test]
    fn what_is_listed_is_cut() {
        let mut memory = vec![0_u8; 0x1000];
        let guest = Guest::over(&mut memory);
        for count in [3, 9] {
            list(guest, &vec![(0, 10); count]);
            let mut ranges = guest.sources(0, count as u32).expect("in range");
            ranges.truncate(15);
            let buffers = ranges.piece(0, PIECE).buffers().expect("in range");
            let lengths: Vec<_> = buffers.as_slice().iter().map(|range| range.iov_len).collect();
            assert_eq!(lengths, [10, 5]);
        }
    }

    #[test]
    fn pieces_hold_every_byte_once() {
        let mut memory = vec![0_u8; 4 << 20];
        let guest = Guest::over(&mut memory);
        let listed = [(100, 700_000), (7, 0), (3, 1), (900_000, 2_500_000), (50, 1 << 20), (9, 9)];
        list(guest, &listed);
        let ranges = guest.sources(0, 6).expect("in range");
        let pieces: Vec<Vec<(u32, u32)>> = ranges.pieces().map(|piece| piece.list().collect()).collect();
        let length = |piece: &Vec<(u32, u32)>| piece.iter().map(|&(_, len)| u64::from(len)).sum::<u64>();
        assert!(pieces[..pieces.len() - 1].iter().all(|piece| length(piece) == PIECE), "{pieces:?}");
        let bytes = |listed: &[(u32, u32)]| listed.iter().flat_map(|&(ptr, len)| ptr..ptr + len).collect();
        let expected: Vec<u32> = bytes(&listed);
        assert!(pieces.iter().flat_map(|piece| bytes(piece)).eq(expected), "{pieces:?}");
    }

    /// What each piece transfers, and what is reported in the end.
    #[test]
    fn a_transfer_reports_what_it_has_done() {
        let mut memory = vec![0_u8; 3 << 20];
        let guest = Guest::over(&mut memory);
        list(guest, &[(0, 3 << 20)]);
        let ranges = guest.sources(0, 1).expect("in range");
        let whole = PIECE as usize;
        let run = |extent: Extent, results: &[Result<usize, Errno>]| {
            let mut results = results.iter();
            let end = ranges.transfer(|| Ok(extent), |_| *results.next().expect("it had ended"));
            (end, results.len())
        };
        assert_eq!(run(Extent::All, &[Ok(whole); 3]), (Ok(3 * whole), 0));
        assert_eq!(run(Extent::All, &[Ok(whole), Ok(5), Ok(1)]), (Ok(whole + 5), 1));
        assert_eq!(run(Extent::All, &[Ok(whole), Ok(0), Ok(1)]), (Ok(whole), 1));
        assert_eq!(run(Extent::All, &[Ok(whole), Err(Errno::Pipe), Ok(1)]), (Ok(whole), 1));
        assert_eq!(run(Extent::All, &[Ok(whole), Err(Errno::Intr), Ok(1)]), (Ok(whole), 1));
        assert_eq!(run(Extent::All, &[Err(Errno::Intr), Ok(1)]), (Err(Errno::Intr), 1));
        assert_eq!(run(Extent::First, &[Ok(whole), Ok(1)]), (Ok(whole), 1));
        assert_eq!(run(Extent::Message, &[Ok(3 * whole), Ok(1)]), (Ok(3 * whole), 1));
    }

    #[test]
    fn streams_in_memory_are_copied() {
        with_guest(|guest| {
            let ranges = || guest.sources(0, 3);
            list(guest, &[(40, 2), (50, 0), (60, 3)]);
            let mut into = vec![1];
            let listed = ranges().expect("in range");
            let all = listed.piece(0, PIECE);
            assert_eq!(all.gather(&mut into, 4), Ok(4));
            assert_eq!(into, [1, 40, 41, 60, 61]);
            assert_eq!(all.gather(&mut into, 0), Err(Errno::NoSpc));
            assert_eq!(listed.piece(5, PIECE).gather(&mut into, 0), Ok(0));
            assert_eq!(all.scatter(b"abc"), Ok(3));
            assert_eq!((guest.read(40), guest.read(60)), (Ok(*b"ab"), Ok([b'c', 61, 62])));
            assert_eq!(all.scatter(b"abcdefg"), Ok(5));
            list(guest, &[(40, 2), (50, 0), (60, 5)]);
            assert!(matches!(ranges(), Err(Errno::Fault)), "nothing is copied");
        });
    }
}
