//! Typed host functions with access to guest memory and host data, and one that fails.

use wasmaot_embed::{Caller, Engine, HostError, Linker, Store};

const GUEST: &str = r#"(module
  (import "host" "log" (func $log (param i32 i32)))
  (import "host" "check" (func $check (param i64) (result i64)))
  (memory (export "memory") 1)
  (data (i32.const 8) "from the guest")
  (func (export "run") (param i64) (result i64)
    (call $log (i32.const 8) (i32.const 14))
    (call $check (local.get 0))))"#;

#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = Engine::default().compile_and_load(&wat::parse_str(GUEST)?)?;
    let mut linker = Linker::<Log>::new();
    let log = |caller: &mut Caller<'_, Log>, address: u32, length: u32| -> Result<(), HostError> {
        let mut text = vec![0; length as usize];
        caller.read(address, &mut text)?;
        caller.data_mut().lines.push(String::from_utf8_lossy(&text).into_owned());
        Ok(())
    };
    linker.func_wrap("host", "log", log)?;
    linker.func_wrap("host", "check", |_: &mut Caller<'_, Log>, n: i64| {
        if n < 0 { Err(HostError::other("a negative number")) } else { Ok(2 * n) }
    })?;

    let mut store = Store::new(Log::default());
    let instance = linker.instantiate(&mut store, &module)?;
    let run = instance.get_typed_func::<i64, i64>(&store, "run")?;
    println!("run(21) = {}", run.call(&mut store, 21)?);
    println!("run(-1): {}", run.call(&mut store, -1).expect_err("the host refuses it"));
    println!("logged {:?}", store.data().lines);
    Ok(())
}
