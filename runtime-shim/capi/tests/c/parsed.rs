//! A header as declarations, and Rust sources as the functions that they export to C.
//!
//! **Invariant: what is not understood is an error**, so nothing is left out of a comparison.

use std::collections::BTreeMap;
use std::path::Path;

/// A function's parameters and result, in the words of Rust.
pub(crate) type Signature = (Vec<String>, String);

/// What a header declares.
#[derive(Debug, Default)]
pub(crate) struct Header {
    pub(crate) functions: BTreeMap<String, Signature>,
    /// Types of functions.
    pub(crate) callbacks: BTreeMap<String, Signature>,
    /// Fields by structure, in their order.
    pub(crate) structures: BTreeMap<String, Vec<String>>,
    /// Enumerations by name; those without are under "".
    pub(crate) enumerations: BTreeMap<String, Vec<String>>,
    pub(crate) opaque: Vec<String>,
}

/// A header without comments, lines of the preprocessor, and functions that it defines itself.
fn declarations(text: &str) -> String {
    let bare = without(text, "/*", |comment| comment.find("*/").expect("a comment ends") + 2);
    let bare = without(&bare, "static inline", |function| {
        let body = function.find('{').expect("a body");
        body + closing(&function[body..]) + 1
    });
    let is_kept = |line: &&str| !line.starts_with('#') && *line != "extern \"C\" {" && *line != "}";
    bare.lines().filter(is_kept).collect::<Vec<_>>().join("\n")
}

/// A text without what begins with a word; `length` finds how long that is.
fn without(text: &str, word: &str, length: impl Fn(&str) -> usize) -> String {
    let (mut rest, mut kept) = (text, String::new());
    while let Some(start) = rest.find(word) {
        kept.push_str(&rest[..start]);
        rest = &rest[start..];
        rest = &rest[length(rest)..];
    }
    kept + rest
}

/// Where the bracket closes that a text begins with.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '(' | '{' => depth += 1,
            ')' | '}' if depth == 1 => return at,
            ')' | '}' => depth -= 1,
            _ => {}
        }
    }
    panic!("a bracket stays open: {text}");
}

/// Splits a text at a character, but not inside of brackets. Empty parts are left out.
fn split(text: &str, at: char) -> Vec<String> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in text.chars() {
        match c {
            '(' | '{' | '<' => depth += 1,
            ')' | '}' => depth -= 1,
            '>' if !parts.last().is_some_and(|part| part.ends_with('-')) => depth -= 1,
            _ => {}
        }
        match c == at && depth == 0 {
            true => parts.push(String::new()),
            false => parts.last_mut().expect("at least one part").push(c),
        }
    }
    let words = parts.iter().map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    words.filter(|part| !part.is_empty()).collect()
}

/// A type of C's and the name of what has it, such as `const char *name`. The name may be missing.
fn typed(declaration: &str) -> (String, String) {
    let start = declaration.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    let (ty, name) = declaration.split_at(start);
    match ty.trim().trim_start_matches("const ").is_empty() {
        true => (declaration.to_string(), String::new()),
        false => (ty.trim().to_string(), name.to_string()),
    }
}

impl Header {
    pub(crate) fn parse(text: &str) -> Self {
        let mut header = Self::default();
        for item in split(&declarations(text), ';') {
            header.add(&item);
        }
        header
    }

    fn add(&mut self, item: &str) {
        if let Some((start, end)) = item.split_once('{').map(|(start, _)| (start, item.rfind('}'))) {
            let (body, name) = item[start.len()..].split_at(end.expect("a body ends") - start.len());
            let name = name[1..].trim().to_string();
            match start.trim() {
                "typedef struct" => _ = self.structures.insert(name, fields(&body[1..])),
                "typedef enum" | "enum" => _ = self.enumerations.insert(name, enumerators(&body[1..])),
                _ => panic!("not understood: {item}"),
            }
        } else if let Some(names) = item.strip_prefix("typedef struct ") {
            self.opaque.push(names.split(' ').next_back().expect("a name").to_string());
        } else if let Some(name) = item.strip_prefix("typedef uint8_t ") {
            self.enumerations.entry(name.to_string()).or_default();
        } else if let Some((result, rest)) =
            item.strip_prefix("typedef ").and_then(|item| item.split_once("(*"))
        {
            let (name, params) = rest.split_once(")(").expect("a type of functions");
            self.callbacks.insert(name.to_string(), self.signature(result.trim(), params));
        } else {
            let (start, params) = item.split_once('(').unwrap_or_else(|| panic!("not understood: {item}"));
            let (result, name) = typed(start);
            self.functions.insert(name, self.signature(&result, params));
        }
    }

    fn signature(&self, result: &str, params: &str) -> Signature {
        let params = params.strip_suffix(')').expect("parameters end");
        let params = if params == "void" { "" } else { params };
        let params = split(params, ',').into_iter().map(|param| match param.split_once("(*") {
            Some((result, rest)) => {
                let (_, params) = rest.split_once(")(").expect("a pointer to a function");
                let (params, result) = self.signature(result.trim(), params);
                format!("Option<unsafe extern \"C\" fn({}){result}>", params.join(", "))
            }
            None => self.ty(&typed(&param).0),
        });
        let params = params.collect();
        let result = if result == "void" { String::new() } else { format!(" -> {}", self.ty(result)) };
        (params, result)
    }

    /// A type in the words of Rust.
    fn ty(&self, ty: &str) -> String {
        let is_const = ty.starts_with("const ");
        let named = ty.trim_start_matches("const ");
        let base = named.trim_end_matches(['*', ' ']);
        let stars = named.chars().filter(|&c| c == '*').count();
        let base = match base {
            "void" => "c_void",
            "char" => "c_char",
            "int" => "c_int",
            "bool" => "bool",
            "size_t" => "usize",
            "int32_t" => "i32",
            "uint8_t" | "wasmaot_type_t" => "u8",
            "uint16_t" => "u16",
            "uint32_t" => "u32",
            "uint64_t" => "u64",
            name if self.enumerations.contains_key(name) => "u32",
            name if self.callbacks.contains_key(name) => &format!("Option<{name}>"),
            name => {
                let is_known =
                    self.structures.contains_key(name) || self.opaque.iter().any(|known| known == name);
                assert!(is_known, "the header declares no {name}");
                name
            }
        };
        // Of several stars the innermost is that of the constant.
        let inner = if is_const { "*const " } else { "*mut " };
        match stars {
            0 => base.to_string(),
            1 => format!("{inner}{base}"),
            _ => format!("{}{inner}{base}", "*mut ".repeat(stars - 1)),
        }
    }
}

fn fields(body: &str) -> Vec<String> {
    let field = |field: String| match field.rsplit_once('}') {
        Some((_, name)) => name.trim().to_string(),
        None => typed(&field).1,
    };
    split(body, ';').into_iter().map(field).collect()
}

fn enumerators(body: &str) -> Vec<String> {
    let name = |item: String| item.split(" =").next().expect("a name").to_string();
    split(body, ',').into_iter().map(name).collect()
}

/// The functions that the sources in a folder export, and the types of functions that they name, by name.
pub(crate) fn exported(folder: &Path) -> BTreeMap<String, Signature> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).expect("sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(exported(&path));
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("UTF-8");
        for (start, marker) in text.match_indices("extern \"C\" fn ") {
            let item = &text[start + marker.len()..];
            if let Some(end) = item.find('(').filter(|&end| end > 0) {
                found.insert(item[..end].to_string(), rust_signature(&item[end..]));
            }
        }
        for (start, marker) in text.match_indices("pub type ") {
            let item = &text[start + marker.len()..];
            if let Some((name, rest)) = item.split_once(" = unsafe extern \"C-unwind\" fn") {
                found.insert(name.to_string(), rust_signature(rest));
            }
        }
    }
    found
}

/// The signature that a text begins with.
fn rust_signature(text: &str) -> Signature {
    let end = closing(text);
    let plain = |ty: &str| {
        let known = ty.split_once(':').filter(|(name, _)| !name.contains('<')).map_or(ty, |(_, ty)| ty);
        known.replace("<'_, '_>", "").trim().to_string()
    };
    let params = split(&text[1..end], ',').iter().map(|param| plain(param)).collect();
    let result = &text[end + 1..];
    let result = &result[..result.find(['{', ';']).expect("an end")];
    (params, result.replace("<'_, '_>", "").trim_end().to_string())
}
