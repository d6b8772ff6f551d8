//! A host that gives each request its own instance; docs/from-wasmtime.md shows the same host for Wasmtime.

use std::time::{Duration, Instant};
use wasmaot_embed::{Caller, Engine, HostError, InstancePre, Linker, Pool, PoolConfig};
use wasmaot_embed::{ResourceLimits, TypedFunc};

type Error = Box<dyn std::error::Error + Send + Sync>;

/// Data of one request, for host functions.
struct Request {
    log: Vec<String>,
}

/// State shared by all requests.
struct Host {
    pool: Pool,
    pre: InstancePre<Request>,
    handle: TypedFunc<(u32, u32), u32>,
}

impl Host {
    fn new(wasm: &[u8]) -> Result<Self, Error> {
        let pool = Pool::new(PoolConfig { slots: 8, memory: 16 << 20, ..PoolConfig::default() })?;
        let module = Engine::default().compile_and_load(wasm)?;
        let mut linker = Linker::new();
        linker.func_wrap("host", "log", log)?;
        let pre = linker.instantiate_pre(&module)?;
        let handle = pre.get_typed_func("handle")?;
        Ok(Self { pool, pre, handle })
    }

    /// Writes the body at address 1024, and returns the answer that the guest writes there.
    fn serve(&self, body: &[u8]) -> Result<(Vec<u8>, Request), Error> {
        let deadline = Some(Instant::now() + Duration::from_millis(100));
        let limits = ResourceLimits { deadline, ..ResourceLimits::default() };
        let mut instance = self.pool.start_with(&self.pre, Request { log: Vec::new() }, &limits)?;
        let memory = instance.get_memory("memory")?;
        memory.write(&mut instance, 1024, body)?;
        let length = self.handle.call(&mut instance, (1024, body.len() as u32))?;
        let mut answer = vec![0; length as usize];
        memory.read(&instance, 1024, &mut answer)?;
        Ok((answer, instance.finish_with_data().0))
    }
}

fn log(caller: &mut Caller<'_, Request>, address: u32, length: u32) -> Result<(), HostError> {
    let mut text = vec![0; length as usize];
    caller.get_memory("memory")?.read(caller, address, &mut text)?;
    caller.data_mut().log.push(String::from_utf8(text).map_err(HostError::other)?);
    Ok(())
}

fn main() -> Result<(), Error> {
    let host = Host::new(&wat::parse_str(include_str!("requests.wat"))?)?;
    for body in ["hello", "spin"] {
        match host.serve(body.as_bytes()) {
            Ok((answer, request)) => println!("{:?}, log {:?}", String::from_utf8(answer)?, request.log),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
