//! Values of random types go through two components and come back.
//!
//! ```text
//!  host ──lower──▶ memory of A ──adapter──▶ memory of B ──adapter──▶ memory of A ──lift──▶ host
//! ```
//!
//! The adapters lay values out by a description of the canonical ABI of their own, so a value that comes back
//! was laid out by the host as they have it. Each component has one of the three encodings of strings.
//! `WASMAOT_COMPONENT_ECHOES` says how many types are tried.

use crate::component;
use wasmaot_component::{Linker, Val};
use wasmaot_tests::Random;

/// Default number of random types.
const ECHOES: u64 = 90;

/// The encodings of strings.
const ENCODINGS: [&str; 3] = ["utf8", "utf16", "latin1+utf16"];

/// A type that needs no name.
enum Type {
    Primitive(&'static str),
    List(Box<Type>),
    Option(Box<Type>),
    Result(Option<Box<Type>>, Option<Box<Type>>),
    Tuple(Vec<Type>),
}

const PRIMITIVES: [&str; 13] =
    ["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"];

fn below(random: &mut Random, count: u64) -> u64 {
    random.below(count as usize) as u64
}

impl Type {
    fn random(random: &mut Random, depth: u32) -> Self {
        if depth == 0 {
            return Type::Primitive(PRIMITIVES[below(random, 13) as usize]);
        }
        let inner = |random: &mut Random| Box::new(Type::random(random, depth - 1));
        match below(random, 6) {
            0 => Type::List(inner(random)),
            1 => Type::Option(inner(random)),
            2 => {
                let ok = (below(random, 3) > 0).then(|| inner(random));
                let err = (below(random, 3) > 0).then(|| inner(random));
                Type::Result(ok, err)
            }
            3 | 4 => Type::Tuple((0..=below(random, 4)).map(|_| *inner(random)).collect()),
            _ => Type::Primitive(PRIMITIVES[below(random, 13) as usize]),
        }
    }

    fn text(&self) -> String {
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
        }
    }

    fn value(&self, random: &mut Random) -> Val {
        match self {
            Type::Primitive(name) => primitive(name, random),
            Type::List(element) => Val::List((0..below(random, 4)).map(|_| element.value(random)).collect()),
            Type::Option(payload) => {
                Val::Option((below(random, 2) > 0).then(|| Box::new(payload.value(random))))
            }
            Type::Result(ok, err) => {
                let mut payload = |ty: &Option<Box<Type>>| ty.as_ref().map(|ty| Box::new(ty.value(random)));
                let (ok, err) = (payload(ok), payload(err));
                Val::Result(if below(random, 2) > 0 { Ok(ok) } else { Err(err) })
            }
            Type::Tuple(types) => Val::Tuple(types.iter().map(|ty| ty.value(random)).collect()),
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
        _ => Val::String((0..below(random, 6)).map(|_| character(random)).collect()),
    }
}

/// A character of each length in each encoding, by turns.
fn character(random: &mut Random) -> char {
    let last = [0x7f, 0xff, 0x7ff, 0xd7ff, 0x10_ffff][below(random, 5) as usize];
    char::from_u32(below(random, last + 1) as u32).unwrap_or('\u{e000}')
}

/// A component that sends what it gets through two inner ones. The padding has parameters passed in memory,
/// where the value comes first.
fn echo(ty: &str, outer: &str, inner: &str) -> String {
    let padding: String = (0..16).map(|index| format!("(param \"p{index}\" u64)")).collect();
    let func = format!("(param \"x\" (tuple {ty} u8)) {padding} (result (tuple {ty} u8))");
    let memory = "(memory (export \"memory\") 2)
        (global $next (mut i32) (i32.const 4096))
        (func (export \"realloc\") (param $old i32) (param $size i32) (param $align i32) (param $new i32) (result i32)
            (local $at i32)
            (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
            (memory.copy (local.get $at) (local.get $old) (select (local.get $size) (local.get $new) (i32.lt_u (local.get $size) (local.get $new))))
            (global.set $next (i32.add (local.get $at) (local.get $new)))
            (local.get $at))";
    format!(
        "(component
            (component $B
                (core module $m {memory} (func (export \"echo\") (param i32) (result i32) (local.get 0)))
                (core instance $i (instantiate $m))
                (func (export \"echo\") {func}
                    (canon lift (core func $i \"echo\") (memory (core memory $i \"memory\")) (realloc (core func $i \"realloc\")) string-encoding={inner})))
            (component $A
                (import \"echo\" (func $echo {func}))
                (core module $memory {memory})
                (core instance $memory (instantiate $memory))
                (core func $lowered (canon lower (func $echo) (memory (core memory $memory \"memory\")) (realloc (core func $memory \"realloc\")) string-encoding={outer}))
                (core module $m
                    (import \"\" \"echo\" (func $echo (param i32 i32)))
                    (func (export \"echo\") (param i32) (result i32) (call $echo (local.get 0) (i32.const 1024)) (i32.const 1024)))
                (core instance $i (instantiate $m (with \"\" (instance (export \"echo\" (func $lowered))))))
                (func (export \"echo\") {func}
                    (canon lift (core func $i \"echo\") (memory (core memory $memory \"memory\")) (realloc (core func $memory \"realloc\")) string-encoding={outer})))
            (instance $b (instantiate $B))
            (instance $a (instantiate $A (with \"echo\" (func $b \"echo\"))))
            (export \"echo\" (func $a \"echo\")))"
    )
}

#[test]
fn values_of_random_types_come_back() {
    let count = std::env::var("WASMAOT_COMPONENT_ECHOES").ok().and_then(|text| text.parse().ok());
    for seed in 0..count.unwrap_or(ECHOES) {
        let mut random = Random::new(seed + 1);
        let ty = Type::random(&mut random, 1 + (seed % 3) as u32);
        let (outer, inner) = (ENCODINGS[(seed % 3) as usize], ENCODINGS[(seed / 3 % 3) as usize]);
        let linked = Linker::new().instantiate_pre(&component(&echo(&ty.text(), outer, inner)));
        let linked = linked.unwrap_or_else(|error| panic!("seed {seed}, {}: {error}", ty.text()));
        let mut instance = linked.instantiate(()).expect("an instance");
        for _ in 0..4 {
            let value = Val::Tuple(vec![ty.value(&mut random), Val::U8(7)]);
            let mut arguments = vec![value.clone()];
            arguments.extend((0..16).map(Val::U64));
            let returned = instance.call("echo", &arguments);
            let returned =
                returned.unwrap_or_else(|error| panic!("seed {seed}, {} {value:?}: {error}", ty.text()));
            assert_eq!(returned, Some(value), "seed {seed}: {} in {outer} and {inner}", ty.text());
        }
    }
}
