//! How much of the host's own stack is left.
//!
//! Host functions run on the stack of the thread that called the instance. When they call back into an instance, and so
//! on, that stack must end in a typed error and not in a crash. **Invariant: a limit that cannot be
//! found is never guessed**: on a stack that is not the thread's own nothing is checked.

use std::cell::Cell;

/// Bytes that a nested entry leaves to the host function's own frames.
const MARGIN: usize = 256 << 10;

/// Assumed size of a main thread's stack without a limit.
const UNLIMITED: usize = 1 << 30;

thread_local! {
    /// Lowest and highest address of the thread's stack, `(0, 0)` before it was asked for.
    static BOUNDS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// Whether the calling thread's stack has room for another nested entry.
pub(crate) fn has_room() -> bool {
    let marker = 0u8;
    let here = std::hint::black_box(&raw const marker) as usize;
    let (low, high) = BOUNDS.get();
    let (low, high) = if high == 0 { find() } else { (low, high) };
    !(low..high).contains(&here) || here - low > MARGIN
}

fn find() -> (usize, usize) {
    let is_main = rustix::process::getpid() == rustix::thread::gettid();
    let bounds = if is_main { main_thread() } else { other_thread() };
    let bounds = bounds.unwrap_or((0, 1));
    BOUNDS.set(bounds);
    bounds
}

/// The main thread's stack grows on demand from the end of its argument strings down to the limit. (musl reports only
/// the part that exists so far.)
fn main_thread() -> Option<(usize, usize)> {
    // SAFETY: reads the auxiliary vector.
    let top = unsafe { libc::getauxval(libc::AT_EXECFN) } as usize;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Stack).current;
    let limit = limit.map_or(UNLIMITED, |limit| limit as usize).min(UNLIMITED);
    Some((top.checked_sub(limit)?, top))
}

fn other_thread() -> Option<(usize, usize)> {
    // SAFETY: the attribute object is initialised by pthread_getattr_np, read, and destroyed once.
    unsafe {
        let mut attributes: libc::pthread_attr_t = std::mem::zeroed();
        if libc::pthread_getattr_np(libc::pthread_self(), &mut attributes) != 0 {
            return None;
        }
        let (mut address, mut size) = (std::ptr::null_mut(), 0);
        let found = libc::pthread_attr_getstack(&attributes, &mut address, &mut size) == 0;
        libc::pthread_attr_destroy(&mut attributes);
        found.then_some((address as usize, address as usize + size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn depth_until_full(depth: usize) -> usize {
        let frame = std::hint::black_box([0u8; 16 << 10]);
        if !has_room() {
            return depth;
        }
        let reached = depth_until_full(depth + 1);
        std::hint::black_box(&frame);
        reached
    }

    #[test]
    fn recursion_on_a_thread_is_stopped_before_its_stack_ends() {
        let builder = std::thread::Builder::new().stack_size(1 << 20);
        let depth = builder.spawn(|| depth_until_full(0)).unwrap().join().unwrap();
        assert!((4..=64).contains(&depth), "stopped at depth {depth}");
    }
}
