//! Globals, tables and memories that an instance exports, as C reaches them: by name, from outside and in
//! host functions.
//!
//! **Invariant: C gets an address of guest memory only for a range that was checked**, and made writable if
//! it is to be written.

pub mod of_caller;
pub mod of_instance;

use crate::boundary::{Result, usage};
use crate::func::Values;
use crate::place::Place;
use crate::value::wasmaot_value_t;
use std::ffi::c_void;
use wasmaot_runtime::{Instance, MemoryError, TableError, Val};

fn global_get(place: &mut impl Place, handle: Instance, name: &str) -> Result<wasmaot_value_t> {
    let value = handle.get_global(place, name)?.get(place)?;
    Ok(wasmaot_value_t::from_val(value, &mut place.data().references))
}

fn global_set(place: &mut impl Place, handle: Instance, name: &str, value: wasmaot_value_t) -> Result<()> {
    let value = value.to_val(&place.data().references)?;
    Ok(handle.get_global(place, name)?.set(place, value)?)
}

fn table_size(place: &mut impl Place, handle: Instance, name: &str) -> Result<u64> {
    Ok(handle.get_table(place, name)?.size(place)?)
}

fn table_get(place: &mut impl Place, handle: Instance, name: &str, index: u64) -> Result<wasmaot_value_t> {
    let value = handle.get_table(place, name)?.get(place, index)?;
    Ok(wasmaot_value_t::from_val(value, &mut place.data().references))
}

fn table_set(
    place: &mut impl Place,
    handle: Instance,
    name: &str,
    index: u64,
    value: wasmaot_value_t,
) -> Result<()> {
    let value = value.to_val(&place.data().references)?;
    Ok(handle.get_table(place, name)?.set(place, index, value)?)
}

/// `WASMAOT_NOT_GROWN` of the header.
pub const NOT_GROWN: u64 = u64::MAX;

fn table_grow(
    place: &mut impl Place,
    handle: Instance,
    name: &str,
    count: u64,
    init: wasmaot_value_t,
) -> Result<u64> {
    let init = init.to_val(&place.data().references)?;
    match handle.get_table(place, name)?.grow(place, count, init) {
        Err(TableError::Grow { .. }) => Ok(NOT_GROWN),
        grown => Ok(grown?),
    }
}

fn memory_grow(place: &mut impl Place, handle: Instance, name: &str, pages: u64) -> Result<u64> {
    match handle.get_memory(place, name)?.grow(place, pages) {
        Err(MemoryError::Grow { .. }) => Ok(NOT_GROWN),
        grown => Ok(grown?),
    }
}

fn memory_data(
    place: &mut impl Place,
    handle: Instance,
    name: &str,
    address: u64,
    length: usize,
    is_written: bool,
) -> Result<*mut c_void> {
    let memory = handle.get_memory(place, name)?.data(place)?;
    Ok(match is_written {
        true => memory.address(address, length as u64)?.cast(),
        false => memory.read_address(address, length as u64)?.cast_mut().cast(),
    })
}

fn call_ref(place: &mut impl Place, func: wasmaot_value_t, values: Values<'_>) -> Result<()> {
    let func = match func.to_val(&place.data().references)? {
        Val::FuncRef(Some(func)) => func,
        Val::FuncRef(None) => return Err(usage("the function is null")),
        other => return Err(usage(format!("a value of type {} is no function", other.ty()))),
    };
    values.pass(place, |place, args, results| func.call(place, args, results))
}
