//! One look at all function bodies before any is translated: validates them and notes what they
//! take references to, which tables they change, and which features they use.
//!
//! Bodies are independent, so this runs in parallel. **Invariant: nothing is translated that has not
//! passed here.**

use super::parse::Body;
use crate::error::CompileError;
use rayon::prelude::*;
use std::collections::BTreeSet;
use wasmparser::{BinaryReaderError, BlockType, FuncValidatorAllocations, Operator};

/// What the bodies do.
#[derive(Default)]
pub(crate) struct Facts {
    /// Functions named by `ref.func`.
    pub(crate) referenced: BTreeSet<u32>,
    /// Tables that an operator changes, or reads references from.
    pub(crate) dynamic_tables: BTreeSet<u32>,
    /// Whether memory is copied.
    pub(crate) copies: bool,
    /// Whether memory is filled.
    pub(crate) fills: bool,
    pub(crate) features: Features,
}

/// Features beyond version 1 that operators give away.
#[derive(Default, Clone, Copy)]
pub(crate) struct Features {
    pub(crate) sign_extension: bool,
    pub(crate) saturating_conversions: bool,
    pub(crate) bulk_memory: bool,
    pub(crate) reference_types: bool,
    pub(crate) multi_value: bool,
}

impl Facts {
    fn merge(mut self, other: Self) -> Self {
        self.referenced.extend(other.referenced);
        self.dynamic_tables.extend(other.dynamic_tables);
        self.copies |= other.copies;
        self.fills |= other.fills;
        let (mine, theirs) = (&mut self.features, other.features);
        mine.sign_extension |= theirs.sign_extension;
        mine.saturating_conversions |= theirs.saturating_conversions;
        mine.bulk_memory |= theirs.bulk_memory;
        mine.reference_types |= theirs.reference_types;
        mine.multi_value |= theirs.multi_value;
        self
    }

    fn note(&mut self, op: &Operator<'_>) {
        use Operator as O;
        match *op {
            O::RefFunc { function_index } => {
                self.referenced.insert(function_index);
                self.features.reference_types = true;
            }
            O::TableGet { table }
            | O::TableSet { table }
            | O::TableGrow { table }
            | O::TableFill { table } => {
                self.dynamic_tables.insert(table);
                self.features.reference_types = true;
            }
            O::TableInit { table, .. } => {
                self.dynamic_tables.insert(table);
                self.features.bulk_memory = true;
            }
            O::TableCopy { dst_table, src_table } => {
                self.dynamic_tables.extend([dst_table, src_table]);
                self.features.bulk_memory = true;
            }
            O::RefNull { .. } | O::RefIsNull | O::TableSize { .. } | O::TypedSelect { .. } => {
                self.features.reference_types = true;
            }
            O::MemoryCopy { .. } => {
                self.copies = true;
                self.features.bulk_memory = true;
            }
            O::MemoryFill { .. } => {
                self.fills = true;
                self.features.bulk_memory = true;
            }
            O::MemoryInit { .. } | O::DataDrop { .. } | O::ElemDrop { .. } => {
                self.features.bulk_memory = true;
            }
            O::I32Extend8S | O::I32Extend16S | O::I64Extend8S | O::I64Extend16S | O::I64Extend32S => {
                self.features.sign_extension = true;
            }
            O::I32TruncSatF32S
            | O::I32TruncSatF32U
            | O::I32TruncSatF64S
            | O::I32TruncSatF64U
            | O::I64TruncSatF32S
            | O::I64TruncSatF32U
            | O::I64TruncSatF64S
            | O::I64TruncSatF64U => {
                self.features.saturating_conversions = true;
            }
            O::Block { blockty } | O::Loop { blockty } | O::If { blockty } => {
                self.features.multi_value |= matches!(blockty, BlockType::FuncType(_));
            }
            _ => {}
        }
    }
}

/// Validates all bodies, and drops their validators.
///
/// The error of the first body that has one is reported, whatever the number of threads.
pub(crate) fn survey<'a>(
    wasm: &[u8],
    bodies: Vec<Body<'a>>,
) -> Result<(Facts, Vec<wasmparser::FunctionBody<'a>>), CompileError> {
    let surveyed: Vec<_> = bodies
        .into_par_iter()
        .map_init(FuncValidatorAllocations::default, |allocations, body| {
            let plain = body.body.clone();
            survey_body(allocations, body).map(|facts| (facts, plain))
        })
        .collect();
    let mut facts = Facts::default();
    let mut plain = Vec::with_capacity(surveyed.len());
    for result in surveyed {
        let (found, body) = result.map_err(|error| super::features::explain(wasm, error))?;
        facts = facts.merge(found);
        plain.push(body);
    }
    Ok((facts, plain))
}

fn survey_body(
    allocations: &mut FuncValidatorAllocations,
    body: Body<'_>,
) -> Result<Facts, BinaryReaderError> {
    let mut validator = body.validator.into_validator(std::mem::take(allocations));
    let mut facts = Facts::default();
    let mut locals = body.body.get_binary_reader();
    validator.read_locals(&mut locals)?;
    let mut reader = body.body.get_operators_reader()?;
    while !reader.eof() {
        let (op, offset) = reader.read_with_offset()?;
        validator.op(offset, &op)?;
        facts.note(&op);
    }
    reader.finish()?;
    *allocations = validator.into_allocations();
    Ok(facts)
}
