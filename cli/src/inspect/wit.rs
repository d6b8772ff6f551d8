//! `inspect --wit`: what a component imports and exports, in the words of WIT.

use crate::text::Bytes;
use std::fmt::Write;
use wasmaot_abi::component::{Component, Extern, Item};
use wasmaot_component::wit::{func_type, value_type};

/// Renders a component's world, and the core modules that it was made of.
pub(super) fn render(component: &Component) -> String {
    let mut text = "world component {\n".to_string();
    externs(component, "import", &component.imported, &mut text);
    externs(component, "export", &component.exported, &mut text);
    text.push_str("}\n");
    for module in &component.modules {
        let instances = match module.instances {
            0 => ", not instantiated".to_string(),
            1 => String::new(),
            count => format!(", {count} instances"),
        };
        line(&mut text, 0, &format!("// core module {}: {}{instances}", module.name, Bytes(module.bytes)));
    }
    text
}

fn line(text: &mut String, depth: usize, content: &str) {
    writeln!(text, "{:1$}{content}", "", 2 * depth).expect("a string has room");
}

/// Writes a list of items, of which those of an instance follow it.
fn externs(component: &Component, way: &str, externs: &[Extern], text: &mut String) {
    let mut open = 0;
    for (position, found) in externs.iter().enumerate() {
        let depth = found.path.len().max(1);
        (depth..=open).rev().for_each(|depth| line(text, depth, "}"));
        open = open.min(depth - 1);
        let name = found.path.last().map_or("", String::as_str);
        let name = if depth == 1 { format!("{way} {name}") } else { name.to_string() };
        let content = match &found.item {
            Item::Instance => {
                let is_empty = externs.get(position + 1).is_none_or(|next| next.path.len() <= depth);
                if !is_empty {
                    open = depth;
                }
                format!("{name}: interface {{{}", if is_empty { " }" } else { "" })
            }
            Item::Func { func } => {
                format!("{name}: {};", func_type(component, &component.functions[*func as usize]))
            }
            Item::Lifted { lift } => {
                let func = component.lifts[*lift as usize].func as usize;
                format!("{name}: {};", func_type(component, &component.functions[func]))
            }
            Item::Type { ty } => format!("type {name} = {};", value_type(component, *ty)),
            Item::Resource { .. } => format!("resource {name};"),
            Item::Other { what } => format!("{name}: {what};"),
        };
        line(text, depth, &content);
    }
    (1..=open).rev().for_each(|depth| line(text, depth, "}"));
}
