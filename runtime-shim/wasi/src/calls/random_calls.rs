//! Every function with arguments that mean nothing: no panic, no byte outside guest memory or of it that the
//! call does not report (see `effects.rs`), nothing outside the directory. What it reports as read and
//! written is what the context counts.

use std::fs;
use std::sync::Mutex;

use super::effects::{Effects, File};
use super::{args, clock, fd, fdstat, path, poll, proc, random, readdir, sock};
use crate::access::Ctx;
use crate::builder::WasiCtxBuilder;
use crate::ctx::Transferred;
use crate::errno::Errno;
use crate::guest::Guest;
use crate::types::Rights;
use crate::version::Version;

/// Calls under the ordinary test command; `WASMAOT_WASI_RANDOM_CALLS` sets another number.
const CALLS: u64 = 1_000_000;

/// Calls that one context gets: enough to open, change and close, few enough not to be left with nothing.
const CALLS_EACH: u64 = 500;

/// Functions of which some call at least must have succeeded, so that the test tests something. Four never
/// do here (the sockets'), a few rarely.
const FUNCTIONS: usize = 35;

/// Index of `poll_oneoff`, which succeeds only if a subscription is already ready.
const POLL: u64 = 36;

/// Index of `path_open`, the last function.
const OPEN: u64 = 43;

/// Guest memory, and the host's bytes on either side that must not change.
const MEMORY: usize = 0x4000;
const MARGIN: usize = 0x1000;
const CANARY: u8 = 0xa5;

/// Paths in guest memory, each at 64 times its index.
const PATHS: [&str; 12] =
    ["a", "b", "dir", "dir/c", "dir/../a", "..", "../outside", "/", "link", "a/", "", "dir/link/x"];

/// Where lists of buffers lie in guest memory, and how many pairs there are.
const LISTS: u32 = 1024;
const PAIRS: u32 = 64;

/// A xorshift generator: the same calls on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Any 32 bits, near the edges of memory or a list of buffers more often than not.
    fn pointer(&mut self) -> u32 {
        match self.below(12) {
            0 => self.next() as u32,
            1 => (MEMORY as u32).wrapping_sub(self.below(64) as u32),
            2 => u32::MAX - self.below(64) as u32,
            3 => self.below(MEMORY as u64) as u32,
            4..7 => LISTS + 8 * self.below(u64::from(PAIRS)) as u32,
            _ => (self.below(MEMORY as u64) as u32) & !7,
        }
    }

    fn length(&mut self) -> u32 {
        match self.below(8) {
            0 => self.next() as u32,
            1 => MEMORY as u32 + self.below(3) as u32 - 1,
            2..5 => self.below(6) as u32,
            _ => self.below(200) as u32,
        }
    }

    /// The directory more often than not.
    fn fd(&mut self) -> u32 {
        match self.below(20) {
            0 => self.next() as u32,
            1..8 => 4 + self.below(6) as u32,
            _ => 3,
        }
    }

    fn flags(&mut self) -> u32 {
        if self.below(20) == 0 { self.next() as u32 } else { self.below(16) as u32 }
    }

    fn wide(&mut self) -> u64 {
        match self.below(4) {
            0 => self.next(),
            1 => u64::MAX - self.below(16),
            _ => self.below(5000),
        }
    }

    /// Mostly all that a directory hands on.
    fn rights(&mut self) -> u64 {
        match self.below(4) {
            0 => self.next(),
            1 => self.next() & 0x0fff_ffff,
            _ => 0x0fff_ffff,
        }
    }

    /// A path's pointer and length, now and then another's.
    fn path(&mut self) -> (u32, u32) {
        if self.below(10) == 0 {
            return (self.pointer(), self.length());
        }
        let index = self.below(PATHS.len() as u64) as usize;
        (index as u32 * 64, PATHS[index].len() as u32)
    }
}

/// What a call is made with. Each function takes some of it.
#[derive(Debug)]
pub(super) struct Arguments {
    pub(super) fd: u32,
    fd2: u32,
    flags: u32,
    fd_flags: u32,
    pub(super) a: u32,
    pub(super) b: u32,
    pub(super) out: u32,
    pub(super) len: u32,
    wide: u64,
    wide2: u64,
    rights: u64,
    inheriting: u64,
    path: (u32, u32),
    path2: (u32, u32),
    pub(super) version: Version,
}

impl Arguments {
    fn new(r: &mut Random) -> Self {
        Self {
            fd: r.fd(),
            fd2: r.fd(),
            flags: r.flags(),
            fd_flags: r.flags(),
            a: r.pointer(),
            b: r.pointer(),
            out: r.pointer(),
            len: r.length(),
            wide: r.wide(),
            wide2: r.wide(),
            rights: r.rights(),
            inheriting: r.rights(),
            path: r.path(),
            path2: r.path(),
            version: Version::ALL[r.below(2) as usize],
        }
    }

    /// The function to call: in place of one that leaves little open, or that takes its time, mostly
    /// `path_open`.
    fn function(&self, index: u64) -> u64 {
        let seldom = match index {
            8 => 500,
            9 | 12 | 22 | 24 => 100,
            _ => return index,
        };
        if self.wide < seldom { index } else { OPEN }
    }
}

/// Makes the call number `index`.
fn call(index: u64, arguments: &Arguments, ctx: &mut Ctx<'_>, guest: Guest<'_>) -> Result<(), Errno> {
    let Arguments { fd, fd2, flags, fd_flags, a, b, out, len, wide, wide2, rights, inheriting, .. } =
        *arguments;
    let Arguments { path: (path, path_len), path2: (path2, path2_len), version, .. } = *arguments;
    match index {
        0 => args::args_get(ctx, guest, a, b),
        1 => args::args_sizes_get(ctx, guest, a, b),
        2 => args::environ_get(ctx, guest, a, b),
        3 => args::environ_sizes_get(ctx, guest, a, b),
        4 => clock::clock_res_get(ctx, guest, flags, out),
        5 => clock::clock_time_get(ctx, guest, flags, wide, out),
        6 => fd::fd_advise(ctx, guest, fd, wide, wide2, flags),
        // Not more than a test may take of a disk.
        7 => fd::fd_allocate(ctx, guest, fd, wide % 0x10_0000, wide2 % 0x10_0000),
        8 => fd::fd_close(ctx, guest, fd),
        9 => fd::fd_datasync(ctx, guest, fd),
        10 => fdstat::fd_fdstat_get(ctx, guest, fd, out),
        11 => fdstat::fd_fdstat_set_flags(ctx, guest, fd, flags),
        12 => {
            let rights = rights & Rights::DIRECTORY.bits();
            fdstat::fd_fdstat_set_rights(ctx, guest, fd, rights, inheriting)
        }
        13 => fdstat::fd_filestat_get(ctx, guest, version, fd, out),
        14 => fdstat::fd_filestat_set_size(ctx, guest, fd, wide),
        15 => fdstat::fd_filestat_set_times(ctx, guest, fd, wide, wide2, flags),
        16 => fd::fd_pread(ctx, guest, fd, a, len, wide, out),
        17 => fd::fd_prestat_get(ctx, guest, fd, out),
        18 => fd::fd_prestat_dir_name(ctx, guest, fd, a, len),
        19 => fd::fd_pwrite(ctx, guest, fd, a, len, wide, out),
        20 => fd::fd_read(ctx, guest, fd, a, len, out),
        21 => readdir::fd_readdir(ctx, guest, fd, a, len, wide, out),
        22 => fd::fd_renumber(ctx, guest, fd, fd2),
        23 => fd::fd_seek(ctx, guest, version, fd, wide.cast_signed(), flags % 4, out),
        24 => fd::fd_sync(ctx, guest, fd),
        25 => fd::fd_tell(ctx, guest, fd, out),
        26 => fd::fd_write(ctx, guest, fd, a, len, out),
        27 => path::path_create_directory(ctx, guest, fd, path, path_len),
        28 => path::path_filestat_get(ctx, guest, version, fd, flags % 2, path, path_len, out),
        29 => path::path_filestat_set_times(ctx, guest, fd, 0, path, path_len, wide, wide2, flags),
        30 => path::path_link(ctx, guest, fd, flags / 8, path, path_len, fd2, path2, path2_len),
        31 => path::path_readlink(ctx, guest, fd, path, path_len, a, len, out),
        32 => path::path_remove_directory(ctx, guest, fd, path, path_len),
        33 => path::path_rename(ctx, guest, fd, path, path_len, fd2, path2, path2_len),
        34 => path::path_symlink(ctx, guest, path2, path2_len, fd, path, path_len),
        35 => path::path_unlink_file(ctx, guest, fd, path, path_len),
        POLL => poll::poll_oneoff(ctx, guest, version, a, b, len, out),
        37 => random::random_get(ctx, guest, a, len),
        38 => proc::sched_yield(ctx, guest),
        39 => sock::sock_accept(ctx, guest, fd, flags, out),
        40 => sock::sock_recv(ctx, guest, fd, a, len, flags, out, b),
        41 => sock::sock_send(ctx, guest, fd, a, len, 0, out),
        42 => sock::sock_shutdown(ctx, guest, fd, flags),
        _ => {
            let open = flags & 0xff;
            path::path_open(
                ctx,
                guest,
                fd,
                flags % 2,
                path,
                path_len,
                open,
                rights,
                inheriting,
                fd_flags,
                out,
            )
        }
    }
}

/// Fills the lists with short buffers, mostly inside of memory.
fn list_buffers(memory: &mut [u8], random: &mut Random) {
    for pair in memory[LISTS as usize..].chunks_exact_mut(8).take(PAIRS as usize) {
        pair[..4].copy_from_slice(&(random.below(MEMORY as u64 + 50) as u32).to_le_bytes());
        pair[4..].copy_from_slice(&(random.below(100) as u32).to_le_bytes());
    }
}

#[test]
fn nonsense_is_refused_or_harmless() {
    let count =
        std::env::var("WASMAOT_WASI_RANDOM_CALLS").map_or(CALLS, |count| count.parse().expect("a number"));
    // In memory where there is such a place: what is written synchronously would wait for the disk.
    let outside = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    let outside = outside.expect("a temporary directory");
    fs::write(outside.path().join("outside"), "untouched").expect("written");
    let inside = outside.path().join("box");
    fs::create_dir(&inside).expect("made");
    let mut builder = WasiCtxBuilder::new();
    builder.args(["a", "b"]).env("c", "d").preopen_dir(&inside, "/").expect("opens");
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut before = vec![0; MEMORY];
    let mut host = vec![CANARY; MARGIN + MEMORY + MARGIN];
    let mut succeeded = [0_u64; 44];
    let mut all = Transferred::default();
    for _ in 0..count / CALLS_EACH {
        let mut ctx = Mutex::new(builder.build());
        let mut counted = Transferred::default();
        let memory = &mut host[MARGIN..MARGIN + MEMORY];
        memory.fill(0);
        for (index, path) in PATHS.iter().enumerate() {
            memory[index * 64..index * 64 + path.len()].copy_from_slice(path.as_bytes());
        }
        list_buffers(memory, &mut random);
        for _ in 0..CALLS_EACH {
            let memory = &mut host[MARGIN..MARGIN + MEMORY];
            let arguments = Arguments::new(&mut random);
            let index = arguments.function(random.below(44));
            if index == POLL {
                // A clock that has run out comes first, so that the call returns.
                _ = Guest::over(memory).write(arguments.a, &[0; 56]);
            }
            before.copy_from_slice(memory);
            let file = File::of(ctx.get_mut().expect("sound"), arguments.fd);
            let mut access = match random.below(2) {
                0 => Ctx::shared(&ctx),
                _ => Ctx::own(ctx.get_mut().expect("sound")),
            };
            let result = call(index, &arguments, &mut access, Guest::over(memory));
            let effects = Effects::of(index, &arguments, result, memory);
            effects.check_memory(&mut before, memory);
            effects.check_file(file, File::of(ctx.get_mut().expect("sound"), arguments.fd));
            effects.add_to(&mut counted, memory);
            assert_eq!(ctx.get_mut().expect("sound").transferred(), counted, "{arguments:x?}");
            succeeded[index as usize] += u64::from(result.is_ok());
        }
        all.read += counted.read;
        all.written += counted.written;
    }
    let useful = succeeded.iter().filter(|times| **times > 0).count();
    assert!(all.read > 0 && all.written > 0, "{all:?}");
    assert!(useful >= FUNCTIONS, "too many functions never did anything: {succeeded:?}");
    assert!(host[..MARGIN].iter().chain(&host[MARGIN + MEMORY..]).all(|byte| *byte == CANARY));
    let mut names: Vec<_> =
        fs::read_dir(outside.path()).expect("listed").map(|entry| entry.expect("read").file_name()).collect();
    names.sort();
    assert_eq!(names, ["box", "outside"]);
    assert_eq!(fs::read(outside.path().join("outside")).expect("there"), b"untouched");
}
