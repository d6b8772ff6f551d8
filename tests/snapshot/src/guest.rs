//! What the programs in Rust have in common: see `guest.h`.

/// Makes a program of `initialise`, which returns what requests need, and `request`, which answers one of
/// them.
macro_rules! guest {
    ($state:ty) => {
        static STATE: std::sync::OnceLock<$state> = std::sync::OnceLock::new();

        unsafe extern "C" {
            fn __wasm_call_ctors();
        }

        #[unsafe(export_name = "wizer.initialize")]
        pub extern "C" fn preinit() {
            // SAFETY: it is called once, before anything else.
            unsafe { __wasm_call_ctors() };
            STATE.get_or_init(initialise);
        }

        #[unsafe(export_name = "wizer.resume")]
        pub extern "C" fn resume() {
            serve();
        }

        #[unsafe(export_name = "request")]
        pub extern "C" fn request_export(number: u32) -> u32 {
            let answer = request(STATE.get_or_init(initialise), number);
            answer.bytes().fold(0, |sum: u32, byte| sum.wrapping_mul(31).wrapping_add(byte.into()))
        }

        fn serve() {
            for number in 0..5 {
                println!("{}", request(STATE.get_or_init(initialise), number * 311));
            }
        }

        fn main() {
            serve();
        }
    };
}
