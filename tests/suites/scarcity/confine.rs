//! What a process can have taken away: memory, mappings, privileges, system calls.

use std::io;

/// Sets the soft limit of a resource.
pub(crate) fn limit(resource: libc::__rlimit_resource_t, value: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is valid for both calls.
    let failed = unsafe {
        let failed = libc::getrlimit(resource, &mut limit) != 0;
        limit.rlim_cur = value.min(limit.rlim_max);
        failed || libc::setrlimit(resource, &limit) != 0
    };
    assert!(!failed, "setrlimit: {}", io::Error::last_os_error());
}

/// Runs `scarce` while the process may have `bytes` more of private writable memory.
pub(crate) fn with_data<R>(more: u64, scarce: impl FnOnce() -> R) -> R {
    // What `scarce` allocates comes from the heap as it is, which gives nothing back meanwhile.
    // SAFETY: these parameters change only when memory is taken from the kernel and given back.
    let changed = unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX) == 1
            && libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 25) == 1
    };
    assert!(changed, "mallopt");
    drop(std::hint::black_box(vec![1u8; 500_000]));
    limit(libc::RLIMIT_DATA, data() + more);
    let result = scarce();
    limit(libc::RLIMIT_DATA, libc::RLIM_INFINITY);
    result
}

/// Bytes of private writable memory that the process has.
fn data() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("proc is mounted");
    let line = status.lines().find(|line| line.starts_with("VmData:")).expect("the kernel counts it");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") << 10
}

/// Gives up root's privileges, to which some limits do not apply.
pub(crate) fn become_unprivileged() {
    // SAFETY: changes the identity of this process only.
    let failed = unsafe { libc::geteuid() == 0 && libc::setresuid(65_534, 65_534, 65_534) != 0 };
    assert!(!failed, "setresuid: {}", io::Error::last_os_error());
}

/// Locks all later mappings into memory, of which the process may have a number of bytes.
pub(crate) fn lock_later_mappings(bytes: u64) {
    become_unprivileged();
    limit(libc::RLIMIT_MEMLOCK, bytes);
    // SAFETY: changes nothing of the mappings that are there: it concerns later ones.
    let failed = unsafe { libc::mlockall(libc::MCL_FUTURE) != 0 };
    assert!(!failed, "mlockall: {}", io::Error::last_os_error());
}

/// Locks all mappings of the process into memory, present ones and later ones, which takes a privilege.
pub(crate) fn lock_everything() -> io::Result<()> {
    // SAFETY: changes where pages may be, not what they hold.
    match unsafe { libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends what [`lock_later_mappings`] began.
pub(crate) fn unlock() {
    // SAFETY: changes where pages may be, not what they hold.
    assert_eq!(unsafe { libc::munlockall() }, 0);
}

/// Mappings that take what the kernel allows a process.
pub(crate) struct Mappings {
    start: *mut libc::c_void,
    pages: usize,
    /// Pages that are mappings of their own, between others that are.
    single: usize,
}

const PAGE: usize = 4096;

impl Mappings {
    pub(crate) fn new() -> Self {
        let text = std::fs::read_to_string("/proc/sys/vm/max_map_count").expect("proc is mounted");
        let pages = 2 * text.trim().parse::<usize>().expect("a number") + 2;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address of the kernel's choice.
        let start = unsafe { libc::mmap(std::ptr::null_mut(), pages * PAGE, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        Self { start, pages, single: 0 }
    }

    /// Changes the protection of the odd page of this number.
    fn protect(&self, number: usize, protection: libc::c_int) -> bool {
        assert!(2 * number + 1 < self.pages, "the limit was not reached");
        // SAFETY: the page is inside the mapping, which nothing else uses.
        unsafe { libc::mprotect(self.start.byte_add((2 * number + 1) * PAGE), PAGE, protection) == 0 }
    }

    /// Makes mappings until the kernel refuses one, then gives `spare` back.
    pub(crate) fn fill(&mut self, spare: usize) {
        while self.protect(self.single, libc::PROT_READ) {
            self.single += 1;
        }
        // A page that joins its neighbours gives two back.
        for _ in 0..spare.div_ceil(2) {
            self.single -= 1;
            assert!(self.protect(self.single, libc::PROT_NONE));
        }
    }
}

impl Drop for Mappings {
    fn drop(&mut self) {
        // SAFETY: the mapping is this value's own.
        unsafe { libc::munmap(self.start, self.pages * PAGE) };
    }
}
