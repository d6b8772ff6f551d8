//! Globals, tables and memories that an instance exports, as C reaches them: by name, from outside and in host functions.
//!
//! **Invariant: C gets an address of guest memory only for a range that was checked**, and made writable if it is to be written.

pub mod of_caller;
pub mod of_instance;

use crate::boundary::{Result, usage};
use crate::func::Values;
use crate::place::Place;
use crate::value::wasmaot_value_t;
use std::ffi::c_void;
use wasmaot_runtime::{Extern, Val};

/// An export of a kind.
fn find<T>(
    place: &impl Place,
    name: &str,
    kind: &str,
    of_kind: impl FnOnce(Extern) -> Option<T>,
) -> Result<T> {
    let found = place.handle().get_export(place, name).ok_or_else(|| usage(format!("no export `{name}`")))?;
    of_kind(found).ok_or_else(|| usage(format!("export `{name}` is not a {kind}")))
}

fn global_get(place: &mut impl Place, name: &str) -> Result<wasmaot_value_t> {
    let value = find(place, name, "global", Extern::into_global)?.get(place)?;
    wasmaot_value_t::from_val(value, &mut place.data().references)
}

fn global_set(place: &mut impl Place, name: &str, value: wasmaot_value_t) -> Result<()> {
    let value = value.to_val(&place.data().references)?;
    Ok(find(place, name, "global", Extern::into_global)?.set(place, value)?)
}

fn table_size(place: &mut impl Place, name: &str) -> Result<u64> {
    Ok(find(place, name, "table", Extern::into_table)?.size(place))
}

fn table_get(place: &mut impl Place, name: &str, index: u64) -> Result<wasmaot_value_t> {
    let value = find(place, name, "table", Extern::into_table)?.get(place, index)?;
    wasmaot_value_t::from_val(value, &mut place.data().references)
}

fn table_set(place: &mut impl Place, name: &str, index: u64, value: wasmaot_value_t) -> Result<()> {
    let value = value.to_val(&place.data().references)?;
    Ok(find(place, name, "table", Extern::into_table)?.set(place, index, value)?)
}

/// The number before it grew, or the greatest one.
fn grown(before: Option<u64>) -> u64 {
    before.unwrap_or(NOT_GROWN)
}

/// `WASMAOT_NOT_GROWN` of the header.
pub const NOT_GROWN: u64 = u64::MAX;

fn table_grow(place: &mut impl Place, name: &str, count: u64, init: wasmaot_value_t) -> Result<u64> {
    let init = init.to_val(&place.data().references)?;
    Ok(grown(find(place, name, "table", Extern::into_table)?.grow(place, count, init)?))
}

fn memory_grow(place: &mut impl Place, name: &str, pages: u64) -> Result<u64> {
    Ok(grown(find(place, name, "memory", Extern::into_memory)?.grow(place, pages)))
}

fn memory_data(
    place: &mut impl Place,
    name: &str,
    address: u64,
    length: usize,
    is_written: bool,
) -> Result<*mut c_void> {
    let memory = find(place, name, "memory", Extern::into_memory)?;
    Ok(match is_written {
        true => memory.address(place, address, length as u64)?.cast(),
        false => memory.read_address(place, address, length as u64)?.cast_mut().cast(),
    })
}

fn call_ref(place: &mut impl Place, func: wasmaot_value_t, values: Values<'_>) -> Result<()> {
    let func = match func.to_val(&place.data().references)? {
        Val::FuncRef(Some(func)) => func,
        Val::FuncRef(None) => return Err(usage("the function is null")),
        other => return Err(usage(format!("a value of type {} is no function", other.ty()))),
    };
    values.pass_by_vec(place, |place, args| func.call(place, args))
}
