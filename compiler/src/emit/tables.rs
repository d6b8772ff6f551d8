//! What the runtime looks up by a place in the text: traps, what they leave uncharged, exception
//! handlers, Wasm offsets, functions, kinds of code.
//!
//! Each is written by its module in `wasmaot-abi`, from what code generation noted, function by
//! function. **Invariant: all are in ascending order of the text**, as functions are.

use super::text::Text;
use crate::index::CodeIndex;
use crate::key::{FuncKey, Helper};
use crate::module::demangle::demangle;
use crate::translate::Env;
use cranelift_entity::EntityRef;
use wasmaot_abi::addrmap::{FunctionRange, write_address_map, write_function_map};
use wasmaot_abi::code::{self, CodeKind, CodeRange, NO_TYPE, write_code_table};
use wasmaot_abi::exception::write_exception_table;
use wasmaot_abi::trap::write_table;

/// The trap table.
pub(super) fn traps(text: &Text) -> Vec<u8> {
    let sites = text
        .functions()
        .flat_map(|(start, code)| code.traps.iter().map(move |site| (start + site.at, site.trap)));
    write_table(&sites.collect::<Vec<_>>())
}

/// Uncharged operators at each site of the trap table, in its order.
pub(super) fn trap_rows(text: &Text) -> Vec<u8> {
    text.functions().flat_map(|(_, code)| &code.traps).map(|site| site.uncharged).collect()
}

/// The exception table.
pub(super) fn exceptions(text: &Text) -> Vec<u8> {
    let sites = text.functions().flat_map(|(start, code)| {
        code.sites.iter().cloned().map(move |mut site| {
            site.return_address += start;
            site.handlers.iter_mut().for_each(|handler| handler.landing += start);
            site
        })
    });
    write_exception_table(&sites.collect::<Vec<_>>())
}

/// The address map.
pub(super) fn address_map(text: &Text) -> Vec<u8> {
    let entries = text
        .functions()
        .flat_map(|(start, code)| code.locations.iter().map(move |&(at, wasm)| (start + at, wasm)));
    write_address_map(&entries.collect::<Vec<_>>())
}

/// The function map: functions that the module defines. Thunks and entries are not shown in
/// backtraces.
pub(super) fn function_map(env: &Env<'_>, text: &Text) -> Vec<u8> {
    let defined = env.functions.iter().enumerate().filter_map(|(position, key)| match key {
        FuncKey::Function(defined) => Some((CodeIndex::new(position), env.functions.defined(defined))),
        _ => None,
    });
    let named = defined.map(|(code, func)| (code, func, env.module.known_name(func).map(demangle)));
    let named: Vec<_> = named.collect();
    let ranges = named.iter().map(|(code, func, name)| FunctionRange {
        code: text.offset(*code),
        length: text.length(*code),
        index: func.as_u32(),
        name: name.as_deref(),
    });
    write_function_map(&ranges.collect::<Vec<_>>())
}

/// The code table.
pub(super) fn code_table(env: &Env<'_>, text: &Text) -> Vec<u8> {
    let typed = |kind, index, func| (kind, index, env.module.functions[func].as_u32());
    let ranges = env.functions.iter().enumerate().map(|(position, key)| {
        let code = CodeIndex::new(position);
        let (kind, index, ty) = match key {
            FuncKey::Thunk(func) => typed(CodeKind::Thunk, func.as_u32(), func),
            FuncKey::Function(defined) => {
                let func = env.functions.defined(defined);
                typed(CodeKind::Function, func.as_u32(), func)
            }
            FuncKey::ArrayEntry(entry) => {
                typed(CodeKind::ArrayEntry, entry.as_u32(), env.functions.entries()[entry])
            }
            FuncKey::Helper(helper) => (CodeKind::Helper, number(helper) as u32, NO_TYPE),
        };
        CodeRange { start: text.offset(code), length: text.length(code), kind, index, ty }
    });
    write_code_table(&ranges.collect::<Vec<_>>())
}

/// What the contract calls a helper.
fn number(helper: Helper) -> code::Helper {
    match helper {
        Helper::Copy => code::Helper::Copy,
        Helper::Fill => code::Helper::Fill,
        Helper::Swizzle => code::Helper::Swizzle,
    }
}
