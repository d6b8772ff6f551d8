//! Nothing of an instance reaches the next one in its slot: handles, lends, call scopes and all memories,
//! however it ended: by itself, by a trap in either component, by an error of the host's, killed or dropped.
//!
//! `WASMAOT_COMPONENT_INSTANCES` sets the number of instances.

use crate::component;
use std::sync::Arc;
use std::time::{Duration, Instant};
use wasmaot_component::{Context, Error, Instance, Linker, Resource, Val};
use wasmaot_runtime::{HostError, Pool, PoolConfig, ResetWay, ResourceLimits};
use wasmaot_tests::{Random, report, variable};

/// What the host has for an instance.
struct Host {
    /// Counted, so that it is known when it is gone.
    _alive: Arc<()>,
    next: u32,
    refuses: bool,
}

/// A thing of the host's.
struct Thing;

/// Slots of the pool.
const SLOTS: u32 = 3;

/// Ways in which `run` ends, by its argument.
const RETURNS: u32 = 0;
const DROPS: u32 = 1;
const TRAPS: u32 = 2;
const TRAPS_INSIDE: u32 = 3;
const LOOPS: u32 = 4;
const LOOPS_INSIDE: u32 = 5;
const WAYS: u32 = 6;

/// Two components with a memory each. `run` makes two things, lends one of them to the other component,
/// dirties both memories, and ends as it is told. `left` is what is not as in a new instance.
pub(crate) fn text() -> String {
    let memory = r#"(memory (export "memory") 3)
        (func (export "fill") (param i32) (memory.fill (i32.const 100) (local.get 0) (i32.const 150000)))
        (func (export "sum") (result i32) (local i32 i32)
            (loop $next
                (local.set 1 (i32.or (local.get 1) (i32.load (local.get 0))))
                (local.set 0 (i32.add (local.get 0) (i32.const 4)))
                (br_if $next (i32.lt_u (local.get 0) (i32.const 196608))))
            (local.get 1))"#;
    format!(
        r#"(component
        (import "host" (instance $host
            (export "thing" (type $thing (sub resource)))
            (export "make" (func (result (own $thing))))))
        (alias export $host "thing" (type $thing))
        (component $B
            (import "thing" (type $thing (sub resource)))
            (core func $drop (canon resource.drop $thing))
            (core module $m
                (import "" "drop" (func $drop (param i32)))
                {memory}
                (func (export "hold") (param $thing i32) (param $way i32)
                    (if (i32.eq (local.get $way) (i32.const {TRAPS_INSIDE})) (then unreachable))
                    (if (i32.eq (local.get $way) (i32.const {LOOPS_INSIDE})) (then (loop $ever (br $ever))))
                    (call $drop (local.get $thing))))
            (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop))))))
            (func (export "hold") (param "t" (borrow $thing)) (param "way" u32) (canon lift (core func $i "hold")))
            (func (export "fill") (param "byte" u32) (canon lift (core func $i "fill")))
            (func (export "sum") (result u32) (canon lift (core func $i "sum"))))
        (component $A
        (import "thing" (type $thing (sub resource)))
        (import "make" (func $make_thing (result (own $thing))))
        (import "hold" (func $hold_thing (param "t" (borrow $thing)) (param "way" u32)))
        (import "fill" (func $fill_other (param "byte" u32)))
        (import "sum" (func $sum_other (result u32)))
        (core func $make (canon lower (func $make_thing)))
        (core func $drop (canon resource.drop $thing))
        (core func $hold (canon lower (func $hold_thing)))
        (core func $fill (canon lower (func $fill_other)))
        (core func $sum (canon lower (func $sum_other)))
        (core module $m
            (import "" "make" (func $make (result i32)))
            (import "" "drop" (func $drop (param i32)))
            (import "" "hold" (func $hold (param i32 i32)))
            (import "" "fill" (func $fill_there (param i32)))
            (import "" "sum" (func $sum_there (result i32)))
            {own}
            (global $runs (mut i32) (i32.const 0))
            (func (export "run") (param $way i32) (result i32) (local $thing i32)
                (global.set $runs (i32.add (global.get $runs) (i32.const 1)))
                (call $fill (i32.const 0xa5))
                (call $fill_there (i32.const 0x5a))
                (drop (call $make))
                (local.set $thing (call $make))
                (call $hold (local.get $thing) (local.get $way))
                (if (i32.eq (local.get $way) (i32.const {TRAPS})) (then unreachable))
                (if (i32.eq (local.get $way) (i32.const {LOOPS})) (then (loop $ever (br $ever))))
                (if (i32.eq (local.get $way) (i32.const {DROPS})) (then (call $drop (local.get $thing))))
                (local.get $thing))
            (func (export "left") (result i32) (local $thing i32)
                (local.set $thing (call $make))
                (call $drop (local.get $thing))
                (i32.or
                    (i32.or (i32.sub (local.get $thing) (i32.const 1)) (global.get $runs))
                    (i32.or (call $sum) (call $sum_there)))))
        (core instance $i (instantiate $m (with "" (instance
            (export "make" (func $make)) (export "drop" (func $drop)) (export "hold" (func $hold))
            (export "fill" (func $fill)) (export "sum" (func $sum))))))
        (func (export "run") (param "way" u32) (result u32) (canon lift (core func $i "run")))
        (func (export "left") (result u32) (canon lift (core func $i "left"))))
        (instance $b (instantiate $B (with "thing" (type $thing))))
        (instance $a (instantiate $A
            (with "thing" (type $thing)) (with "make" (func $host "make")) (with "hold" (func $b "hold"))
            (with "fill" (func $b "fill")) (with "sum" (func $b "sum"))))
        (export "run" (func $a "run"))
        (export "left" (func $a "left")))"#,
        own = memory
            .replace(r#"(func (export "fill")"#, r#"(func $fill (export "fill")"#)
            .replace(r#"(func (export "sum")"#, r#"(func $sum (export "sum")"#)
    )
}

fn linker() -> Linker<Host> {
    let mut linker = Linker::<Host>::new();
    let mut host = linker.instance("host").expect("a name");
    host.resource::<Thing>("thing", |_, _| Ok(())).expect("a new name");
    host.func_wrap("make", |cx: &mut Context<'_, '_, Host>| {
        let host = cx.data_mut();
        host.next += 1;
        match host.refuses && host.next > 1 {
            true => Err(HostError::other(std::io::Error::other("no more things"))),
            false => Ok(Resource::<Thing>::own(host.next)),
        }
    })
    .expect("a new name");
    linker
}

/// Fails unless an instance is as one that was made in a slot of its own.
fn check(instance: &mut Instance<Host>, number: u64, seed: u64) {
    assert_eq!(instance.handles(), 0, "instance {number} of seed {seed}");
    let left = instance.call("left", &[]).unwrap_or_else(|error| panic!("instance {number}: {error}"));
    assert_eq!(left, Some(Val::U32(0)), "instance {number} of seed {seed}");
    assert_eq!(instance.handles(), 0, "instance {number} of seed {seed}");
}

#[test]
fn nothing_survives_an_instance() {
    let count = variable("WASMAOT_COMPONENT_INSTANCES", 600);
    let seed = 1;
    let linked = linker().instantiate_pre(&component(&text())).unwrap_or_else(|error| panic!("{error}"));
    let alive = Arc::new(());
    for way in [ResetWay::Copy, ResetWay::Scan, ResetWay::Drop] {
        let pool =
            Pool::new(PoolConfig { slots: SLOTS, reset: way, ..PoolConfig::default() }).expect("a pool");
        let mut random = Random::new(seed);
        let (mut ends, mut kept) = ([0_u64; 3], Vec::new());
        for number in 0..count.div_ceil(3) {
            let host = Host { _alive: alive.clone(), next: 0, refuses: random.below(8) == 0 };
            let way = random.below(WAYS as usize) as u32;
            let mut limits = ResourceLimits::default();
            if way == LOOPS || way == LOOPS_INSIDE {
                limits.deadline = Some(Instant::now() + Duration::from_millis(3));
            }
            let refuses = host.refuses;
            let mut instance = linked.start_with(&pool, host, &limits).expect("a slot is free");
            if limits.deadline.is_none() && !refuses {
                check(&mut instance, number, seed);
            }
            let result = instance.call("run", &[Val::U32(way)]);
            match (&result, way) {
                (Ok(_), RETURNS | DROPS) => ends[0] += 1,
                (Err(Error::Call(_)), _) => ends[1] += 1,
                (Err(Error::Trap(_)), _) => ends[2] += 1,
                other => panic!("instance {number} of seed {seed}: {other:?}"),
            }
            assert!(result.is_err() || instance.handles() > 0, "instance {number} keeps a thing");
            match random.below(3) {
                0 => drop(instance),
                1 => drop(instance.finish()),
                _ => kept.push(instance),
            }
            // Some live on while their neighbours come and go.
            if kept.len() as u32 == SLOTS {
                kept.swap_remove(random.below(kept.len()));
            }
        }
        kept.clear();
        let stats = pool.stats();
        assert_eq!((stats.in_use, stats.failed), (0, 0));
        assert_eq!(Arc::strong_count(&alive), 1, "the host's data goes with its instance");
        assert!(ends[0] > 0 && ends[1] > 0, "{ends:?}");
        report(format_args!(
            "component: {way:?}: {} returned, {} ended otherwise, nothing is left",
            ends[0],
            ends[1] + ends[2]
        ));
    }
}
