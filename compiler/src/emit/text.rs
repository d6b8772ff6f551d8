//! The machine code of an artifact: where each function lies in `.text`.
//!
//! **Invariant: functions lie in the order of their keys**, see [`FuncKeys`](crate::key::FuncKeys),
//! zeros between them.

use super::unwind::Unwind;
use crate::codegen::Code;
use crate::error::CompileError;
use crate::index::CodeIndex;
use cranelift_codegen::isa::unwind::UnwindInfo;
use cranelift_entity::PrimaryMap;

/// What an artifact without functions has as its text, so that readers need no case for it. It
/// traps.
const NOTHING: u8 = 0xCC;

/// The functions with their places.
pub(super) struct Text {
    codes: PrimaryMap<CodeIndex, Code>,
    offsets: PrimaryMap<CodeIndex, u32>,
    size: u64,
}

impl Text {
    /// Lays functions out, one after the other.
    pub(super) fn new(codes: PrimaryMap<CodeIndex, Code>) -> Result<Self, CompileError> {
        let mut offsets = PrimaryMap::with_capacity(codes.len());
        let mut size = 0;
        for code in codes.values() {
            let offset = u64::next_multiple_of(size, code.alignment);
            offsets.push(checked_offset(offset)?);
            size = offset + code.bytes.len() as u64;
        }
        Ok(Self { codes, offsets, size })
    }

    /// Where a function lies, from the start of the text.
    pub(super) fn offset(&self, index: CodeIndex) -> u32 {
        self.offsets[index]
    }

    /// Bytes of a function.
    pub(super) fn length(&self, index: CodeIndex) -> u32 {
        self.codes[index].bytes.len() as u32
    }

    /// Bytes of the text.
    pub(super) fn size(&self) -> u64 {
        self.size.max(1)
    }

    /// All functions, in order, each with its offset.
    pub(super) fn functions(&self) -> impl Iterator<Item = (u32, &Code)> {
        self.offsets.values().copied().zip(self.codes.values())
    }

    /// How to unwind the functions, in order. It is gone then.
    pub(super) fn take_unwind(&mut self) -> Vec<Unwind> {
        let functions = self.codes.values_mut().zip(self.offsets.values());
        let unwind = functions.filter_map(|(code, &offset)| match code.unwind.take()? {
            UnwindInfo::SystemV(info) => Some(Unwind { offset, length: code.bytes.len() as u32, info }),
            _ => None,
        });
        unwind.collect()
    }

    /// Appends the text to the file, whose end is where it begins, and has each function relocated
    /// there.
    pub(super) fn write<E>(
        &self,
        file: &mut Vec<u8>,
        mut relocate: impl FnMut(CodeIndex, &Code, &mut [u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = file.len();
        for (index, code) in &self.codes {
            let at = start + self.offset(index) as usize;
            file.resize(at, 0);
            file.extend_from_slice(&code.bytes);
            relocate(index, code, &mut file[at..])?;
        }
        if self.size == 0 {
            file.push(NOTHING);
        }
        Ok(())
    }
}

/// An offset that any place of the text reaches.
fn checked_offset(offset: u64) -> Result<u32, CompileError> {
    u32::try_from(offset).ok().filter(|&offset| offset <= i32::MAX as u32).ok_or(CompileError::Limit {
        what: "bytes of machine code",
        actual: offset,
        limit: i32::MAX as u64,
    })
}
