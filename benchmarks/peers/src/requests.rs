//! A host that gives every request an instance of its own, against Wasmtime; docs/from-wasmtime.md has the
//! same against wasmaot, from runtime-shim/embed/examples/requests.rs.

use wasmtime::{Caller, Config, Engine, InstanceAllocationStrategy, InstancePre, Linker};
use wasmtime::{Module, PoolingAllocationConfig, Store, StoreLimits, StoreLimitsBuilder};

struct Request {
    log: Vec<String>,
    limits: StoreLimits,
}

struct Host {
    engine: Engine,
    pre: InstancePre<Request>,
}

impl Host {
    fn new(wasm: &[u8]) -> wasmtime::Result<Self> {
        let mut pooling = PoolingAllocationConfig::default();
        pooling.total_core_instances(8);
        let mut config = Config::new();
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pooling));
        config.epoch_interruption(true);
        let engine = Engine::new(&config)?;
        let ticker = engine.clone();
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(std::time::Duration::from_millis(1));
                ticker.increment_epoch();
            }
        });
        let module = Module::new(&engine, wasm)?;
        let mut linker = Linker::new(&engine);
        linker.func_wrap("host", "log", log)?;
        let pre = linker.instantiate_pre(&module)?;
        Ok(Self { engine, pre })
    }

    fn serve(&self, body: &[u8]) -> wasmtime::Result<(Vec<u8>, Request)> {
        let limits = StoreLimitsBuilder::new().memory_size(16 << 20).build();
        let mut store = Store::new(&self.engine, Request { log: Vec::new(), limits });
        store.limiter(|request| &mut request.limits);
        store.set_epoch_deadline(100);
        let instance = self.pre.instantiate(&mut store)?;
        let handle = instance.get_typed_func::<(u32, u32), u32>(&mut store, "handle")?;
        let memory = instance.get_memory(&mut store, "memory").expect("a memory");
        memory.write(&mut store, 1024, body)?;
        let length = handle.call(&mut store, (1024, body.len() as u32))?;
        let mut answer = vec![0; length as usize];
        memory.read(&store, 1024, &mut answer)?;
        Ok((answer, store.into_data()))
    }
}

fn log(mut caller: Caller<'_, Request>, address: u32, length: u32) -> wasmtime::Result<()> {
    let mut text = vec![0; length as usize];
    let memory = caller.get_export("memory").and_then(|export| export.into_memory()).expect("a memory");
    memory.read(&caller, address as usize, &mut text)?;
    caller.data_mut().log.push(String::from_utf8(text)?);
    Ok(())
}

/// Serves the two requests of the example against wasmaot, which answer alike.
pub(crate) fn run() -> wasmtime::Result<()> {
    let guest = include_str!("../../../runtime-shim/embed/examples/requests.wat");
    let host = Host::new(&wat::parse_str(guest)?)?;
    for body in ["hello", "spin"] {
        match host.serve(body.as_bytes()) {
            Ok((answer, request)) => println!("{:?}, log {:?}", String::from_utf8(answer)?, request.log),
            Err(error) => println!("{error:?}"),
        }
    }
    Ok(())
}
