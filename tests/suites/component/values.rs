//! Values of scripts as those of the runtime.

use wasmaot_component::Val;
use wast::component::WastVal;

/// A value of a script.
pub(crate) fn lower(value: &WastVal<'_>) -> Val {
    let boxed = |value: &Option<Box<WastVal<'_>>>| value.as_ref().map(|value| Box::new(lower(value)));
    match value {
        WastVal::Bool(value) => Val::Bool(*value),
        WastVal::U8(value) => Val::U8(*value),
        WastVal::S8(value) => Val::S8(*value),
        WastVal::U16(value) => Val::U16(*value),
        WastVal::S16(value) => Val::S16(*value),
        WastVal::U32(value) => Val::U32(*value),
        WastVal::S32(value) => Val::S32(*value),
        WastVal::U64(value) => Val::U64(*value),
        WastVal::S64(value) => Val::S64(*value),
        WastVal::F32(value) => Val::F32(f32::from_bits(value.bits)),
        WastVal::F64(value) => Val::F64(f64::from_bits(value.bits)),
        WastVal::Char(value) => Val::Char(*value),
        WastVal::String(value) => Val::String(value.to_string()),
        WastVal::List(values) => Val::List(values.iter().map(lower).collect()),
        WastVal::Record(fields) => {
            Val::Record(fields.iter().map(|(name, value)| (name.to_string(), lower(value))).collect())
        }
        WastVal::Tuple(values) => Val::Tuple(values.iter().map(lower).collect()),
        WastVal::Variant(name, payload) => Val::Variant(name.to_string(), boxed(payload)),
        WastVal::Enum(name) => Val::Enum(name.to_string()),
        WastVal::Option(payload) => Val::Option(boxed(payload)),
        WastVal::Result(Ok(payload)) => Val::Result(Ok(boxed(payload))),
        WastVal::Result(Err(payload)) => Val::Result(Err(boxed(payload))),
        WastVal::Flags(names) => Val::Flags(names.iter().map(|name| name.to_string()).collect()),
        WastVal::Map(_) => panic!("a map belongs to a later proposal"),
    }
}

/// Whether a value is the one that a script expects: floats by their bits, any NaN for any.
pub(crate) fn matches(value: &Val, expected: &WastVal<'_>) -> bool {
    equal(value, &lower(expected))
}

fn equal(one: &Val, other: &Val) -> bool {
    let payloads = |one: &Option<Box<Val>>, other: &Option<Box<Val>>| match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => equal(one, other),
        _ => false,
    };
    match (one, other) {
        (Val::F32(one), Val::F32(other)) => {
            one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
        }
        (Val::F64(one), Val::F64(other)) => {
            one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
        }
        (Val::List(one), Val::List(other)) | (Val::Tuple(one), Val::Tuple(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Val::Record(one), Val::Record(other)) => {
            let same = |((name, one), (other_name, other)): (&(String, Val), &(String, Val))| {
                name == other_name && equal(one, other)
            };
            one.len() == other.len() && one.iter().zip(other).all(same)
        }
        (Val::Variant(one, payload), Val::Variant(other, other_payload)) => {
            one == other && payloads(payload, other_payload)
        }
        (Val::Option(one), Val::Option(other)) => payloads(one, other),
        (Val::Result(Ok(one)), Val::Result(Ok(other))) => payloads(one, other),
        (Val::Result(Err(one)), Val::Result(Err(other))) => payloads(one, other),
        (one, other) => one == other,
    }
}
