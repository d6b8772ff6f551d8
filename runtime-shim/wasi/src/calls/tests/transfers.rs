//! Calls that transfer: what they count, what is done of a large transfer, and how the host's limits show.

use super::*;

/// Every call that transfers, with streams of each kind: what it reports is counted, and nothing where it
/// fails.
#[test]
fn transfers_are_counted_as_they_are_reported() {
    type Call = fn(&mut Ctx<'_>, Guest<'_>, u32, u32) -> Result<(), Errno>;
    let read: Call = |ctx, guest, fd, count| fd::fd_read(ctx, guest, fd, LIST, count, OUT);
    let pread: Call = |ctx, guest, fd, count| fd::fd_pread(ctx, guest, fd, LIST, count, 2, OUT);
    let receive: Call = |ctx, guest, fd, count| sock::sock_recv(ctx, guest, fd, LIST, count, 0, OUT, OUT + 4);
    let peek: Call = |ctx, guest, fd, count| sock::sock_recv(ctx, guest, fd, LIST, count, 1, OUT, OUT + 4);
    let write: Call = |ctx, guest, fd, count| fd::fd_write(ctx, guest, fd, LIST, count, OUT);
    let pwrite: Call = |ctx, guest, fd, count| fd::fd_pwrite(ctx, guest, fd, LIST, count, 2, OUT);
    let send: Call = |ctx, guest, fd, count| sock::sock_send(ctx, guest, fd, LIST, count, 0, OUT);
    let mut machine = Machine::with(WasiCtxBuilder::new().stdin_bytes(*b"0123456789").capture_stdout(12));
    let file = machine.create("file");
    let (host, mut peer) = UnixStream::pair().expect("a pair of sockets");
    peer.write_all(b"request").expect("there is room");
    let socket = machine.ctx.table.insert(connection(host)).expect("room");
    // What the call adds to, the call, its descriptor, the length of its buffer, and what it reports.
    let calls = [
        ("read", read, 0, 4, Ok(4)),
        ("read", read, 0, 100, Ok(6)),
        ("read", read, 0, 100, Ok(0)),
        ("read", read, 99, 1, Err(Errno::BadF)),
        ("read", read, DIR, 1, Err(Errno::IsDir)),
        ("read", peek, socket, 3, Ok(3)),
        ("read", receive, socket, 3, Ok(3)),
        ("read", read, socket, 100, Ok(4)),
        ("written", write, 1, 10, Ok(10)),
        ("written", write, 1, 10, Ok(2)),
        ("written", write, 1, 1, Err(Errno::NoSpc)),
        ("written", write, file, 20, Ok(20)),
        ("written", pwrite, file, 7, Ok(7)),
        ("written", write, file, u32::MAX, Err(Errno::Fault)),
        ("written", write, socket, 5, Ok(5)),
        ("written", send, socket, 6, Ok(6)),
        ("written", send, file, 6, Err(Errno::NotSock)),
        ("read", pread, file, 100, Ok(18)),
        ("read", pread, socket, 100, Err(Errno::NotCapable)),
        ("read", read, file, 100, Ok(0)),
    ];
    let mut expected = Transferred::default();
    for (position, (what, call, fd, length, result)) in calls.into_iter().enumerate() {
        let count = machine.list(&[(BUFFER, length)]);
        let found = machine.call(|ctx, guest| call(ctx, guest, fd, count)).map(|()| machine.u32(OUT));
        assert_eq!(found, result, "call {position}");
        let counter = if what == "read" { &mut expected.read } else { &mut expected.written };
        *counter += u64::from(found.unwrap_or(0));
        assert_eq!(machine.ctx.transferred(), expected, "call {position}");
    }
}

/// Bytes that no transfer takes in one piece.
const LARGE: usize = 3_500_000;

/// A guest with [`LARGE`] bytes at `BUFFER` that tell where they are, in a list of three buffers.
fn large(builder: &mut WasiCtxBuilder) -> (Machine, Vec<u8>) {
    let mut machine = Machine::with(builder);
    machine.memory.resize(BUFFER as usize + LARGE, 0);
    let bytes: Vec<u8> = (0..LARGE as u32).map(|at| (at ^ (at >> 8) ^ (at >> 16)) as u8).collect();
    machine.put(BUFFER, &bytes);
    let len = LARGE as u32;
    machine.list(&[(BUFFER, 1_000_000), (BUFFER + 1_000_000, 5), (BUFFER + 1_000_005, len - 1_000_005)]);
    (machine, bytes)
}

/// Files, and streams in memory, take and give all of a large transfer.
#[test]
fn large_transfers_are_whole() {
    let input: Arc<[u8]> = (0..LARGE).map(|at| (at % 251) as u8).collect();
    let (mut machine, bytes) =
        large(WasiCtxBuilder::new().capture_stdout(2 * LARGE).stdin_bytes(Arc::clone(&input)));
    let file = machine.create("file");
    machine.call(|ctx, guest| fd::fd_write(ctx, guest, file, LIST, 3, OUT)).expect("written");
    assert_eq!(machine.u32(OUT) as usize, LARGE);
    machine.call(|ctx, guest| fd::fd_pwrite(ctx, guest, file, LIST, 3, 10, OUT)).expect("written");
    assert_eq!(machine.u32(OUT) as usize, LARGE);
    let found = fs::read(machine.dir.path().join("file")).expect("a file");
    assert!(found == [&bytes[..10], &bytes].concat());
    machine.call(|ctx, guest| fd::fd_write(ctx, guest, 1, LIST, 3, OUT)).expect("written");
    assert!(machine.u32(OUT) as usize == LARGE && machine.ctx.stdout() == bytes);

    machine.call(|ctx, guest| fd::fd_read(ctx, guest, 0, LIST, 3, OUT)).expect("read");
    assert!(machine.u32(OUT) as usize == LARGE && *machine.get(BUFFER, LARGE as u32) == *input);
    machine.call(|ctx, guest| fd::fd_pread(ctx, guest, file, LIST, 3, 10, OUT)).expect("read");
    assert!(machine.u32(OUT) as usize == LARGE && machine.get(BUFFER, LARGE as u32) == bytes);
    machine.call(|ctx, guest| fd::fd_pread(ctx, guest, file, LIST, 3, LARGE as u64 - 90, OUT)).expect("read");
    assert_eq!(machine.u32(OUT), 100, "to the end of the file");
}

/// Writing to a pipe or socket waits until all is written; reading waits for all only where that is asked
/// for.
#[test]
fn large_transfers_wait_as_the_system_does() {
    let (mut machine, bytes) = large(&mut WasiCtxBuilder::new());
    let (host, mut peer) = UnixStream::pair().expect("a pair of sockets");
    let socket = machine.ctx.table.insert(connection(host)).expect("room");
    let received = std::thread::scope(|scope| {
        let peer = &mut peer;
        let reader = scope.spawn(move || {
            let mut received = vec![0; LARGE];
            peer.read_exact(&mut received).map(|()| received)
        });
        machine.call(|ctx, guest| sock::sock_send(ctx, guest, socket, LIST, 3, 0, OUT)).expect("sent");
        reader.join().expect("no panic").expect("all that was sent")
    });
    assert!(machine.u32(OUT) as usize == LARGE && received == bytes);
    // As much as is there, and with `WAITALL` as much as was asked for.
    peer.write_all(b"request").expect("there is room");
    machine.call(|ctx, guest| fd::fd_read(ctx, guest, socket, LIST, 3, OUT)).expect("read");
    assert_eq!((machine.u32(OUT), machine.get(BUFFER, 7)), (7, &b"request"[..]));
    std::thread::scope(|scope| {
        scope.spawn(|| peer.write_all(&bytes).expect("it is read"));
        let receive = |ctx: &mut Ctx<'_>, guest: Guest<'_>| {
            sock::sock_recv(ctx, guest, socket, LIST, 3, 2, OUT, OUT + 4)
        };
        machine.call(receive).expect("received");
    });
    assert!(machine.u32(OUT) as usize == LARGE && machine.get(BUFFER, LARGE as u32) == bytes);
}

fn connection(socket: UnixStream) -> Entry {
    Entry {
        handle: Handle::Owned(Arc::new(socket.into())),
        kind: Kind::Stream { raises: Raises::Broken },
        rights: Rights::CONNECTION,
        inheriting: Rights::empty(),
        read_only: false,
        flags: FdFlags::empty(),
    }
}

/// The host limits the size of files when the guest has written to one already. In a process of its own,
/// which that ends at worst.
#[test]
fn a_limit_of_files_is_an_error_whenever_it_is_set() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let mut machine = Machine::new();
    let file = machine.create("file");
    assert_eq!(machine.write(file, b"before"), Ok(6));
    let is_refused = succeeds_in_child(|| {
        let limit = Rlimit { current: Some(8), maximum: None };
        setrlimit(Resource::Fsize, limit).is_ok()
            && machine.write(file, b"after") == Ok(2)
            && machine.write(file, b"after") == Err(Errno::FBig)
    });
    assert!(is_refused, "a signal, or not the errors that were expected");

    // Interrupted in the middle of a transfer.
    let (mut machine, _) = large(&mut WasiCtxBuilder::new());
    let file = machine.create("file");
    let (limit, half) = (LARGE as u32 / 2, u64::from(LARGE as u32) / 2);
    let is_cut = succeeds_in_child(|| {
        let write = |machine: &mut Machine| {
            machine.list(&[(BUFFER, 1_000_000), (BUFFER, LARGE as u32 - 1_000_000)]);
            let result = machine.call(|ctx, guest| fd::fd_write(ctx, guest, file, LIST, 2, OUT));
            result.map(|()| machine.u32(OUT))
        };
        setrlimit(Resource::Fsize, Rlimit { current: Some(half), maximum: None }).is_ok()
            && write(&mut machine) == Ok(limit)
            && write(&mut machine) == Err(Errno::FBig)
    });
    assert!(is_cut, "a signal, or another count");
}
