//! Runs a WASI program with an argument, and takes what it prints.

use wasmaot_embed::wasi::{WasiCtx, WasiCtxBuilder, add_to_linker};
use wasmaot_embed::{CallError, Engine, Linker, Store};

/// Writes its arguments, each with a NUL at its end.
const PROGRAM: &str = r#"(module
  (import "wasi_snapshot_preview1" "args_sizes_get" (func $sizes (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "args_get" (func $args (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (memory (export "memory") 1)
  (func (export "_start")
    (drop (call $sizes (i32.const 16) (i32.const 4)))
    (drop (call $args (i32.const 64) (i32.const 1024)))
    (i32.store (i32.const 0) (i32.const 1024))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 8)))
    (call $exit (i32.const 3))))"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let module = Engine::default().compile_and_load(&wat::parse_str(PROGRAM)?)?;
    let mut linker = Linker::new();
    add_to_linker(&mut linker, |ctx: &mut WasiCtx| ctx)?;

    let mut builder = WasiCtxBuilder::new();
    builder.args(["program", "hello"]).capture_stdout(1 << 20);
    let mut store = Store::new(builder.build());
    let instance = linker.instantiate(&mut store, &module)?;
    match instance.call(&mut store, "_start", &[]) {
        Err(CallError::Exit(status)) => println!("status {status}"),
        other => println!("{other:?}"),
    }
    let printed = store.into_data().take_stdout();
    println!("printed {:?}", String::from_utf8_lossy(&printed));
    Ok(())
}
