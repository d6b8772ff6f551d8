//! The functions of the canonical ABI that flattened modules import: see [`wasmaot_abi::component`] for what
//! each takes and returns.
//!
//! **Invariant: nothing that a guest passes here is believed**: tables, handles and ranges are compared
//! before they are used.

use crate::error::Trap;
use crate::func::HostResource;
use crate::state::{Context, State};
use crate::transcode::{self, Memories};
use crate::types::Types;
use std::sync::Arc;
use wasmaot_abi::component::Options;
use wasmaot_abi::component::{self as abi, ResourceOrigin, Violation};
use wasmaot_runtime::{Caller, Cells, FuncType, HostError, LinkError, Linker, MemoryData};

/// Resources of a component's that the host defines, by index.
pub(crate) type HostResources<T> = Vec<Option<HostResource<T>>>;

/// Defines a function of the canonical ABI. Returns whether there is one of this name.
pub(crate) fn define<T: 'static>(
    linker: &mut Linker<State<T>>,
    name: &str,
    ty: FuncType,
    types: &Arc<Types>,
    resources: &Arc<HostResources<T>>,
) -> Result<bool, LinkError> {
    let (params, results) = (ty.params.len(), ty.results.len());
    let expects = |wanted: (usize, usize)| (params, results) == wanted;
    match name {
        abi::NEXT if expects((1, 1)) => on_state(linker, name, ty, next)?,
        abi::TRAP if expects((1, 0)) => on_state(linker, name, ty, |_, cells| {
            let violation = Violation::from_code(cells.get(0) as u32);
            Err(Trap::Violation(violation.unwrap_or(Violation::Adapter)))
        })?,
        abi::RESOURCE_NEW if expects((2, 1)) => on_state(linker, name, ty, |caller, cells| {
            let inner = &mut caller.data_mut().inner;
            let types = inner.types.clone();
            let handle = inner.handles.new_own(&types, cells.get(0) as u32, cells.get(1) as u32)?;
            cells.set(0, handle.into());
            Ok(())
        })?,
        abi::RESOURCE_REP if expects((2, 1)) => on_state(linker, name, ty, |caller, cells| {
            let inner = &mut caller.data_mut().inner;
            let rep = inner.handles.rep(&inner.types, cells.get(0) as u32, cells.get(1) as u32)?;
            cells.set(0, rep.into());
            Ok(())
        })?,
        abi::RESOURCE_DROP if expects((2, 1)) => {
            let (types, resources) = (types.clone(), resources.clone());
            linker.func_in_cells(abi::MODULE, name, ty, move |caller, cells| {
                resource_drop(&types, &resources, caller, cells)
            })?;
        }
        abi::TRANSFER_OWN if expects((3, 1)) => on_state(linker, name, ty, |caller, cells| {
            let [handle, from, to] = [0, 1, 2].map(|index| cells.get(index) as u32);
            let inner = &mut caller.data_mut().inner;
            let rep = inner.handles.take(&inner.types, from, handle)?;
            let handle = inner.handles.new_own(&inner.types, to, rep)?;
            cells.set(0, handle.into());
            Ok(())
        })?,
        abi::TRANSFER_BORROW if expects((3, 1)) => on_state(linker, name, ty, |caller, cells| {
            let [handle, from, to] = [0, 1, 2].map(|index| cells.get(index) as u32);
            let inner = &mut caller.data_mut().inner;
            let rep = inner.handles.lend(&inner.types, from, handle)?;
            known(&inner.types, to)?;
            let handle = inner.handles.borrow(&inner.types, to, rep)?;
            cells.set(0, handle.into());
            Ok(())
        })?,
        abi::ENTER_CALL if expects((3, 0)) => {
            on_state(linker, name, ty, |caller, _| caller.data_mut().inner.handles.enter())?;
        }
        abi::EXIT_CALL if expects((0, 0)) => on_state(linker, name, ty, |caller, _| {
            let inner = &mut caller.data_mut().inner;
            inner.handles.exit(&inner.types)
        })?,
        name if name.starts_with(abi::ARGUMENTS) && params == 0 => {
            linker.func_in_cells(abi::MODULE, name, ty, move |caller, cells| {
                let arguments = std::mem::take(&mut caller.data_mut().inner.arguments);
                if arguments.len() != results {
                    return Err(Trap::OutOfTurn.into());
                }
                arguments.into_iter().enumerate().for_each(|(index, bits)| cells.set(index, bits));
                Ok(())
            })?;
        }
        name if name.starts_with(abi::RESULTS) && results == 0 => {
            linker.func_in_cells(abi::MODULE, name, ty, move |caller, cells| {
                take_results(caller, cells, params)
            })?;
        }
        name => match name.strip_prefix(abi::TRANSCODE).and_then(transcode::of) {
            Some(transcoder) if (5..=7).contains(&params) && results <= 2 => {
                linker.func_in_cells(abi::MODULE, name, ty, move |caller, cells| {
                    let [from, to] = caller.memories_at([cells.get(0) as u32, cells.get(1) as u32]);
                    let memories =
                        from.zip(to).map(|(from, to)| Memories { from, to }).ok_or(Trap::OutOfTurn)?;
                    let mut arguments = [0; 5];
                    (2..params).for_each(|index| arguments[index - 2] = cells.get(index) as u32);
                    let found = transcoder(&memories, arguments)?;
                    (0..results).for_each(|index| cells.set(index, found[index].into()));
                    Ok(())
                })?;
            }
            _ => return Ok(false),
        },
    }
    Ok(true)
}

/// Defines a function that works on what the instance keeps.
fn on_state<T: 'static>(
    linker: &mut Linker<State<T>>,
    name: &str,
    ty: FuncType,
    f: fn(&mut Caller<'_, State<T>>, &mut Cells<'_>) -> Result<(), Trap>,
) -> Result<(), LinkError> {
    linker.func_in_cells(abi::MODULE, name, ty, move |caller, cells| Ok(f(caller, cells)?))?;
    Ok(())
}

fn known(types: &Types, table: u32) -> Result<(), Trap> {
    types.component.tables.get(table as usize).map(|_| ()).ok_or(Trap::OutOfTurn)
}

/// The memory of canonical options, with what the instance keeps.
pub(crate) fn memory_and_state<'c, T>(
    caller: &'c mut Caller<'_, State<T>>,
    options: Options,
) -> (Option<MemoryData<'c>>, &'c mut State<T>) {
    match options.memory {
        Some(memory) => caller.memory_at_and_data(memory),
        None => (None, caller.data_mut()),
    }
}

fn next<T>(caller: &mut Caller<'_, State<T>>, cells: &mut Cells<'_>) -> Result<(), Trap> {
    let pointer = cells.get(0) as u32;
    let options = caller.data().inner.pending.as_ref().ok_or(Trap::OutOfTurn)?.options;
    let (memory, state) = memory_and_state(caller, options);
    cells.set(0, state.inner.answer(pointer, memory)?);
    Ok(())
}

fn take_results<T>(
    caller: &mut Caller<'_, State<T>>,
    cells: &Cells<'_>,
    count: usize,
) -> Result<(), HostError> {
    let mut flat = [0; 16];
    (0..count.min(flat.len())).for_each(|index| flat[index] = cells.get(index));
    let mut results = caller.data_mut().inner.results.take().ok_or(Trap::OutOfTurn)?;
    let (memory, state) = memory_and_state(caller, results.options);
    let mut lifter = state.inner.lifter(results.options, memory);
    results.lifted = Some((results.lift)(&mut lifter, results.result, &mut crate::lift::Flat::new(&flat))?);
    state.inner.results = Some(results);
    Ok(())
}

fn resource_drop<T>(
    types: &Types,
    resources: &HostResources<T>,
    caller: &mut Caller<'_, State<T>>,
    cells: &mut Cells<'_>,
) -> Result<(), HostError> {
    use crate::handles::Removed;
    let (table, handle) = (cells.get(0) as u32, cells.get(1) as u32);
    let inner = &mut caller.data_mut().inner;
    let rep = match inner.handles.remove(types, table, handle)? {
        Removed::Borrow => {
            cells.set(0, 0);
            return Ok(());
        }
        Removed::Own { rep } => rep,
    };
    let resource = types.resource(table).ok_or(Trap::OutOfTurn)? as usize;
    match &types.component.resources[resource] {
        ResourceOrigin::Defined { .. } => cells.set(0, abi::DESTROY as u64 | u64::from(rep)),
        ResourceOrigin::Imported { .. } => {
            if let Some(resource) = resources.get(resource).and_then(Option::as_ref) {
                (resource.drop)(&mut Context { caller }, rep)?;
            }
            cells.set(0, 0);
        }
    }
    Ok(())
}
