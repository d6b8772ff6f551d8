//! Guests of all kinds on several threads, stopped and suspended at random, while signals of the host arrive
//! at random moments.
//!
//! Each instance that ends by itself gives the result of a fresh one, and each that is to be stopped is.
//! `WASMAOT_SIGNAL_STRESS` says for how many seconds it runs: 5 without it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, Caller, HostError, HostSignals, InstancePre, InterruptHandle, Linker, Outcome, Pool,
    PoolConfig, PooledInstance, Suspend, TrapCode, TypedFunc, Val, prepare_thread,
};
use wasmaot_tests::{Random, report, trap_code, variable};

const TEXT: &str = include_str!("../../guests/signals_stress.wat");

const TRAPS: [(&str, TrapCode); 3] = [
    ("deep", TrapCode::StackOverflow),
    ("load", TrapCode::MemoryOutOfBounds),
    ("divide", TrapCode::IntegerDivideByZero),
];

const ENDLESS: [&str; 3] = ["forever", "calls_forever", "fills_forever"];

/// Threads that run guests.
const THREADS: u64 = 3;

static HANDLED: AtomicU64 = AtomicU64::new(0);

/// Uses some stack, as handlers do that format a message.
extern "C" fn handler(_: libc::c_int) {
    let bytes = std::hint::black_box([1u8; 8 << 10]);
    HANDLED.fetch_add(u64::from(bytes[17]), SeqCst);
}

/// Installs a handler without `SA_ONSTACK`.
fn install(number: i32) {
    // SAFETY: the handler does what handlers may do.
    unsafe { libc::signal(number, handler as *const () as libc::sighandler_t) };
}

struct Host {
    pool: Pool,
    linked: InstancePre<()>,
    work: TypedFunc<i32, i32>,
    ask: TypedFunc<i32, i32>,
    handles: mpsc::SyncSender<(InterruptHandle, u64)>,
}

impl Host {
    fn start(&self) -> PooledInstance<()> {
        self.pool.start(&self.linked, ()).expect("a free slot")
    }

    /// Work that ends, or is stopped at a random moment.
    fn works(&self, random: &mut Random, fresh: &[i32]) {
        let mut instance = self.start();
        let seed = random.below(fresh.len());
        let killed = random.below(4) == 0;
        if killed {
            self.kill_later(&mut instance, random);
        }
        match self.work.call(&mut instance, seed as i32) {
            Ok(sum) => assert_eq!(sum, fresh[seed], "seed {seed}"),
            Err(CallError::Trap(trap)) => assert!(killed && trap.code == TrapCode::Killed, "{trap:?}"),
            Err(error) => panic!("{error}"),
        }
    }

    fn traps(&self, random: &mut Random) {
        let (name, code) = TRAPS[random.below(TRAPS.len())];
        assert_eq!(trap_code(self.start().call(name, &[])), code, "{name}");
    }

    fn is_stopped(&self, random: &mut Random) {
        let mut instance = self.start();
        let code = if random.below(2) == 0 {
            self.kill_later(&mut instance, random);
            TrapCode::Killed
        } else {
            let after = Duration::from_micros(random.below(3000) as u64);
            instance.set_deadline(Instant::now() + after).expect("a watchdog");
            TrapCode::DeadlineExceeded
        };
        let name = ENDLESS[random.below(ENDLESS.len())];
        assert_eq!(trap_code(instance.call(name, &[])), code, "{name}");
    }

    /// Goes on with a suspended call, or forgets it.
    fn suspends(&self, random: &mut Random, expected: i32) {
        let mut instance = self.start();
        let mut outcome = self.ask.call_resumable(&mut instance, 3).expect("it suspends");
        loop {
            match outcome {
                Outcome::Returned(sum) => return assert_eq!(sum, expected),
                Outcome::Suspended(_) if random.below(4) == 0 => return,
                Outcome::Suspended(suspended) => {
                    outcome = suspended.resume(&mut instance, 10).expect("it goes on");
                }
            }
        }
    }

    fn kill_later(&self, instance: &mut PooledInstance<()>, random: &mut Random) {
        let handle = instance.interrupt_handle().expect("a watchdog");
        let most = 1 << random.below(15);
        self.handles.send((handle, random.below(most) as u64)).expect("the other thread listens");
    }
}

fn linker() -> Linker<()> {
    let mut linker = Linker::new();
    let ask = |_: &mut Caller<'_, ()>, question: i32| Err::<i32, HostError>(Suspend::new(question).into());
    let call = |caller: &mut Caller<'_, ()>, value: i32| {
        if value % 64 != 63 {
            return Ok(value);
        }
        match caller.call("quick", &[])?[..] {
            [Val::I32(seven)] => Ok::<i32, HostError>(value + seven),
            _ => unreachable!("the type is checked"),
        }
    };
    let defined =
        linker.func_wrap("host", "ask", ask).and_then(|linker| linker.func_wrap("host", "call", call));
    defined.expect("new names");
    linker
}

/// Sends signals to the process and its handlers' places, and now and then has the host install its handlers
/// anew.
fn send_signals(stop: &AtomicBool) {
    let mut random = Random::new(99);
    let numbers = [libc::SIGUSR1, libc::SIGUSR2, libc::SIGALRM, libc::SIGIO, libc::SIGPROF];
    while !stop.load(SeqCst) {
        let number = numbers[random.below(numbers.len())];
        if random.below(100) == 0 {
            install(number);
        }
        if random.below(300) == 0 {
            prepare_thread().expect("a thread");
        }
        // SAFETY: the signal has a handler.
        unsafe { libc::kill(libc::getpid(), number) };
        (0..random.below(20_000)).for_each(|_| std::hint::spin_loop());
    }
}

/// The stress, in a process of its own.
pub(crate) fn run() {
    for number in [libc::SIGUSR1, libc::SIGUSR2, libc::SIGALRM, libc::SIGIO, libc::SIGPROF] {
        install(number);
    }
    let end = Instant::now() + Duration::from_secs(variable("WASMAOT_SIGNAL_STRESS", 5));
    let module = wasmaot_tests::module(TEXT);
    let linked = linker().instantiate_pre(&module).expect("all imports are defined");
    let (handles, fired) = mpsc::sync_channel::<(InterruptHandle, u64)>(16);
    let host = |host_signals| Host {
        pool: Pool::new(PoolConfig { slots: 8, host_signals, ..PoolConfig::default() }).expect("a pool"),
        linked: linked.clone(),
        work: linked.get_typed_func("work").expect("an export"),
        ask: linked.get_typed_func("ask").expect("an export"),
        handles: handles.clone(),
    };
    let hosts = [host(HostSignals::Unchanged), host(HostSignals::Checked)];
    drop(handles);
    // What fresh instances give, before any signal.
    let fresh: Vec<i32> =
        (0..32).map(|seed| hosts[0].work.call(&mut hosts[0].start(), seed).expect("it returns")).collect();
    let asked = 20 + fresh[5];
    let (stop, rounds) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let (stop, rounds, fresh) = (&stop, &rounds, &fresh);
        scope.spawn(move || send_signals(stop));
        scope.spawn(move || {
            for (handle, turns) in fired {
                (0..turns).for_each(|_| std::hint::spin_loop());
                handle.kill();
            }
        });
        let runners: Vec<_> = hosts
            .into_iter()
            .map(std::sync::Arc::new)
            .flat_map(|host| (0..THREADS).map(move |seed| (host.clone(), seed)))
            .map(|(host, seed)| {
                scope.spawn(move || {
                    let mut random = Random::new(seed + 1);
                    while Instant::now() < end {
                        match random.below(8) {
                            0..=3 => host.works(&mut random, fresh),
                            4 | 5 => host.traps(&mut random),
                            6 => host.is_stopped(&mut random),
                            _ => host.suspends(&mut random, asked),
                        }
                        rounds.fetch_add(1, SeqCst);
                    }
                })
            })
            .collect();
        let ended: Vec<_> = runners.into_iter().map(|runner| runner.join()).collect();
        stop.store(true, SeqCst);
        assert!(ended.iter().all(Result::is_ok), "a thread has found a difference");
    });
    let (rounds, handled) = (rounds.into_inner(), HANDLED.load(SeqCst));
    report(format_args!("{rounds} instances beside {handled} signals"));
    assert!(rounds > 0 && handled > 0);
}
