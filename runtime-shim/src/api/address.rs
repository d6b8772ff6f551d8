//! Guest memory addresses in host code.
//!
//! **Invariant: addresses are unsigned**, whether they arrive as `i32` or `u32`.

/// An address in guest memory: a literal, or a 32-bit or 64-bit pointer passed by the guest.
pub trait Address: Copy + sealed::Sealed {
    /// Bytes from the start of the memory.
    fn bytes(self) -> u64;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! addresses {
    ($($int:ident as $unsigned:ident;)*) => {$(
        impl sealed::Sealed for $int {}

        impl Address for $int {
            #[inline]
            fn bytes(self) -> u64 {
                u64::from(self as $unsigned)
            }
        }
    )*};
}

addresses! {
    i32 as u32;
    u32 as u32;
    i64 as u64;
    u64 as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_bits() {
        assert_eq!(((-1_i32).bytes(), u32::MAX.bytes()), (0xffff_ffff, 0xffff_ffff));
        assert_eq!(((-1_i64).bytes(), u64::MAX.bytes()), (u64::MAX, u64::MAX));
        assert_eq!(0x1000.bytes(), 0x1000);
    }
}
