//! How much of the host's own stack is left.
//!
//! Host functions run on the stack of the thread that called the instance. When they call back into an
//! instance, and so on, that stack must end in a typed error and not in a crash. The stack is the one that
//! the stack pointer is really on: the main thread's, another thread's own, or one that the host has
//! allocated (a fiber's), which is the mapping around it.
//!
//! **Invariant: a limit that cannot be found is never guessed**: on a stack without one nothing is checked
//! here, and only the limit on nested calls holds
//! ([`ResourceLimits::nesting`](crate::ResourceLimits::nesting)). What was found is used only while the stack
//! pointer is near where it was when it was found: the main thread's limit can change, and another stack can
//! take a stack's addresses.

use std::cell::Cell;
use std::io;
use std::ops::Range;

/// Bytes that a nested entry leaves to the host function's own frames; half of a stack that is not even twice
/// as large.
const MARGIN: usize = 256 << 10;

/// Bytes of the smallest stack that guests are called from: 64 KiB, of which the C library may have taken
/// some for itself.
const LEAST: usize = 48 << 10;

/// The most bytes of the main thread's stack that are relied on. The kernel keeps other mappings 128 MiB away
/// from it.
const MAIN_STACK: usize = 64 << 20;

/// Bytes by which the stack pointer may differ from where the bounds were found.
const NEAR: usize = 64 << 10;

/// The bounds of a stack.
#[derive(Debug, Clone, Copy)]
struct Found {
    low: usize,
    high: usize,
    /// Stack pointer when they were found.
    at: usize,
}

thread_local! {
    /// What was found last.
    static FOUND: Cell<Option<Found>> = const { Cell::new(None) };
}

/// Whether the stack that the calling thread is on has room for another nested entry, and its bounds, if they
/// can be found.
pub(crate) fn room() -> (bool, Option<Range<usize>>) {
    let marker = 0u8;
    let here = std::hint::black_box(&raw const marker) as usize;
    let known = FOUND
        .get()
        .filter(|found| found.at.abs_diff(here) <= NEAR && (found.low..found.high).contains(&here));
    let found = known.or_else(|| find(here));
    FOUND.set(found);
    let has_room = found.is_none_or(|Found { low, high, .. }| here - low > MARGIN.min((high - low) / 2));
    (has_room, found.map(|Found { low, high, .. }| low..high))
}

/// The stack that the system has made for the calling thread, which may be on another one; empty if it cannot
/// be found.
pub(crate) fn of_thread() -> Range<usize> {
    let main = main_thread().unwrap_or_default();
    match this_thread() {
        // Only the part of the main thread's may be reported that exists so far.
        Some(own) if !main.contains(&own.start) => own,
        _ => main,
    }
}

/// Refuses to go on if the calling thread is on this stack, and that is too small for the runtime.
pub(crate) fn check_size(own: &Range<usize>) -> io::Result<()> {
    let marker = 0u8;
    let here = std::hint::black_box(&raw const marker) as usize;
    if own.contains(&here) && own.len() < LEAST {
        let kilobytes = own.len() >> 10;
        let message = format!("its stack has {kilobytes} KiB; a thread that calls guests needs 64 KiB");
        return Err(io::Error::other(message));
    }
    Ok(())
}

/// What tells the calling thread from all others that live.
#[inline]
pub(crate) fn thread_pointer() -> usize {
    let pointer;
    // SAFETY: the first word that fs refers to is its own address, as the System V ABI for x86-64 has it.
    unsafe {
        std::arch::asm!("mov {}, fs:[0]", out(reg) pointer, options(nostack, preserves_flags, readonly));
    }
    pointer
}

/// Forgets what was found: this is the child of a fork.
pub(crate) fn forget() {
    _ = FOUND.try_with(|found| found.set(None));
}

fn find(here: usize) -> Option<Found> {
    let on_it = |stack: &Range<usize>| stack.contains(&here);
    let range =
        main_thread().filter(on_it).or_else(|| this_thread().filter(on_it)).or_else(|| mapping_at(here))?;
    Some(Found { low: range.start, high: range.end, at: here })
}

/// The main thread's stack grows on demand from the end of its argument strings down to the limit. (musl
/// reports only the part that exists so far.) It is there also in a child of a fork that has another thread.
fn main_thread() -> Option<Range<usize>> {
    // SAFETY: takes a number, and looks it up in the vector that the kernel has put above the stack.
    let top = unsafe { libc::getauxval(libc::AT_EXECFN) } as usize;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    let limit =
        limit.map_or(MAIN_STACK, |limit| usize::try_from(limit).unwrap_or(MAIN_STACK)).min(MAIN_STACK);
    Some(top.checked_sub(limit)?..top)
}

/// The stack that the C library has made for the calling thread.
fn this_thread() -> Option<Range<usize>> {
    // SAFETY: the attribute object is initialised by pthread_getattr_np, read, and destroyed once.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &raw mut attributes) != 0 {
            return None;
        }
        let (mut address, mut size) = (std::ptr::null_mut(), 0);
        let found = libc::pthread_attr_getstack(&raw const attributes, &raw mut address, &raw mut size) == 0;
        libc::pthread_attr_destroy(&raw mut attributes);
        found.then_some(address as usize..address as usize + size)
    }
}

/// The writable mapping around an address. A stack in the middle of a larger one, such as the heap, cannot be
/// told from it.
fn mapping_at(address: usize) -> Option<Range<usize>> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let parse = |text| usize::from_str_radix(text, 16).ok();
        let range = parse(start)?..parse(end)?;
        (range.contains(&address) && rest.starts_with("rw")).then_some(range)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_until_full(depth: usize) -> usize {
        let frame = std::hint::black_box([0u8; 16 << 10]);
        if !room().0 {
            return depth;
        }
        let reached = depth_until_full(depth + 1);
        std::hint::black_box(&frame);
        reached
    }

    #[test]
    fn recursion_on_a_thread_is_stopped_before_its_stack_ends() {
        // Ascending: the C library may give a thread the larger stack of one that has ended.
        for (size, depths) in [(256 << 10, 2..=8), (1 << 20, 4..=64)] {
            let builder = std::thread::Builder::new().stack_size(size);
            let depth = builder.spawn(|| depth_until_full(0)).unwrap().join().unwrap();
            assert!(depths.contains(&depth), "stopped at depth {depth} of {size} bytes");
        }
    }

    #[test]
    fn the_mapping_around_an_address_is_found() {
        let mapping = crate::os::map::Mapping::reserve(16 << 12, 1 << 12).unwrap();
        mapping.protect(4 << 12, 8 << 12, crate::os::map::Access::ReadWrite).unwrap();
        let start = mapping.start();
        assert_eq!(mapping_at(start + (5 << 12)), Some(start + (4 << 12)..start + (12 << 12)));
        assert_eq!(mapping_at(start), None);
    }
}
