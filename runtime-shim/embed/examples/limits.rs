//! Stops endless guests by a deadline and by fuel.

use std::time::{Duration, Instant};
use wasmaot_embed::{CallError, Engine, Linker, Options, Pool, PoolConfig, ResourceLimits};

const GUEST: &str = r#"(module (func (export "spin") (loop $again (br $again))))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let engine = Engine::new(Options { meter: true, ..Options::default() });
    let module = engine.compile_and_load(&wat::parse_str(GUEST)?)?;
    let spin = module.get_typed_func::<(), ()>("spin")?;
    let pre = Linker::new().instantiate_pre(&module)?;
    let pool = Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() })?;

    let deadline = Some(Instant::now() + Duration::from_millis(20));
    let fuel = ResourceLimits { fuel: Some(10_000), ..ResourceLimits::default() };
    for limits in [ResourceLimits { deadline, ..ResourceLimits::default() }, fuel] {
        let mut instance = pool.start_with(&pre, (), &limits)?;
        match spin.call(&mut instance, ()) {
            Err(CallError::Trap(trap)) => println!("{}", trap.code),
            other => println!("{other:?}"),
        }
    }
    Ok(())
}
