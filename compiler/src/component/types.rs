//! The merged module's function types: each recursion group once.
//!
//! **Invariant: equal groups have one place**, so that types which are equal across modules, as their imports
//! need, have one index.

use crate::error::CompileError;
use std::collections::HashMap;
use wasm_encoder::reencode::{Error, Reencode};
use wasm_encoder::{Encode, TypeSection, ValType};
use wasmparser::RecGroup;

/// What stands for the first type of a group inside of that group, where groups are compared.
const OWN: u32 = 1 << 30;

/// The types so far.
#[derive(Default)]
pub(super) struct Types {
    section: TypeSection,
    /// Of each group, as it refers to itself by [`OWN`], the index of its first type.
    known: HashMap<Vec<u8>, u32>,
    count: u32,
}

impl Types {
    /// The section.
    pub(super) fn section(&self) -> &TypeSection {
        &self.section
    }

    /// Adds a module's groups, and returns the index of each of its types.
    pub(super) fn add_module(&mut self, groups: &[RecGroup]) -> Result<Vec<u32>, CompileError> {
        let mut numbers: Vec<u32> = Vec::new();
        for group in groups {
            let (first, size) = (numbers.len() as u32, group.types().len() as u32);
            let mut inside = Numbers { earlier: &numbers, first, own: OWN };
            let mut alone = TypeSection::new();
            inside.parse_recursive_type_group(alone.ty(), group.clone()).map_err(convert)?;
            let start = match self.known.get(&bytes(&alone)) {
                Some(&start) => start,
                None => {
                    inside.own = self.count;
                    inside.parse_recursive_type_group(self.section.ty(), group.clone()).map_err(convert)?;
                    self.added(&alone, size)
                }
            };
            numbers.extend(start..start + size);
        }
        Ok(numbers)
    }

    /// The index of a function type.
    pub(super) fn function(&mut self, params: &[ValType], results: &[ValType]) -> u32 {
        let of = |section: &mut TypeSection| {
            section.ty().function(params.iter().copied(), results.iter().copied());
        };
        let mut alone = TypeSection::new();
        of(&mut alone);
        if let Some(&known) = self.known.get(&bytes(&alone)) {
            return known;
        }
        of(&mut self.section);
        self.added(&alone, 1)
    }

    /// Notes a group that was added to the section.
    fn added(&mut self, alone: &TypeSection, size: u32) -> u32 {
        let start = self.count;
        self.known.insert(bytes(alone), start);
        self.count += size;
        start
    }
}

fn bytes(section: &TypeSection) -> Vec<u8> {
    let mut bytes = Vec::new();
    section.encode(&mut bytes);
    bytes
}

/// Numbers types of a group that refers to earlier types and to itself.
struct Numbers<'a> {
    earlier: &'a [u32],
    /// The group's first type, as its module numbers it.
    first: u32,
    /// What that is to be.
    own: u32,
}

impl Reencode for Numbers<'_> {
    type Error = CompileError;

    fn type_index(&mut self, ty: u32) -> Result<u32, Error<CompileError>> {
        Ok(match ty.checked_sub(self.first) {
            Some(inside) => self.own + inside,
            None => self.earlier[ty as usize],
        })
    }
}

/// The error of a re-encoder.
pub(super) fn convert(error: Error<CompileError>) -> CompileError {
    match error {
        Error::UserError(error) => error,
        Error::ParseError(error) => error.into(),
        other => CompileError::Invalid { offset: 0, message: other.to_string() },
    }
}
