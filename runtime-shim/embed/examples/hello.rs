//! Compiles a module and calls a function of it.

use wasmaot_embed::{Engine, Linker, Store};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wasm = wat::parse_str(
        r#"(module (func (export "gcd") (param i32 i32) (result i32)
          (loop $next
            (if (i32.eqz (local.get 1)) (then (return (local.get 0))))
            (local.get 1) (i32.rem_u (local.get 0) (local.get 1)) (local.set 1) (local.set 0)
            (br $next))
          unreachable))"#,
    )?;
    let module = Engine::default().compile_and_load(&wasm)?;
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module)?;
    let gcd = instance.get_typed_func::<(i32, i32), i32>(&store, "gcd")?;
    println!("gcd(48, 36) = {}", gcd.call(&mut store, (48, 36))?);
    Ok(())
}
