//! Words of memory that may not be there.
//!
//! **Invariant: nothing here faults**, whatever the address.

/// Reads a word of this process, if it is readable.
pub(crate) fn word(address: usize) -> Option<usize> {
    let mut word = 0usize;
    let into = libc::iovec { iov_base: (&raw mut word).cast(), iov_len: size_of::<usize>() };
    let from = libc::iovec { iov_base: address as *mut _, iov_len: size_of::<usize>() };
    // SAFETY: both descriptions are valid; the kernel checks the address that is read.
    let read = unsafe { libc::process_vm_readv(libc::getpid(), &raw const into, 1, &raw const from, 1, 0) };
    (read == size_of::<usize>() as isize).then_some(word)
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn only_what_is_there_is_read() {
        let there = 0x1234usize;
        assert_eq!(word(&raw const there as usize), Some(0x1234));
        assert_eq!(word(8), None);
    }
}
