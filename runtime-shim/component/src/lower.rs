//! Lowering: from values of the host's to flat values and guest memory.
//!
//! Strings and lists need room in guest memory, which the guest's `realloc` gives. It is called by the guest,
//! so all requests are made first, in the order in which the canonical ABI has them, and everything is
//! written when all have been answered.
//!
//! **Invariant: what `realloc` returns is compared with the memory before anything is written there.**

use crate::error::Trap;
use crate::handles::Handles;
use crate::lift::UTF16_TAG;
use crate::types::{Types, align_up, discriminant_size};
use wasmaot_abi::component::{Options, StringEncoding, ValueType, Violation, request};
use wasmaot_runtime::MemoryData;

/// The longest string in bytes, as the canonical ABI has it.
const MAX_STRING: usize = (1 << 31) - 1;

/// A request for room in guest memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    align: u32,
    size: u32,
}

impl Request {
    pub(crate) fn new(size: u32, align: u32) -> Self {
        Self { align, size }
    }

    /// As generated code has it.
    pub(crate) fn encode(self) -> u64 {
        request(self.align, self.size) as u64
    }

    /// Checks what `realloc` returned for it.
    pub(crate) fn check(self, at: u32, memory: Option<&MemoryData<'_>>) -> Result<(), Trap> {
        if !at.is_multiple_of(self.align) {
            return Err(Trap::ReallocAlignment);
        }
        let size = memory.map_or(0, MemoryData::size);
        if u64::from(at) + u64::from(self.size) > size { Err(Trap::ReallocBounds) } else { Ok(()) }
    }
}

/// Collects the requests that values need.
pub struct Planner<'a> {
    pub(crate) types: &'a Types,
    pub(crate) encoding: StringEncoding,
    pub(crate) requests: Vec<Request>,
}

impl Planner<'_> {
    /// Asks for room for a string.
    pub(crate) fn string(&mut self, text: &str) -> Result<(), Trap> {
        let (size, align) = Encoded::of(self.encoding, text).room(text);
        if size > MAX_STRING {
            return Err(Trap::Bounds("string"));
        }
        self.requests.push(Request::new(size as u32, align));
        Ok(())
    }

    /// Asks for room for a list's elements.
    pub(crate) fn list(&mut self, count: usize, element: ValueType) -> Result<(), Trap> {
        let layout = self.types.layout(element);
        let size = u32::try_from(count).ok().and_then(|count| count.checked_mul(layout.size));
        self.requests.push(Request::new(size.ok_or(Trap::Bounds("list"))?, layout.align));
        Ok(())
    }
}

/// How a string is encoded.
#[derive(Clone, Copy)]
enum Encoded {
    Utf8,
    Utf16,
    Latin1,
    /// UTF-16 where it could have been Latin-1.
    TaggedUtf16,
}

impl Encoded {
    fn of(encoding: StringEncoding, text: &str) -> Self {
        match encoding {
            StringEncoding::Utf8 => Encoded::Utf8,
            StringEncoding::Utf16 => Encoded::Utf16,
            StringEncoding::Latin1OrUtf16 if text.chars().all(|c| u32::from(c) < 0x100) => Encoded::Latin1,
            StringEncoding::Latin1OrUtf16 => Encoded::TaggedUtf16,
        }
    }

    /// Bytes and alignment.
    fn room(self, text: &str) -> (usize, u32) {
        match self {
            Encoded::Utf8 => (text.len(), 1),
            Encoded::Utf16 | Encoded::TaggedUtf16 => (2 * text.encode_utf16().count(), 2),
            Encoded::Latin1 => (text.chars().count(), 2),
        }
    }
}

/// Context for lowering values.
pub struct Lowerer<'a> {
    pub(crate) types: &'a Types,
    pub(crate) memory: Option<MemoryData<'a>>,
    pub(crate) handles: &'a mut Handles,
    pub(crate) options: Options,
    /// Answers to the requests, in their order.
    pub(crate) pointers: &'a [u32],
    pub(crate) next: usize,
    /// Flat values.
    pub(crate) flat: Vec<u64>,
}

impl Lowerer<'_> {
    /// The answer to the next request.
    pub(crate) fn pointer(&mut self) -> Result<u32, Trap> {
        let pointer = self.pointers.get(self.next).copied().ok_or(Trap::OutOfTurn)?;
        self.next += 1;
        Ok(pointer)
    }

    /// Copies into the memory.
    pub(crate) fn write(&self, at: u32, bytes: &[u8]) -> Result<(), Trap> {
        let bounds = Trap::Violation(Violation::MemoryBounds);
        match &self.memory {
            Some(memory) => memory.write(at, bytes).map_err(|_| bounds),
            None => Err(bounds),
        }
    }

    /// Checks where values go that are passed in memory as a whole.
    pub(crate) fn check_area(&self, at: u32, size: u32, align: u32) -> Result<(), Trap> {
        if !at.is_multiple_of(align) {
            return Err(Trap::UNALIGNED);
        }
        let memory = self.memory.as_ref().map_or(0, MemoryData::size);
        if u64::from(at) + u64::from(size) > memory {
            return Err(Trap::Violation(Violation::MemoryBounds));
        }
        Ok(())
    }

    /// Writes a string, and returns where it is and its length in code units, tagged if need be.
    pub(crate) fn string(&mut self, text: &str) -> Result<(u32, u32), Trap> {
        let at = self.pointer()?;
        let length = match Encoded::of(self.options.encoding, text) {
            Encoded::Utf8 => {
                self.write(at, text.as_bytes())?;
                text.len() as u32
            }
            Encoded::Latin1 => {
                let bytes: Vec<u8> = text.chars().map(|c| c as u8).collect();
                self.write(at, &bytes)?;
                bytes.len() as u32
            }
            encoded @ (Encoded::Utf16 | Encoded::TaggedUtf16) => {
                let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
                self.write(at, &bytes)?;
                let tag = if matches!(encoded, Encoded::TaggedUtf16) { UTF16_TAG } else { 0 };
                (bytes.len() as u32 / 2) | tag
            }
        };
        Ok((at, length))
    }

    /// Writes the discriminant of one of these cases.
    pub(crate) fn store_discriminant(&self, at: u32, case: usize, cases: usize) -> Result<(), Trap> {
        let bytes = (case as u32).to_le_bytes();
        self.write(at, &bytes[..discriminant_size(cases) as usize])
    }

    /// Where the payload of a variant goes whose payloads have these types.
    pub(crate) fn payload_at(
        &self,
        at: u32,
        cases: usize,
        payloads: impl Iterator<Item = Option<ValueType>>,
    ) -> u32 {
        crate::lift::Lifter::payload_at(self.types, at, cases, payloads)
    }

    /// Fills up the flat values of a variant to its length.
    pub(crate) fn pad(&mut self, start: usize, length: u32) {
        self.flat.resize(start + length as usize, 0);
    }
}

/// Offsets of values that lie one behind the other.
pub(crate) struct Offsets<'a> {
    types: &'a Types,
    next: u32,
}

impl<'a> Offsets<'a> {
    pub(crate) fn new(types: &'a Types, start: u32) -> Self {
        Self { types, next: start }
    }

    /// Where the next value lies. Sizes were checked with their types.
    pub(crate) fn place(&mut self, ty: ValueType) -> u32 {
        let layout = self.types.layout(ty);
        let at = align_up(self.next, layout.align).unwrap_or(u32::MAX);
        self.next = at.wrapping_add(layout.size);
        at
    }
}
