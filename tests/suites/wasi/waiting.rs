//! In asynchronous calls, calls of WASI wait without a thread: guests wait for each other on one.

use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crate::blocking::{self, Given, LONG};
use wasmaot_runtime::{InstancePre, Linker, Pool, PoolConfig, TrapCode};
use wasmaot_tests::trap_code;
use wasmaot_wasi::{Errno, WasiCtx, WasiCtxBuilder};

const TEXT: &str = include_str!("../../guests/wasi_waiting.wat");

/// User data of the subscriptions of `either`.
const CLOCK: i64 = 7;
const INPUT: i64 = 9;

fn pool(text: &str, slots: u32) -> (Pool, InstancePre<WasiCtx>) {
    let module = wasmaot_tests::module(text);
    let mut linker = Linker::new();
    wasmaot_wasi::add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx).expect("new names");
    let pool = Pool::new(PoolConfig { slots, ..PoolConfig::default() }).expect("a pool");
    (pool, linker.instantiate_pre(&module).expect("all imports are defined"))
}

/// An executor with the calling thread only.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime")
}

fn with_input(input: PipeReader) -> WasiCtx {
    WasiCtxBuilder::new().stdin(OwnedFd::from(input)).build()
}

/// A ring of guests, each of which reads what the one before has written.
#[test]
fn guests_on_one_thread_wait_for_each_other() {
    const GUESTS: usize = 20;
    const TIMES: usize = 5;
    let (pool, linked) = pool(TEXT, GUESTS as u32);
    let pass = linked.get_typed_func::<i32, i32>("pass").expect("an export");
    let (mut inputs, mut outputs): (Vec<_>, Vec<_>) =
        (0..GUESTS).map(|_| std::io::pipe().expect("a pipe")).unzip();
    outputs[0].write_all(&[0]).expect("room");
    // Each writes what the next one reads.
    outputs.rotate_left(1);
    let results = runtime().block_on(async {
        let local = tokio::task::LocalSet::new();
        let tasks: Vec<_> = inputs
            .drain(..)
            .zip(outputs.drain(..))
            .map(|(input, output)| {
                let mut builder = WasiCtxBuilder::new();
                builder.stdin(OwnedFd::from(input)).stdout(OwnedFd::from(output));
                let mut instance = pool.start(&linked, builder.build()).expect("a free slot");
                local.spawn_local(async move { pass.call_async(&mut instance, TIMES as i32).await })
            })
            .collect();
        local.await;
        let mut results = Vec::new();
        for task in tasks {
            results.push(task.await.expect("it does not panic").expect("it returns"));
        }
        results
    });
    let last = |guest: usize| ((TIMES - 1) * GUESTS + guest + 1) as i32;
    assert_eq!(results, (0..GUESTS).map(last).collect::<Vec<_>>());
}

#[test]
fn many_sleep_on_one_thread() {
    const SLEEP: Duration = Duration::from_millis(30);
    let (pool, linked) = pool(TEXT, 100);
    let sleep = linked.get_typed_func::<i64, i32>("sleep").expect("an export");
    runtime().block_on(async {
        let local = tokio::task::LocalSet::new();
        for number in 0..100 {
            let mut instance = pool.start(&linked, WasiCtxBuilder::new().build()).expect("a free slot");
            local.spawn_local(async move {
                let (begin, time) = (Instant::now(), SLEEP + Duration::from_millis(number % 7));
                let slept = sleep.call_async(&mut instance, time.as_nanos() as i64).await;
                assert_eq!(slept.expect("it returns"), 0);
                assert!(begin.elapsed() >= time, "it woke early");
            });
        }
        local.await;
    });
}

/// Whatever a call waits for without a thread, it is stopped by deadlines and kills, and by dropping it.
#[test]
fn calls_that_wait_can_be_stopped() {
    let (given, (pool, linked)) = (Given::new(), pool(blocking::TEXT, 1));
    let runtime = runtime();
    for name in blocking::WAITS.into_iter().filter(|name| !name.starts_with("open")) {
        let wait = linked.get_typed_func::<(), ()>(name).expect("an export");
        for code in [Some(TrapCode::DeadlineExceeded), Some(TrapCode::Killed), None] {
            let mut instance = pool.start(&linked, given.builder.build()).expect("the slot is free");
            let client = given.client(name, &mut instance);
            runtime.block_on(async {
                match code {
                    Some(TrapCode::DeadlineExceeded) => {
                        let deadline = Instant::now() + Duration::from_millis(10);
                        instance.set_deadline(deadline).expect("a watchdog");
                    }
                    Some(_) => {
                        let handle = instance.interrupt_handle().expect("a watchdog");
                        std::thread::spawn(move || {
                            std::thread::sleep(Duration::from_millis(10));
                            handle.kill();
                        });
                    }
                    None => {}
                }
                let call = wait.call_async(&mut instance, ());
                match code {
                    Some(code) => assert_eq!(trap_code(call.await), code, "{name}"),
                    None => assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err()),
                }
            });
            drop(instance);
            if let Some(mut client) = client {
                // What it accepted is closed, although it was waited for.
                client.read_to_end(&mut Vec::new()).expect("an orderly end");
            }
        }
    }
    assert_eq!(pool.stats().made, 1);
}

/// A guest that writes more than there is room for leaves its thread to others until there is more, and
/// writes every byte.
#[test]
fn a_guest_waits_for_room_without_its_thread() {
    const WANTED: u64 = 1 << 20;
    let (pool, linked) = pool(blocking::TEXT, 1);
    let write = linked.get_typed_func::<(), ()>("write").expect("an export");
    let (mut input, output) = std::io::pipe().expect("a pipe");
    let ctx = WasiCtxBuilder::new().stdout(OwnedFd::from(output)).build();
    let mut instance = pool.start(&linked, ctx).expect("the slot is free");
    instance.set_deadline(Instant::now() + LONG).expect("a watchdog");
    let (is_full, full) = channel();
    let reader = std::thread::spawn(move || {
        full.recv_timeout(LONG).expect("another task runs");
        let mut bytes = Vec::new();
        Read::by_ref(&mut input).take(WANTED).read_to_end(&mut bytes).expect("a pipe");
        bytes
    });
    let returned = runtime().block_on(async {
        let local = tokio::task::LocalSet::new();
        let writer = local.spawn_local(async move {
            let returned = write.call_async(&mut instance, ()).await;
            (returned.map_err(|error| error.to_string()), instance.data().transferred())
        });
        local.spawn_local(async move {
            // The first run of the other task has filled the pipe, or is never left.
            tokio::time::sleep(Duration::from_millis(1)).await;
            is_full.send(()).expect("the reader waits");
        });
        local.await;
        writer.await.expect("it does not panic")
    });
    let (result, transferred) = returned;
    // No one reads the rest.
    assert_eq!(result, Ok(()));
    let bytes = reader.join().expect("it has read");
    assert_eq!(bytes.len() as u64, WANTED);
    assert!(transferred.written >= WANTED, "{transferred:?}");
}

/// Says on a channel that a task is woken.
struct Told(Sender<()>);

impl Wake for Told {
    fn wake(self: Arc<Self>) {
        _ = self.0.send(());
    }
}

fn told() -> (Waker, Receiver<()>) {
    let (sender, receiver) = channel();
    (Arc::new(Told(sender)).into(), receiver)
}

/// Something to be read, which others may take before the guest does.
struct Shared {
    input: File,
    output: PipeWriter,
}

impl Shared {
    fn new() -> (Self, PipeReader) {
        let (input, output) = std::io::pipe().expect("a pipe");
        (Self { input: OwnedFd::from(input.try_clone().expect("a copy")).into(), output }, input)
    }

    /// Has a waiting call woken for nothing.
    fn wake_for_nothing<F: Future>(&mut self, call: Pin<&mut F>, waker: &Waker, woken: &Receiver<()>) {
        self.output.write_all(&[0]).expect("room");
        woken.recv_timeout(LONG).expect("it is woken");
        self.input.read_exact(&mut [0]).expect("it is there");
        assert!(call.poll(&mut Context::from_waker(waker)).is_pending(), "it was taken");
    }
}

#[test]
fn a_call_that_is_woken_for_nothing_waits_on() {
    let (pool, linked) = pool(TEXT, 1);
    let byte = linked.get_typed_func::<(), i32>("byte").expect("an export");
    let (mut shared, input) = Shared::new();
    let mut instance = pool.start(&linked, with_input(input)).expect("a free slot");
    let (waker, woken) = told();
    let mut call = pin!(byte.call_async(&mut instance, ()));
    assert!(call.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    for _ in 0..10 {
        shared.wake_for_nothing(call.as_mut(), &waker, &woken);
    }
    shared.output.write_all(&[42]).expect("room");
    woken.recv_timeout(LONG).expect("it is woken");
    let Poll::Ready(result) = call.poll(&mut Context::from_waker(&waker)) else { panic!("there is a byte") };
    assert_eq!(result.expect("it returns"), 42);
}

/// A span of time begins with the call, however often that is made again.
#[test]
fn a_span_of_time_is_not_stretched() {
    const SPAN: Duration = Duration::from_millis(100);
    let (pool, linked) = pool(TEXT, 1);
    let either = linked.get_typed_func::<i64, i64>("either").expect("an export");
    let (mut shared, input) = Shared::new();
    let mut instance = pool.start(&linked, with_input(input)).expect("a free slot");
    let (waker, woken) = told();
    let context = &mut Context::from_waker(&waker);
    {
        let begin = Instant::now();
        let mut call = pin!(either.call_async(&mut instance, SPAN.as_nanos() as i64));
        assert!(call.as_mut().poll(context).is_pending());
        let result = loop {
            // Without end, if each attempt began the span anew.
            shared.output.write_all(&[0]).expect("room");
            woken.recv_timeout(LONG).expect("it is woken");
            shared.input.read_exact(&mut [0]).expect("it is there");
            std::thread::sleep(Duration::from_millis(1));
            if let Poll::Ready(result) = call.as_mut().poll(context) {
                break result;
            }
            assert!(begin.elapsed() < LONG, "it waits for ever");
        };
        assert_eq!(result.expect("it returns"), CLOCK);
        assert!(begin.elapsed() >= SPAN, "it woke early");
    }
    let (waker, woken) = told();
    let context = &mut Context::from_waker(&waker);
    let mut call = pin!(either.call_async(&mut instance, LONG.as_nanos() as i64));
    assert!(call.as_mut().poll(context).is_pending());
    shared.output.write_all(&[0]).expect("room");
    woken.recv_timeout(LONG).expect("it is woken");
    let Poll::Ready(result) = call.as_mut().poll(context) else { panic!("there is input") };
    assert_eq!(result.expect("it returns"), INPUT);
}

/// What is not to block does not wait, and what is ready neither.
#[test]
fn calls_that_need_not_wait_do_not() {
    let (pool, linked) = pool(TEXT, 1);
    let byte = linked.get_typed_func::<(), i32>("byte").expect("an export");
    let (mut shared, input) = Shared::new();
    let flags = rustix::fs::fcntl_getfl(&input).expect("flags") | rustix::fs::OFlags::NONBLOCK;
    let mut instance = pool.start(&linked, with_input(input)).expect("a free slot");
    let mut poll = |expected: i32| {
        let mut call = pin!(byte.call_async(&mut instance, ()));
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => assert_eq!(result.expect("it returns"), expected),
            Poll::Pending => panic!("it waits"),
        }
    };
    shared.output.write_all(&[3]).expect("room");
    poll(3);
    rustix::fs::fcntl_setfl(&shared.input, flags).expect("a pipe");
    poll(-i32::from(Errno::Again.raw()));
    drop(shared.output);
    // The end of the input is something to be read, too: nothing, which leaves the byte as it was.
    poll(3);
}
