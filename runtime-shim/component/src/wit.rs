//! Types in the words of WIT.
//!
//! Types are written out: an artifact keeps their names only where an interface exports them.

use std::fmt::Write;
use wasmaot_abi::component::{Component, FuncType, ResourceOrigin, TypeDef, ValueType};

/// A type of values.
pub fn value_type(component: &Component, ty: ValueType) -> String {
    let mut text = String::new();
    write_type(component, ty, &mut text, 0);
    text
}

/// A type of functions.
pub fn func_type(component: &Component, func: &FuncType) -> String {
    let params =
        func.params.iter().map(|param| format!("{}: {}", param.name, value_type(component, param.ty)));
    let params: Vec<String> = params.collect();
    let result = func.result.map(|ty| format!(" -> {}", value_type(component, ty)));
    format!("func({}){}", params.join(", "), result.unwrap_or_default())
}

/// The name of the resource that a table has handles of.
fn resource(component: &Component, table: u32) -> String {
    let resource = component.tables.get(table as usize).and_then(|table| table.resource);
    let origin = resource.and_then(|resource| Some((resource, component.resources.get(resource as usize)?)));
    match origin {
        Some((_, ResourceOrigin::Imported { path })) => path.last().cloned().unwrap_or_default(),
        Some((resource, ResourceOrigin::Defined { .. })) => format!("resource-{resource}"),
        None => "resource".to_string(),
    }
}

/// How deep and how long a type is written out; the rest is left to the imagination.
const MAX_DEPTH: u32 = 8;
const MAX_TEXT: usize = 4000;

fn write_type(component: &Component, ty: ValueType, text: &mut String, depth: u32) {
    if depth > MAX_DEPTH || text.len() > MAX_TEXT {
        text.push_str("...");
        return;
    }
    let name = match ty {
        ValueType::Bool => "bool",
        ValueType::S8 => "s8",
        ValueType::U8 => "u8",
        ValueType::S16 => "s16",
        ValueType::U16 => "u16",
        ValueType::S32 => "s32",
        ValueType::U32 => "u32",
        ValueType::S64 => "s64",
        ValueType::U64 => "u64",
        ValueType::F32 => "f32",
        ValueType::F64 => "f64",
        ValueType::Char => "char",
        ValueType::String => "string",
        ValueType::Own { table } => return text.push_str(&resource(component, table)),
        ValueType::Borrow { table } => {
            return write!(text, "borrow<{}>", resource(component, table)).expect("a string has room");
        }
        ValueType::Defined { index } => {
            match component.types.get(index as usize) {
                Some(def) => write_def(component, def, text, depth + 1),
                None => text.push_str("unknown"),
            }
            return;
        }
    };
    text.push_str(name);
}

fn write_def(component: &Component, def: &TypeDef, text: &mut String, depth: u32) {
    if let TypeDef::Variant { cases } = def {
        text.push_str("variant { ");
        for (position, case) in cases.iter().enumerate() {
            text.push_str(if position > 0 { ", " } else { "" });
            text.push_str(&case.name);
            if let Some(ty) = case.ty {
                text.push('(');
                write_type(component, ty, text, depth);
                text.push(')');
            }
        }
        return text.push_str(" }");
    }
    let mut list = |open: &str, close: &str, items: &mut dyn Iterator<Item = (String, Option<ValueType>)>| {
        text.push_str(open);
        for (position, (name, ty)) in items.enumerate() {
            if position > 0 {
                text.push_str(", ");
            }
            text.push_str(&name);
            if let Some(ty) = ty {
                write_type(component, ty, text, depth);
            }
        }
        text.push_str(close);
    };
    match def {
        TypeDef::Variant { .. } => {}
        TypeDef::Record { fields } => {
            let mut fields = fields.iter().map(|field| (format!("{}: ", field.name), Some(field.ty)));
            list("record { ", " }", &mut fields);
        }
        TypeDef::List { element } => list("list<", ">", &mut [(String::new(), Some(*element))].into_iter()),
        TypeDef::Tuple { types } => {
            list("tuple<", ">", &mut types.iter().map(|&ty| (String::new(), Some(ty))));
        }
        TypeDef::Flags { names } => {
            list("flags { ", " }", &mut names.iter().map(|name| (name.clone(), None)))
        }
        TypeDef::Enum { names } => list("enum { ", " }", &mut names.iter().map(|name| (name.clone(), None))),
        TypeDef::Option { ty } => list("option<", ">", &mut [(String::new(), Some(*ty))].into_iter()),
        TypeDef::Result { ok: None, err: None } => text.push_str("result"),
        TypeDef::Result { ok, err } => {
            let case = |ty: &Option<ValueType>| match ty {
                Some(ty) => (String::new(), Some(*ty)),
                None => ("_".to_string(), None),
            };
            match err {
                Some(_) => list("result<", ">", &mut [case(ok), case(err)].into_iter()),
                None => list("result<", ">", &mut [case(ok)].into_iter()),
            }
        }
    }
}
