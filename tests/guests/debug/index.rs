//! Traps where a slice ends.
#![no_std]

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

struct Table {
    values: [i32; 4],
}

impl Table {
    #[inline(never)]
    fn at(&self, index: usize) -> i32 {
        self.values[index]
    }
}

#[unsafe(no_mangle)]
extern "C" fn main(index: usize) -> i32 {
    let table = Table { values: [1, 2, 3, 4] };
    table.at(core::hint::black_box(index)) + 1
}
