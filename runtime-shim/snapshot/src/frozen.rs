//! The state of an instance, written down.
//!
//! **Invariant: what a [`Snapshot`] holds can all be written into a module**: numbers, nulls, and functions
//! by their index.

use crate::error::{Place, SnapshotError};
use crate::runs::{extend, join};
use std::ops::Range;
use wasmaot_abi::descriptor::{Descriptor, ImportKind};
use wasmaot_abi::slot::HOST_PAGE;
use wasmaot_runtime::{AsStore, Func, Instance, InstanceState, MemoryData, Val};

/// The state of an instance between two calls: memories, globals, tables, and which segments are dropped.
///
/// It is independent of the instance, which goes on as before. See the [crate](crate) for an example.
#[derive(Debug)]
pub struct Snapshot<'w> {
    pub(crate) wasm: &'w [u8],
    pub(crate) memories: Vec<Memory>,
    /// Of each global its value, if it can change.
    pub(crate) globals: Vec<Option<Value>>,
    /// Of each table its elements, if it can change.
    pub(crate) tables: Vec<Option<Vec<Value>>>,
    pub(crate) dropped_data: Vec<bool>,
    pub(crate) dropped_elems: Vec<bool>,
}

/// A value that can be written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    I32(i32),
    I64(i64),
    F32(u32),
    F64(u64),
    V128(u128),
    Null,
    /// A function, by its index.
    Func(u32),
}

/// The contents of a memory.
#[derive(Debug)]
pub(crate) struct Memory {
    /// Pages of the memory's own size.
    pub(crate) pages: u64,
    /// What is not zero, ascending.
    pub(crate) contents: Vec<(u64, Vec<u8>)>,
}

/// Segments of data that all memories together are written as. Engines accept 100,000, and our runtime by
/// default 10,000 of all kinds.
const MAX_SEGMENTS: usize = 9000;

/// Number of bytes read at a time.
const CHUNK: usize = 1 << 20;

impl<'w> Snapshot<'w> {
    /// Freezes an instance of `wasm`, a binary module. The instance and its store stay as they are.
    ///
    /// # Errors
    /// The state cannot be written down: a call is running or suspended, a memory, table or global is
    /// imported, a memory is shared, or a reference leads out of the instance.
    pub fn take(store: &impl AsStore, instance: Instance, wasm: &'w [u8]) -> Result<Self, SnapshotError> {
        let state = instance.state(store)?;
        let descriptor = state.module().descriptor();
        check_imports(descriptor)?;
        let globals = (0..).zip(&descriptor.globals).map(|(index, global)| match global.ty.mutable {
            true => {
                let value = state.global(index).ok_or(SnapshotError::OtherModule { what: "globals" })?;
                freeze(&state, value, Place::Global(index)).map(Some)
            }
            false => Ok(None),
        });
        let tables = (0..).zip(&descriptor.tables).map(|(table, _)| {
            let elements = state.table(table).map(|elements| {
                let elements = (0..).zip(elements);
                elements
                    .map(|(index, value)| freeze(&state, value, Place::Element { table, index }))
                    .collect()
            });
            elements.transpose()
        });
        Ok(Self {
            wasm,
            memories: memories(&state, descriptor)?,
            globals: globals.collect::<Result<_, _>>()?,
            tables: tables.collect::<Result<_, _>>()?,
            dropped_data: (0..descriptor.data.len() as u32)
                .map(|index| state.is_data_dropped(index))
                .collect(),
            dropped_elems: (0..descriptor.elems.len() as u32)
                .map(|index| state.is_elem_dropped(index))
                .collect(),
        })
    }

    /// Returns the bytes of memory that are not zero, in whole pages of 4 KiB.
    pub fn memory_bytes(&self) -> u64 {
        self.memories.iter().flat_map(|memory| &memory.contents).map(|(_, bytes)| bytes.len() as u64).sum()
    }
}

/// Functions and tags can be imported, as they have no state.
fn check_imports(descriptor: &Descriptor) -> Result<(), SnapshotError> {
    for import in &descriptor.imports {
        let kind = match import.kind {
            ImportKind::Func { .. } | ImportKind::Tag { .. } => continue,
            ImportKind::Memory { .. } => "memory",
            ImportKind::Table { .. } => "table",
            ImportKind::Global { .. } => "global",
        };
        let (module, name) = (import.module.clone(), import.name.clone());
        return Err(SnapshotError::Imported { kind, module, name });
    }
    Ok(())
}

fn freeze(state: &InstanceState<'_>, value: Val, place: Place) -> Result<Value, SnapshotError> {
    let of_function =
        |func: Func| state.function_index(func).map(Value::Func).ok_or(SnapshotError::Foreign { place });
    match value {
        Val::I32(value) => Ok(Value::I32(value)),
        Val::I64(value) => Ok(Value::I64(value)),
        Val::F32(bits) => Ok(Value::F32(bits)),
        Val::F64(bits) => Ok(Value::F64(bits)),
        Val::V128(bits) => Ok(Value::V128(bits)),
        Val::FuncRef(None) | Val::ExternRef(None) | Val::ExnRef(None) => Ok(Value::Null),
        Val::FuncRef(Some(func)) => of_function(func),
        Val::ExternRef(Some(_)) => Err(SnapshotError::Extern { place }),
        Val::ExnRef(Some(_)) => Err(SnapshotError::Exception { place }),
    }
}

fn memories(state: &InstanceState<'_>, descriptor: &Descriptor) -> Result<Vec<Memory>, SnapshotError> {
    let mut all = Vec::new();
    for (memory, plan) in (0..).zip(&descriptor.memories) {
        if plan.ty.shared {
            return Err(SnapshotError::Shared { memory });
        }
        let data = state.memory(memory).ok_or(SnapshotError::OtherModule { what: "memories" })?;
        let runs = written_pages(&data).map_err(|error| SnapshotError::Memory { memory, error })?;
        all.push((memory, plan.ty.page_log2, data, runs));
    }
    let mut lists: Vec<_> = all.iter_mut().map(|(.., runs)| std::mem::take(runs)).collect();
    join(&mut lists, MAX_SEGMENTS);
    let memories = all.into_iter().zip(lists).map(|((memory, page_log2, data, _), runs)| {
        let contents = runs.into_iter().flat_map(|run| ranges(run, data.size()));
        let contents = contents.map(|range| {
            let mut bytes = vec![0; (range.end - range.start) as usize];
            data.read(range.start, &mut bytes).map_err(|error| SnapshotError::Memory { memory, error })?;
            Ok::<_, SnapshotError>((range.start, bytes))
        });
        Ok(Memory { pages: data.size() >> page_log2, contents: contents.collect::<Result<_, _>>()? })
    });
    memories.collect()
}

/// Runs of pages of 4 KiB that are not zero. A whole page is written down: what lies in whole pages becomes
/// an image, without a byte more, however little of each page is set.
fn written_pages(data: &MemoryData<'_>) -> Result<Vec<Range<u64>>, wasmaot_runtime::MemoryError> {
    let (size, mut runs) = (data.size(), Vec::new());
    let mut buffer = vec![0; CHUNK];
    for start in (0..size).step_by(CHUNK) {
        let bytes = &mut buffer[..CHUNK.min((size - start) as usize)];
        data.read(start, bytes)?;
        for (page, bytes) in (start / HOST_PAGE..).zip(bytes.chunks(HOST_PAGE as usize)) {
            if bytes.iter().any(|&byte| byte != 0) {
                extend(&mut runs, page..page + 1, 0);
            }
        }
    }
    Ok(runs)
}

/// Returns the byte ranges of a run of pages, clipped to the memory's size: its whole pages, then the partial
/// page at the end, which is never part of an image.
fn ranges(pages: Range<u64>, size: u64) -> impl Iterator<Item = Range<u64>> {
    let (start, end) = (pages.start * HOST_PAGE, (pages.end * HOST_PAGE).min(size));
    let whole = (size / HOST_PAGE * HOST_PAGE).clamp(start, end);
    [start..whole, whole..end].into_iter().filter(|range| !range.is_empty())
}
