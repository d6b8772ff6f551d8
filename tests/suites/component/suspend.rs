//! Host functions that suspend their guest, and guests that run in slices.

use crate::component;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::task::{Context as Task, Poll, Wake, Waker};
use std::time::{Duration, Instant};
use wasmaot_component::{Context, Error, InstancePre, Linker, Resource, ResourceTable, Trap, Val};
use wasmaot_runtime::{CallError, Pool, PoolConfig, ResourceLimits, TrapCode};

/// A component whose `run` asks the host twice, by a handle that it lends, and joins the answers in memory;
/// `spin` does not end.
const ASKING: &str = r#"(component
    (import "test:host/ask@1.0.0" (instance $host
        (export "key" (type $key (sub resource)))
        (export "ask" (func (param "key" (borrow $key)) (param "number" u32) (result (result string (error u32)))))))
    (alias export $host "key" (type $key))
    (core module $memory
        (memory (export "memory") 2)
        (global $next (mut i32) (i32.const 4096))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (global.get $next)
            (global.set $next (i32.add (global.get $next) (local.get 3)))))
    (core instance $memory (instantiate $memory))
    (core func $ask (canon lower (func $host "ask")
        (memory (core memory $memory "memory")) (realloc (core func $memory "realloc"))))
    (core func $drop (canon resource.drop $key))
    (core module $m
        (import "" "ask" (func $ask (param i32 i32 i32)))
        (import "" "drop" (func $drop (param i32)))
        (import "memory" "memory" (memory 2))
        (func (export "run") (param $key i32) (result i32)
            (call $ask (local.get $key) (i32.const 1) (i32.const 16))
            (call $ask (local.get $key) (i32.const 2) (i32.const 32))
            (call $drop (local.get $key))
            ;; The second answer; the first one has to be there still.
            (if (i32.ne (i32.load8_u (i32.load (i32.const 20))) (i32.const 49)) (then unreachable))
            (i32.const 32))
        (func (export "spin") (loop $again (br $again))))
    (core instance $i (instantiate $m
        (with "memory" (instance $memory))
        (with "" (instance (export "ask" (func $ask)) (export "drop" (func $drop))))))
    (func (export "run") (param "key" (own $key)) (result (result string (error u32)))
        (canon lift (core func $i "run") (memory (core memory $memory "memory"))))
    (func (export "spin") (canon lift (core func $i "spin"))))"#;

/// What the host keeps for an instance.
#[derive(Default)]
struct Host {
    keys: ResourceTable,
    completed: u32,
}

/// Ready when it is polled for the third time.
async fn third_time() {
    let mut polls = 0;
    std::future::poll_fn(|cx| {
        polls += 1;
        if polls == 3 {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Suspends its caller this many times.
fn ask(cx: &Context<'_, '_, Host>, number: u32, times: u32) -> wasmaot_runtime::HostError {
    cx.suspend(async move {
        third_time().await;
        move |cx: &mut Context<'_, '_, Host>| match times {
            1 => {
                cx.data_mut().completed += 1;
                Ok(Ok::<String, u32>(number.to_string()))
            }
            times => Err(ask(cx, number, times - 1)),
        }
    })
}

fn linked() -> InstancePre<Host> {
    let mut linker = Linker::<Host>::new();
    let mut host = linker.instance("test:host/ask@1.0.0").expect("a name");
    host.resource::<u32>("key", |cx, rep| {
        cx.data_mut()
            .keys
            .delete(Resource::<u32>::own(rep))
            .map(drop)
            .map_err(wasmaot_runtime::HostError::other)
    })
    .expect("a new name");
    host.func_wrap("ask", |cx: &mut Context<'_, '_, Host>, key: Resource<u32>, number: u32| {
        let times = *cx.data().keys.get(&key).map_err(wasmaot_runtime::HostError::other)?;
        match times {
            0 => Ok(Err::<String, u32>(number)),
            times => Err(ask(cx, number, times)),
        }
    })
    .expect("a new name");
    linker.instantiate_pre(&component(ASKING)).unwrap_or_else(|error| panic!("{error}"))
}

/// Counts how often a task is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// Polls a future whenever it is woken. Returns how often that was, too.
fn block_on<R>(future: impl Future<Output = R>) -> (R, usize) {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        polls += 1;
        let seen = woken.0.load(SeqCst);
        if let Poll::Ready(result) = future.as_mut().poll(&mut Task::from_waker(&waker)) {
            return (result, polls);
        }
        while woken.0.load(SeqCst) == seen {
            std::thread::yield_now();
        }
    }
}

fn pool() -> Pool {
    Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool")
}

type Answer = Result<String, u32>;

#[test]
fn a_host_function_waits_and_returns() {
    let (linked, pool) = (linked(), pool());
    let run = linked.get_typed_func::<(Resource<u32>,), Answer>("run").expect("the type is right");
    for times in [0, 1, 2, 3] {
        let mut instance = linked.start(&pool, Host::default()).expect("a slot");
        let key = instance.data_mut().keys.push(times).expect("there is room");
        let (answer, polls) = block_on(run.call_async(&mut instance, (key,)));
        match times {
            0 => assert!(
                matches!(answer, Err(Error::Call(CallError::Trap(_)))),
                "the guest wants text: {answer:?}"
            ),
            times => {
                assert_eq!(answer.expect("it returns"), Ok("2".to_string()));
                // Two calls, each suspended that many times, each of which is polled three times.
                assert_eq!((instance.data().completed, polls), (2, 4 * times as usize + 1));
                assert!(instance.data().keys.is_empty());
                assert_eq!(instance.handles(), 0);
            }
        }
    }
}

#[test]
fn values_of_any_type_wait_as_well() {
    let mut linker = Linker::<()>::new();
    linker
        .instance("test:host/get@1.0.0")
        .expect("a name")
        .func_new("get", |cx, values| {
            let value = values[0].clone();
            Err(cx.suspend(async move {
                third_time().await;
                move |_: &mut Context<'_, '_, ()>| Ok(Some(value))
            }))
        })
        .expect("a new name");
    let linked = linker
        .instantiate_pre(&component(
            r#"(component
            (import "test:host/get@1.0.0" (instance $host (export "get" (func (param "a" u64) (result u64)))))
            (core func $get (canon lower (func $host "get")))
            (core module $m
                (import "" "get" (func $get (param i64) (result i64)))
                (func (export "run") (param i64) (result i64)
                    (i64.add (call $get (local.get 0)) (call $get (i64.const 40)))))
            (core instance $i (instantiate $m (with "" (instance (export "get" (func $get))))))
            (func (export "run") (param "a" u64) (result u64) (canon lift (core func $i "run"))))"#,
        ))
        .unwrap_or_else(|error| panic!("{error}"));
    let run = linked.get_func("run").expect("it is there");
    let mut instance = linked.instantiate(()).expect("an instance");
    let (result, polls) = block_on(run.call_async(&mut instance, &[Val::U64(2)]));
    assert_eq!((result.expect("it returns"), polls), (Some(Val::U64(42)), 5));
    // A call that waits for nothing cannot be suspended.
    let result = run.call(&mut instance, &[Val::U64(2)]);
    assert!(matches!(result, Err(Error::Call(CallError::CannotSuspend))), "{result:?}");
}

#[test]
fn a_result_is_of_the_functions_type() {
    let mut linker = Linker::<()>::new();
    linker
        .instance("test:host/get@1.0.0")
        .expect("a name")
        .func_wrap("get", |cx: &mut Context<'_, '_, ()>| {
            Err::<u32, _>(cx.suspend(async { |_: &mut Context<'_, '_, ()>| Ok("no number") }))
        })
        .expect("a new name");
    let linked = linker
        .instantiate_pre(&component(
            r#"(component
            (import "test:host/get@1.0.0" (instance $host (export "get" (func (result u32)))))
            (core func $get (canon lower (func $host "get")))
            (core module $m (import "" "get" (func $get (result i32))) (export "run" (func $get)))
            (core instance $i (instantiate $m (with "" (instance (export "get" (func $get))))))
            (func (export "run") (result u32) (canon lift (core func $i "run"))))"#,
        ))
        .unwrap_or_else(|error| panic!("{error}"));
    let run = linked.get_typed_func::<(), u32>("run").expect("the type is right");
    let mut instance = linked.instantiate(()).expect("an instance");
    let (result, _) = block_on(run.call_async(&mut instance, ()));
    assert!(matches!(result, Err(Error::Trap(Trap::Suspension))), "{result:?}");
}

#[test]
fn a_call_that_is_dropped_gives_its_slot_back() {
    let (linked, pool) = (linked(), pool());
    let run = linked.get_typed_func::<(Resource<u32>,), Answer>("run").expect("the type is right");
    for _ in 0..3 {
        let mut instance = linked.start(&pool, Host::default()).expect("a slot");
        let key = instance.data_mut().keys.push(1_u32).expect("there is room");
        {
            let mut call = pin!(run.call_async(&mut instance, (key,)));
            assert!(call.as_mut().poll(&mut Task::from_waker(Waker::noop())).is_pending());
        }
        // What was given up is not entered again.
        let key = instance.data_mut().keys.push(1_u32).expect("there is room");
        let (again, _) = block_on(run.call_async(&mut instance, (key,)));
        assert!(matches!(again, Err(Error::Trap(Trap::Violation(_)))), "{again:?}");
    }
}

#[test]
fn a_guest_that_computes_yields_and_is_stopped() {
    let (linked, pool) = (linked(), pool());
    let spin = linked.get_typed_func::<(), ()>("spin").expect("the type is right");
    let deadline = Some(Instant::now() + Duration::from_millis(100));
    let limits = ResourceLimits { deadline, ..ResourceLimits::default() };
    let mut instance = linked.start_with(&pool, Host::default(), &limits).expect("a slot");
    instance.yield_every(Duration::from_millis(1)).expect("slices are enforced");
    let (result, polls) = block_on(spin.call_async(&mut instance, ()));
    match result {
        Err(Error::Call(CallError::Trap(trap))) => assert_eq!(trap.code, TrapCode::DeadlineExceeded),
        other => panic!("{other:?}"),
    }
    assert!(polls > 2, "{polls}");
}
