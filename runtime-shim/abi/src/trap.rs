//! Trap codes, and the table from machine code to them.
//!
//! ```text
//!  trap table:  | count u32 | offset u32 x count, ascending | code u8 x count |
//! ```
//!
//! Offsets count from the start of `.text` and name the faulting instruction. **Invariant: the
//! table is searched in place**, so that a signal handler can do it.

use alloc::vec::Vec;

macro_rules! trap_codes {
    ($($(#[$doc:meta])* $name:ident = $value:literal, $message:literal;)*) => {
        /// Why a run ended early.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum TrapCode { $($(#[$doc])* $name = $value),* }

        impl TrapCode {
            /// All trap codes, in declaration order.
            pub const ALL: &[TrapCode] = &[$(TrapCode::$name),*];

            /// The code with this number.
            pub const fn from_u8(value: u8) -> Option<Self> {
                match value { $($value => Some(TrapCode::$name),)* _ => None }
            }

            /// The words of the specification's test suite, where it has any.
            pub const fn message(self) -> &'static str {
                match self { $(TrapCode::$name => $message),* }
            }
        }
    };
}

trap_codes! {
    /// `unreachable` was executed.
    Unreachable = 1, "unreachable";
    /// A load, store or bulk operation outside its memory.
    MemoryOutOfBounds = 2, "out of bounds memory access";
    /// A table operation outside its table.
    TableOutOfBounds = 3, "out of bounds table access";
    /// `call_indirect` with an index outside its table.
    UndefinedElement = 4, "undefined element";
    /// `call_indirect` of a null element.
    UninitializedElement = 5, "uninitialized element";
    /// `call_indirect` of a function of another type.
    IndirectCallTypeMismatch = 6, "indirect call type mismatch";
    /// The result of an integer operation is not representable.
    IntegerOverflow = 7, "integer overflow";
    /// Division or remainder by zero.
    IntegerDivideByZero = 8, "integer divide by zero";
    /// A NaN was converted to an integer.
    InvalidConversionToInteger = 9, "invalid conversion to integer";
    /// The native stack of the slot, or the host's, is used up.
    StackOverflow = 10, "call stack exhausted";
    /// The artifact's file was changed or truncated while it was mapped.
    ArtifactChanged = 11, "artifact file changed while mapped";
    /// The instance's deadline passed.
    DeadlineExceeded = 12, "deadline exceeded";
    /// The host stopped the instance from another thread.
    Killed = 13, "killed by the host";
    /// A memory was to grow beyond the instance's limit.
    MemoryLimit = 14, "memory limit exceeded";
    /// A table was to grow beyond the instance's limit.
    TableLimit = 15, "table limit exceeded";
    /// `ref.as_non_null` of null.
    NullReference = 16, "null reference";
    /// `call_ref` of null.
    NullFunctionReference = 17, "null function reference";
    /// An atomic operator at an address that is not a multiple of its size.
    UnalignedAtomic = 18, "unaligned atomic";
    /// `memory.atomic.wait` on a memory that is not shared.
    ExpectedSharedMemory = 19, "expected shared memory";
    /// `throw_ref` of a null reference.
    NullException = 20, "null exception reference";
    /// More exceptions than an instance's store keeps, or a reference to one that is no longer kept.
    ExceptionLimit = 21, "exception limit exceeded";
    /// More operators were executed than the instance may execute.
    OutOfFuel = 22, "out of fuel";
    /// The kernel refused to make a page of a linear memory accessible. The artifact never contains this
    /// code.
    OutOfMemory = 23, "out of memory";
    /// The instance has used its CPU time. The artifact never contains this code.
    CpuTimeExceeded = 24, "CPU time exceeded";
}

impl core::fmt::Display for TrapCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.message())
    }
}

/// Writes a trap table from sites in ascending order of offset.
pub fn write_table(sites: &[(u32, TrapCode)]) -> Vec<u8> {
    debug_assert!(sites.is_sorted_by_key(|site| site.0));
    let mut bytes = Vec::with_capacity(4 + sites.len() * 5);
    bytes.extend_from_slice(&(sites.len() as u32).to_le_bytes());
    for (offset, _) in sites {
        bytes.extend_from_slice(&offset.to_le_bytes());
    }
    bytes.extend(sites.iter().map(|&(_, code)| code as u8));
    bytes
}

/// A trap table in its written form.
#[derive(Debug, Clone, Copy)]
pub struct TrapTable<'a> {
    offsets: &'a [u8],
    codes: &'a [u8],
}

impl<'a> TrapTable<'a> {
    /// Checks the form: the size agrees with the count, and offsets ascend.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<4>()?;
        let count = u32::from_le_bytes(*count) as usize;
        if Some(rest.len()) != count.checked_mul(5) {
            return None;
        }
        let (offsets, codes) = rest.split_at(count * 4);
        let table = Self { offsets, codes };
        (0..count).is_sorted_by_key(|i| table.offset(i)).then_some(table)
    }

    fn offset(&self, index: usize) -> u32 {
        let bytes = &self.offsets[index * 4..index * 4 + 4];
        u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    }

    /// Returns the number of trap sites.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there are no sites.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The trap code of the instruction at this offset from the start of `.text`.
    pub fn lookup(&self, offset: u32) -> Option<TrapCode> {
        TrapCode::from_u8(self.codes[self.position(offset)?])
    }

    /// Returns the table index of the instruction at this offset from the start of `.text`.
    pub fn position(&self, offset: u32) -> Option<usize> {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.offset(middle).cmp(&offset) {
                core::cmp::Ordering::Less => low = middle + 1,
                core::cmp::Ordering::Equal => return Some(middle),
                core::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip() {
        let sites = [
            (3, TrapCode::Unreachable),
            (9, TrapCode::MemoryOutOfBounds),
            (u32::MAX, TrapCode::StackOverflow),
        ];
        let bytes = write_table(&sites);
        let table = TrapTable::parse(&bytes).unwrap();
        for (offset, code) in sites {
            assert_eq!(table.lookup(offset), Some(code));
        }
        assert_eq!(table.lookup(4), None);
        assert_eq!(TrapTable::parse(&write_table(&[])).unwrap().lookup(0), None);
    }

    #[test]
    fn malformed_tables_are_refused() {
        let bytes = write_table(&[(3, TrapCode::Unreachable), (9, TrapCode::IntegerOverflow)]);
        for end in 0..bytes.len() {
            assert!(TrapTable::parse(&bytes[..end]).is_none());
        }
        let mut unsorted = bytes.clone();
        unsorted[4] = 10;
        assert!(TrapTable::parse(&unsorted).is_none());
    }

    #[test]
    fn numbers_round_trip() {
        for &code in TrapCode::ALL {
            assert_eq!(TrapCode::from_u8(code as u8), Some(code));
        }
        assert_eq!(TrapCode::from_u8(0), None);
    }
}
