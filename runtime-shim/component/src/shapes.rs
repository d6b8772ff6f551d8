//! Rust types for records, variants, enums and flags of WIT, by macros: [`record!`](crate::record),
//! [`variant!`](crate::variant), [`enumeration!`](crate::enumeration), [`flags!`](crate::flags).
//!
//! What the macros write calls the functions here, and is compared with the component's type when a function
//! is linked: the names of fields, cases and flags, and the types behind them.
//!
//! **Invariant: nothing here is reached with a type that was not compared**, or it is an error.

pub use crate::convert::View;
pub use crate::error::Trap;
pub use crate::lift::{Flat, Lifter};
pub use crate::lower::{Lowerer, Planner};
pub use wasmaot_abi::component::ValueType;

use crate::convert::mismatch;
use crate::lower::Offsets;
use crate::types::Types;
use wasmaot_abi::component::{Case, Field, TypeDef};

/// Compares the type of a field or a payload.
pub type Is = fn(&View<'_>, ValueType) -> bool;

fn fields(types: &Types, ty: ValueType) -> Result<&[Field], Trap> {
    match types.def(ty) {
        Some(TypeDef::Record { fields }) => Ok(fields),
        _ => Err(mismatch(types, ty)),
    }
}

fn cases(types: &Types, ty: ValueType) -> Result<&[Case], Trap> {
    match types.def(ty) {
        Some(TypeDef::Variant { cases }) => Ok(cases),
        _ => Err(mismatch(types, ty)),
    }
}

/// How many cases a variant or an enum has.
fn count(types: &Types, ty: ValueType) -> Result<usize, Trap> {
    match types.def(ty) {
        Some(TypeDef::Variant { cases }) => Ok(cases.len()),
        Some(TypeDef::Enum { names }) => Ok(names.len()),
        _ => Err(mismatch(types, ty)),
    }
}

/// A type that stands for a payload that there is not: it is not looked at.
const NOTHING: ValueType = ValueType::Bool;

fn payload_of(types: &Types, ty: ValueType, case: usize) -> Result<ValueType, Trap> {
    let case = cases(types, ty)?.get(case).ok_or_else(|| mismatch(types, ty))?;
    Ok(case.ty.unwrap_or(NOTHING))
}

/// Where the payload of a variant lies.
fn payload_at(types: &Types, ty: ValueType, at: u32) -> Result<u32, Trap> {
    let cases = cases(types, ty)?;
    Ok(Lifter::payload_at(types, at, cases.len(), cases.iter().map(|case| case.ty)))
}

/// Whether a type is a record with these fields.
pub fn is_record(view: &View<'_>, ty: ValueType, wanted: &[(&str, Is)]) -> bool {
    let Ok(fields) = fields(view.types, ty) else { return false };
    fields.len() == wanted.len()
        && fields.iter().zip(wanted).all(|(field, (name, is))| field.name == *name && is(view, field.ty))
}

/// Whether a type is a variant with these cases.
pub fn is_variant(view: &View<'_>, ty: ValueType, wanted: &[(&str, Option<Is>)]) -> bool {
    let Ok(cases) = cases(view.types, ty) else { return false };
    let same = |(case, (name, is)): (&Case, &(&str, Option<Is>))| {
        let is_payload = match (case.ty, is) {
            (Some(ty), Some(is)) => is(view, ty),
            (None, None) => true,
            _ => false,
        };
        case.name == *name && is_payload
    };
    cases.len() == wanted.len() && cases.iter().zip(wanted).all(same)
}

/// Whether a type is an enum with these cases.
pub fn is_enum(view: &View<'_>, ty: ValueType, wanted: &[&str]) -> bool {
    matches!(view.types.def(ty), Some(TypeDef::Enum { names }) if names == wanted)
}

/// Whether a type has these flags.
pub fn is_flags(view: &View<'_>, ty: ValueType, wanted: &[&str]) -> bool {
    matches!(view.types.def(ty), Some(TypeDef::Flags { names }) if names == wanted)
}

/// The type of a record's field, for the room that it needs.
///
/// # Errors
/// The type is no record, or has no such field.
pub fn field_to_plan(cx: &Planner<'_>, ty: ValueType, field: usize) -> Result<ValueType, Trap> {
    fields(cx.types, ty)?.get(field).map(|field| field.ty).ok_or_else(|| mismatch(cx.types, ty))
}

/// The type of a record's field, to lower it.
///
/// # Errors
/// The type is no record, or has no such field.
pub fn field_to_lower(cx: &Lowerer<'_>, ty: ValueType, field: usize) -> Result<ValueType, Trap> {
    fields(cx.types, ty)?.get(field).map(|field| field.ty).ok_or_else(|| mismatch(cx.types, ty))
}

/// The type of a record's field, to lift it.
///
/// # Errors
/// The type is no record, or has no such field.
pub fn field_to_lift(cx: &Lifter<'_>, ty: ValueType, field: usize) -> Result<ValueType, Trap> {
    fields(cx.types, ty)?.get(field).map(|field| field.ty).ok_or_else(|| mismatch(cx.types, ty))
}

fn place(types: &Types, ty: ValueType, field: usize, at: u32) -> Result<(ValueType, u32), Trap> {
    let mut offsets = Offsets::new(types, at);
    let mut placed = fields(types, ty)?.iter().map(|field| (field.ty, offsets.place(field.ty)));
    placed.nth(field).ok_or_else(|| mismatch(types, ty))
}

/// The type of a record's field, and where it is stored.
///
/// # Errors
/// The type is no record, or has no such field.
pub fn field_to_store(
    cx: &Lowerer<'_>,
    ty: ValueType,
    field: usize,
    at: u32,
) -> Result<(ValueType, u32), Trap> {
    place(cx.types, ty, field, at)
}

/// The type of a record's field, and where it is loaded from.
///
/// # Errors
/// The type is no record, or has no such field.
pub fn field_to_load(
    cx: &Lifter<'_>,
    ty: ValueType,
    field: usize,
    at: u32,
) -> Result<(ValueType, u32), Trap> {
    place(cx.types, ty, field, at)
}

/// The type of a case's payload, for the room that it needs.
///
/// # Errors
/// The type is no variant, or has no such case.
pub fn payload_to_plan(cx: &Planner<'_>, ty: ValueType, case: usize) -> Result<ValueType, Trap> {
    payload_of(cx.types, ty, case)
}

/// Lowers a case of a variant, with what `payload` lowers.
///
/// # Errors
/// The type is no variant, or has no such case; or what `payload` returns.
pub fn lower_case(
    cx: &mut Lowerer<'_>,
    ty: ValueType,
    case: usize,
    payload: impl FnOnce(&mut Lowerer<'_>, ValueType) -> Result<(), Trap>,
) -> Result<(), Trap> {
    let (of_payload, start) = (payload_of(cx.types, ty, case)?, cx.flat.len());
    cx.flat.push(case as u64);
    payload(cx, of_payload)?;
    cx.pad(start, cx.types.layout(ty).flat);
    Ok(())
}

/// Stores a case of a variant, with what `payload` stores.
///
/// # Errors
/// The type is no variant, or has no such case; or what `payload` returns.
pub fn store_case(
    cx: &mut Lowerer<'_>,
    ty: ValueType,
    (case, at): (usize, u32),
    payload: impl FnOnce(&mut Lowerer<'_>, ValueType, u32) -> Result<(), Trap>,
) -> Result<(), Trap> {
    let of_payload = payload_of(cx.types, ty, case)?;
    cx.store_discriminant(at, case, count(cx.types, ty)?)?;
    let place = payload_at(cx.types, ty, at)?;
    payload(cx, of_payload, place)
}

/// Lifts a case of a variant: its number and the type of its payload, from which `payload` lifts.
///
/// # Errors
/// The type is no variant, the guest's discriminant is none, or what `payload` returns.
pub fn lift_case<R>(
    cx: &mut Lifter<'_>,
    ty: ValueType,
    flat: &mut Flat<'_>,
    payload: impl FnOnce(&mut Lifter<'_>, usize, ValueType, &mut Flat<'_>) -> Result<R, Trap>,
) -> Result<R, Trap> {
    let end = flat.position() + cx.types.layout(ty).flat as usize;
    let case = Lifter::discriminant(flat.take(), count(cx.types, ty)?)?;
    let value = payload(cx, case, payload_of(cx.types, ty, case)?, flat)?;
    flat.skip_to(end);
    Ok(value)
}

/// Loads a case of a variant: its number, the type of its payload and where that is, from which `payload`
/// loads.
///
/// # Errors
/// The type is no variant, the guest's discriminant is none, or what `payload` returns.
pub fn load_case<R>(
    cx: &mut Lifter<'_>,
    ty: ValueType,
    at: u32,
    payload: impl FnOnce(&mut Lifter<'_>, usize, ValueType, u32) -> Result<R, Trap>,
) -> Result<R, Trap> {
    let case = cx.load_discriminant(at, count(cx.types, ty)?)?;
    let place = payload_at(cx.types, ty, at)?;
    let of_payload = payload_of(cx.types, ty, case)?;
    payload(cx, case, of_payload, place)
}

/// Lowers a number: the case of an enum, or flags.
pub fn lower_number(cx: &mut Lowerer<'_>, number: u32) {
    cx.flat.push(number.into());
}

/// Stores the case of an enum.
///
/// # Errors
/// The type is no enum.
pub fn store_enum(cx: &Lowerer<'_>, ty: ValueType, case: u32, at: u32) -> Result<(), Trap> {
    cx.store_discriminant(at, case as usize, count(cx.types, ty)?)
}

/// Lifts the case of an enum.
///
/// # Errors
/// The type is no enum, or the guest's number is none of its cases.
pub fn lift_enum(cx: &Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<usize, Trap> {
    Lifter::discriminant(flat.take(), count(cx.types, ty)?)
}

/// Loads the case of an enum.
///
/// # Errors
/// The type is no enum, or the guest's number is none of its cases.
pub fn load_enum(cx: &Lifter<'_>, ty: ValueType, at: u32) -> Result<usize, Trap> {
    cx.load_discriminant(at, count(cx.types, ty)?)
}

/// Stores flags, of which there are at most 32.
///
/// # Errors
/// The memory ends before them.
pub fn store_flags(cx: &Lowerer<'_>, ty: ValueType, bits: u32, at: u32) -> Result<(), Trap> {
    let size = cx.types.layout(ty).size as usize;
    cx.write(at, &bits.to_le_bytes()[..size.min(4)])
}

/// Lifts flags, of which there are at most 32.
pub fn lift_flags(flat: &mut Flat<'_>) -> u32 {
    flat.take() as u32
}

/// Loads flags, of which there are at most 32.
///
/// # Errors
/// The memory ends before them.
pub fn load_flags(cx: &Lifter<'_>, ty: ValueType, at: u32) -> Result<u32, Trap> {
    let mut bytes = [0; 4];
    let size = cx.types.layout(ty).size as usize;
    cx.read(at, &mut bytes[..size.min(4)])?;
    Ok(u32::from_le_bytes(bytes))
}

/// Defines a Rust struct that stands for a record of WIT: its fields, each with its name there.
///
/// ```
/// wasmaot_component::record! {
///     /// A moment.
///     #[derive(Debug, Clone, Copy, PartialEq, Eq)]
///     pub struct Datetime {
///         /// Since 1970.
///         pub seconds: u64 = "seconds",
///         /// Below 1,000,000,000.
///         pub nanoseconds: u32 = "nanoseconds",
///     }
/// }
/// let epoch = Datetime { seconds: 0, nanoseconds: 0 };
/// ```
#[macro_export]
macro_rules! record {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $ty:ty = $wit:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $ty,)+
        }

        const _: () = {
            use $crate::shapes;

            #[allow(non_camel_case_types, reason = "they count the fields")]
            enum Index { $($field),+ }

            impl $crate::ComponentType for $name {
                fn is(view: &shapes::View<'_>, ty: shapes::ValueType) -> bool {
                    shapes::is_record(view, ty, &[$(($wit, <$ty as $crate::ComponentType>::is)),+])
                }
            }

            impl $crate::Lower for $name {
                fn plan(&self, cx: &mut shapes::Planner<'_>, ty: shapes::ValueType) -> Result<(), shapes::Trap> {
                    $({
                        let ty = shapes::field_to_plan(cx, ty, Index::$field as usize)?;
                        $crate::Lower::plan(&self.$field, cx, ty)?;
                    })+
                    Ok(())
                }

                fn lower(&self, cx: &mut shapes::Lowerer<'_>, ty: shapes::ValueType) -> Result<(), shapes::Trap> {
                    $({
                        let ty = shapes::field_to_lower(cx, ty, Index::$field as usize)?;
                        $crate::Lower::lower(&self.$field, cx, ty)?;
                    })+
                    Ok(())
                }

                fn store(
                    &self,
                    cx: &mut shapes::Lowerer<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<(), shapes::Trap> {
                    $({
                        let (ty, at) = shapes::field_to_store(cx, ty, Index::$field as usize, at)?;
                        $crate::Lower::store(&self.$field, cx, ty, at)?;
                    })+
                    Ok(())
                }
            }

            impl $crate::Lift for $name {
                fn lift(
                    cx: &mut shapes::Lifter<'_>,
                    ty: shapes::ValueType,
                    flat: &mut shapes::Flat<'_>,
                ) -> Result<Self, shapes::Trap> {
                    $(let $field = {
                        let ty = shapes::field_to_lift(cx, ty, Index::$field as usize)?;
                        $crate::Lift::lift(cx, ty, flat)?
                    };)+
                    Ok(Self { $($field),+ })
                }

                fn load(
                    cx: &mut shapes::Lifter<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<Self, shapes::Trap> {
                    $(let $field = {
                        let (ty, at) = shapes::field_to_load(cx, ty, Index::$field as usize, at)?;
                        $crate::Lift::load(cx, ty, at)?
                    };)+
                    Ok(Self { $($field),+ })
                }
            }
        };
    };
}

/// Defines a Rust enum that stands for a variant of WIT: its cases, each with its name there, and with a type
/// for its payload if it has one.
///
/// ```
/// wasmaot_component::variant! {
///     /// A method of HTTP.
///     #[derive(Debug, Clone, PartialEq, Eq)]
///     pub enum Method {
///         /// Named.
///         Get = "get",
///         /// Not named.
///         Other(String) = "other",
///     }
/// }
/// let get = Method::Get;
/// ```
#[macro_export]
macro_rules! variant {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$case_meta:meta])* $case:ident $(($payload:ty))? = $wit:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        $vis enum $name {
            $($(#[$case_meta])* $case $(($payload))?,)+
        }

        const _: () = {
            use $crate::shapes;

            enum Index { $($case),+ }

            impl $crate::ComponentType for $name {
                fn is(view: &shapes::View<'_>, ty: shapes::ValueType) -> bool {
                    let cases: &[(&str, Option<shapes::Is>)] = &[
                        $(($wit, $crate::variant!(@is $($payload)?))),+
                    ];
                    shapes::is_variant(view, ty, cases)
                }
            }

            impl $crate::Lower for $name {
                fn plan(&self, cx: &mut shapes::Planner<'_>, ty: shapes::ValueType) -> Result<(), shapes::Trap> {
                    match self {
                        $($crate::variant!(@pattern $case payload $($payload)?) => {
                            let ty = shapes::payload_to_plan(cx, ty, Index::$case as usize)?;
                            $crate::Lower::plan($crate::variant!(@payload payload $($payload)?), cx, ty)
                        })+
                    }
                }

                fn lower(&self, cx: &mut shapes::Lowerer<'_>, ty: shapes::ValueType) -> Result<(), shapes::Trap> {
                    match self {
                        $($crate::variant!(@pattern $case payload $($payload)?) => {
                            shapes::lower_case(cx, ty, Index::$case as usize, |cx, ty| {
                                $crate::Lower::lower($crate::variant!(@payload payload $($payload)?), cx, ty)
                            })
                        })+
                    }
                }

                fn store(
                    &self,
                    cx: &mut shapes::Lowerer<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<(), shapes::Trap> {
                    match self {
                        $($crate::variant!(@pattern $case payload $($payload)?) => {
                            shapes::store_case(cx, ty, (Index::$case as usize, at), |cx, ty, at| {
                                $crate::Lower::store($crate::variant!(@payload payload $($payload)?), cx, ty, at)
                            })
                        })+
                    }
                }
            }

            impl $crate::Lift for $name {
                fn lift(
                    cx: &mut shapes::Lifter<'_>,
                    ty: shapes::ValueType,
                    flat: &mut shapes::Flat<'_>,
                ) -> Result<Self, shapes::Trap> {
                    shapes::lift_case(cx, ty, flat, |_cx, case, _ty, _flat| {
                        $(if case == Index::$case as usize {
                            return Ok($crate::variant!(
                                @value $case <$($payload)?> $crate::Lift::lift(_cx, _ty, _flat)?
                            ));
                        })+
                        unreachable!("a discriminant is one of the type's")
                    })
                }

                fn load(
                    cx: &mut shapes::Lifter<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<Self, shapes::Trap> {
                    shapes::load_case(cx, ty, at, |_cx, case, _ty, _at| {
                        $(if case == Index::$case as usize {
                            return Ok($crate::variant!(
                                @value $case <$($payload)?> $crate::Lift::load(_cx, _ty, _at)?
                            ));
                        })+
                        unreachable!("a discriminant is one of the type's")
                    })
                }
            }
        };
    };
    (@is) => { None };
    (@is $payload:ty) => { Some(<$payload as $crate::ComponentType>::is) };
    (@pattern $case:ident $name:ident) => { Self::$case };
    (@pattern $case:ident $name:ident $payload:ty) => { Self::$case($name) };
    (@payload $name:ident) => { &() };
    (@payload $name:ident $payload:ty) => { $name };
    (@value $case:ident <> $lifted:expr) => { Self::$case };
    (@value $case:ident <$payload:ty> $lifted:expr) => { Self::$case($lifted) };
}

/// Defines a Rust enum that stands for an enum of WIT: its cases, each with its name there.
///
/// ```
/// wasmaot_component::enumeration! {
///     /// A family of addresses.
///     #[derive(Debug, PartialEq, Eq)]
///     pub enum Family {
///         /// Of 32 bits.
///         Ipv4 = "ipv4",
///         /// Of 128 bits.
///         Ipv6 = "ipv6",
///     }
/// }
/// assert_eq!(Family::Ipv6.name(), "ipv6");
/// ```
#[macro_export]
macro_rules! enumeration {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$case_meta:meta])* $case:ident = $wit:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        $vis enum $name {
            $($(#[$case_meta])* $case,)+
        }

        impl $name {
            /// The cases, in their order.
            const ALL: &'static [Self] = &[$(Self::$case),+];

            /// Returns the name in WIT.
            #[allow(dead_code, reason = "not each is named by the host")]
            $vis fn name(self) -> &'static str {
                match self {
                    $(Self::$case => $wit,)+
                }
            }
        }

        const _: () = {
            use $crate::shapes;

            impl $crate::ComponentType for $name {
                fn is(view: &shapes::View<'_>, ty: shapes::ValueType) -> bool {
                    shapes::is_enum(view, ty, &[$($wit),+])
                }
            }

            impl $crate::Lower for $name {
                fn plan(&self, _: &mut shapes::Planner<'_>, _: shapes::ValueType) -> Result<(), shapes::Trap> {
                    Ok(())
                }

                fn lower(&self, cx: &mut shapes::Lowerer<'_>, _: shapes::ValueType) -> Result<(), shapes::Trap> {
                    shapes::lower_number(cx, *self as u32);
                    Ok(())
                }

                fn store(
                    &self,
                    cx: &mut shapes::Lowerer<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<(), shapes::Trap> {
                    shapes::store_enum(cx, ty, *self as u32, at)
                }
            }

            impl $crate::Lift for $name {
                fn lift(
                    cx: &mut shapes::Lifter<'_>,
                    ty: shapes::ValueType,
                    flat: &mut shapes::Flat<'_>,
                ) -> Result<Self, shapes::Trap> {
                    shapes::lift_enum(cx, ty, flat).map(|case| Self::ALL[case])
                }

                fn load(
                    cx: &mut shapes::Lifter<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<Self, shapes::Trap> {
                    shapes::load_enum(cx, ty, at).map(|case| Self::ALL[case])
                }
            }
        };
    };
}

/// Defines a Rust struct that stands for flags of WIT, at most 32: a constant for each, with its name there.
///
/// ```
/// wasmaot_component::flags! {
///     /// How a path is followed.
///     #[derive(Debug, PartialEq, Eq)]
///     pub struct PathFlags {
///         /// Through a link at its end.
///         SYMLINK_FOLLOW = "symlink-follow",
///     }
/// }
/// assert!(!PathFlags::empty().contains(PathFlags::SYMLINK_FOLLOW));
/// ```
#[macro_export]
macro_rules! flags {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[$flag_meta:meta])* $flag:ident = $wit:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy)]
        $vis struct $name(u32);

        const _: () = {
            use $crate::shapes;

            #[allow(non_camel_case_types, clippy::upper_case_acronyms, reason = "they count the flags")]
            enum Index { $($flag),+ }

            #[allow(dead_code, reason = "not each is used by the host")]
            impl $name {
                $($(#[$flag_meta])* $vis const $flag: Self = Self(1 << Index::$flag as u32);)+

                /// Returns no flags.
                $vis const fn empty() -> Self {
                    Self(0)
                }

                /// Returns whether all of these are set.
                $vis const fn contains(self, flags: Self) -> bool {
                    self.0 & flags.0 == flags.0
                }

                /// Returns whether one of these is set.
                $vis const fn intersects(self, flags: Self) -> bool {
                    self.0 & flags.0 != 0
                }

                /// Returns these without others.
                #[must_use]
                $vis const fn without(self, flags: Self) -> Self {
                    Self(self.0 & !flags.0)
                }

                /// Returns both.
                #[must_use]
                $vis const fn union(self, flags: Self) -> Self {
                    Self(self.0 | flags.0)
                }
            }

            const NAMES: &[&str] = &[$($wit),+];
            const _: () = assert!(NAMES.len() <= 32);
            /// Bits behind the last flag mean nothing.
            const MASK: u32 = ((1_u64 << NAMES.len()) - 1) as u32;

            impl $crate::ComponentType for $name {
                fn is(view: &shapes::View<'_>, ty: shapes::ValueType) -> bool {
                    shapes::is_flags(view, ty, NAMES)
                }
            }

            impl $crate::Lower for $name {
                fn plan(&self, _: &mut shapes::Planner<'_>, _: shapes::ValueType) -> Result<(), shapes::Trap> {
                    Ok(())
                }

                fn lower(&self, cx: &mut shapes::Lowerer<'_>, _: shapes::ValueType) -> Result<(), shapes::Trap> {
                    shapes::lower_number(cx, self.0);
                    Ok(())
                }

                fn store(
                    &self,
                    cx: &mut shapes::Lowerer<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<(), shapes::Trap> {
                    shapes::store_flags(cx, ty, self.0, at)
                }
            }

            impl $crate::Lift for $name {
                fn lift(
                    _: &mut shapes::Lifter<'_>,
                    _: shapes::ValueType,
                    flat: &mut shapes::Flat<'_>,
                ) -> Result<Self, shapes::Trap> {
                    Ok(Self(shapes::lift_flags(flat) & MASK))
                }

                fn load(
                    cx: &mut shapes::Lifter<'_>,
                    ty: shapes::ValueType,
                    at: u32,
                ) -> Result<Self, shapes::Trap> {
                    shapes::load_flags(cx, ty, at).map(|bits| Self(bits & MASK))
                }
            }
        };
    };
}
