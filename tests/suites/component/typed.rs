//! Random types of components, and values of them.

use serde_json::{Value, json};
use wasmaot_component::Val;
use wasmaot_tests::Random;

/// A type. Types with a name are listed apart, see [`Types`].
#[derive(Debug, Clone)]
pub(crate) enum Type {
    Primitive(&'static str),
    List(Box<Type>),
    Option(Box<Type>),
    Result(Option<Box<Type>>, Option<Box<Type>>),
    Tuple(Vec<Type>),
    /// One of the list.
    Named(usize),
}

/// A type that has to have a name.
#[derive(Debug, Clone)]
enum Definition {
    Record(Vec<Type>),
    Variant(Vec<Option<Type>>),
    Enum(usize),
    Flags(usize),
}

/// Types that have names, each made of earlier ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Types {
    named: Vec<Definition>,
}

const PRIMITIVES: [&str; 13] =
    ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"];

/// The most types with names.
const NAMED: usize = 8;

/// Numbers of cases and flags: around those where their encoding becomes larger.
const CASES: [usize; 5] = [1, 2, 5, 256, 257];
const FLAGS: [usize; 6] = [1, 7, 8, 9, 17, 32];

fn names(prefix: &str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |number| format!("{prefix}{number}"))
}

fn quoted(names: impl Iterator<Item = String>) -> String {
    names.map(|name| format!(" \"{name}\"")).collect()
}

impl Types {
    /// Makes a random type of at most a depth.
    pub(crate) fn random(&mut self, random: &mut Random, depth: u32) -> Type {
        if depth == 0 {
            return Type::Primitive(PRIMITIVES[random.below(PRIMITIVES.len())]);
        }
        let mut inner = |random: &mut Random| Box::new(self.random(random, depth - 1));
        match random.below(9) {
            0 => Type::List(inner(random)),
            1 => Type::Option(inner(random)),
            2 => {
                let ok = (random.below(3) > 0).then(|| inner(random));
                let err = (random.below(3) > 0).then(|| inner(random));
                Type::Result(ok, err)
            }
            3 | 4 => Type::Tuple((0..=random.below(4)).map(|_| *inner(random)).collect()),
            5..=7 if self.named.len() < NAMED => self.definition(random, depth),
            _ => Type::Primitive(PRIMITIVES[random.below(PRIMITIVES.len())]),
        }
    }

    /// Makes a random type that has a name.
    fn definition(&mut self, random: &mut Random, depth: u32) -> Type {
        let definition = match random.below(4) {
            0 => Definition::Record((0..=random.below(5)).map(|_| self.random(random, depth - 1)).collect()),
            1 => {
                let cases = CASES[random.below(CASES.len())];
                let payload =
                    |case: usize| (case < 3 && random.below(3) > 0).then(|| self.random(random, depth - 1));
                Definition::Variant((0..cases).map(payload).collect())
            }
            2 => Definition::Enum(CASES[random.below(CASES.len())]),
            _ => Definition::Flags(FLAGS[random.below(FLAGS.len())]),
        };
        self.named.push(definition);
        Type::Named(self.named.len() - 1)
    }

    /// The definitions in the text format, each followed by what `export` says for its number.
    pub(crate) fn text(&self, export: impl Fn(usize) -> String) -> String {
        let text = |(number, definition): (usize, &Definition)| {
            let body = match definition {
                Definition::Record(fields) => {
                    let fields = fields.iter().zip(names("f", fields.len()));
                    let fields = fields.map(|(ty, name)| format!(" (field \"{name}\" {})", ty.text()));
                    format!("record{}", fields.collect::<String>())
                }
                Definition::Variant(cases) => {
                    let cases = cases.iter().zip(names("c", cases.len())).map(|(payload, name)| {
                        let payload = payload.as_ref().map(|ty| format!(" {}", ty.text()));
                        format!(" (case \"{name}\"{})", payload.unwrap_or_default())
                    });
                    format!("variant{}", cases.collect::<String>())
                }
                Definition::Enum(cases) => format!("enum{}", quoted(names("e", *cases))),
                Definition::Flags(flags) => format!("flags{}", quoted(names("b", *flags))),
            };
            format!("(type $u{number} ({body})) {}", export(number))
        };
        self.named.iter().enumerate().map(text).collect()
    }

    /// Number of types with names.
    pub(crate) fn count(&self) -> usize {
        self.named.len()
    }

    /// A random value of a type.
    pub(crate) fn value(&self, ty: &Type, random: &mut Random) -> Val {
        match ty {
            Type::Primitive(name) => primitive(name, random),
            Type::List(element) => {
                Val::List((0..random.below(4)).map(|_| self.value(element, random)).collect())
            }
            Type::Option(payload) => {
                Val::Option((random.below(2) > 0).then(|| Box::new(self.value(payload, random))))
            }
            Type::Result(ok, err) => {
                let mut payload =
                    |ty: &Option<Box<Type>>| ty.as_ref().map(|ty| Box::new(self.value(ty, random)));
                let (ok, err) = (payload(ok), payload(err));
                Val::Result(if random.below(2) > 0 { Ok(ok) } else { Err(err) })
            }
            Type::Tuple(types) => Val::Tuple(types.iter().map(|ty| self.value(ty, random)).collect()),
            Type::Named(number) => self.named_value(&self.named[*number], random),
        }
    }

    fn named_value(&self, definition: &Definition, random: &mut Random) -> Val {
        match definition {
            Definition::Record(fields) => {
                let names = names("f", fields.len());
                Val::Record(names.zip(fields).map(|(name, ty)| (name, self.value(ty, random))).collect())
            }
            Definition::Variant(cases) => {
                // Those with payloads are the first ones.
                let few = random.below(2) > 0;
                let case = random.below(if few { cases.len().min(3) } else { cases.len() });
                let payload = cases[case].as_ref().map(|ty| Box::new(self.value(ty, random)));
                Val::Variant(format!("c{case}"), payload)
            }
            Definition::Enum(cases) => Val::Enum(format!("e{}", random.below(*cases))),
            Definition::Flags(flags) => {
                let bits = random.number();
                let set = names("b", *flags).enumerate().filter(|(number, _)| bits >> number & 1 != 0);
                Val::Flags(set.map(|(_, name)| name).collect())
            }
        }
    }
}

impl Type {
    /// The type in the text format.
    pub(crate) fn text(&self) -> String {
        match self {
            Type::Primitive(name) => name.to_string(),
            Type::List(element) => format!("(list {})", element.text()),
            Type::Option(payload) => format!("(option {})", payload.text()),
            Type::Result(ok, err) => {
                let ok = ok.as_ref().map(|ok| format!(" {}", ok.text())).unwrap_or_default();
                let err = err.as_ref().map(|err| format!(" (error {})", err.text())).unwrap_or_default();
                format!("(result{ok}{err})")
            }
            Type::Tuple(types) => {
                format!("(tuple {})", types.iter().map(Type::text).collect::<Vec<_>>().join(" "))
            }
            Type::Named(number) => format!("$t{number}"),
        }
    }
}

fn primitive(name: &str, random: &mut Random) -> Val {
    let bits = random.number();
    match name {
        "bool" => Val::Bool(bits & 1 != 0),
        "s8" => Val::S8(bits as i8),
        "u8" => Val::U8(bits as u8),
        "s16" => Val::S16(bits as i16),
        "u16" => Val::U16(bits as u16),
        "s32" => Val::S32(bits as i32),
        "u32" => Val::U32(bits as u32),
        "s64" => Val::S64(bits as i64),
        "u64" => Val::U64(bits),
        // No NaN, which equals nothing.
        "f32" => Val::F32(bits as i32 as f32 / 256.0),
        "f64" => Val::F64(bits as i64 as f64 / 65536.0),
        "char" => Val::Char(character(random)),
        _ => Val::String((0..random.below(6)).map(|_| character(random)).collect()),
    }
}

/// A character of each length in each encoding, by turns.
fn character(random: &mut Random) -> char {
    let last = [0x7f, 0xff, 0x7ff, 0xd7ff, 0x10_ffff][random.below(5)];
    char::from_u32(random.below(last + 1) as u32).unwrap_or('\u{e000}')
}

/// A value for the peer's script: floats by their bits, cases as lists of their name and payload.
pub(crate) fn to_json(value: &Val) -> Value {
    let case = |name: &str, payload: &Option<Box<Val>>| match payload {
        Some(payload) => json!([name, to_json(payload)]),
        None => json!([name]),
    };
    match value {
        Val::Bool(value) => json!(value),
        Val::S8(value) => json!(value),
        Val::U8(value) => json!(value),
        Val::S16(value) => json!(value),
        Val::U16(value) => json!(value),
        Val::S32(value) => json!(value),
        Val::U32(value) => json!(value),
        Val::S64(value) => json!(value),
        Val::U64(value) => json!(value),
        Val::F32(value) => json!(value.to_bits()),
        Val::F64(value) => json!(value.to_bits()),
        Val::Char(value) => json!(value),
        Val::String(value) | Val::Enum(value) => json!(value),
        Val::List(values) | Val::Tuple(values) => values.iter().map(to_json).collect(),
        Val::Record(fields) => fields.iter().map(|(name, value)| (name.clone(), to_json(value))).collect(),
        Val::Variant(name, payload) => case(name, payload),
        Val::Option(None) => json!(["none"]),
        Val::Option(payload) => case("some", payload),
        Val::Result(Ok(payload)) => case("ok", payload),
        Val::Result(Err(payload)) => case("err", payload),
        Val::Flags(names) => json!(names),
        Val::Resource(_) => json!("resource"),
    }
}
