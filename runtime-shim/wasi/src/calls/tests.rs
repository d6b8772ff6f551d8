//! Calls as a guest makes them: numbers into memory, an error number out.

mod transfers;

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::{args, clock, fd, fdstat, path, poll, random, readdir, sock};
use crate::access::Ctx;
use crate::builder::WasiCtxBuilder;
use crate::ctx::{Transferred, WasiCtx};
use crate::entry::{Entry, Handle, Kind, Raises};
use crate::errno::Errno;
use crate::guest::Guest;
use crate::sys::signals::tests::succeeds_in_child;
use crate::types::{FdFlags, Rights};
use crate::version::Version::Preview1;

/// Guest memory, in bytes.
const MEMORY: usize = 0x2_0000;
/// Where tests put a path or data, a second path, a list of buffers, and results.
const TEXT: u32 = 0x1000;
const TEXT2: u32 = 0x2000;
const LIST: u32 = 0x3000;
const OUT: u32 = 0x4000;
const BUFFER: u32 = 0x8000;
/// Where `poll_oneoff` reads and writes.
const SUBSCRIPTIONS: u32 = 0x6000;
const EVENTS: u32 = 0xc000;

/// The preopened directory.
const DIR: u32 = 3;

struct Machine {
    memory: Vec<u8>,
    ctx: WasiCtx,
    dir: TempDir,
}

impl Machine {
    fn new() -> Self {
        Self::with(&mut WasiCtxBuilder::new())
    }

    /// A guest with a directory of its own and what `builder` gives.
    fn with(builder: &mut WasiCtxBuilder) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let ctx = builder.preopen_dir(dir.path(), "/data").expect("opens").build();
        Self { memory: vec![0; MEMORY], ctx, dir }
    }

    fn call<R>(&mut self, call: impl FnOnce(&mut Ctx<'_>, Guest<'_>) -> R) -> R {
        let guest = Guest::over(&mut self.memory);
        call(&mut Ctx::own(&mut self.ctx), guest)
    }

    fn put(&mut self, at: u32, bytes: &[u8]) -> u32 {
        self.memory[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
        bytes.len() as u32
    }

    fn get(&self, at: u32, len: u32) -> &[u8] {
        &self.memory[at as usize..(at + len) as usize]
    }

    fn u16(&self, at: u32) -> u16 {
        u16::from_le_bytes(self.get(at, 2).try_into().expect("two bytes"))
    }

    fn u32(&self, at: u32) -> u32 {
        u32::from_le_bytes(self.get(at, 4).try_into().expect("four bytes"))
    }

    fn u64(&self, at: u32) -> u64 {
        u64::from_le_bytes(self.get(at, 8).try_into().expect("eight bytes"))
    }

    /// Lists buffers for a transfer and gives their count.
    fn list(&mut self, buffers: &[(u32, u32)]) -> u32 {
        for (index, (ptr, len)) in (0..).zip(buffers) {
            self.put(LIST + index * 8, &ptr.to_le_bytes());
            self.put(LIST + index * 8 + 4, &len.to_le_bytes());
        }
        buffers.len() as u32
    }

    fn open(&mut self, name: &str, flags: u32, rights: Rights, fd_flags: FdFlags) -> Result<u32, Errno> {
        let len = self.put(TEXT, name.as_bytes());
        let (rights, inheriting) = (rights.bits(), (Rights::DIRECTORY | Rights::FILE).bits());
        let fd_flags = u32::from(fd_flags.bits());
        self.call(|ctx, guest| {
            path::path_open(ctx, guest, DIR, 1, TEXT, len, flags, rights, inheriting, fd_flags, OUT)
        })?;
        Ok(self.u32(OUT))
    }

    fn create(&mut self, name: &str) -> u32 {
        self.open(name, 1, Rights::FILE, FdFlags::empty()).expect("created")
    }

    fn write(&mut self, fd: u32, text: &[u8]) -> Result<u32, Errno> {
        let len = self.put(BUFFER, text);
        let count = self.list(&[(BUFFER, len)]);
        self.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, count, OUT))?;
        Ok(self.u32(OUT))
    }

    fn read(&mut self, fd: u32, len: u32) -> Result<Vec<u8>, Errno> {
        let count = self.list(&[(BUFFER, len)]);
        self.call(|ctx, guest| fd::fd_read(ctx, guest, fd, LIST, count, OUT))?;
        Ok(self.get(BUFFER, self.u32(OUT)).to_vec())
    }
}

fn pipe() -> (OwnedFd, OwnedFd) {
    let (read_end, write_end) = std::io::pipe().expect("a pipe");
    (read_end.into(), write_end.into())
}

#[test]
fn arguments_and_environment_are_laid_out() {
    let mut machine = Machine::with(WasiCtxBuilder::new().args(["a", "", "bcd"]).env("X", "1"));
    machine.call(|ctx, guest| args::args_sizes_get(ctx, guest, OUT, OUT + 4)).expect("sizes");
    assert_eq!((machine.u32(OUT), machine.u32(OUT + 4)), (3, 7));
    machine.call(|ctx, guest| args::args_get(ctx, guest, OUT, BUFFER)).expect("args");
    assert_eq!(machine.get(BUFFER, 8), b"a\0\0bcd\0\0");
    assert_eq!([0, 4, 8].map(|at| machine.u32(OUT + at)), [BUFFER, BUFFER + 2, BUFFER + 3]);
    machine.call(|ctx, guest| args::environ_sizes_get(ctx, guest, OUT, OUT + 4)).expect("sizes");
    assert_eq!((machine.u32(OUT), machine.u32(OUT + 4)), (1, 4));
    let end = MEMORY as u32;
    let refused = machine.call(|ctx, guest| args::args_get(ctx, guest, OUT, end - 6));
    assert_eq!(refused, Err(Errno::Fault));
    let refused = machine.call(|ctx, guest| args::args_get(ctx, guest, end - 8, BUFFER));
    assert_eq!(refused, Err(Errno::Fault));
}

#[test]
fn clocks_tell_time() {
    let mut machine = Machine::new();
    for id in 0..4 {
        machine.call(|ctx, guest| clock::clock_time_get(ctx, guest, id, 0, OUT)).expect("a clock");
        assert_ne!(machine.u64(OUT), 0);
        machine.call(|ctx, guest| clock::clock_res_get(ctx, guest, id, OUT)).expect("a clock");
        assert_ne!(machine.u64(OUT), 0);
    }
    for (id, out, error) in
        [(4, OUT, Errno::Inval), (0, OUT + 4, Errno::Inval), (0, 0xffff_fff8, Errno::Fault)]
    {
        assert_eq!(machine.call(|ctx, guest| clock::clock_time_get(ctx, guest, id, 0, out)), Err(error));
    }
}

#[test]
fn random_bytes_fill_exactly_the_buffer() {
    let mut machine = Machine::new();
    machine.call(|ctx, guest| random::random_get(ctx, guest, BUFFER, 64)).expect("filled");
    assert!(machine.get(BUFFER, 64).iter().any(|byte| *byte != 0));
    assert!(machine.get(BUFFER + 64, 64).iter().all(|byte| *byte == 0));
    let end = MEMORY as u32;
    machine.call(|ctx, guest| random::random_get(ctx, guest, end, 0)).expect("an empty buffer");
    assert_eq!(machine.call(|ctx, guest| random::random_get(ctx, guest, end - 1, 2)), Err(Errno::Fault));
    assert_eq!(machine.call(|ctx, guest| random::random_get(ctx, guest, 1, u32::MAX)), Err(Errno::Fault));
}

#[test]
fn files_are_written_and_read_in_pieces() {
    let mut machine = Machine::new();
    let fd = machine.create("file");
    machine.put(BUFFER, b"hello world");
    let pieces = machine.list(&[(BUFFER, 5), (BUFFER, 0), (BUFFER + 5, 6)]);
    machine.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, pieces, OUT)).expect("written");
    assert_eq!(machine.u32(OUT), 11);
    assert_eq!(fs::read(machine.dir.path().join("file")).expect("there"), b"hello world");
    machine.call(|ctx, guest| fd::fd_tell(ctx, guest, fd, OUT)).expect("told");
    assert_eq!(machine.u64(OUT), 11);
    machine.call(|ctx, guest| fd::fd_seek(ctx, guest, Preview1, fd, -5, 2, OUT)).expect("sought");
    assert_eq!(machine.u64(OUT), 6);
    assert_eq!(machine.read(fd, 100).as_deref(), Ok(&b"world"[..]));
    let pieces = machine.list(&[(BUFFER, 2), (BUFFER + 100, 3)]);
    machine.call(|ctx, guest| fd::fd_pread(ctx, guest, fd, LIST, pieces, 0, OUT)).expect("read");
    assert_eq!((machine.get(BUFFER, 2), machine.get(BUFFER + 100, 3)), (&b"he"[..], &b"llo"[..]));
    assert_eq!(
        machine.call(|ctx, guest| fd::fd_pread(ctx, guest, fd, LIST, pieces, u64::MAX, OUT)),
        Err(Errno::Inval)
    );
    assert_eq!(
        machine.call(|ctx, guest| fd::fd_seek(ctx, guest, Preview1, fd, -1, 0, OUT)),
        Err(Errno::Inval)
    );
    assert_eq!(
        machine.call(|ctx, guest| fd::fd_seek(ctx, guest, Preview1, fd, 0, 3, OUT)),
        Err(Errno::Inval)
    );
}

/// A transfer whose result cannot be reported does not happen.
#[test]
fn bad_pointers_change_nothing() {
    let mut machine = Machine::new();
    let fd = machine.create("file");
    machine.put(BUFFER, b"data");
    let one = machine.list(&[(BUFFER, 4)]);
    let out = MEMORY as u32 - 2;
    let refused = machine.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, one, out & !3));
    assert_eq!(refused, Ok(()), "the last word of memory is inside");
    let refused = machine.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, one, out));
    assert_eq!(refused, Err(Errno::Inval));
    let refused = machine.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, one, MEMORY as u32));
    assert_eq!(refused, Err(Errno::Fault));
    let two = machine.list(&[(BUFFER, 4), (MEMORY as u32, 1)]);
    let refused = machine.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, two, OUT));
    assert_eq!(refused, Err(Errno::Fault));
    for count in [0x2000_0000, u32::MAX] {
        let refused = machine.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, count, OUT));
        assert_eq!(refused, Err(Errno::Fault));
    }
    assert_eq!(fs::read(machine.dir.path().join("file")).expect("there"), b"data");
    let before = machine.open("made", 1, Rights::FILE, FdFlags::empty()).expect("opened");
    machine.call(|ctx, guest| fd::fd_close(ctx, guest, before)).expect("closed");
    let len = machine.put(TEXT, b"unmade");
    let refused =
        machine.call(|ctx, guest| path::path_open(ctx, guest, DIR, 0, TEXT, len, 1, 0, 0, 0, MEMORY as u32));
    assert_eq!(refused, Err(Errno::Fault));
    assert!(!machine.dir.path().join("unmade").exists());
}

#[test]
fn rights_hold() {
    let mut machine = Machine::new();
    let fd = machine.create("file");
    machine.write(fd, b"text").expect("written");
    let reader = machine.open("file", 0, Rights::FD_READ, FdFlags::empty()).expect("opened");
    assert_eq!(machine.read(reader, 4).as_deref(), Ok(&b"text"[..]));
    assert_eq!(machine.write(reader, b"x"), Err(Errno::NotCapable));
    assert_eq!(machine.call(|ctx, guest| fd::fd_tell(ctx, guest, reader, OUT)), Err(Errno::NotCapable));
    assert_eq!(machine.call(|ctx, guest| fd::fd_sync(ctx, guest, reader)), Err(Errno::NotCapable));
    let more = (Rights::FD_READ | Rights::FD_WRITE).bits();
    let refused = machine.call(|ctx, guest| fdstat::fd_fdstat_set_rights(ctx, guest, reader, more, 0));
    assert_eq!(refused, Err(Errno::NotCapable));
    machine.call(|ctx, guest| fdstat::fd_fdstat_set_rights(ctx, guest, reader, 0, 0)).expect("given up");
    assert_eq!(machine.read(reader, 4), Err(Errno::NotCapable));
    assert_eq!(machine.read(99, 4), Err(Errno::BadF));
    assert_eq!(machine.read(DIR, 4), Err(Errno::IsDir));
    let not_inherited = machine.open("file", 0, Rights::SOCK_SHUTDOWN, FdFlags::empty());
    assert_eq!(not_inherited, Err(Errno::NotCapable));
    let files = (Rights::DIRECTORY.difference(Rights::PATH_CREATE_FILE)).bits();
    let inheriting = (Rights::DIRECTORY | Rights::FILE).bits();
    machine
        .call(|ctx, guest| fdstat::fd_fdstat_set_rights(ctx, guest, DIR, files, inheriting))
        .expect("given up");
    assert_eq!(machine.open("new", 1, Rights::FILE, FdFlags::empty()), Err(Errno::NotCapable));
    assert!(machine.open("file", 0, Rights::FILE, FdFlags::empty()).is_ok());
}

#[test]
fn descriptors_are_bounded() {
    let mut machine = Machine::with(WasiCtxBuilder::new().max_descriptors(6));
    let numbers = [(); 2].map(|()| machine.create("file"));
    assert_eq!(numbers, [4, 5]);
    assert_eq!(machine.open("other", 1, Rights::FILE, FdFlags::empty()), Err(Errno::MFile));
    assert!(!machine.dir.path().join("other").exists());
    machine.call(|ctx, guest| fd::fd_close(ctx, guest, 4)).expect("closed");
    assert_eq!(machine.create("other"), 4);
    assert_eq!(machine.call(|ctx, guest| fd::fd_close(ctx, guest, 99)), Err(Errno::BadF));
}

#[test]
fn a_call_transfers_no_more_than_it_may() {
    let mut machine =
        Machine::with(WasiCtxBuilder::new().max_transfer(5).stdin_bytes(*b"123456789").capture_stdout(100));
    let fd = machine.create("file");
    assert_eq!(machine.write(fd, b"abcdefgh"), Ok(5));
    assert_eq!(machine.write(fd, b"fgh"), Ok(3));
    machine.call(|ctx, guest| fd::fd_seek(ctx, guest, Preview1, fd, 0, 0, OUT)).expect("sought");
    assert_eq!(machine.read(fd, 100).as_deref(), Ok(&b"abcde"[..]));
    assert_eq!(machine.read(fd, 100).as_deref(), Ok(&b"fgh"[..]));
    assert_eq!(machine.read(0, 100).as_deref(), Ok(&b"12345"[..]));
    assert_eq!(machine.write(1, b"abcdefgh"), Ok(5));
}

#[test]
fn appending_and_flags() {
    let mut machine = Machine::new();
    let fd = machine.open("file", 1, Rights::FILE, FdFlags::APPEND).expect("opened");
    machine.write(fd, b"ab").expect("written");
    machine.call(|ctx, guest| fd::fd_seek(ctx, guest, Preview1, fd, 0, 0, OUT)).expect("sought");
    machine.write(fd, b"cd").expect("appended");
    machine.call(|ctx, guest| fdstat::fd_fdstat_get(ctx, guest, fd, OUT)).expect("told");
    assert_eq!((machine.get(OUT, 1), machine.u16(OUT + 2)), (&[4][..], FdFlags::APPEND.bits()));
    machine.call(|ctx, guest| fdstat::fd_fdstat_set_flags(ctx, guest, fd, 0)).expect("cleared");
    machine.call(|ctx, guest| fd::fd_seek(ctx, guest, Preview1, fd, 0, 0, OUT)).expect("sought");
    machine.write(fd, b"X").expect("overwritten");
    assert_eq!(fs::read(machine.dir.path().join("file")).expect("there"), b"Xbcd");
    let sync = u32::from(FdFlags::SYNC.bits());
    let refused = machine.call(|ctx, guest| fdstat::fd_fdstat_set_flags(ctx, guest, fd, sync));
    assert_eq!(refused, Err(Errno::NotSup));
    let synced = machine.open("file", 0, Rights::FILE, FdFlags::SYNC | FdFlags::RSYNC).expect("opened");
    machine.call(|ctx, guest| fdstat::fd_fdstat_get(ctx, guest, synced, OUT)).expect("told");
    assert_eq!(machine.u16(OUT + 2), (FdFlags::SYNC | FdFlags::RSYNC).bits());
}

#[test]
fn streams_are_what_they_are() {
    let (read_end, write_end) = pipe();
    let (input, mut feed) = pipe_files();
    let socket = std::os::unix::net::UnixDatagram::unbound().expect("a socket");
    let mut machine =
        Machine::with(WasiCtxBuilder::new().stdin(input).stdout(write_end).stderr(OwnedFd::from(socket)));
    for (fd, filetype) in [(0, 0), (1, 0), (2, 5)] {
        machine.call(|ctx, guest| fdstat::fd_filestat_get(ctx, guest, Preview1, fd, OUT)).expect("stat");
        assert_eq!(machine.get(OUT + 16, 1), [filetype]);
        machine.call(|ctx, guest| fdstat::fd_fdstat_get(ctx, guest, fd, OUT)).expect("fdstat");
        assert_eq!(machine.get(OUT, 1), [filetype]);
    }
    feed.write_all(b"in").expect("fed");
    assert_eq!(machine.read(0, 10).as_deref(), Ok(&b"in"[..]));
    assert_eq!(machine.write(1, b"out"), Ok(3));
    let mut text = [0; 3];
    fs::File::from(read_end).read_exact(&mut text).expect("came out");
    assert_eq!(&text, b"out");
    assert_eq!(machine.write(0, b"x"), Err(Errno::NotCapable));
    assert_eq!(machine.call(|ctx, guest| fd::fd_tell(ctx, guest, 0, OUT)), Err(Errno::SPipe));
    assert_eq!(machine.call(|ctx, guest| fd::fd_prestat_get(ctx, guest, 0, OUT)), Err(Errno::BadF));
}

fn pipe_files() -> (OwnedFd, fs::File) {
    let (read_end, write_end) = pipe();
    (read_end, write_end.into())
}

/// Not to block is the guest's wish; the host's descriptor, which others may share, stays as it is.
#[test]
fn a_shared_stream_can_be_told_not_to_block() {
    let (input, mut feed) = pipe_files();
    let copy = input.try_clone().expect("a second descriptor");
    let mut machine = Machine::with(WasiCtxBuilder::new().stdin(input));
    let nonblock = u32::from(FdFlags::NONBLOCK.bits());
    machine.call(|ctx, guest| fdstat::fd_fdstat_set_flags(ctx, guest, 0, nonblock)).expect("set");
    machine.call(|ctx, guest| fdstat::fd_fdstat_get(ctx, guest, 0, OUT)).expect("told");
    assert_eq!(machine.u16(OUT + 2), FdFlags::NONBLOCK.bits());
    assert_eq!(machine.read(0, 10), Err(Errno::Again));
    assert!(!rustix::fs::fcntl_getfl(&copy).expect("flags").contains(rustix::fs::OFlags::NONBLOCK));
    feed.write_all(b"in").expect("fed");
    assert_eq!(machine.read(0, 10).as_deref(), Ok(&b"in"[..]));
    let append = u32::from(FdFlags::APPEND.bits());
    let refused = machine.call(|ctx, guest| fdstat::fd_fdstat_set_flags(ctx, guest, 0, append));
    assert_eq!(refused, Err(Errno::NotSup));
}

#[test]
fn preopens_have_names() {
    let mut machine = Machine::new();
    machine.call(|ctx, guest| fd::fd_prestat_get(ctx, guest, DIR, OUT)).expect("a preopen");
    assert_eq!((machine.get(OUT, 1), machine.u32(OUT + 4)), (&[0][..], 5));
    machine.call(|ctx, guest| fd::fd_prestat_dir_name(ctx, guest, DIR, BUFFER, 5)).expect("its name");
    assert_eq!(machine.get(BUFFER, 6), b"/data\0");
    let refused = machine.call(|ctx, guest| fd::fd_prestat_dir_name(ctx, guest, DIR, BUFFER, 4));
    assert_eq!(refused, Err(Errno::NameTooLong));
    assert_eq!(machine.call(|ctx, guest| fd::fd_prestat_get(ctx, guest, 4, OUT)), Err(Errno::BadF));
    let opened = machine.open(".", 2, Rights::DIRECTORY, FdFlags::empty()).expect("opened");
    assert_eq!(machine.call(|ctx, guest| fd::fd_prestat_get(ctx, guest, opened, OUT)), Err(Errno::BadF));
    machine.call(|ctx, guest| fd::fd_renumber(ctx, guest, opened, DIR)).expect("renumbered");
    assert_eq!(machine.call(|ctx, guest| fd::fd_prestat_get(ctx, guest, DIR, OUT)), Err(Errno::BadF));
}

/// Lists a directory through a buffer of `len` bytes and gives names with their cookies.
fn listing(machine: &mut Machine, dir: u32, len: u32) -> Vec<(String, u64)> {
    let mut entries = Vec::new();
    let mut cookie = 0;
    loop {
        machine
            .call(|ctx, guest| readdir::fd_readdir(ctx, guest, dir, BUFFER, len, cookie, OUT))
            .expect("listed");
        let used = machine.u32(OUT);
        let mut at = BUFFER;
        while BUFFER + used - at >= 24 {
            let end = at + 24 + machine.u32(at + 16);
            if end > BUFFER + used {
                break;
            }
            let name = String::from_utf8(machine.get(at + 24, end - at - 24).to_vec()).expect("text");
            cookie = machine.u64(at);
            entries.push((name, cookie));
            at = end;
        }
        if used < len {
            return entries;
        }
    }
}

#[test]
fn directories_are_listed_through_any_buffer() {
    let mut machine = Machine::new();
    let mut expected = vec![".".to_owned(), "..".to_owned()];
    for index in 0..500 {
        let name = format!("file-{index}");
        fs::write(machine.dir.path().join(&name), "").expect("written");
        expected.push(name);
    }
    expected.sort();
    for len in [64, 100, 4096, 0x1_0000] {
        let mut names: Vec<_> = listing(&mut machine, DIR, len).into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, expected, "through {len} bytes");
    }
}

#[test]
fn what_lies_above_is_not_told() {
    let mut machine = Machine::new();
    machine.call(|ctx, guest| readdir::fd_readdir(ctx, guest, DIR, BUFFER, 4096, 0, OUT)).expect("listed");
    let second = BUFFER + 24 + machine.u32(BUFFER + 16);
    let names = [BUFFER, second].map(|at| machine.get(at + 24, machine.u32(at + 16)));
    assert!(names.contains(&&b"."[..]) && names.contains(&&b".."[..]), "an empty directory: {names:?}");
    assert_eq!(machine.u64(BUFFER + 8), machine.u64(second + 8));
}

#[test]
fn cookies_survive_changes() {
    let mut machine = Machine::new();
    for index in 0..100 {
        fs::write(machine.dir.path().join(format!("file-{index}")), "").expect("written");
    }
    let own = machine.open(".", 2, Rights::DIRECTORY, FdFlags::empty()).expect("opened");
    for dir in [DIR, own] {
        let before = listing(&mut machine, dir, 4096);
        let (middle, last) = (&before[50], &before[99]);
        let next = &before[51].0;
        assert_eq!(resume(&mut machine, dir, middle.1).as_ref(), Some(next));
        assert_eq!(resume(&mut machine, dir, last.1).as_ref(), Some(&before[100].0));
        assert_eq!(resume(&mut machine, dir, middle.1).as_ref(), Some(next), "the same cookie again");
        let end = before.last().expect("not empty").1;
        assert_eq!(resume(&mut machine, dir, end), None);
        let gone = before[..50].iter().find(|(name, _)| name.starts_with("file")).expect("a file");
        fs::remove_file(machine.dir.path().join(&gone.0)).expect("removed");
        assert_eq!(resume(&mut machine, dir, middle.1).as_ref(), Some(next), "after a removal before it");
        fs::write(machine.dir.path().join(&gone.0), "").expect("made again");
    }
    let refused = machine.call(|ctx, guest| readdir::fd_readdir(ctx, guest, DIR, BUFFER, 64, u64::MAX, OUT));
    assert_eq!(refused, Err(Errno::Inval));
}

/// The first name from `cookie` on.
fn resume(machine: &mut Machine, dir: u32, cookie: u64) -> Option<String> {
    machine
        .call(|ctx, guest| readdir::fd_readdir(ctx, guest, dir, BUFFER, 1024, cookie, OUT))
        .expect("listed");
    if machine.u32(OUT) == 0 {
        return None;
    }
    let len = machine.u32(BUFFER + 16);
    Some(String::from_utf8(machine.get(BUFFER + 24, len).to_vec()).expect("text"))
}

#[test]
fn paths_change_the_tree() {
    let mut machine = Machine::new();
    let name = machine.put(TEXT, b"one");
    let other = machine.put(TEXT2, b"two");
    machine.call(|ctx, guest| path::path_create_directory(ctx, guest, DIR, TEXT, name)).expect("made");
    machine
        .call(|ctx, guest| path::path_rename(ctx, guest, DIR, TEXT, name, DIR, TEXT2, other))
        .expect("renamed");
    machine
        .call(|ctx, guest| path::path_filestat_get(ctx, guest, Preview1, DIR, 0, TEXT2, other, OUT))
        .expect("stat");
    assert_eq!(machine.get(OUT + 16, 1), [3]);
    machine.call(|ctx, guest| path::path_remove_directory(ctx, guest, DIR, TEXT2, other)).expect("removed");
    machine.create("one");
    machine.put(TEXT, b"one");
    machine
        .call(|ctx, guest| path::path_link(ctx, guest, DIR, 0, TEXT, name, DIR, TEXT2, other))
        .expect("linked");
    machine
        .call(|ctx, guest| path::path_filestat_get(ctx, guest, Preview1, DIR, 0, TEXT2, other, OUT))
        .expect("stat");
    assert_eq!(machine.u64(OUT + 24), 2);
    machine.call(|ctx, guest| path::path_unlink_file(ctx, guest, DIR, TEXT2, other)).expect("unlinked");
    machine.call(|ctx, guest| path::path_symlink(ctx, guest, TEXT, name, DIR, TEXT2, other)).expect("linked");
    machine
        .call(|ctx, guest| path::path_readlink(ctx, guest, DIR, TEXT2, other, BUFFER, 2, OUT))
        .expect("read");
    assert_eq!((machine.u32(OUT), machine.get(BUFFER, 3)), (2, &b"on\0"[..]));
    machine
        .call(|ctx, guest| path::path_filestat_set_times(ctx, guest, DIR, 1, TEXT2, other, 0, 5, 4))
        .expect("set");
    machine
        .call(|ctx, guest| path::path_filestat_get(ctx, guest, Preview1, DIR, 1, TEXT2, other, OUT))
        .expect("stat");
    assert_eq!((machine.get(OUT + 16, 1), machine.u64(OUT + 48)), (&[4][..], 5));
    let third = machine.put(TEXT, b"three");
    machine
        .call(|ctx, guest| path::path_link(ctx, guest, DIR, 1, TEXT2, other, DIR, TEXT, third))
        .expect("linked what the link leads to");
    machine
        .call(|ctx, guest| path::path_filestat_get(ctx, guest, Preview1, DIR, 0, TEXT, third, OUT))
        .expect("stat");
    assert_eq!((machine.get(OUT + 16, 1), machine.u64(OUT + 24)), (&[4][..], 2));
}

/// Writes a subscription for `poll_oneoff`.
fn subscribe(machine: &mut Machine, index: u32, tag: u8, target: u32, timeout: u64, flags: u16) {
    let at = SUBSCRIPTIONS + index * 48;
    machine.put(at, &u64::from(index + 100).to_le_bytes());
    machine.put(at + 8, &[tag]);
    machine.put(at + 16, &target.to_le_bytes());
    machine.put(at + 24, &timeout.to_le_bytes());
    machine.put(at + 40, &flags.to_le_bytes());
}

/// Polls and gives each event's userdata and error.
fn poll(machine: &mut Machine, count: u32) -> Result<Vec<(u64, u16)>, Errno> {
    machine.call(|ctx, guest| poll::poll_oneoff(ctx, guest, Preview1, SUBSCRIPTIONS, EVENTS, count, OUT))?;
    let events = (EVENTS..).step_by(32).take(machine.u32(OUT) as usize);
    Ok(events.map(|at| (machine.u64(at), machine.u16(at + 8))).collect())
}

#[test]
fn polling_waits_for_clocks() {
    let mut machine = Machine::new();
    subscribe(&mut machine, 0, 0, 1, 20_000_000, 0);
    subscribe(&mut machine, 1, 0, 1, 3_600_000_000_000, 0);
    let start = Instant::now();
    assert_eq!(poll(&mut machine, 2), Ok(vec![(100, 0)]));
    assert!(start.elapsed() >= Duration::from_millis(20));
    for clock in [0, 1] {
        let deadline = clock::now(clock).expect("a clock") + 20_000_000;
        subscribe(&mut machine, 0, 0, clock, deadline, 1);
        assert_eq!(poll(&mut machine, 1), Ok(vec![(100, 0)]));
        assert!(clock::now(clock).expect("a clock") >= deadline);
        subscribe(&mut machine, 0, 0, clock, 0, 1);
        assert_eq!(poll(&mut machine, 1), Ok(vec![(100, 0)]), "a time that has passed");
    }
}

#[test]
fn polling_waits_for_descriptors() {
    let (input, mut feed) = pipe_files();
    let mut machine = Machine::with(WasiCtxBuilder::new().stdin(input));
    let file = machine.create("file");
    machine.write(file, b"12345").expect("written");
    machine.call(|ctx, guest| fd::fd_seek(ctx, guest, Preview1, file, 2, 0, OUT)).expect("sought");
    subscribe(&mut machine, 0, 1, 0, 0, 0);
    subscribe(&mut machine, 1, 0, 1, 1_000_000, 0);
    assert_eq!(poll(&mut machine, 2), Ok(vec![(101, 0)]), "nothing to read yet");
    feed.write_all(b"abc").expect("fed");
    assert_eq!(poll(&mut machine, 1), Ok(vec![(100, 0)]));
    assert_eq!(machine.u64(EVENTS + 16), 3, "bytes to read");
    subscribe(&mut machine, 1, 1, file, 0, 0);
    subscribe(&mut machine, 2, 2, file, 0, 0);
    subscribe(&mut machine, 3, 1, 77, 0, 0);
    subscribe(&mut machine, 4, 0, 9, 0, 0);
    let (bad, inval) = (Errno::BadF.raw(), Errno::Inval.raw());
    assert_eq!(poll(&mut machine, 5), Ok(vec![(100, 0), (101, 0), (102, 0), (103, bad), (104, inval)]));
    assert_eq!(machine.u64(EVENTS + 32 + 16), 3, "bytes left of the file");
    drop(feed);
    machine.read(0, 10).expect("read");
    assert_eq!(poll(&mut machine, 1), Ok(vec![(100, 0)]));
    assert_eq!(machine.u16(EVENTS + 24), 1, "hung up");
}

#[test]
fn polling_refuses_nonsense() {
    let mut machine = Machine::new();
    assert_eq!(poll(&mut machine, 0), Err(Errno::Inval));
    assert_eq!(poll(&mut machine, u32::MAX), Err(Errno::Inval));
    assert_eq!(poll(&mut machine, 16_384), Err(Errno::Fault));
    subscribe(&mut machine, 0, 3, 0, 0, 0);
    assert_eq!(poll(&mut machine, 1), Err(Errno::Inval));
}

#[test]
fn sockets_are_accepted_and_used() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a loopback port");
    let address = listener.local_addr().expect("bound");
    let mut machine = Machine::with(WasiCtxBuilder::new().preopen_listener(listener));
    let nonblock = u32::from(FdFlags::NONBLOCK.bits());
    machine.call(|ctx, guest| fdstat::fd_fdstat_set_flags(ctx, guest, 4, nonblock)).expect("set");
    let refused = machine.call(|ctx, guest| sock::sock_accept(ctx, guest, 4, 0, OUT));
    assert_eq!(refused, Err(Errno::Again));
    let mut client = std::net::TcpStream::connect(address).expect("connected");
    machine.call(|ctx, guest| sock::sock_accept(ctx, guest, 4, 0, OUT)).expect("accepted");
    let fd = machine.u32(OUT);
    client.write_all(b"ping").expect("sent");
    let count = machine.list(&[(BUFFER, 16)]);
    for flags in [1, 0] {
        machine
            .call(|ctx, guest| sock::sock_recv(ctx, guest, fd, LIST, count, flags, OUT, OUT + 4))
            .expect("received");
        assert_eq!((machine.get(BUFFER, machine.u32(OUT)), machine.u16(OUT + 4)), (&b"ping"[..], 0));
    }
    machine.put(BUFFER, b"pong");
    let count = machine.list(&[(BUFFER, 4)]);
    machine.call(|ctx, guest| sock::sock_send(ctx, guest, fd, LIST, count, 0, OUT)).expect("sent");
    machine.call(|ctx, guest| sock::sock_shutdown(ctx, guest, fd, 2)).expect("closed");
    let mut text = String::new();
    client.read_to_string(&mut text).expect("came");
    assert_eq!(text, "pong");
    let file = machine.create("file");
    assert_eq!(machine.call(|ctx, guest| sock::sock_shutdown(ctx, guest, file, 1)), Err(Errno::NotSock));
    assert_eq!(machine.call(|ctx, guest| sock::sock_shutdown(ctx, guest, 99, 1)), Err(Errno::BadF));
    assert_eq!(machine.call(|ctx, guest| sock::sock_shutdown(ctx, guest, fd, 0)), Err(Errno::Inval));
    assert_eq!(machine.call(|ctx, guest| sock::sock_accept(ctx, guest, file, 0, OUT)), Err(Errno::NotSock));
}

/// The host learns that a captured output is incomplete, also where the guest ignores the error.
#[test]
fn overflow_of_captured_output_is_noted() {
    let mut machine = Machine::with(WasiCtxBuilder::new().capture_stdout(12).capture_stderr(0));
    let write = |machine: &mut Machine, fd, length| {
        let count = machine.list(&[(BUFFER, length)]);
        machine.call(|ctx, guest| fd::fd_write(ctx, guest, fd, LIST, count, OUT))
    };
    assert_eq!(write(&mut machine, 1, 12), Ok(()));
    assert_eq!((machine.ctx.stdout().len(), machine.ctx.stdout_overflowed()), (12, false));
    assert_eq!(write(&mut machine, 1, 0), Ok(()));
    assert!(!machine.ctx.stdout_overflowed(), "everything is there");
    assert_eq!(write(&mut machine, 1, 1), Err(Errno::NoSpc));
    assert!(machine.ctx.stdout_overflowed() && !machine.ctx.stderr_overflowed());
    assert_eq!(write(&mut machine, 2, 1), Err(Errno::NoSpc));
    assert!(machine.ctx.stderr_overflowed());
    assert_eq!(machine.ctx.take_stdout().len(), 12);
    assert!(!machine.ctx.stdout_overflowed() && machine.ctx.stderr_overflowed());
    // A part that fits is kept, and the rest is missing.
    assert_eq!(write(&mut machine, 1, 20), Ok(()));
    assert_eq!((machine.ctx.stdout().len(), machine.ctx.stdout_overflowed()), (12, true));
}
