//! Serves HTTP by a WASI program: each request has an instance of its own, whose standard input is the
//! request's body and whose standard output is the response's. `GET /pool` shows the gauges of the pool.
//!
//! `serve [ADDRESS [SLOTS [MILLISECONDS]]]`: where to listen (a port of the system's choice by default), how
//! many requests run at a time (64), and how long each may take (1000 ms). A request's header `deadline-ms`
//! makes that less.
//!
//! A guest that computes gives its thread to other requests after each millisecond. When the client closes
//! its connection, the future of the request is dropped, and its instance with it, wherever the guest is.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use tokio::net::TcpListener;
use wasmaot_embed::wasi::{WasiCtx, WasiCtxBuilder, add_to_linker};
use wasmaot_embed::{CallError, Engine, InstancePre, Linker, Pool, PoolConfig, ResourceLimits};
use wasmaot_embed::{StartError, TrapCode, TypedFunc};

/// The most bytes of a request, and of a response.
const MAX_BODY: usize = 64 << 10;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// State shared by all requests.
struct Host {
    pool: Pool,
    pre: InstancePre<WasiCtx>,
    start: TypedFunc<(), ()>,
    wasi: WasiCtxBuilder,
    time: Duration,
}

impl Host {
    fn new(wasm: &[u8], slots: u32, time: Duration) -> Result<Self, Error> {
        let pool = Pool::new(PoolConfig { slots, memory: 16 << 20, ..PoolConfig::default() })?;
        let module = Engine::default().compile_and_load(wasm)?;
        let mut linker = Linker::new();
        add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;
        let pre = linker.instantiate_pre(&module)?;
        let start = pre.get_typed_func("_start")?;
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdin_bytes(*b"").capture_stdout(MAX_BODY);
        Ok(Self { pool, pre, start, wasi, time })
    }

    /// Runs an instance with the body as its input, for at most this time. Returns its output.
    async fn run(&self, body: &[u8], time: Duration) -> Result<Vec<u8>, Error> {
        let mut ctx = self.wasi.build();
        ctx.set_stdin_bytes(body);
        let deadline = Some(Instant::now() + time.min(self.time));
        let limits = ResourceLimits { deadline, ..ResourceLimits::default() };
        let mut instance = self.pool.start_with(&self.pre, ctx, &limits)?;
        instance.yield_every(Duration::from_millis(1))?;
        match self.start.call_async(&mut instance, ()).await {
            Ok(()) | Err(CallError::Exit(0)) => {}
            Err(error) => return Err(error.into()),
        }
        let (mut ctx, _) = instance.finish_with_data();
        if ctx.stdout_overflowed() { Err("the answer is too long".into()) } else { Ok(ctx.take_stdout()) }
    }
}

async fn serve(
    State(host): State<Arc<Host>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Vec<u8>, (StatusCode, String)> {
    let asked = headers.get("deadline-ms").and_then(|value| value.to_str().ok()?.parse().ok());
    let time = asked.map_or(host.time, Duration::from_millis);
    host.run(&body, time).await.map_err(|error| (status(&error), error.to_string()))
}

/// What the client learns of a request that failed.
fn status(error: &Error) -> StatusCode {
    if let Some(StartError::Exhausted { .. }) = error.downcast_ref() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    match error.downcast_ref() {
        Some(CallError::Trap(trap)) if trap.code == TrapCode::DeadlineExceeded => StatusCode::GATEWAY_TIMEOUT,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn gauges(State(host): State<Arc<Host>>) -> String {
    let stats = host.pool.stats();
    format!(
        "in_use {}\nfree {}\nmade {}\ncopied {}\nscanned {}\ndropped {}\nfailed {}\n",
        stats.in_use, stats.free, stats.made, stats.copied, stats.scanned, stats.dropped, stats.failed
    )
}

async fn listen(host: Host, address: &str) -> Result<(), Error> {
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    let router = Router::new().route("/", post(serve)).route("/pool", get(gauges));
    let router = router.layer(DefaultBodyLimit::max(MAX_BODY)).with_state(Arc::new(host));
    Ok(axum::serve(listener, router).await?)
}

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:0".into());
    let slots = args.next().map_or(Ok(64), |slots| slots.parse())?;
    let milliseconds = args.next().map_or(Ok(1000), |time| time.parse())?;
    let wasm = wat::parse_str(include_str!("serve.wat"))?;
    let host = Host::new(&wasm, slots, Duration::from_millis(milliseconds))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(listen(host, &address))
}
