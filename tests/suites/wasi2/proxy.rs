//! A guest that passes on every function of WASI 0.2: it imports all interfaces of `interfaces.txt`, and
//! exports each function under a name of its own, so that a test calls it as a guest would.
//!
//! ```text
//!  test ──▶ lifted function ──▶ core function ──▶ lowered import ──▶ the host
//! ```
//!
//! `interfaces.txt` has a line for each type, resource and function:
//!
//! ```text
//!  interface NAME | use INTERFACE TYPE | resource NAME | type NAME = TYPE | func NAME(PARAM: TYPE, ..) -> TYPE
//! ```
//!
//! What a test borrows to the guest, the guest drops before it returns, as it has to.

use std::collections::HashMap;
use std::fmt::Write;

/// A type of WIT.
#[derive(Debug, Clone)]
enum Type {
    Primitive(String),
    /// A named type, by its number.
    Named(usize),
    Own(usize),
    Borrow(usize),
    List(Box<Type>),
    Tuple(Vec<Type>),
    Option(Box<Type>),
    Result(Option<Box<Type>>, Option<Box<Type>>),
    Record(Vec<(String, Type)>),
    Variant(Vec<(String, Option<Type>)>),
    Enum(Vec<String>),
    Flags(Vec<String>),
}

/// A named type or resource of an interface.
struct Named {
    /// Its name in the component.
    id: String,
    /// None if it is a resource.
    ty: Option<Type>,
}

struct Func {
    name: String,
    params: Vec<(String, Type)>,
    result: Option<Type>,
}

#[derive(Default)]
struct Interface {
    name: String,
    id: String,
    /// Names, and what they stand for: types of other interfaces, and its own.
    names: Vec<(String, usize, bool)>,
    funcs: Vec<Func>,
}

/// All interfaces.
struct Wit {
    named: Vec<Named>,
    interfaces: Vec<Interface>,
}

/// What is left of a line.
struct Parser<'t> {
    rest: &'t str,
}

impl<'t> Parser<'t> {
    fn word(&mut self) -> &'t str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| "<>(){},:= ".contains(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) {
        assert!(self.eat(token), "`{token}` expected before `{}`", self.rest);
    }

    /// Items with commas between them, up to a token.
    fn list<R>(&mut self, end: &str, mut item: impl FnMut(&mut Self) -> R) -> Vec<R> {
        let mut items = Vec::new();
        while !self.eat(end) {
            items.push(item(self));
            self.eat(",");
        }
        items
    }

    fn ty(&mut self, names: &HashMap<String, usize>) -> Type {
        let name = self.word();
        let number = |parser: &mut Self| {
            parser.expect("<");
            let name = parser.word();
            parser.expect(">");
            names[name]
        };
        match name {
            "own" => Type::Own(number(self)),
            "borrow" => Type::Borrow(number(self)),
            "list" | "option" => {
                self.expect("<");
                let inner = Box::new(self.ty(names));
                self.expect(">");
                if name == "list" { Type::List(inner) } else { Type::Option(inner) }
            }
            "tuple" => {
                self.expect("<");
                Type::Tuple(self.list(">", |parser| parser.ty(names)))
            }
            "result" => {
                if !self.eat("<") {
                    return Type::Result(None, None);
                }
                let mut cases = self.list(">", |parser| match parser.eat("_") {
                    true => None,
                    false => Some(Box::new(parser.ty(names))),
                });
                cases.resize(2, None);
                let err = cases.pop().flatten();
                Type::Result(cases.pop().flatten(), err)
            }
            "record" => {
                self.expect("{");
                Type::Record(self.list("}", |parser| {
                    let name = parser.word().to_string();
                    parser.expect(":");
                    (name, parser.ty(names))
                }))
            }
            "variant" => {
                self.expect("{");
                Type::Variant(self.list("}", |parser| {
                    let name = parser.word().to_string();
                    let payload = parser.eat("(").then(|| {
                        let payload = parser.ty(names);
                        parser.expect(")");
                        payload
                    });
                    (name, payload)
                }))
            }
            "enum" | "flags" => {
                self.expect("{");
                let labels = self.list("}", |parser| parser.word().to_string());
                if name == "enum" { Type::Enum(labels) } else { Type::Flags(labels) }
            }
            name => match names.get(name) {
                Some(&number) => Type::Named(number),
                None => Type::Primitive(name.to_string()),
            },
        }
    }
}

/// A name that can be an identifier of the text format.
fn identifier(name: &str) -> String {
    name.replace([':', '/', '[', ']', '.'], "-")
}

impl Wit {
    fn parse(text: &str) -> Self {
        let mut wit = Wit { named: Vec::new(), interfaces: Vec::new() };
        let mut known = HashMap::<(String, String), usize>::new();
        let mut names = HashMap::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (kind, rest) = line.split_once(' ').expect("two words");
            let mut parser = Parser { rest };
            if kind == "interface" {
                names.clear();
                let id = identifier(rest);
                wit.interfaces.push(Interface { name: rest.to_string(), id, ..Interface::default() });
                continue;
            }
            let interface = wit.interfaces.last_mut().expect("an interface is first");
            if kind == "func" {
                let name = rest.split('(').next().expect("a name").to_string();
                parser.rest = &rest[name.len() + 1..];
                let params = parser.list(")", |parser| {
                    let name = parser.word().to_string();
                    parser.expect(":");
                    (name, parser.ty(&names))
                });
                let result = parser.eat("->").then(|| parser.ty(&names));
                interface.funcs.push(Func { name, params, result });
                continue;
            }
            let (name, number, is_own) = match kind {
                "use" => {
                    let (from, name) = rest.split_once(' ').expect("two words");
                    (name, known[&(from.to_string(), name.to_string())], false)
                }
                "resource" | "type" => {
                    let name = rest.split(' ').next().expect("a name");
                    parser.rest = &rest[name.len()..];
                    let ty = parser.eat("=").then(|| parser.ty(&names));
                    let id = format!("{}-{name}", interface.id);
                    wit.named.push(Named { id, ty });
                    (name, wit.named.len() - 1, true)
                }
                _ => panic!("{line}"),
            };
            names.insert(name.to_string(), number);
            known.insert((interface.name.clone(), name.to_string()), number);
            interface.names.push((name.to_string(), number, is_own));
        }
        wit
    }

    /// A type in the text format. Named ones have a prefix.
    fn text(&self, ty: &Type, prefix: &str) -> String {
        let text = |ty: &Type| self.text(ty, prefix);
        let labels = |kind: &str, labels: &[String]| {
            let labels: Vec<String> = labels.iter().map(|label| format!("\"{label}\"")).collect();
            format!("({kind} {})", labels.join(" "))
        };
        match ty {
            Type::Primitive(name) => name.clone(),
            Type::Named(number) => format!("${prefix}{}", self.named[*number].id),
            Type::Own(number) => format!("(own ${prefix}{})", self.named[*number].id),
            Type::Borrow(number) => format!("(borrow ${prefix}{})", self.named[*number].id),
            Type::List(inner) => format!("(list {})", text(inner)),
            Type::Option(inner) => format!("(option {})", text(inner)),
            Type::Tuple(types) => {
                format!("(tuple {})", types.iter().map(text).collect::<Vec<_>>().join(" "))
            }
            Type::Result(ok, err) => {
                let ok = ok.as_ref().map_or_else(String::new, |ty| format!(" {}", text(ty)));
                let err = err.as_ref().map_or_else(String::new, |ty| format!(" (error {})", text(ty)));
                format!("(result{ok}{err})")
            }
            Type::Record(fields) => {
                let fields = fields.iter().map(|(name, ty)| format!("(field \"{name}\" {})", text(ty)));
                format!("(record {})", fields.collect::<Vec<_>>().join(" "))
            }
            Type::Variant(cases) => {
                let payload = |ty: &Option<Type>| ty.as_ref().map_or_else(String::new, text);
                let cases = cases.iter().map(|(name, ty)| format!("(case \"{name}\" {})", payload(ty)));
                format!("(variant {})", cases.collect::<Vec<_>>().join(" "))
            }
            Type::Enum(names) => labels("enum", names),
            Type::Flags(names) => labels("flags", names),
        }
    }

    /// Core types that a type is passed as.
    fn flat(&self, ty: &Type, to: &mut Vec<&'static str>) {
        match ty {
            Type::Primitive(name) => match name.as_str() {
                "string" => to.extend(["i32", "i32"]),
                "u64" | "s64" => to.push("i64"),
                "f32" => to.push("f32"),
                "f64" => to.push("f64"),
                _ => to.push("i32"),
            },
            Type::Named(number) => {
                self.flat(self.named[*number].ty.as_ref().expect("no resource by itself"), to)
            }
            Type::Own(_) | Type::Borrow(_) | Type::Enum(_) | Type::Flags(_) => to.push("i32"),
            Type::List(_) => to.extend(["i32", "i32"]),
            Type::Tuple(types) => types.iter().for_each(|ty| self.flat(ty, to)),
            Type::Record(fields) => fields.iter().for_each(|(_, ty)| self.flat(ty, to)),
            Type::Option(ty) => self.flat_cases([None, Some(&**ty)], to),
            Type::Result(ok, err) => self.flat_cases([ok.as_deref(), err.as_deref()], to),
            Type::Variant(cases) => self.flat_cases(cases.iter().map(|(_, ty)| ty.as_ref()), to),
        }
    }

    fn flat_cases<'t>(&self, cases: impl IntoIterator<Item = Option<&'t Type>>, to: &mut Vec<&'static str>) {
        to.push("i32");
        let start = to.len();
        for case in cases.into_iter().flatten() {
            let mut flat = Vec::new();
            self.flat(case, &mut flat);
            for (position, ty) in flat.into_iter().enumerate() {
                match to.get_mut(start + position) {
                    None => to.push(ty),
                    Some(known) if *known == ty => {}
                    // Types that share a place.
                    Some(known) => {
                        let is_narrow = [*known, ty].iter().all(|ty| ["i32", "f32"].contains(ty));
                        *known = if is_narrow { "i32" } else { "i64" };
                    }
                }
            }
        }
    }
}

/// Where core functions have their results.
const RESULT: u32 = 16;

/// The component's text. Functions are exported as `INTERFACE-FUNCTION`, with what identifiers lack replaced
/// by `-`; resources are dropped by `drop-INTERFACE-RESOURCE`. `version` is of all interfaces.
pub(crate) fn component(interfaces: &str, version: &str) -> String {
    let wit = Wit::parse(interfaces);
    let mut text = String::from("(component\n");
    let mut trampolines = String::new();
    let (mut lowered, mut with, mut lifted) = (String::new(), String::new(), String::new());
    for interface in &wit.interfaces {
        imported(&wit, interface, version, &mut text);
        for (name, number, is_own) in &interface.names {
            if *is_own && wit.named[*number].ty.is_none() {
                let id = &wit.named[*number].id;
                writeln!(lowered, "(core func $drop-{id} (canon resource.drop ${id}))").unwrap();
                writeln!(with, "(export \"drop-{id}\" (func $drop-{id}))").unwrap();
                writeln!(trampolines, "(import \"\" \"drop-{id}\" (func $drop-{id} (param i32)))").unwrap();
                let _ = name;
                writeln!(
                    lifted,
                    "(func (export \"drop-{id}\") (param \"self\" (own ${id})) (canon lift (core func $trampolines \"lifted-drop-{id}\")))"
                )
                .unwrap();
            }
        }
    }
    let mut bodies = String::new();
    for interface in &wit.interfaces {
        for (name, number, is_own) in &interface.names {
            if *is_own && wit.named[*number].ty.is_none() {
                let (id, _) = (&wit.named[*number].id, name);
                writeln!(
                    bodies,
                    "(func (export \"lifted-drop-{id}\") (param i32) (call $drop-{id} (local.get 0)))"
                )
                .unwrap();
            }
        }
        for func in &interface.funcs {
            let id = format!("{}-{}", interface.id, identifier(&func.name));
            writeln!(
                lowered,
                "(core func ${id} (canon lower (func ${} \"{}\") (memory $memory) (realloc $realloc)))",
                interface.id, func.name
            )
            .unwrap();
            writeln!(with, "(export \"{id}\" (func ${id}))").unwrap();
            passed_on(&wit, func, &id, &mut trampolines, &mut bodies);
            let params =
                func.params.iter().map(|(name, ty)| format!("(param \"{name}\" {})", wit.text(ty, "")));
            let result = func.result.as_ref().map(|ty| format!("(result {})", wit.text(ty, "")));
            writeln!(
                lifted,
                "(func (export \"{}\") {} {} (canon lift (core func $trampolines \"{id}\") (memory $memory) (realloc $realloc)))",
                id.replace("--", "-"),
                params.collect::<Vec<_>>().join(" "),
                result.unwrap_or_default()
            )
            .unwrap();
        }
    }
    writeln!(
        text,
        r#"(core module $libc
            (memory (export "memory") 2)
            (global $next (mut i32) (i32.const 65536))
            (func (export "realloc") (param $old i32) (param i32) (param $align i32) (param $size i32) (result i32)
                (local $at i32)
                (local.set $at (i32.and
                    (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
                    (i32.sub (i32.const 0) (local.get $align))))
                (global.set $next (i32.add (local.get $at) (local.get $size)))
                (loop $again
                    (if (i32.gt_u (global.get $next) (i32.mul (memory.size) (i32.const 65536)))
                        (then
                            (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))
                            unreachable)))
                (local.get $at))
            (func (export "reset") (global.set $next (i32.const 65536))))
        (core instance $libc (instantiate $libc))
        (alias core export $libc "memory" (core memory $memory))
        (alias core export $libc "realloc" (core func $realloc))
        {lowered}
        (core module $trampolines
            (import "libc" "memory" (memory 1))
            {trampolines}
            {bodies}
            (func (export "run") (result i32) (i32.const 0)))
        (core instance $trampolines (instantiate $trampolines
            (with "libc" (instance $libc))
            (with "" (instance {with}))))
        {lifted}
        (func $run (result (result)) (canon lift (core func $trampolines "run")))
        (instance (export "wasi:cli/run@{version}") (export "run" (func $run))))"#
    )
    .unwrap();
    text
}

/// The import of an interface.
fn imported(wit: &Wit, interface: &Interface, version: &str, text: &mut String) {
    writeln!(text, "(import \"{}@{version}\" (instance ${}", interface.name, interface.id).unwrap();
    for (name, number, is_own) in &interface.names {
        let id = &wit.named[*number].id;
        match (&wit.named[*number].ty, is_own) {
            (None, true) => writeln!(text, "(export \"{name}\" (type $in-{id} (sub resource)))").unwrap(),
            (Some(ty), true) => {
                writeln!(text, "(type $def-{id} {})", wit.text(ty, "in-")).unwrap();
                writeln!(text, "(export \"{name}\" (type $in-{id} (eq $def-{id})))").unwrap();
            }
            (_, false) => {
                writeln!(text, "(alias outer 1 ${id} (type $outer-{id}))").unwrap();
                writeln!(text, "(export \"{name}\" (type $in-{id} (eq $outer-{id})))").unwrap();
            }
        }
    }
    for func in &interface.funcs {
        let params =
            func.params.iter().map(|(name, ty)| format!("(param \"{name}\" {})", wit.text(ty, "in-")));
        let result = func.result.as_ref().map(|ty| format!("(result {})", wit.text(ty, "in-")));
        writeln!(
            text,
            "(export \"{}\" (func {} {}))",
            func.name,
            params.collect::<Vec<_>>().join(" "),
            result.unwrap_or_default()
        )
        .unwrap();
    }
    text.push_str("))\n");
    for (name, number, is_own) in &interface.names {
        if *is_own {
            let id = &wit.named[*number].id;
            writeln!(text, "(alias export ${} \"{name}\" (type ${id}))", interface.id).unwrap();
        }
    }
}

/// The core import of a function, and the one that calls it and drops what was borrowed.
fn passed_on(wit: &Wit, func: &Func, id: &str, imports: &mut String, bodies: &mut String) {
    let mut flat = Vec::new();
    let mut drops = String::new();
    for (_, ty) in &func.params {
        let at = flat.len();
        match ty {
            Type::Borrow(number) => {
                writeln!(drops, "(call $drop-{} (local.get {at}))", wit.named[*number].id).unwrap();
            }
            Type::List(inner) => {
                if let Type::Borrow(number) = **inner {
                    let drop = &wit.named[number].id;
                    writeln!(
                        drops,
                        "(block $done (loop $next
                            (br_if $done (i32.eqz (local.get {count})))
                            (call $drop-{drop} (i32.load (local.get {at})))
                            (local.set {at} (i32.add (local.get {at}) (i32.const 4)))
                            (local.set {count} (i32.sub (local.get {count}) (i32.const 1)))
                            (br $next)))",
                        count = at + 1
                    )
                    .unwrap();
                }
            }
            _ => {}
        }
        wit.flat(ty, &mut flat);
    }
    assert!(flat.len() <= 16, "{id}: the parameters fit no registers");
    let mut result = Vec::new();
    if let Some(ty) = &func.result {
        wit.flat(ty, &mut result);
    }
    let params = flat.join(" ");
    let in_memory = result.len() > 1;
    let (imported, exported) = match (in_memory, result.first()) {
        (true, _) => (format!("(param {params} i32)"), format!("(param {params}) (result i32)")),
        (false, Some(ty)) => {
            (format!("(param {params}) (result {ty})"), format!("(param {params}) (result {ty})"))
        }
        (false, None) => (format!("(param {params})"), format!("(param {params})")),
    };
    writeln!(imports, "(import \"\" \"{id}\" (func ${id} {imported}))").unwrap();
    let arguments: String = (0..flat.len()).map(|index| format!("(local.get {index})")).collect();
    let body = match (in_memory, result.first()) {
        (true, _) => {
            format!("(call ${id} {arguments} (i32.const {RESULT})) {drops} (i32.const {RESULT})")
        }
        (false, Some(ty)) => {
            let kept = flat.len();
            format!("(local {ty}) (local.set {kept} (call ${id} {arguments})) {drops} (local.get {kept})")
        }
        (false, None) => format!("(call ${id} {arguments}) {drops}"),
    };
    writeln!(bodies, "(func (export \"{id}\") {exported} {body})").unwrap();
}
