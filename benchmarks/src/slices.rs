//! On one executor thread: how long short requests take beside a guest without end, whose call yields at the
//! end of each time slice.
//!
//! The executor polls its tasks in turn, as they wake themselves. A short request begins when its task wakes
//! itself, so its time includes the wait for all that is polled before it, and is over when its instance has
//! finished.

use clap::Args;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};
use wasmaot_bench::stats::Times;
use wasmaot_bench::{guests, ours};
use wasmaot_runtime::{HotSets, InstancePre, Linker, Pool, PoolConfig, TypedFunc};

/// Milliseconds of the slices.
const SLICES: [u64; 3] = [1, 5, 20];

#[derive(Args)]
pub(crate) struct Opts {
    /// Directory of the programs.
    #[arg(long, default_value = "benchmarks/programs")]
    programs: PathBuf,
    /// Number of tasks that each make short requests in sequence.
    #[arg(long, default_value_t = 50)]
    tasks: usize,
    /// Number of requests per task.
    #[arg(long, default_value_t = 200)]
    requests: usize,
    /// Directory for compiled files during the measurement.
    #[arg(long, default_value = "target/bench")]
    scratch: PathBuf,
}

pub(crate) fn run(opts: &Opts) -> io::Result<()> {
    let subject = Subject::new(opts)?;
    println!("| beside | short requests, µs: p50 | p99 | p99.9 | at most |\n|---|---|---|---|---|");
    row("nothing", &subject.requests(opts, None)?);
    for slice in SLICES {
        let times = subject.requests(opts, Some(Duration::from_millis(slice)))?;
        row(&format!("a guest without end, in slices of {slice} ms"), &times);
    }
    Ok(())
}

fn row(beside: &str, times: &Times) {
    let (summary, all) = (times.summary(), times.ascending());
    let most = all.last().copied().unwrap_or(0.0);
    let [p50, p99, p999, most] = [summary.p50, summary.p99, summary.p999, most].map(|nanos| nanos / 1e3);
    println!("| {beside} | {p50:.1} | {p99:.1} | {p999:.1} | {most:.1} |");
}

type Task<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + 'a>>;

/// Polls all tasks in turn, each of which is always ready to be polled, until all but the last are over.
fn execute(mut tasks: Vec<Task<'_>>, endless: Option<Task<'_>>) -> io::Result<()> {
    let mut context = Context::from_waker(Waker::noop());
    let mut endless = endless;
    while !tasks.is_empty() {
        if let Some(Poll::Ready(result)) = endless.as_mut().map(|task| task.as_mut().poll(&mut context)) {
            return result.and(Err(io::Error::other("the guest without end has ended")));
        }
        let mut failed = Ok(());
        tasks.retain_mut(|task| match task.as_mut().poll(&mut context) {
            Poll::Pending => true,
            Poll::Ready(result) => {
                failed = std::mem::replace(&mut failed, Ok(())).and(result);
                false
            }
        });
        failed?;
    }
    Ok(())
}

/// Lets the executor poll all others.
async fn others() {
    let has_waited = Cell::new(false);
    poll_fn(|_| if has_waited.replace(true) { Poll::Ready(()) } else { Poll::Pending }).await;
}

struct Subject {
    pool: Pool,
    linked: InstancePre<()>,
    short: TypedFunc<(), i64>,
    spin: TypedFunc<(), ()>,
}

impl Subject {
    fn new(opts: &Opts) -> io::Result<Self> {
        let module = ours::module("slices", &guests::slices(&opts.programs)?, &opts.scratch)?;
        let linked = Linker::<()>::new().instantiate_pre(&module).map_err(io::Error::other)?;
        let short = linked.get_typed_func("short").map_err(io::Error::other)?;
        let spin = linked.get_typed_func("spin").map_err(io::Error::other)?;
        let config = PoolConfig { slots: 8, hot_sets: HotSets::Shared, ..PoolConfig::default() };
        Ok(Self { pool: Pool::new(config).map_err(io::Error::other)?, linked, short, spin })
    }

    /// Times short requests, beside a guest without end in these slices or beside nothing.
    fn requests(&self, opts: &Opts, slice: Option<Duration>) -> io::Result<Times> {
        let times = RefCell::new(Times::default());
        let tasks = (0..opts.tasks).map(|_| Box::pin(self.task(opts.requests, &times)) as Task<'_>);
        let endless = slice.map(|slice| Box::pin(self.endless(slice)) as Task<'_>);
        execute(tasks.collect(), endless)?;
        Ok(times.into_inner())
    }

    async fn task(&self, requests: usize, times: &RefCell<Times>) -> io::Result<()> {
        let mut own = Vec::with_capacity(requests);
        for _ in 0..requests {
            let begin = Instant::now();
            others().await;
            let mut instance = self.pool.start(&self.linked, ()).map_err(io::Error::other)?;
            self.short.call_async(&mut instance, ()).await.map_err(io::Error::other)?;
            instance.finish();
            own.push(begin.elapsed().as_nanos() as f64);
        }
        times.borrow_mut().add(own);
        Ok(())
    }

    async fn endless(&self, slice: Duration) -> io::Result<()> {
        let mut instance = self.pool.start(&self.linked, ()).map_err(io::Error::other)?;
        instance.yield_every(slice).map_err(io::Error::other)?;
        self.spin.call_async(&mut instance, ()).await.map_err(io::Error::other)
    }
}
