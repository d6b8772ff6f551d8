//! What a call may have changed, by what it reported: a call that failed nothing, one that did not its
//! results and as many bytes of its buffers as it says. Functions have their numbers of `random_calls.rs`;
//! one that is not listed writes nothing.

use rustix::fs::OFlags;

use super::random_calls::Arguments;
use crate::ctx::{Transferred, WasiCtx};
use crate::errno::Errno;
use crate::version::Version;

/// A descriptor's position and size, where it is a file that the guest opened.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct File {
    position: u64,
    size: i64,
    appends: bool,
}

impl File {
    pub(super) fn of(ctx: &WasiCtx, fd: u32) -> Option<Self> {
        let entry = ctx.table.entry(fd).ok().filter(|entry| entry.directory().is_none())?;
        let host = entry.host()?;
        Some(Self {
            position: rustix::fs::tell(host).ok()?,
            size: rustix::fs::fstat(host).ok()?.st_size,
            appends: rustix::fs::fcntl_getfl(host).ok()?.contains(OFlags::APPEND),
        })
    }
}

/// What bytes go where.
enum Data {
    None,
    /// As many bytes as the call reports, from an address on.
    Buffer,
    /// As many bytes as the call reports, into the buffers of a list.
    List,
    /// As many events as the call reports.
    Events,
    /// As many bytes as the file now has more, or was moved by.
    ToFile,
}

/// What a call may have changed.
pub(super) struct Effects<'a> {
    /// Ranges of guest memory: pointer and length.
    ranges: Vec<(u32, u32)>,
    /// What it says that it transferred, buffer by buffer.
    listed: Option<(u32, u32, u32)>,
    /// Whether a file stays as it was, or by how much writing moves its position.
    written: Option<u32>,
    file_may_change: bool,
    /// The call, for messages.
    call: (u64, &'a Arguments, Result<(), Errno>),
}

fn word(memory: &[u8], at: u32) -> u32 {
    u32::from_le_bytes(memory[at as usize..at as usize + 4].try_into().expect("four bytes"))
}

/// The results of each function, and what it transfers. The numbers are those of `random_calls::call`.
fn results(index: u64, x: &Arguments) -> (Vec<(u32, u32)>, Data) {
    let out = |size| vec![(x.out, size)];
    match index {
        // Two arguments of two bytes; one variable of four.
        0 => (vec![(x.a, 8), (x.b, 4)], Data::None),
        2 => (vec![(x.a, 4), (x.b, 4)], Data::None),
        1 | 3 => (vec![(x.a, 4), (x.b, 4)], Data::None),
        4 | 5 | 17 | 23 | 25 => (out(8), Data::None),
        10 => (out(24), Data::None),
        13 | 28 if x.version == Version::Unstable => (out(56), Data::None),
        13 | 28 => (out(64), Data::None),
        16 | 20 => (out(4), Data::List),
        // The directory's name is "/".
        18 => (vec![(x.a, 1)], Data::None),
        19 | 26 => (out(4), Data::ToFile),
        21 | 31 => (out(4), Data::Buffer),
        36 => (out(4), Data::Events),
        37 => (vec![(x.a, x.len)], Data::None),
        43 => (out(4), Data::None),
        _ => (Vec::new(), Data::None),
    }
}

impl<'a> Effects<'a> {
    /// Of the call `index`, which is over.
    pub(super) fn of(index: u64, arguments: &'a Arguments, result: Result<(), Errno>, memory: &[u8]) -> Self {
        let mut effects = Self {
            ranges: Vec::new(),
            listed: None,
            written: None,
            // Whether these failed is all that is looked at: to close, allocate, set flags or the size, read
            // or seek.
            file_may_change: result.is_ok() && !matches!(index, 19 | 26),
            call: (index, arguments, result),
        };
        if result.is_err() {
            return effects;
        }
        let (ranges, data) = results(index, arguments);
        effects.ranges = ranges;
        let reported = || word(memory, arguments.out);
        match data {
            Data::None => {}
            Data::Buffer => effects.ranges.push((arguments.a, reported())),
            Data::Events => effects.ranges.push((arguments.b, 32 * reported())),
            Data::List => effects.listed = Some((arguments.a, arguments.len, reported())),
            Data::ToFile => effects.written = Some(if index == 26 { reported() } else { 0 }),
        }
        effects
    }

    /// Adds the bytes that the call says it read or wrote.
    pub(super) fn add_to(&self, counted: &mut Transferred, memory: &[u8]) {
        let (index, arguments, result) = self.call;
        let counter = match index {
            16 | 20 | 40 => &mut counted.read,
            19 | 26 | 41 => &mut counted.written,
            _ => return,
        };
        if result.is_ok() {
            *counter += u64::from(word(memory, arguments.out));
        }
    }

    /// Takes over into `before` what may have changed, and sees that all is the same then.
    pub(super) fn check_memory(&self, before: &mut [u8], after: &[u8]) {
        let mut ranges = self.ranges.clone();
        if let Some((list, count, mut left)) = self.listed {
            for index in 0..count {
                let (ptr, len) = (word(before, list + 8 * index), word(before, list + 8 * index + 4));
                ranges.push((ptr, len.min(left)));
                left -= len.min(left);
            }
            assert_eq!(left, 0, "more was reported than there is room for");
        }
        for (ptr, len) in ranges {
            let range = ptr as usize..ptr as usize + len as usize;
            before[range.clone()].copy_from_slice(&after[range]);
        }
        if before != after {
            let first = before.iter().zip(after).position(|(before, after)| before != after);
            panic!("the byte {first:x?} changed, and the call did not say so: {:x?}", self.call);
        }
    }

    /// Sees that a file changed only if the call says so.
    pub(super) fn check_file(&self, before: Option<File>, after: Option<File>) {
        if self.file_may_change {
            return;
        }
        let (Some(before), Some(after)) = (before, after) else { return };
        match self.written {
            None => assert_eq!(before, after, "the call failed, and changed the file: {:x?}", self.call),
            Some(_) if before.appends => {}
            Some(count) => assert_eq!(after.position, before.position + u64::from(count), "{:x?}", self.call),
        }
    }
}
