//! Lifting: from flat values and guest memory to values of the host's.
//!
//! **Invariant: nothing is read, and nothing is allocated, before its range has been compared with the memory
//! and its size charged.**

use crate::error::Trap;
use crate::handles::Handles;
use crate::types::{Types, align_up, discriminant_size};
use wasmaot_abi::component::{Options, StringEncoding, ValueType, Violation};
use wasmaot_runtime::MemoryData;

/// Set in the length of a string that is UTF-16 where it could be Latin-1.
pub(crate) const UTF16_TAG: u32 = 1 << 31;

/// Context for lifting values.
pub struct Lifter<'a> {
    pub(crate) types: &'a Types,
    pub(crate) memory: Option<MemoryData<'a>>,
    pub(crate) handles: &'a mut Handles,
    pub(crate) options: Options,
    /// Bytes of the host's memory that may still be taken.
    pub(crate) budget: u64,
    /// Initial value of `budget`.
    pub(crate) limit: u64,
}

/// Flat values that are being read.
pub struct Flat<'a> {
    cells: &'a [u64],
    next: usize,
}

impl<'a> Flat<'a> {
    pub(crate) fn new(cells: &'a [u64]) -> Self {
        Self { cells, next: 0 }
    }

    /// The next one; 0 beyond the end, where a malformed artifact has too few.
    pub(crate) fn take(&mut self) -> u64 {
        let cell = self.cells.get(self.next).copied().unwrap_or(0);
        self.next += 1;
        cell
    }

    /// Passes over the rest of a variant's payload.
    pub(crate) fn skip_to(&mut self, position: usize) {
        self.next = position;
    }

    pub(crate) fn position(&self) -> usize {
        self.next
    }
}

impl Lifter<'_> {
    /// Takes host memory for what is lifted.
    pub(crate) fn charge(&mut self, count: u64, size: usize) -> Result<(), Trap> {
        let bytes = count.saturating_mul(size as u64);
        self.budget = self
            .budget
            .checked_sub(bytes)
            .ok_or(Trap::Limit { what: "bytes of lifted values of a call", limit: self.limit })?;
        Ok(())
    }

    fn memory(&self) -> Result<&MemoryData<'_>, Trap> {
        self.memory.as_ref().ok_or(Trap::Violation(Violation::MemoryBounds))
    }

    /// Whether a range is inside the memory.
    fn has(&self, at: u32, length: u64) -> bool {
        let size = self.memory.as_ref().map_or(0, MemoryData::size);
        u64::from(at).checked_add(length).is_some_and(|end| end <= size)
    }

    /// Copies out of the memory.
    pub(crate) fn read(&self, at: u32, into: &mut [u8]) -> Result<(), Trap> {
        let failed = |_| Trap::Violation(Violation::MemoryBounds);
        self.memory()?.read(at, into).map_err(failed)
    }

    pub(crate) fn read_u8(&self, at: u32) -> Result<u8, Trap> {
        let mut bytes = [0; 1];
        self.read(at, &mut bytes)?;
        Ok(bytes[0])
    }

    pub(crate) fn read_u16(&self, at: u32) -> Result<u16, Trap> {
        let mut bytes = [0; 2];
        self.read(at, &mut bytes)?;
        Ok(u16::from_le_bytes(bytes))
    }

    pub(crate) fn read_u32(&self, at: u32) -> Result<u32, Trap> {
        let mut bytes = [0; 4];
        self.read(at, &mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    pub(crate) fn read_u64(&self, at: u32) -> Result<u64, Trap> {
        let mut bytes = [0; 8];
        self.read(at, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// Checks where values lie that are passed in memory as a whole.
    pub(crate) fn check_area(&self, at: u32, size: u32, align: u32) -> Result<(), Trap> {
        if !at.is_multiple_of(align) {
            return Err(Trap::UNALIGNED);
        }
        if self.has(at, size.into()) { Ok(()) } else { Err(Trap::Violation(Violation::MemoryBounds)) }
    }

    /// Checks a list, whose elements have this type and are to become values of this size.
    pub(crate) fn check_list(
        &mut self,
        at: u32,
        count: u32,
        element: ValueType,
        size: usize,
    ) -> Result<u32, Trap> {
        let layout = self.types.layout(element);
        if !self.has(at, u64::from(count) * u64::from(layout.size)) {
            return Err(Trap::Bounds("list"));
        }
        if !at.is_multiple_of(layout.align) {
            return Err(Trap::UNALIGNED);
        }
        self.charge(count.into(), size)?;
        Ok(layout.size)
    }

    /// The discriminant of one of these cases.
    pub(crate) fn discriminant(value: u64, cases: usize) -> Result<usize, Trap> {
        let value = value as u32 as usize;
        if value < cases { Ok(value) } else { Err(Trap::Violation(Violation::InvalidDiscriminant)) }
    }

    /// The discriminant of one of these cases in memory.
    pub(crate) fn load_discriminant(&self, at: u32, cases: usize) -> Result<usize, Trap> {
        let value = match discriminant_size(cases) {
            1 => self.read_u8(at)?.into(),
            2 => self.read_u16(at)?.into(),
            _ => self.read_u32(at)?,
        };
        Self::discriminant(value.into(), cases)
    }

    /// Where the payload of a variant lies whose payloads have these types.
    pub(crate) fn payload_at(
        types: &Types,
        at: u32,
        cases: usize,
        payloads: impl Iterator<Item = Option<ValueType>>,
    ) -> u32 {
        let align = payloads.flatten().map(|ty| types.layout(ty).align).max().unwrap_or(1);
        // Sizes of types were checked.
        at.wrapping_add(align_up(discriminant_size(cases), align).unwrap_or(0))
    }

    pub(crate) fn char(value: u64) -> Result<char, Trap> {
        char::from_u32(value as u32).ok_or(Trap::Violation(Violation::InvalidChar))
    }

    /// A string in the encoding of its instance.
    pub(crate) fn string(&mut self, at: u32, length: u32) -> Result<String, Trap> {
        match self.options.encoding {
            StringEncoding::Utf8 => self.utf8(at, length),
            StringEncoding::Utf16 => self.utf16(at, length),
            StringEncoding::Latin1OrUtf16 if length & UTF16_TAG != 0 => self.utf16(at, length ^ UTF16_TAG),
            StringEncoding::Latin1OrUtf16 => self.latin1(at, length),
        }
    }

    fn string_bytes(&mut self, at: u32, length: u32, unit: u64, align: u32) -> Result<Vec<u8>, Trap> {
        let bytes = u64::from(length) * unit;
        if length >= UTF16_TAG || bytes >= u64::from(UTF16_TAG) || !self.has(at, bytes) {
            return Err(Trap::Bounds("string"));
        }
        if !at.is_multiple_of(align) {
            return Err(Trap::UNALIGNED);
        }
        self.charge(bytes, 1)?;
        let mut copy = vec![0; bytes as usize];
        self.read(at, &mut copy)?;
        Ok(copy)
    }

    fn utf8(&mut self, at: u32, length: u32) -> Result<String, Trap> {
        let bytes = self.string_bytes(at, length, 1, 1)?;
        String::from_utf8(bytes)
            .map_err(|error| Trap::Encoding { encoding: "UTF-8", message: error.utf8_error().to_string() })
    }

    fn utf16(&mut self, at: u32, length: u32) -> Result<String, Trap> {
        let bytes = self.string_bytes(at, length, 2, 2)?;
        let units = bytes.chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
        char::decode_utf16(units)
            .collect::<Result<_, _>>()
            .map_err(|error| Trap::Encoding { encoding: "UTF-16", message: error.to_string() })
    }

    fn latin1(&mut self, at: u32, length: u32) -> Result<String, Trap> {
        Ok(self.string_bytes(at, length, 1, 2)?.into_iter().map(char::from).collect())
    }
}
