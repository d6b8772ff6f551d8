//! Embeds an artifact: a host function, guest memory, a typed call.
//!
//! ```sh
//! wasmaot compile runtime-shim/examples/orders.wat -o orders.so
//! cargo run --release -p wasmaot-runtime --example orders -- orders.so
//! ```

use std::error::Error;
use wasmaot_runtime::{Caller, Linker, Module, Store};

/// What host functions share: here, the lines that the guest logged.
#[derive(Default)]
struct Shop {
    log: Vec<i32>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("usage: orders ARTIFACT")?;
    let module = Module::open(path)?;

    let mut linker = Linker::new();
    linker.func_wrap("shop", "log", |caller: &mut Caller<'_, Shop>, sum: i32| {
        caller.data_mut().log.push(sum)
    })?;

    let mut store = Store::new(Shop::default());
    let instance = linker.instantiate(&mut store, &module)?;
    let order: [(i32, i32); 2] = [(250, 4), (99, 3)];
    let bytes: Vec<u8> =
        order.iter().flat_map(|(price, count)| [price.to_le_bytes(), count.to_le_bytes()].concat()).collect();
    instance.write(&mut store, 0, &bytes)?;

    let total = instance.get_typed_func::<i32, i32>(&store, "total")?;
    println!("total {}", total.call(&mut store, order.len() as i32)?);
    println!("logged {:?}", store.data().log);

    // A guest that reads beyond its memory traps; it cannot read the host's memory.
    match total.call(&mut store, i32::MAX) {
        Err(error) => println!("{error}"),
        Ok(sum) => println!("an order of 16 GiB cannot have a total of {sum}"),
    }
    Ok(())
}
