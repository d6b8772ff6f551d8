//! A host that serves every request, a line of its input, from a fresh instance.
//!
//! ```sh
//! wasmaot compile runtime-shim/examples/faas.wat -o faas.so
//! printf '27\nx\n0\n97\n' | cargo run --release -p wasmaot-runtime --example faas -- faas.so
//! ```

use std::error::Error;
use std::time::{Duration, Instant};
use wasmaot_runtime::{
    CallError, Caller, InstancePre, Linker, Module, Pool, PoolConfig, PooledInstance, ResourceLimits,
    TypedFunc,
};

/// What host functions know of the request.
#[derive(Default)]
struct Request {
    peak: i64,
}

/// What all requests share.
struct Service {
    pool: Pool,
    linked: InstancePre<Request>,
    /// The length of the request at address 0; the address and length of the answer.
    handle: TypedFunc<u32, (u32, u32)>,
}

/// How long a request may take.
const TIMEOUT: Duration = Duration::from_secs(1);

impl Service {
    /// Loads the module and prepares all that requests do not need anew.
    fn open(path: &str) -> Result<Self, Box<dyn Error>> {
        let mut linker = Linker::new();
        linker.func_wrap("faas", "peak", |caller: &mut Caller<'_, Request>, peak: i64| {
            caller.data_mut().peak = peak;
        })?;
        let module = Module::open(path)?;
        let linked = linker.instantiate_pre(&module)?;
        let handle = linked.get_typed_func("handle")?;
        let config = PoolConfig { slots: 16, stack: 256 << 10, memory: 1 << 20, ..PoolConfig::default() };
        Ok(Self { pool: Pool::new(config)?, linked, handle })
    }

    /// Writes the request into the guest, lets it work, and reads its answer.
    fn answer(&self, instance: &mut PooledInstance<Request>, line: &str) -> Result<String, Box<dyn Error>> {
        instance.write(0, line.as_bytes())?;
        let (address, length) = self.handle.call(instance, line.len() as u32)?;
        let mut text = vec![0; length.min(64) as usize];
        instance.read(address, &mut text)?;
        Ok(String::from_utf8(text)?)
    }

    fn serve(&self, line: &str) -> Result<(), Box<dyn Error>> {
        let deadline = Some(Instant::now() + TIMEOUT);
        let limits = ResourceLimits { deadline, ..ResourceLimits::default() };
        let mut instance = self.pool.start_with(&self.linked, Request::default(), &limits)?;
        match self.answer(&mut instance, line) {
            Ok(text) => println!("{line}: {text}, peak {}", instance.data().peak),
            Err(error) => println!("{line}: {}", describe(&*error)),
        }
        println!("  used {} bytes of memory", instance.finish().memory);
        Ok(())
    }
}

/// What an error is, and where it happened.
fn describe(error: &(dyn Error + 'static)) -> String {
    let Some(CallError::Trap(trap)) = error.downcast_ref() else { return error.to_string() };
    match trap.backtrace.first().and_then(|frame| frame.name.as_deref()) {
        Some(name) => format!("wasm trap: {} in {name}", trap.code),
        None => format!("wasm trap: {}", trap.code),
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: faas ARTIFACT")?;
    let service = Service::open(&path)?;
    for line in std::io::stdin().lines() {
        service.serve(&line?)?;
    }
    Ok(())
}
