//! Waiting: an asynchronous call suspends its guest and leaves the thread to others; any other call waits
//! with its thread, and ends at its deadline.

use crate::{Guest, export, linked, show, state, u64};
use std::io::Write;
use std::slice::from_ref;
use std::time::{Duration, Instant};
use wasmaot_component::{Error, Val};
use wasmaot_runtime::{CallError, TrapCode};

const BLOCKING_READ: &str = "wasi:io/streams#input-stream.blocking-read";
const BLOCK: &str = "wasi:io/poll#pollable.block";

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

impl Guest {
    /// Calls a function asynchronously.
    async fn wait(&mut self, name: &str, args: &[Val]) -> Result<Option<Val>, Box<Error>> {
        let func = linked().get_func(&export(name)).expect("it is exported");
        func.call_async(&mut self.instance, args).await.map_err(Box::new)
    }
}

fn is_deadline(error: &Error) -> bool {
    matches!(error, Error::Call(CallError::Trap(trap)) if trap.code == TrapCode::DeadlineExceeded)
}

/// One thread runs a hundred guests that wait for one another.
#[test]
fn guests_that_wait_share_a_thread() {
    const COUNT: usize = 100;
    let tasks = (0..COUNT).map(|index| {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        (index, reader, writer)
    });
    let (mut readers, mut writers) = (Vec::new(), Vec::new());
    for (index, reader, writer) in tasks {
        readers.push((index, reader));
        writers.push(writer);
    }
    // Each writes what the next one reads.
    writers.rotate_left(1);
    let local = tokio::task::LocalSet::new();
    let sum = local.block_on(&runtime(), async move {
        let mut running = Vec::new();
        for ((index, reader), mut writer) in readers.into_iter().zip(writers) {
            running.push(tokio::task::spawn_local(async move {
                let mut guest = Guest::of(|builder| _ = builder.stdin(reader));
                let input = guest.call("wasi:cli/stdin#get-stdin", &[]);
                if index == 0 {
                    writer.write_all(&[0]).expect("room");
                }
                let read = guest.wait(BLOCKING_READ, &[input, u64(1)]).await.expect("it reads");
                let Some(Val::Result(Ok(Some(bytes)))) = read else { panic!("{read:?}") };
                let number = crate::bytes_of(&bytes)[0];
                // The last one's is read by nothing that still waits.
                _ = writer.write_all(&[number + 1]);
                usize::from(number)
            }));
        }
        let mut sum = 0;
        for task in running {
            sum += task.await.expect("no panic");
        }
        sum
    });
    assert_eq!(sum, COUNT * (COUNT - 1) / 2);
}

#[test]
fn clocks_and_writes_are_waited_for() {
    runtime().block_on(async {
        let mut guest = Guest::of(|_| ());
        let pollable = guest.call("wasi:clocks/monotonic-clock#subscribe-duration", &[u64(20_000_000)]);
        let never = guest.call("wasi:clocks/monotonic-clock#subscribe-duration", &[u64(u64::MAX)]);
        let begun = Instant::now();
        let list = Val::List(vec![never, pollable]);
        let ready = guest.wait("wasi:io/poll#poll", &[list]).await.expect("it is ready");
        assert_eq!(ready.as_ref().map(show).as_deref(), Some("[1]"));
        assert!(begun.elapsed() >= Duration::from_millis(15));

        let (reader, writer) = std::io::pipe().expect("a pipe");
        let mut guest = Guest::of(|builder| _ = builder.stdout(writer));
        let output = guest.call("wasi:cli/stdout#get-stdout", &[]);
        let bytes = crate::bytes(&[1; 4096]);
        let write = "wasi:io/streams#output-stream.blocking-write-and-flush";
        // Far more than the pipe holds, which another task reads.
        let mut reader = std::fs::File::from(std::os::fd::OwnedFd::from(reader));
        let read = std::thread::spawn(move || {
            let mut all = Vec::new();
            std::io::Read::read_to_end(&mut reader, &mut all).map(|_| all.len())
        });
        for _ in 0..100 {
            let written = guest.wait(write, &[output.clone(), bytes.clone()]).await.expect("it writes");
            assert_eq!(written.as_ref().map(show).as_deref(), Some("ok"));
        }
        drop(guest);
        assert_eq!(read.join().expect("no panic").expect("it reads"), 409_600);
    });
}

#[test]
fn deadlines_end_waits() {
    let (reader, _writer) = std::io::pipe().expect("a pipe");
    let waiting = || {
        let reader = reader.try_clone().expect("a copy");
        let mut guest = Guest::new(state(|builder| _ = builder.stdin(reader)));
        let input = guest.call("wasi:cli/stdin#get-stdin", &[]);
        let pollable = guest.call("wasi:io/streams#input-stream.subscribe", from_ref(&input));
        guest.instance.set_deadline(Instant::now() + Duration::from_millis(30)).expect("it holds");
        (guest, input, pollable)
    };
    let (mut guest, input, _) = waiting();
    let error = guest.try_call(BLOCKING_READ, &[input, u64(1)]).expect_err("it waits for ever");
    assert!(is_deadline(&error), "{error}");
    let (mut guest, _, pollable) = waiting();
    let error = guest.try_call(BLOCK, &[pollable]).expect_err("it waits for ever");
    assert!(is_deadline(&error), "{error}");
    runtime().block_on(async {
        let (mut guest, input, _) = waiting();
        let error = guest.wait(BLOCKING_READ, &[input, u64(1)]).await.expect_err("it waits for ever");
        assert!(is_deadline(&error), "{error}");
        let (mut guest, _, pollable) = waiting();
        let error = guest.wait(BLOCK, &[pollable]).await.expect_err("it waits for ever");
        assert!(is_deadline(&error), "{error}");
    });
}

/// A call whose future is dropped is given up, and what it had goes with the instance.
#[test]
fn waits_that_are_given_up_leave_nothing() {
    runtime().block_on(async {
        let (reader, mut writer) = std::io::pipe().expect("a pipe");
        let copy = reader.try_clone().expect("a copy");
        let mut guest = Guest::of(|builder| _ = builder.stdin(copy));
        let input = guest.call("wasi:cli/stdin#get-stdin", &[]);
        let args = [input, u64(1)];
        let wait = guest.wait(BLOCKING_READ, &args);
        let given_up = tokio::time::timeout(Duration::from_millis(20), wait).await;
        assert!(given_up.is_err());
        drop(guest);
        drop(reader);
        assert!(writer.write_all(&[1]).is_err(), "no end to read from is left");
    });
}
