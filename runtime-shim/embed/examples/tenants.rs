//! Tenants with hot sets of their own: no request can tell which pages those of another tenant wrote, and
//! requests of one tenant are fast.

use wasmaot_embed::{Engine, HotSets, Linker, Pool, PoolConfig, ResetWay, Tenant};

const GUEST: &str = r#"(module (memory (export "memory") 4)
  (func (export "touch") (param i32) (i32.store (local.get 0) (i32.const 1))))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = Engine::default().compile_and_load(&wat::parse_str(GUEST)?)?;
    let touch = module.get_typed_func::<i32, ()>("touch")?;
    let pre = Linker::new().instantiate_pre(&module)?;
    let pool = Pool::new(PoolConfig { slots: 2, hot_sets: HotSets::PerTenant, ..PoolConfig::default() })?;
    // Each tenant writes pages of its own.
    for (tenant, page) in [(1, 3), (2, 9)] {
        let pool = pool.for_tenant(Tenant(tenant));
        let mut copied = 0;
        for _ in 0..100 {
            let mut instance = pool.start(&pre, ())?;
            touch.call(&mut instance, page * 4096)?;
            copied += u32::from(instance.finish().reset == Some(ResetWay::Copy));
        }
        println!("tenant {tenant}: most resets are copies: {}", copied > 50);
    }
    Ok(())
}
