//! `wasi:io`: streams over each kind of source and sink, and their errors.

use crate::{Guest, bytes, bytes_of, number_of, show, state, u64};
use std::io::{Read, Write};
use std::slice::from_ref;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use wasmaot_component::Val;
use wasmaot_wasi::p2::{HostInput, HostOutput, Input, Output, Readiness, StreamError};

const READ: &str = "wasi:io/streams#input-stream.read";
const BLOCKING_READ: &str = "wasi:io/streams#input-stream.blocking-read";
const SKIP: &str = "wasi:io/streams#input-stream.skip";
const BLOCKING_SKIP: &str = "wasi:io/streams#input-stream.blocking-skip";
const CHECK: &str = "wasi:io/streams#output-stream.check-write";
const WRITE: &str = "wasi:io/streams#output-stream.write";
const BLOCKING_WRITE: &str = "wasi:io/streams#output-stream.blocking-write-and-flush";
const SPLICE: &str = "wasi:io/streams#output-stream.splice";
const BLOCKING_SPLICE: &str = "wasi:io/streams#output-stream.blocking-splice";

pub(crate) fn all() {
    inputs_in_memory_are_read_to_their_end();
    outputs_in_memory_collect_up_to_their_limit();
    pipes_are_read_when_there_is_something();
    pipes_take_what_they_have_room_for();
    more_than_was_permitted_traps();
    bytes_are_spliced();
    the_hosts_own_streams_are_asked();
    errors_are_told_once();
}

fn stdin(guest: &mut Guest) -> Val {
    guest.call("wasi:cli/stdin#get-stdin", &[])
}

fn stdout(guest: &mut Guest) -> Val {
    guest.call("wasi:cli/stdout#get-stdout", &[])
}

#[test]
fn inputs_in_memory_are_read_to_their_end() {
    let mut guest = Guest::of(|builder| _ = builder.stdin_bytes(*b"abcdefgh"));
    let input = stdin(&mut guest);
    guest.gives(READ, &[input.clone(), u64(0)], "ok([])");
    guest.gives(READ, &[input.clone(), u64(2)], r#"ok("ab")"#);
    guest.gives(SKIP, &[input.clone(), u64(1)], "ok(1)");
    guest.gives(BLOCKING_READ, &[input.clone(), u64(2)], r#"ok("de")"#);
    guest.gives(BLOCKING_SKIP, &[input.clone(), u64(2)], "ok(2)");
    // Another handle of the same stream goes on where the first is.
    let other = stdin(&mut guest);
    guest.gives(READ, &[other, u64(u64::MAX)], r#"ok("h")"#);
    let pollable = guest.call("wasi:io/streams#input-stream.subscribe", from_ref(&input));
    guest.gives("wasi:io/poll#pollable.ready", &[pollable], "true");
    for name in [READ, BLOCKING_READ, SKIP, BLOCKING_SKIP, READ] {
        guest.gives(name, &[input.clone(), u64(1)], "err(closed)");
    }
    assert_eq!(guest.state().ctx.transferred().read, 8);
}

#[test]
fn outputs_in_memory_collect_up_to_their_limit() {
    let mut guest = Guest::of(|builder| _ = builder.capture_stdout(10).capture_stderr(100));
    let output = stdout(&mut guest);
    assert!(number_of(&guest.ok(CHECK, from_ref(&output))) > 10);
    guest.gives(WRITE, &[output.clone(), bytes(b"abc")], "ok");
    guest.gives("wasi:io/streams#output-stream.write-zeroes", &[output.clone(), u64(2)], "ok");
    guest.gives("wasi:io/streams#output-stream.flush", from_ref(&output), "ok");
    guest.gives("wasi:io/streams#output-stream.blocking-flush", from_ref(&output), "ok");
    guest.gives(
        "wasi:io/streams#output-stream.blocking-write-zeroes-and-flush",
        &[output.clone(), u64(1)],
        "ok",
    );
    guest.gives(BLOCKING_WRITE, &[output.clone(), bytes(b"d")], "ok");
    assert_eq!(guest.state().ctx.stdout(), b"abc\0\0\0d");
    let answer = guest.call(BLOCKING_WRITE, &[output.clone(), bytes(b"efgh")]);
    assert_eq!(show(&answer), "err(last-operation-failed(handle))");
    assert_eq!(guest.state().ctx.stdout(), b"abc\0\0\0defg");
    assert!(guest.state().ctx.stdout_overflowed());
    let stderr = guest.call("wasi:cli/stderr#get-stderr", &[]);
    guest.gives(BLOCKING_WRITE, &[stderr, bytes(b"error")], "ok");
    assert_eq!(guest.state().ctx.stderr(), b"error");
}

#[test]
fn pipes_are_read_when_there_is_something() {
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let mut guest = Guest::of(|builder| _ = builder.stdin(reader));
    let input = stdin(&mut guest);
    let pollable = guest.call("wasi:io/streams#input-stream.subscribe", from_ref(&input));
    guest.gives(READ, &[input.clone(), u64(5)], "ok([])");
    guest.gives(SKIP, &[input.clone(), u64(5)], "ok(0)");
    guest.gives("wasi:io/poll#pollable.ready", from_ref(&pollable), "false");
    writer.write_all(b"hello").expect("room");
    guest.gives("wasi:io/poll#pollable.ready", from_ref(&pollable), "true");
    guest.gives(READ, &[input.clone(), u64(3)], r#"ok("hel")"#);
    guest.gives(BLOCKING_SKIP, &[input.clone(), u64(1)], "ok(1)");
    drop(writer);
    guest.gives(BLOCKING_READ, &[input.clone(), u64(3)], r#"ok("o")"#);
    guest.gives("wasi:io/poll#poll", &[Val::List(vec![pollable])], "[0]");
    guest.gives(BLOCKING_READ, &[input.clone(), u64(3)], "err(closed)");
    guest.gives(READ, &[input, u64(3)], "err(closed)");
}

#[test]
fn pipes_take_what_they_have_room_for() {
    let (mut reader, writer) = std::io::pipe().expect("a pipe");
    let mut guest = Guest::of(|builder| _ = builder.stdout(writer));
    let output = stdout(&mut guest);
    let mut written = 0;
    loop {
        let permitted = number_of(&guest.ok(CHECK, from_ref(&output)));
        if permitted == 0 {
            break;
        }
        guest.gives(WRITE, &[output.clone(), bytes(&vec![b'x'; permitted as usize])], "ok");
        written += permitted as usize;
    }
    assert!(written >= 4096);
    let pollable = guest.call("wasi:io/streams#output-stream.subscribe", from_ref(&output));
    guest.gives("wasi:io/poll#pollable.ready", from_ref(&pollable), "false");
    let mut read = vec![0; written];
    reader.read_exact(&mut read).expect("what was written");
    guest.gives("wasi:io/poll#pollable.ready", &[pollable], "true");
    guest.gives(BLOCKING_WRITE, &[output.clone(), bytes(b"more")], "ok");
    drop(reader);
    guest.gives(BLOCKING_WRITE, &[output.clone(), bytes(b"more")], "err(closed)");
    guest.gives(CHECK, &[output], "err(closed)");
}

#[test]
fn more_than_was_permitted_traps() {
    let captured = || Guest::of(|builder| _ = builder.capture_stdout(10_000_000));
    let mut guest = captured();
    let output = stdout(&mut guest);
    guest.traps(WRITE, &[output, bytes(b"a")], "1 bytes were written to a stream that permitted 0");
    let mut guest = captured();
    let output = stdout(&mut guest);
    let permitted = number_of(&guest.ok(CHECK, from_ref(&output)));
    guest.traps("wasi:io/streams#output-stream.write-zeroes", &[output, u64(permitted + 1)], "permitted");
    for (name, argument) in [
        (BLOCKING_WRITE, bytes(&[0; 4097])),
        ("wasi:io/streams#output-stream.blocking-write-zeroes-and-flush", u64(4097)),
    ] {
        let mut guest = captured();
        let output = stdout(&mut guest);
        guest.traps(name, &[output, argument], "at most 4096");
    }
    // The rest of what was permitted is still to be had.
    let mut guest = captured();
    let output = stdout(&mut guest);
    guest.ok(CHECK, from_ref(&output));
    guest.gives(WRITE, &[output.clone(), bytes(b"a")], "ok");
    guest.gives(WRITE, &[output.clone(), bytes(b"b")], "ok");
    guest.gives("wasi:io/streams#output-stream.flush", from_ref(&output), "ok");
    guest.traps(WRITE, &[output, bytes(b"c")], "permitted 0");
}

#[test]
fn bytes_are_spliced() {
    let mut guest = Guest::of(|builder| _ = builder.stdin_bytes(*b"abcdef").capture_stdout(4));
    let (input, output) = (stdin(&mut guest), stdout(&mut guest));
    guest.gives(SPLICE, &[output.clone(), input.clone(), u64(0)], "ok(0)");
    guest.gives(SPLICE, &[output.clone(), input.clone(), u64(2)], "ok(2)");
    guest.gives(BLOCKING_SPLICE, &[output.clone(), input.clone(), u64(1)], "ok(1)");
    assert_eq!(guest.state().ctx.stdout(), b"abc");
    let answer = guest.call(SPLICE, &[output.clone(), input.clone(), u64(10)]);
    assert_eq!(show(&answer), "err(last-operation-failed(handle))");
    guest.gives(SPLICE, &[output, input.clone(), u64(10)], "err(closed)");
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    let mut guest = Guest::of(|builder| _ = builder.stdin(reader).capture_stdout(100));
    let (input, output) = (stdin(&mut guest), stdout(&mut guest));
    guest.gives(SPLICE, &[output.clone(), input.clone(), u64(5)], "ok(0)");
    writer.write_all(b"xyz").expect("room");
    guest.gives(BLOCKING_SPLICE, &[output.clone(), input.clone(), u64(5)], "ok(3)");
    drop(writer);
    guest.gives(BLOCKING_SPLICE, &[output, input, u64(5)], "err(closed)");
}

/// What an embedder's stream was asked for.
#[derive(Default)]
struct Log {
    written: Vec<u8>,
    room: usize,
    closed: u32,
    waker: Option<Waker>,
}

#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Log>>);

impl Readiness for Logged {
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut log = self.0.lock().expect("no panic");
        if log.room > 0 {
            return Poll::Ready(());
        }
        log.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl HostOutput for Logged {
    fn check_write(&mut self) -> Result<usize, StreamError> {
        Ok(self.0.lock().expect("no panic").room)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StreamError> {
        let mut log = self.0.lock().expect("no panic");
        log.written.extend_from_slice(bytes);
        log.room -= bytes.len();
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StreamError> {
        Ok(())
    }

    fn close(&mut self) {
        self.0.lock().expect("no panic").closed += 1;
    }
}

impl HostInput for Logged {
    fn read(&mut self, max: usize) -> Result<Vec<u8>, StreamError> {
        let mut log = self.0.lock().expect("no panic");
        let count = max.min(log.room);
        log.room -= count;
        Ok(vec![b'i'; count])
    }

    fn close(&mut self) {
        self.0.lock().expect("no panic").closed += 1;
    }
}

impl Logged {
    fn give(&self, room: usize) {
        let mut log = self.0.lock().expect("no panic");
        log.room += room;
        let waker = log.waker.take();
        drop(log);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[test]
fn the_hosts_own_streams_are_asked() {
    let (sink, source) = (Logged::default(), Logged::default());
    let mut state = state(|_| ());
    state.set_stdout(Output::new(sink.clone())).set_stdin(Input::new(source.clone()));
    let mut guest = Guest::new(state);
    let (input, output) = (stdin(&mut guest), stdout(&mut guest));
    guest.gives(CHECK, from_ref(&output), "ok(0)");
    guest.gives(READ, &[input.clone(), u64(3)], "ok([])");
    sink.give(4);
    guest.gives(CHECK, from_ref(&output), "ok(4)");
    guest.gives(WRITE, &[output.clone(), bytes(b"ab")], "ok");
    // The thread waits, and another one gives it room.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while sink.0.lock().expect("no panic").waker.is_none() {
                std::thread::yield_now();
            }
            sink.give(3);
            while source.0.lock().expect("no panic").waker.is_none() {
                std::thread::yield_now();
            }
            source.give(2);
        });
        guest.gives(BLOCKING_WRITE, &[output.clone(), bytes(b"cdef")], "ok");
        let read = guest.ok(BLOCKING_READ, &[input.clone(), u64(5)]);
        assert_eq!(bytes_of(&read), b"ii");
    });
    assert_eq!(sink.0.lock().expect("no panic").written, b"abcdef");
    assert!(guest.call("wasi:cli/terminal-stdout#get-terminal-stdout", &[]) == Val::Option(None));
    guest.drop("wasi:io/streams#input-stream", input);
    guest.drop("wasi:io/streams#output-stream", output);
    assert_eq!(sink.0.lock().expect("no panic").closed, 1);
    assert_eq!(source.0.lock().expect("no panic").closed, 1);
}

#[test]
fn errors_are_told_once() {
    let mut guest = Guest::of(|builder| _ = builder.capture_stdout(0));
    let output = stdout(&mut guest);
    let answer = guest.call(BLOCKING_WRITE, &[output.clone(), bytes(b"a")]);
    let Val::Result(Err(Some(error))) = answer else { panic!("{answer:?}") };
    let Val::Variant(_, Some(error)) = *error else { panic!("{error:?}") };
    guest.gives("wasi:io/error#error.to-debug-string", from_ref(&*error), r#""NoSpc""#);
    guest.gives("wasi:filesystem/types#filesystem-error-code", from_ref(&*error), "some(insufficient-space)");
    guest.gives("wasi:sockets/network#network-error-code", from_ref(&*error), "none");
    guest.drop("wasi:io/error#error", *error);
    guest.gives(WRITE, &[output.clone(), bytes(b"a")], "err(closed)");
    guest.gives("wasi:io/streams#output-stream.flush", from_ref(&output), "err(closed)");
    let zeroes = [output.clone(), u64(u64::MAX)];
    guest.gives("wasi:io/streams#output-stream.write-zeroes", &zeroes, "err(closed)");
    let pollable = guest.call("wasi:io/streams#output-stream.subscribe", &[output]);
    guest.gives("wasi:io/poll#pollable.ready", &[pollable], "true");
}
