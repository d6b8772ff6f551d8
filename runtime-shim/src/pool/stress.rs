//! Pools that threads use at random: calls fail, runs trap, are killed, suspended and given up, slots change
//! their module, and signals of the host's own arrive in between.
//!
//! Each instance is compared with one of a new pool before it is used. `WASMAOT_STRESS_ROUNDS` says how many
//! instances each thread uses, `WASMAOT_STRESS_SEED` how.

use super::refused::{
    FAILURES, NEW, SUSPEND, WAYS, assert_as_new, assert_cannot_start, import, link, see, spoil_unless,
};
use super::tests::pool;
use crate::os::inject::plan;
use crate::tests::artifact::{Disturbed, disturb};
use crate::*;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::mpsc;
use std::thread::ScopedJoinHandle;
use std::time::Duration;

const THREADS: u64 = 3;

/// Positions at which a call may fail.
const POSITIONS: u64 = 24;

/// A generator of the kind xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Runs something, more often than not while a call may fail. Says whether one did.
fn perhaps_refused<R>(random: &mut Random, run: impl FnOnce() -> R) -> (R, bool) {
    let failure = FAILURES[random.below(FAILURES.len() as u64) as usize];
    let position = if random.below(3) == 0 { u32::MAX } else { random.below(POSITIONS) as u32 };
    let (result, outcome) = plan::with(position, failure, run);
    (result, outcome.failed > 0)
}

/// What a run may end with that is killed or has no memory.
const ENDS: [TrapCode; 2] = [TrapCode::OutOfMemory, TrapCode::Killed];

/// Does something with an instance. `false` if it cannot be used any more, as a call is suspended.
fn act(instance: &mut PooledInstance<()>, random: &mut Random) -> bool {
    match random.below(6) {
        0 => {
            let name = ["trap", "null", "recurse"][random.below(3) as usize];
            assert!(matches!(instance.call(name, &[]), Err(CallError::Trap(_) | CallError::Thread(_))));
        }
        1 => {
            let handle = instance.interrupt_handle().unwrap();
            let (delay, plan) = (random.below(2000), random);
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    (0..delay).for_each(|_| std::hint::spin_loop());
                    handle.kill();
                });
                perhaps_refused(plan, || spoil_unless(instance, &ENDS));
            });
        }
        2 => {
            let wait = instance.get_typed_func::<(i32, i32, i32), i32>("import").unwrap();
            let Val::I32(import) = import() else { unreachable!() };
            let outcome = wait.call_resumable(instance, (import, SUSPEND, 0));
            let Ok(Outcome::Suspended(call)) = outcome else { return true };
            if random.below(2) == 0 {
                return false;
            }
            let complete = |caller: &mut Caller<'_, ()>| {
                caller.write(12 * 4096, &[1; 5000])?;
                Ok(5i32)
            };
            match perhaps_refused(random, || call.resume_with(instance, complete)) {
                (Ok(end), _) => assert!(matches!(end, Outcome::Returned(5))),
                (Err(CallError::Trap(trap)), _) => assert!(ENDS.contains(&trap.code), "{trap}"),
                (Err(error), _) => panic!("{error}"),
            }
        }
        _ => {
            perhaps_refused(random, || spoil_unless(instance, &ENDS));
        }
    }
    true
}

/// Uses one instance. `None` if there was none.
fn round(pools: &[Pool], modules: &[InstancePre<()>], random: &mut Random, context: &str) -> Option<bool> {
    let (pool, linked) = (&pools[random.below(3) as usize], &modules[random.below(2) as usize]);
    let mut instance = match perhaps_refused(random, || pool.start(linked, ())) {
        (Ok(instance), _) => instance,
        (Err(StartError::Exhausted { .. }), _) => return None,
        (Err(error), was_refused) => {
            assert!(was_refused, "{context}: {error}");
            assert_cannot_start(&error);
            return None;
        }
    };
    if random.below(3) == 0 {
        let seen = see(&mut instance);
        let same = seen.memories.iter().zip(&NEW.memories).map(|(seen, new)| seen == new);
        assert!(seen == *NEW, "{context}: memories are reset: {:?}", same.collect::<Vec<_>>());
    } else {
        _ = (0..=random.below(3)).all(|_| act(&mut instance, random));
    }
    Some(perhaps_refused(random, || instance.finish()).1)
}

#[test]
fn nothing_is_left_whatever_happens() {
    let (rounds, seed) = (number("WASMAOT_STRESS_ROUNDS", 400), number("WASMAOT_STRESS_SEED", 1));
    // Another slot than there are threads, so that one that cannot be emptied is not waited for.
    let pools = WAYS.map(|way| pool(THREADS as u32 + 1, way));
    let modules = [link(), link()];
    let run = |thread: u64| {
        let mut random = Random((seed * THREADS + thread + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut used = 0;
        for number in 0..rounds {
            let context = format!("seed {seed}, thread {thread}, round {number}");
            used += u64::from(round(&pools, &modules, &mut random, &context).is_some());
        }
        used
    };
    let (done, (known, threads)) = (AtomicBool::new(false), mpsc::channel());
    let (used, handled) = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let known = known.clone();
                scope.spawn(move || {
                    known.send(Disturbed::this_thread()).unwrap();
                    run(thread)
                })
            })
            .collect();
        let threads: Vec<_> = threads.iter().take(THREADS as usize).collect();
        let done = &done;
        // SAFETY: the threads are joined after this one.
        let disturber = scope.spawn(move || unsafe { disturb(&threads, done) });
        while !workers.iter().all(ScopedJoinHandle::is_finished) {
            std::thread::sleep(Duration::from_millis(1));
        }
        done.store(true, SeqCst);
        let handled = disturber.join().unwrap();
        (workers.into_iter().map(|worker| worker.join().unwrap()).sum::<u64>(), handled)
    });
    assert!(handled > 0);
    assert!(used > THREADS * rounds / 2, "only {used} of {} instances started", THREADS * rounds);
    for (pool, linked) in pools.iter().flat_map(|pool| modules.iter().map(move |linked| (pool, linked))) {
        assert_as_new(pool, linked, &format!("after all, seed {seed}"));
        println!("{used} instances, {handled} signals: {:?}", pool.stats());
    }
}
