//! A fresh instance for every request, from a pool: what one request writes no other one sees.

use wasmaot_embed::{Engine, Linker, Pool, PoolConfig};

const GUEST: &str = r#"(module
  (memory (export "memory") 1)
  (func (export "count") (result i32)
    (i32.store (i32.const 0) (i32.add (i32.load (i32.const 0)) (i32.const 1)))
    (i32.load (i32.const 0))))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = Engine::default().compile_and_load(&wat::parse_str(GUEST)?)?;
    // Looked up once, for all instances.
    let count = module.get_typed_func::<(), i32>("count")?;
    let pre = Linker::new().instantiate_pre(&module)?;
    let pool = Pool::new(PoolConfig { slots: 2, ..PoolConfig::default() })?;
    for request in 0..100 {
        let mut instance = pool.start(&pre, request)?;
        assert_eq!(count.call(&mut instance, ())?, 1);
        assert_eq!(count.call(&mut instance, ())?, 2);
        let (data, usage) = instance.finish_with_data();
        assert_eq!((data, usage.memory), (request, 65_536));
    }
    println!("100 requests, {} instance made", pool.stats().made);
    Ok(())
}
