//! Values of any type.
//!
//! **Invariant: a value is compared with its type when it is passed**, so that what is passed is of the type.

use crate::convert::{ComponentType, Lift, Lower, View, mismatch};
use crate::error::Trap;
use crate::lift::{Flat, Lifter};
use crate::lower::{Lowerer, Offsets, Planner};
use crate::resource::ResourceAny;
use crate::types::Types;
use wasmaot_abi::component::{TypeDef, ValueType};

/// A value of a component's type.
#[derive(Debug, Clone, PartialEq)]
pub enum Val {
    /// A value of type `bool`.
    Bool(bool),
    /// A value of type `s8`.
    S8(i8),
    /// A value of type `u8`.
    U8(u8),
    /// A value of type `s16`.
    S16(i16),
    /// A value of type `u16`.
    U16(u16),
    /// A value of type `s32`.
    S32(i32),
    /// A value of type `u32`.
    U32(u32),
    /// A value of type `s64`.
    S64(i64),
    /// A value of type `u64`.
    U64(u64),
    /// A value of type `f32`.
    F32(f32),
    /// A value of type `f64`.
    F64(f64),
    /// A value of type `char`.
    Char(char),
    /// A value of type `string`.
    String(String),
    /// A value of type `list`.
    List(Vec<Val>),
    /// `record`: names of fields with their values, in order.
    Record(Vec<(String, Val)>),
    /// A value of type `tuple`.
    Tuple(Vec<Val>),
    /// `variant`: the name of a case, and its payload if it has one.
    Variant(String, Option<Box<Val>>),
    /// `enum`: the name of a case.
    Enum(String),
    /// A value of type `option`.
    Option(Option<Box<Val>>),
    /// `result`, each case with its payload if it has one.
    Result(Result<Option<Box<Val>>, Option<Box<Val>>>),
    /// `flags`: names of those that are set.
    Flags(Vec<String>),
    /// A resource handle, `own` or `borrow`.
    Resource(ResourceAny),
}

/// A variant, option, result or enum as the number of its case.
struct Cases<'a> {
    names: Names<'a>,
    payloads: Vec<Option<ValueType>>,
}

enum Names<'a> {
    Variant(Vec<&'a str>),
    Enum(&'a [String]),
    Option,
    Result,
}

impl<'a> Cases<'a> {
    /// The cases of a type, if it has any.
    fn of(def: &'a TypeDef) -> Option<Self> {
        Some(match def {
            TypeDef::Variant { cases } => Self {
                names: Names::Variant(cases.iter().map(|case| &*case.name).collect()),
                payloads: cases.iter().map(|case| case.ty).collect(),
            },
            TypeDef::Enum { names } => Self { names: Names::Enum(names), payloads: vec![None; names.len()] },
            TypeDef::Option { ty } => Self { names: Names::Option, payloads: vec![None, Some(*ty)] },
            TypeDef::Result { ok, err } => Self { names: Names::Result, payloads: vec![*ok, *err] },
            _ => return None,
        })
    }

    /// The case with this payload.
    fn val(&self, case: usize, payload: Option<Val>) -> Val {
        let payload = payload.map(Box::new);
        match &self.names {
            Names::Variant(names) => Val::Variant(names[case].to_string(), payload),
            Names::Enum(names) => Val::Enum(names[case].clone()),
            Names::Option => Val::Option(payload),
            Names::Result if case == 0 => Val::Result(Ok(payload)),
            Names::Result => Val::Result(Err(payload)),
        }
    }

    /// The number of a value's case, with its payload and the payload's type.
    fn split<'v>(&self, val: &'v Val) -> Option<(usize, Option<(&'v Val, ValueType)>)> {
        let (case, payload) = match (&self.names, val) {
            (Names::Variant(names), Val::Variant(name, payload)) => {
                (names.iter().position(|known| known == name)?, payload)
            }
            (Names::Enum(names), Val::Enum(name)) => (names.iter().position(|known| known == name)?, &None),
            (Names::Option, Val::Option(payload)) => (usize::from(payload.is_some()), payload),
            (Names::Result, Val::Result(Ok(payload))) => (0, payload),
            (Names::Result, Val::Result(Err(payload))) => (1, payload),
            _ => return None,
        };
        match (payload, self.payloads[case]) {
            (Some(payload), Some(ty)) => Some((case, Some((payload, ty)))),
            (None, None) => Some((case, None)),
            _ => None,
        }
    }
}

impl ComponentType for Val {
    fn is(_: &View<'_>, _: ValueType) -> bool {
        true
    }
}

/// Primitive types, by the Rust types that have their values.
macro_rules! primitives {
    ($apply:ident) => {
        $apply! {
            Bool S8 U8 S16 U16 S32 U32 S64 U64 F32 F64 Char String
        }
    };
}

impl Lift for Val {
    fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        macro_rules! primitive {
            ($($variant:ident)*) => {
                match ty {
                    $(ValueType::$variant => return Ok(Val::$variant(Lift::lift(cx, ty, flat)?)),)*
                    ValueType::Own { .. } | ValueType::Borrow { .. } => {
                        return Ok(Val::Resource(ResourceAny::lift(cx, ty, flat)?));
                    }
                    ValueType::Defined { .. } => {}
                }
            };
        }
        primitives!(primitive);
        let def = cx.types.def(ty).ok_or_else(|| mismatch(cx.types, ty))?;
        Ok(match def {
            TypeDef::List { .. } => Val::List(Lift::lift(cx, ty, flat)?),
            TypeDef::Record { fields } => {
                let fields =
                    fields.iter().map(|field| Ok((field.name.clone(), Val::lift(cx, field.ty, flat)?)));
                Val::Record(fields.collect::<Result<_, Trap>>()?)
            }
            TypeDef::Tuple { types } => {
                let values = types.iter().map(|&ty| Val::lift(cx, ty, flat));
                Val::Tuple(values.collect::<Result<_, _>>()?)
            }
            TypeDef::Flags { names } => flags(names, |_| Ok(flat.take() as u32))?,
            TypeDef::Variant { .. }
            | TypeDef::Enum { .. }
            | TypeDef::Option { .. }
            | TypeDef::Result { .. } => {
                let cases = Cases::of(def).ok_or_else(|| mismatch(cx.types, ty))?;
                let end = flat.position() + cx.types.layout(ty).flat as usize;
                let case = Lifter::discriminant(flat.take(), cases.payloads.len())?;
                let payload = cases.payloads[case].map(|ty| Val::lift(cx, ty, flat)).transpose()?;
                flat.skip_to(end);
                cases.val(case, payload)
            }
        })
    }

    fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
        macro_rules! primitive {
            ($($variant:ident)*) => {
                match ty {
                    $(ValueType::$variant => return Ok(Val::$variant(Lift::load(cx, ty, at)?)),)*
                    ValueType::Own { .. } | ValueType::Borrow { .. } => {
                        return Ok(Val::Resource(ResourceAny::load(cx, ty, at)?));
                    }
                    ValueType::Defined { .. } => {}
                }
            };
        }
        primitives!(primitive);
        let types = cx.types;
        let def = types.def(ty).ok_or_else(|| mismatch(types, ty))?;
        let mut offsets = Offsets::new(types, at);
        Ok(match def {
            TypeDef::List { .. } => Val::List(Lift::load(cx, ty, at)?),
            TypeDef::Record { fields } => {
                let fields = fields.iter().map(|field| {
                    let at = offsets.place(field.ty);
                    Ok((field.name.clone(), Val::load(cx, field.ty, at)?))
                });
                Val::Record(fields.collect::<Result<_, Trap>>()?)
            }
            TypeDef::Tuple { types } => {
                let values = types.iter().map(|&ty| {
                    let at = offsets.place(ty);
                    Val::load(cx, ty, at)
                });
                Val::Tuple(values.collect::<Result<_, _>>()?)
            }
            TypeDef::Flags { names } => flags(names, |word| match types.layout(ty).size {
                1 => cx.read_u8(at).map(u32::from),
                2 => cx.read_u16(at).map(u32::from),
                _ => cx.read_u32(at + 4 * word),
            })?,
            TypeDef::Variant { .. }
            | TypeDef::Enum { .. }
            | TypeDef::Option { .. }
            | TypeDef::Result { .. } => {
                let cases = Cases::of(def).ok_or_else(|| mismatch(types, ty))?;
                let count = cases.payloads.len();
                let case = cx.load_discriminant(at, count)?;
                let place = Lifter::payload_at(types, at, count, cases.payloads.iter().copied());
                let payload = cases.payloads[case].map(|ty| Val::load(cx, ty, place)).transpose()?;
                cases.val(case, payload)
            }
        })
    }
}

/// The flags that are set in words of 32 each.
fn flags(names: &[String], mut word: impl FnMut(u32) -> Result<u32, Trap>) -> Result<Val, Trap> {
    let mut set = Vec::new();
    for (position, names) in names.chunks(32).enumerate() {
        let bits = word(position as u32)?;
        let names = names.iter().enumerate().filter(|(bit, _)| bits & (1 << bit) != 0);
        set.extend(names.map(|(_, name)| name.clone()));
    }
    Ok(Val::Flags(set))
}

/// Words of flags, if all that are set are known.
fn flag_words(names: &[String], set: &[String]) -> Option<Vec<u32>> {
    let mut words = vec![0_u32; names.len().div_ceil(32)];
    for name in set {
        let bit = names.iter().position(|known| known == name)?;
        words[bit / 32] |= 1 << (bit % 32);
    }
    Some(words)
}

/// The values of a record in the order of its type's fields.
fn fields<'v>(val: &'v Val, def: &TypeDef) -> Option<Vec<(&'v Val, ValueType)>> {
    match (val, def) {
        (Val::Record(values), TypeDef::Record { fields }) if values.len() == fields.len() => {
            let values = values.iter().zip(fields);
            values.map(|((name, value), field)| (*name == field.name).then_some((value, field.ty))).collect()
        }
        (Val::Tuple(values), TypeDef::Tuple { types }) if values.len() == types.len() => {
            Some(values.iter().zip(types.iter().copied()).collect())
        }
        _ => None,
    }
}

impl Lower for Val {
    fn plan(&self, cx: &mut Planner<'_>, ty: ValueType) -> Result<(), Trap> {
        let types = cx.types;
        let wrong = || mismatch(types, ty);
        match (self, types.def(ty)) {
            (Val::String(text), None) if ty == ValueType::String => cx.string(text),
            (_, None) => Ok(()),
            (Val::List(values), Some(TypeDef::List { .. })) => values.plan(cx, ty),
            (Val::Flags(_), Some(TypeDef::Flags { .. })) => Ok(()),
            (_, Some(def @ (TypeDef::Record { .. } | TypeDef::Tuple { .. }))) => {
                let fields = fields(self, def).ok_or_else(wrong)?;
                fields.into_iter().try_for_each(|(value, ty)| value.plan(cx, ty))
            }
            (_, Some(def)) => {
                let cases = Cases::of(def).ok_or_else(wrong)?;
                let (_, payload) = cases.split(self).ok_or_else(wrong)?;
                payload.map_or(Ok(()), |(value, ty)| value.plan(cx, ty))
            }
        }
    }

    fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
        macro_rules! primitive {
            ($($variant:ident)*) => {
                match (self, ty) {
                    $((Val::$variant(value), ValueType::$variant) => return value.lower(cx, ty),)*
                    (Val::Resource(resource), _) => return resource.lower(cx, ty),
                    _ => {}
                }
            };
        }
        primitives!(primitive);
        let types = cx.types;
        let wrong = || mismatch(types, ty);
        match (self, types.def(ty).ok_or_else(wrong)?) {
            (Val::List(values), TypeDef::List { .. }) => values.lower(cx, ty),
            (Val::Flags(set), TypeDef::Flags { names }) => {
                cx.flat.extend(flag_words(names, set).ok_or_else(wrong)?.into_iter().map(u64::from));
                Ok(())
            }
            (_, def @ (TypeDef::Record { .. } | TypeDef::Tuple { .. })) => {
                let fields = fields(self, def).ok_or_else(wrong)?;
                fields.into_iter().try_for_each(|(value, ty)| value.lower(cx, ty))
            }
            (_, def) => {
                let cases = Cases::of(def).ok_or_else(wrong)?;
                let (case, payload) = cases.split(self).ok_or_else(wrong)?;
                let start = cx.flat.len();
                cx.flat.push(case as u64);
                payload.map_or(Ok(()), |(value, ty)| value.lower(cx, ty))?;
                cx.pad(start, types.layout(ty).flat);
                Ok(())
            }
        }
    }

    fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
        macro_rules! primitive {
            ($($variant:ident)*) => {
                match (self, ty) {
                    $((Val::$variant(value), ValueType::$variant) => return value.store(cx, ty, at),)*
                    (Val::Resource(resource), _) => return resource.store(cx, ty, at),
                    _ => {}
                }
            };
        }
        primitives!(primitive);
        let types: &Types = cx.types;
        let wrong = || mismatch(types, ty);
        match (self, types.def(ty).ok_or_else(wrong)?) {
            (Val::List(values), TypeDef::List { .. }) => values.store(cx, ty, at),
            (Val::Flags(set), TypeDef::Flags { names }) => {
                let words = flag_words(names, set).ok_or_else(wrong)?;
                let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
                cx.write(at, &bytes[..types.layout(ty).size as usize])
            }
            (_, def @ (TypeDef::Record { .. } | TypeDef::Tuple { .. })) => {
                let mut offsets = Offsets::new(types, at);
                fields(self, def).ok_or_else(wrong)?.into_iter().try_for_each(|(value, ty)| {
                    let at = offsets.place(ty);
                    value.store(cx, ty, at)
                })
            }
            (_, def) => {
                let cases = Cases::of(def).ok_or_else(wrong)?;
                let (case, payload) = cases.split(self).ok_or_else(wrong)?;
                let count = cases.payloads.len();
                cx.store_discriminant(at, case, count)?;
                let place = cx.payload_at(at, count, cases.payloads.iter().copied());
                payload.map_or(Ok(()), |(value, ty)| value.store(cx, ty, place))
            }
        }
    }
}
