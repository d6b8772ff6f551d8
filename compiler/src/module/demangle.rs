//! Names of functions as their source has them: toolchains mangle those of Rust and C++.
//!
//! **Invariant: a name takes no more than [`LONGEST`] bytes**, or stays as it is: a short mangled name can
//! stand for one of any length.

use cpp_demangle::{BorrowedSymbol, DemangleOptions};
use std::borrow::Cow;
use std::fmt::{self, Write};

/// Bytes of the longest name that is made here.
const LONGEST: usize = 1024;

/// Returns the name of a function as its source has it, without the hash that Rust appends.
pub(crate) fn demangle(name: &str) -> Cow<'_, str> {
    let mut text = Short(String::new());
    let written = if let Ok(name) = rustc_demangle::try_demangle(name) {
        write!(text, "{name:#}").is_ok()
    } else if name.starts_with("_Z") {
        BorrowedSymbol::new(name.as_bytes())
            .is_ok_and(|symbol| symbol.structured_demangle(&mut text, &DemangleOptions::default()).is_ok())
    } else {
        false
    };
    if written { Cow::Owned(text.0) } else { Cow::Borrowed(name) }
}

/// A text that refuses to become too long.
struct Short(String);

impl Write for Short {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.0.len() + part.len() > LONGEST {
            return Err(fmt::Error);
        }
        self.0.push_str(part);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::demangle;

    #[test]
    fn names_of_rust_and_cpp_are_those_of_the_source() {
        assert_eq!(demangle("_ZN5index5Table2at17h37150b91212c8042E"), "index::Table::at");
        assert_eq!(demangle("_RNvNtCsdHhIpgkcIfN_4core9panicking9panic_fmt"), "core::panicking::panic_fmt");
        assert_eq!(demangle("_ZN3foo3barEi"), "foo::bar(int)");
        for plain in ["main", "_Zwhat", "_R", "", "_ZN", "Zeichen"] {
            assert_eq!(demangle(plain), plain);
        }
    }

    #[test]
    fn long_names_stay_as_they_are() {
        // Each substitution doubles what it stands for.
        let bomb = format!("_Z1fI{}E", "S_".repeat(2000));
        assert_eq!(demangle(&bomb), bomb);
        let name = format!("_ZN2000{}E", "x".repeat(2000));
        assert_eq!(demangle(&name), name);
    }
}
