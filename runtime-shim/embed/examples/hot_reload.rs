//! Replaces a module while requests of the old one are still running: those go on, later ones get the new
//! one.

use std::sync::{Arc, RwLock};
use wasmaot_embed::{Engine, InstancePre, Linker, Pool, PoolConfig, PooledInstance, TypedFunc};

/// One version of the served module, as requests use it.
struct Version {
    pre: InstancePre<()>,
    answer: TypedFunc<(), i32>,
}

/// The module that is currently served.
struct Served(RwLock<Arc<Version>>);

type Error = Box<dyn std::error::Error>;

fn version(answer: i32) -> Result<Arc<Version>, Error> {
    let text = format!(r#"(module (func (export "answer") (result i32) (i32.const {answer})))"#);
    let module = Engine::default().compile_and_load(&wat::parse_str(text)?)?;
    let answer = module.get_typed_func("answer")?;
    Ok(Arc::new(Version { pre: Linker::new().instantiate_pre(&module)?, answer }))
}

impl Served {
    fn begin(&self, pool: &Pool) -> Result<(Arc<Version>, PooledInstance<()>), Error> {
        let version = self.0.read().map_err(|_| "a panic while it was replaced")?.clone();
        let instance = pool.start(&version.pre, ())?;
        Ok((version, instance))
    }
}

fn main() -> Result<(), Error> {
    let pool = Pool::new(PoolConfig { slots: 2, ..PoolConfig::default() })?;
    let served = Served(RwLock::new(version(1)?));
    let (old, mut running) = served.begin(&pool)?;
    *served.0.write().map_err(|_| "a panic while it was replaced")? = version(2)?;
    let (new, mut started) = served.begin(&pool)?;
    println!(
        "running: {}, started: {}",
        old.answer.call(&mut running, ())?,
        new.answer.call(&mut started, ())?
    );
    // A function of one version is none of the other's instances.
    println!("mixed up: {}", old.answer.call(&mut started, ()).expect_err("it is another module's"));
    Ok(())
}
