//! One look at all function bodies before any is translated: validates them and notes what they
//! take references to, which tables they change, and which features they use.
//!
//! Bodies are independent, so this runs in parallel. **Invariant: nothing is translated that has not
//! passed here.**

use super::info::ModuleInfo;
use super::parse::Body;
use crate::budget::Budget;
use crate::error::CompileError;
use crate::features::{self, FeatureSet};
use crate::index::{DefinedFuncIndex, FuncIndex, TableIndex};
use cranelift_entity::PrimaryMap;
use rayon::prelude::*;
use std::collections::BTreeSet;
use wasmaot_abi::types::ValType;
use wasmparser::{
    BinaryReaderError, BlockType, FuncValidatorAllocations, FunctionBody, Operator, TryTable, WasmFeatures,
};

/// The bodies of a module's functions, validated.
pub(crate) type Bodies<'a> = PrimaryMap<DefinedFuncIndex, FunctionBody<'a>>;

/// What the bodies do.
pub(crate) struct Facts {
    /// Functions named by `ref.func`.
    pub(crate) referenced: BTreeSet<FuncIndex>,
    /// Functions that are reached by tail calls, or called in a body that handles exceptions.
    pub(crate) through_thunks: BTreeSet<FuncIndex>,
    /// Tables that an operator changes, or reads references from.
    pub(crate) dynamic_tables: BTreeSet<TableIndex>,
    /// Whether memory is copied.
    pub(crate) copies: bool,
    /// Whether memory is filled.
    pub(crate) fills: bool,
    /// Whether bytes of vectors are put in another order.
    pub(crate) swizzles: bool,
    /// Features beyond version 1 that operators give away.
    pub(crate) features: WasmFeatures,
}

impl Facts {
    /// What no body at all does. (By default, flags of features are those of the standard.)
    fn none() -> Self {
        Self {
            referenced: BTreeSet::new(),
            through_thunks: BTreeSet::new(),
            dynamic_tables: BTreeSet::new(),
            copies: false,
            fills: false,
            swizzles: false,
            features: WasmFeatures::empty(),
        }
    }

    fn merge(mut self, other: Self) -> Self {
        self.referenced.extend(other.referenced);
        self.through_thunks.extend(other.through_thunks);
        self.dynamic_tables.extend(other.dynamic_tables);
        self.copies |= other.copies;
        self.fills |= other.fills;
        self.swizzles |= other.swizzles;
        self.features |= other.features;
        self
    }

    fn note(&mut self, op: &Operator<'_>) {
        use Operator as O;
        self.features |= features::of_operator(op);
        match *op {
            O::RefFunc { function_index } => {
                self.referenced.insert(function_index.into());
            }
            O::ReturnCall { function_index } => {
                self.through_thunks.insert(function_index.into());
            }
            O::TableGet { table }
            | O::TableSet { table }
            | O::TableGrow { table }
            | O::TableFill { table }
            | O::TableInit { table, .. } => {
                self.dynamic_tables.insert(table.into());
            }
            O::TableCopy { dst_table, src_table } => {
                self.dynamic_tables.extend([dst_table, src_table].map(TableIndex::from));
            }
            O::MemoryCopy { .. } => self.copies = true,
            O::MemoryFill { .. } => self.fills = true,
            O::I8x16Swizzle | O::I8x16RelaxedSwizzle | O::I8x16Shuffle { .. } => self.swizzles = true,
            O::Block { blockty: BlockType::FuncType(_) }
            | O::Loop { blockty: BlockType::FuncType(_) }
            | O::If { blockty: BlockType::FuncType(_) }
            | O::Try { blockty: BlockType::FuncType(_) } => self.features |= WasmFeatures::MULTI_VALUE,
            _ => {}
        }
    }
}

/// Validates all bodies, and drops their validators.
///
/// The error of the first body that has one is reported, whatever the number of threads.
pub(crate) fn survey<'a>(
    wasm: &[u8],
    module: &ModuleInfo<'_>,
    taken: FeatureSet,
    bodies: Vec<Body<'a>>,
    budget: &Budget,
) -> Result<(Facts, Bodies<'a>), CompileError> {
    let surveyed: Vec<_> = bodies
        .into_par_iter()
        .map_init(FuncValidatorAllocations::default, |allocations, body| {
            budget.check_time()?;
            let plain = body.body.clone();
            survey_body(allocations, module, taken, body).map(|facts| (facts, plain))
        })
        .collect();
    let mut facts = Facts::none();
    let mut plain = PrimaryMap::with_capacity(surveyed.len());
    for result in surveyed {
        let (found, body) = result.map_err(|failure| match failure {
            Failure::Invalid(error) => features::explain(wasm, taken, error),
            Failure::Refused(error) => error,
        })?;
        facts = facts.merge(found);
        plain.push(body);
    }
    Ok((facts, plain))
}

/// Why a body is not taken.
enum Failure {
    Invalid(BinaryReaderError),
    /// It is valid, but needs what is not translated.
    Refused(CompileError),
}

impl From<BinaryReaderError> for Failure {
    fn from(error: BinaryReaderError) -> Self {
        Failure::Invalid(error)
    }
}

impl From<CompileError> for Failure {
    fn from(error: CompileError) -> Self {
        Failure::Refused(error)
    }
}

fn survey_body(
    allocations: &mut FuncValidatorAllocations,
    module: &ModuleInfo<'_>,
    taken: FeatureSet,
    body: Body<'_>,
) -> Result<Facts, Failure> {
    let mut validator = body.validator.into_validator(std::mem::take(allocations));
    let mut facts = Facts::none();
    let mut locals = body.body.get_binary_reader();
    validator.read_locals(&mut locals)?;
    for group in body.body.get_locals_reader()? {
        let ty = module.val_type(group?.1, body.body.range().start)?;
        facts.features |= features::of_type(ty);
    }
    let mut reader = body.body.get_operators_reader()?;
    let (mut called, mut handles): (BTreeSet<FuncIndex>, bool) = (BTreeSet::new(), false);
    while !reader.eof() {
        let (op, offset) = reader.read_with_offset()?;
        validator.op(offset, &op)?;
        if let Some(ty) = stated_type(module, &op, offset)? {
            facts.features |= features::of_type(ty);
        }
        if features::of_operator(&op).contains(WasmFeatures::GC) && !taken.takes(WasmFeatures::GC) {
            return Err(features::refuse_gc(offset, "this operator").into());
        }
        facts.note(&op);
        match op {
            Operator::Call { function_index } if function_index < module.imported_functions => {
                called.insert(function_index.into());
            }
            Operator::TryTable { .. } | Operator::Try { .. } => handles = true,
            _ => {}
        }
    }
    reader.finish()?;
    if handles {
        facts.through_thunks.extend(called);
    }
    *allocations = validator.into_allocations();
    Ok(facts)
}

/// The type of a value that an operator states, if it is one that can be.
fn stated_type(
    module: &ModuleInfo<'_>,
    op: &Operator<'_>,
    offset: usize,
) -> Result<Option<ValType>, CompileError> {
    use Operator as O;
    match *op {
        O::Block { blockty: BlockType::Type(ty) }
        | O::Loop { blockty: BlockType::Type(ty) }
        | O::If { blockty: BlockType::Type(ty) }
        | O::Try { blockty: BlockType::Type(ty) }
        | O::TryTable { try_table: TryTable { ty: BlockType::Type(ty), .. } }
        | O::TypedSelect { ty } => module.val_type(ty, offset).map(Some),
        O::RefNull { hty } => module.null_type(hty, offset).map(Some),
        _ => Ok(None),
    }
}
