//! Types: from the module's to those of the artifact.
//!
//! **Invariant: what passes here needs no garbage collection.** The validator lets more pass, see
//! [`FeatureSet::flags`](crate::FeatureSet).

use super::info::ModuleInfo;
use crate::error::CompileError;
use crate::features::{refuse_exact, refuse_gc};
use wasmaot_abi::types::{
    DEFAULT_PAGE_LOG2, FuncType, GlobalType, HeapType, IndexType, Limits, MemoryType, RefType, TableType,
    ValType,
};
use wasmparser::{AbstractHeapType, CompositeInnerType, RecGroup, UnpackedIndex};

/// A recursion group. Its types refer to others by the module's indices.
pub(super) fn group(group: RecGroup, offset: usize) -> Result<Vec<FuncType>, CompileError> {
    let own = |index| index;
    let list = |types: &[wasmparser::ValType]| {
        types.iter().map(|&ty| val_type(ty, offset, own)).collect::<Result<Vec<_>, _>>()
    };
    group
        .into_types()
        .map(|ty| match &ty.composite_type.inner {
            // Nothing can be a subtype of final types, so that these are all that there are without
            // hierarchies.
            CompositeInnerType::Func(_) if !ty.is_final || ty.supertype_idx.is_some() => {
                Err(refuse_gc(offset, "a function type that may have subtypes (`sub` without `final`)"))
            }
            CompositeInnerType::Func(ty) => {
                Ok(FuncType { params: list(ty.params())?, results: list(ty.results())? })
            }
            _ => Err(refuse_gc(offset, "a type that is no function type")),
        })
        .collect()
}

fn val_type(
    ty: wasmparser::ValType,
    offset: usize,
    number: impl Fn(u32) -> u32,
) -> Result<ValType, CompileError> {
    Ok(match ty {
        wasmparser::ValType::I32 => ValType::I32,
        wasmparser::ValType::I64 => ValType::I64,
        wasmparser::ValType::F32 => ValType::F32,
        wasmparser::ValType::F64 => ValType::F64,
        wasmparser::ValType::V128 => ValType::V128,
        wasmparser::ValType::Ref(ty) => ValType::Ref(RefType {
            nullable: ty.is_nullable(),
            heap: heap_type(ty.heap_type(), offset, number)?,
        }),
    })
}

fn heap_type(
    ty: wasmparser::HeapType,
    offset: usize,
    number: impl Fn(u32) -> u32,
) -> Result<HeapType, CompileError> {
    match ty {
        wasmparser::HeapType::FUNC => Ok(HeapType::Func),
        wasmparser::HeapType::EXTERN => Ok(HeapType::Extern),
        wasmparser::HeapType::Abstract { ty: AbstractHeapType::Exn, .. } => Ok(HeapType::Exn),
        wasmparser::HeapType::Abstract { ty: AbstractHeapType::NoExn, .. } => Ok(HeapType::NoExn),
        wasmparser::HeapType::Concrete(UnpackedIndex::Module(index)) => Ok(HeapType::Concrete(number(index))),
        wasmparser::HeapType::Exact(_) => Err(refuse_exact(offset, "an exact reference type")),
        other => match wasmparser::RefType::new(true, other) {
            Some(ty) => Err(refuse_gc(offset, format_args!("the reference type `{ty}`"))),
            None => Err(refuse_gc(offset, "this reference type")),
        },
    }
}

/// The type of a memory.
pub(super) fn memory_type(ty: &wasmparser::MemoryType) -> MemoryType {
    let page_log2 = ty.page_size_log2.map_or(DEFAULT_PAGE_LOG2, |log2| log2 as u8);
    let limits = Limits { min: ty.initial, max: ty.maximum };
    MemoryType { limits, page_log2, index: index_type(ty.memory64), shared: ty.shared }
}

/// The type of indices of a memory or table.
fn index_type(is_64_bits: bool) -> IndexType {
    if is_64_bits { IndexType::I64 } else { IndexType::I32 }
}

impl ModuleInfo<'_> {
    fn number(&self, index: u32) -> u32 {
        self.type_map[index.into()].as_u32()
    }

    /// A value type; `offset` is where it stands.
    pub(crate) fn val_type(&self, ty: wasmparser::ValType, offset: usize) -> Result<ValType, CompileError> {
        val_type(ty, offset, |index| self.number(index))
    }

    /// A value type in a body that has been surveyed.
    pub(crate) fn surveyed_type(&self, ty: wasmparser::ValType) -> ValType {
        self.val_type(ty, 0).expect("the survey refused bodies with other types")
    }

    /// The type of a `ref.null`.
    pub(crate) fn null_type(&self, ty: wasmparser::HeapType, offset: usize) -> Result<ValType, CompileError> {
        let heap = heap_type(ty, offset, |index| self.number(index))?;
        Ok(ValType::Ref(RefType { nullable: true, heap }))
    }

    pub(super) fn ref_type(&self, ty: wasmparser::RefType, offset: usize) -> Result<RefType, CompileError> {
        let heap = heap_type(ty.heap_type(), offset, |index| self.number(index))?;
        Ok(RefType { nullable: ty.is_nullable(), heap })
    }

    pub(super) fn table_type(
        &self,
        ty: &wasmparser::TableType,
        offset: usize,
    ) -> Result<TableType, CompileError> {
        let element = ValType::Ref(self.ref_type(ty.element_type, offset)?);
        let limits = Limits { min: ty.initial, max: ty.maximum };
        Ok(TableType { element, limits, index: index_type(ty.table64) })
    }

    pub(super) fn global_type(
        &self,
        ty: &wasmparser::GlobalType,
        offset: usize,
    ) -> Result<GlobalType, CompileError> {
        Ok(GlobalType { value: self.val_type(ty.content_type, offset)?, mutable: ty.mutable })
    }
}
