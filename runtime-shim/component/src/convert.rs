//! Conversions between Rust types and component types, for host functions and calls of exports.
//!
//! | WIT | Rust |
//! |---|---|
//! | `bool`, `u8` to `s64`, `f32`, `f64`, `char`, `string` | `bool`, `u8` to `i64`, `f32`, `f64`, `char`, `String` (to pass: `&str`, too) |
//! | `list<t>` | `Vec<T>` (to pass: `&[T]`, too) |
//! | `option<t>`, `result<t, e>` | `Option<T>`, `Result<T, E>`, with `()` for a payload that there is not |
//! | `tuple<..>` | a tuple |
//! | records, variants, enums, flags | what [`record!`](crate::record), [`variant!`](crate::variant), [`enumeration!`](crate::enumeration) and [`flags!`](crate::flags) define; [`Val`](crate::Val) |
//! | `own<r>`, `borrow<r>` of a resource of the host's | [`Resource<T>`](crate::Resource) |
//! | everything else | [`Val`](crate::Val), which stands for every type |
//!
//! **Invariant: a Rust type is compared with the component's type once, when a function is linked or looked
//! up**, by [`ComponentType::is`]. Lifting and lowering rely on that check, and report a mismatch as an
//! error.

use crate::error::Trap;
use crate::lift::{Flat, Lifter};
use crate::lower::{Lowerer, Offsets, Planner};
use crate::types::Types;
use std::any::TypeId;
use wasmaot_abi::component::{TypeDef, ValueType};

/// What a component's types are compared by: its own, and the host's types of resources.
pub struct View<'a> {
    pub(crate) types: &'a Types,
    /// Of each resource the host's type, if it is one of the host's.
    pub(crate) hosts: &'a [Option<TypeId>],
}

/// A Rust type that stands for a type of components.
pub trait ComponentType {
    /// Whether it stands for this one.
    #[doc(hidden)]
    fn is(view: &View<'_>, ty: ValueType) -> bool;
}

/// A type whose values come from a component.
pub trait Lift: ComponentType + Sized {
    /// Lifts a value from flat values.
    #[doc(hidden)]
    fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap>;

    /// Loads a value from memory, at a checked address.
    #[doc(hidden)]
    fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap>;

    /// Lifts a list of such values.
    #[doc(hidden)]
    fn load_list(cx: &mut Lifter<'_>, element: ValueType, at: u32, count: u32) -> Result<Vec<Self>, Trap> {
        let size = cx.check_list(at, count, element, size_of::<Self>())?;
        (0..count).map(|index| Self::load(cx, element, at + index * size)).collect()
    }
}

/// A type whose values go to a component.
pub trait Lower: ComponentType {
    /// Asks for the room that a value needs in memory.
    #[doc(hidden)]
    fn plan(&self, cx: &mut Planner<'_>, ty: ValueType) -> Result<(), Trap>;

    /// Lowers a value to flat values.
    #[doc(hidden)]
    fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap>;

    /// Stores a value in memory, at a checked address.
    #[doc(hidden)]
    fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap>;

    /// A list of them, where its elements go.
    #[doc(hidden)]
    fn store_list(values: &[Self], cx: &mut Lowerer<'_>, element: ValueType, at: u32) -> Result<(), Trap>
    where
        Self: Sized,
    {
        let size = cx.types.layout(element).size;
        let mut next = at;
        values.iter().try_for_each(|value| {
            value.store(cx, element, next)?;
            next = next.wrapping_add(size);
            Ok(())
        })
    }
}

/// The error for a value that is not of its type.
pub(crate) fn mismatch(types: &Types, ty: ValueType) -> Trap {
    Trap::Type { expected: crate::wit::value_type(&types.component, ty) }
}

macro_rules! integers {
    ($($int:ident $unsigned:ident $variant:ident $read:ident;)*) => {$(
        impl ComponentType for $int {
            fn is(_: &View<'_>, ty: ValueType) -> bool {
                ty == ValueType::$variant
            }
        }

        impl Lift for $int {
            #[inline]
            fn lift(_: &mut Lifter<'_>, _: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
                Ok(flat.take() as $int)
            }

            #[inline]
            fn load(cx: &mut Lifter<'_>, _: ValueType, at: u32) -> Result<Self, Trap> {
                Ok(cx.$read(at)? as $int)
            }

            fn load_list(cx: &mut Lifter<'_>, element: ValueType, at: u32, count: u32) -> Result<Vec<Self>, Trap> {
                const SIZE: usize = size_of::<$int>();
                cx.check_list(at, count, element, SIZE)?;
                let mut bytes = vec![0; count as usize * SIZE];
                cx.read(at, &mut bytes)?;
                Ok(bytes.chunks_exact(SIZE).map(|chunk| {
                    let mut value = [0; SIZE];
                    value.copy_from_slice(chunk);
                    $int::from_le_bytes(value)
                }).collect())
            }
        }

        impl Lower for $int {
            #[inline]
            fn plan(&self, _: &mut Planner<'_>, _: ValueType) -> Result<(), Trap> {
                Ok(())
            }

            #[inline]
            fn lower(&self, cx: &mut Lowerer<'_>, _: ValueType) -> Result<(), Trap> {
                // Signed values fill 32 bits, as core values do.
                const NARROW: bool = size_of::<$int>() < 8;
                let wide = *self as i64 as u64;
                cx.flat.push(if NARROW { wide & 0xffff_ffff } else { wide });
                Ok(())
            }

            #[inline]
            fn store(&self, cx: &mut Lowerer<'_>, _: ValueType, at: u32) -> Result<(), Trap> {
                cx.write(at, &self.to_le_bytes())
            }

            fn store_list(values: &[Self], cx: &mut Lowerer<'_>, _: ValueType, at: u32) -> Result<(), Trap> {
                let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
                cx.write(at, &bytes)
            }
        }
    )*};
}

integers! {
    i8 u8 S8 read_u8;
    u8 u8 U8 read_u8;
    i16 u16 S16 read_u16;
    u16 u16 U16 read_u16;
    i32 u32 S32 read_u32;
    u32 u32 U32 read_u32;
    i64 u64 S64 read_u64;
    u64 u64 U64 read_u64;
}

/// Types that pass as another type.
macro_rules! as_other {
    ($($ty:ident $variant:ident: $other:ident, |$get:ident| $lift:expr, |$put:ident| $lower:expr;)*) => {$(
        impl ComponentType for $ty {
            fn is(_: &View<'_>, ty: ValueType) -> bool {
                ty == ValueType::$variant
            }
        }

        impl Lift for $ty {
            #[inline]
            fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
                let $get = $other::lift(cx, ty, flat)?;
                $lift
            }

            #[inline]
            fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
                let $get = $other::load(cx, ty, at)?;
                $lift
            }
        }

        impl Lower for $ty {
            #[inline]
            fn plan(&self, _: &mut Planner<'_>, _: ValueType) -> Result<(), Trap> {
                Ok(())
            }

            #[inline]
            fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
                let $put = *self;
                let other: $other = $lower;
                other.lower(cx, ty)
            }

            #[inline]
            fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
                let $put = *self;
                let other: $other = $lower;
                other.store(cx, ty, at)
            }
        }
    )*};
}

as_other! {
    f32 F32: u32, |bits| Ok(f32::from_bits(bits)), |value| value.to_bits();
    f64 F64: u64, |bits| Ok(f64::from_bits(bits)), |value| value.to_bits();
    char Char: u32, |code| Lifter::char(code.into()), |value| u32::from(value);
}

impl ComponentType for bool {
    fn is(_: &View<'_>, ty: ValueType) -> bool {
        ty == ValueType::Bool
    }
}

impl Lift for bool {
    #[inline]
    fn lift(_: &mut Lifter<'_>, _: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        Ok(flat.take() as u32 != 0)
    }

    #[inline]
    fn load(cx: &mut Lifter<'_>, _: ValueType, at: u32) -> Result<Self, Trap> {
        Ok(cx.read_u8(at)? != 0)
    }
}

impl Lower for bool {
    #[inline]
    fn plan(&self, _: &mut Planner<'_>, _: ValueType) -> Result<(), Trap> {
        Ok(())
    }

    #[inline]
    fn lower(&self, cx: &mut Lowerer<'_>, _: ValueType) -> Result<(), Trap> {
        cx.flat.push(u64::from(*self));
        Ok(())
    }

    #[inline]
    fn store(&self, cx: &mut Lowerer<'_>, _: ValueType, at: u32) -> Result<(), Trap> {
        cx.write(at, &[u8::from(*self)])
    }
}

impl ComponentType for String {
    fn is(_: &View<'_>, ty: ValueType) -> bool {
        ty == ValueType::String
    }
}

impl ComponentType for &str {
    fn is(view: &View<'_>, ty: ValueType) -> bool {
        String::is(view, ty)
    }
}

impl Lift for String {
    fn lift(cx: &mut Lifter<'_>, _: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        let (at, length) = (flat.take() as u32, flat.take() as u32);
        cx.string(at, length)
    }

    fn load(cx: &mut Lifter<'_>, _: ValueType, at: u32) -> Result<Self, Trap> {
        let (text, length) = (cx.read_u32(at)?, cx.read_u32(at + 4)?);
        cx.string(text, length)
    }
}

impl Lower for &str {
    fn plan(&self, cx: &mut Planner<'_>, _: ValueType) -> Result<(), Trap> {
        cx.string(self)
    }

    fn lower(&self, cx: &mut Lowerer<'_>, _: ValueType) -> Result<(), Trap> {
        let (at, length) = cx.string(self)?;
        cx.flat.extend([u64::from(at), u64::from(length)]);
        Ok(())
    }

    fn store(&self, cx: &mut Lowerer<'_>, _: ValueType, at: u32) -> Result<(), Trap> {
        let (text, length) = cx.string(self)?;
        cx.write(at, &text.to_le_bytes())?;
        cx.write(at + 4, &length.to_le_bytes())
    }
}

/// Types that are lowered as what they dereference to.
macro_rules! lower_dereferenced {
    ($(($($generics:tt)*) $ty:ty;)*) => {$(
        impl<$($generics)*> Lower for $ty {
            fn plan(&self, cx: &mut Planner<'_>, ty: ValueType) -> Result<(), Trap> {
                (&**self).plan(cx, ty)
            }

            fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
                (&**self).lower(cx, ty)
            }

            fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
                (&**self).store(cx, ty, at)
            }
        }
    )*};
}

lower_dereferenced! {
    () String;
    (T: Lower) Vec<T>;
}

/// The type of a list's elements.
pub(crate) fn element(types: &Types, ty: ValueType) -> Result<ValueType, Trap> {
    match types.def(ty) {
        Some(&TypeDef::List { element }) => Ok(element),
        _ => Err(mismatch(types, ty)),
    }
}

impl<T: ComponentType> ComponentType for Vec<T> {
    fn is(view: &View<'_>, ty: ValueType) -> bool {
        matches!(view.types.def(ty), Some(&TypeDef::List { element }) if T::is(view, element))
    }
}

impl<T: ComponentType> ComponentType for &[T] {
    fn is(view: &View<'_>, ty: ValueType) -> bool {
        Vec::<T>::is(view, ty)
    }
}

impl<T: Lift> Lift for Vec<T> {
    fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        let (at, count) = (flat.take() as u32, flat.take() as u32);
        T::load_list(cx, element(cx.types, ty)?, at, count)
    }

    fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
        let (list, count) = (cx.read_u32(at)?, cx.read_u32(at + 4)?);
        T::load_list(cx, element(cx.types, ty)?, list, count)
    }
}

impl<T: Lower> Lower for &[T] {
    fn plan(&self, cx: &mut Planner<'_>, ty: ValueType) -> Result<(), Trap> {
        let element = element(cx.types, ty)?;
        cx.list(self.len(), element)?;
        self.iter().try_for_each(|value| value.plan(cx, element))
    }

    fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
        let at = cx.pointer()?;
        T::store_list(self, cx, element(cx.types, ty)?, at)?;
        cx.flat.extend([u64::from(at), self.len() as u64]);
        Ok(())
    }

    fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
        let list = cx.pointer()?;
        T::store_list(self, cx, element(cx.types, ty)?, list)?;
        cx.write(at, &list.to_le_bytes())?;
        cx.write(at + 4, &(self.len() as u32).to_le_bytes())
    }
}

/// Stands for a payload that there is not. It has neither size nor flat values.
impl ComponentType for () {
    fn is(_: &View<'_>, _: ValueType) -> bool {
        false
    }
}

impl Lift for () {
    fn lift(_: &mut Lifter<'_>, _: ValueType, _: &mut Flat<'_>) -> Result<Self, Trap> {
        Ok(())
    }

    fn load(_: &mut Lifter<'_>, _: ValueType, _: u32) -> Result<Self, Trap> {
        Ok(())
    }
}

impl Lower for () {
    fn plan(&self, _: &mut Planner<'_>, _: ValueType) -> Result<(), Trap> {
        Ok(())
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: ValueType) -> Result<(), Trap> {
        Ok(())
    }

    fn store(&self, _: &mut Lowerer<'_>, _: ValueType, _: u32) -> Result<(), Trap> {
        Ok(())
    }
}

/// Whether a Rust type stands for a payload; `()` for none.
pub(crate) fn is_payload<T: ComponentType + 'static>(view: &View<'_>, ty: Option<ValueType>) -> bool {
    match ty {
        Some(ty) => T::is(view, ty),
        None => TypeId::of::<T>() == TypeId::of::<()>(),
    }
}

/// Payload types of an option or a result, by case.
fn two_cases(types: &Types, ty: ValueType) -> Result<[Option<ValueType>; 2], Trap> {
    match types.def(ty) {
        Some(&TypeDef::Option { ty }) => Ok([None, Some(ty)]),
        Some(&TypeDef::Result { ok, err }) => Ok([ok, err]),
        _ => Err(mismatch(types, ty)),
    }
}

/// A type that is passed where there is none: it is not looked at.
const NOTHING: ValueType = ValueType::Bool;

impl<T: ComponentType> ComponentType for Option<T> {
    fn is(view: &View<'_>, ty: ValueType) -> bool {
        matches!(view.types.def(ty), Some(&TypeDef::Option { ty }) if T::is(view, ty))
    }
}

impl<T: Lift> Lift for Option<T> {
    fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        let cases = two_cases(cx.types, ty)?;
        let end = flat.position() + cx.types.layout(ty).flat as usize;
        let value = match Lifter::discriminant(flat.take(), 2)? {
            0 => None,
            _ => Some(T::lift(cx, cases[1].unwrap_or(NOTHING), flat)?),
        };
        flat.skip_to(end);
        Ok(value)
    }

    fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
        let cases = two_cases(cx.types, ty)?;
        Ok(match cx.load_discriminant(at, 2)? {
            0 => None,
            _ => {
                let payload = Lifter::payload_at(cx.types, at, 2, cases.into_iter());
                Some(T::load(cx, cases[1].unwrap_or(NOTHING), payload)?)
            }
        })
    }
}

/// Lowers one of two cases to flat values.
fn lower_case(
    cx: &mut Lowerer<'_>,
    ty: ValueType,
    case: usize,
    payload: impl FnOnce(&mut Lowerer<'_>, ValueType) -> Result<(), Trap>,
) -> Result<(), Trap> {
    let (cases, start) = (two_cases(cx.types, ty)?, cx.flat.len());
    cx.flat.push(case as u64);
    payload(cx, cases[case].unwrap_or(NOTHING))?;
    cx.pad(start, cx.types.layout(ty).flat);
    Ok(())
}

/// Stores one of two cases to memory.
fn store_case(
    cx: &mut Lowerer<'_>,
    (ty, at): (ValueType, u32),
    case: usize,
    payload: impl FnOnce(&mut Lowerer<'_>, ValueType, u32) -> Result<(), Trap>,
) -> Result<(), Trap> {
    let cases = two_cases(cx.types, ty)?;
    cx.store_discriminant(at, case, 2)?;
    let place = cx.payload_at(at, 2, cases.into_iter());
    payload(cx, cases[case].unwrap_or(NOTHING), place)
}

impl<T: Lower> Lower for Option<T> {
    fn plan(&self, cx: &mut Planner<'_>, ty: ValueType) -> Result<(), Trap> {
        let cases = two_cases(cx.types, ty)?;
        self.as_ref().map_or(Ok(()), |value| value.plan(cx, cases[1].unwrap_or(NOTHING)))
    }

    fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
        match self {
            None => lower_case(cx, ty, 0, |_, _| Ok(())),
            Some(value) => lower_case(cx, ty, 1, |cx, ty| value.lower(cx, ty)),
        }
    }

    fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
        match self {
            None => store_case(cx, (ty, at), 0, |_, _, _| Ok(())),
            Some(value) => store_case(cx, (ty, at), 1, |cx, ty, at| value.store(cx, ty, at)),
        }
    }
}

impl<T: ComponentType + 'static, E: ComponentType + 'static> ComponentType for Result<T, E> {
    fn is(view: &View<'_>, ty: ValueType) -> bool {
        match view.types.def(ty) {
            Some(&TypeDef::Result { ok, err }) => is_payload::<T>(view, ok) && is_payload::<E>(view, err),
            _ => false,
        }
    }
}

impl<T: Lift + 'static, E: Lift + 'static> Lift for Result<T, E> {
    fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        let cases = two_cases(cx.types, ty)?.map(|ty| ty.unwrap_or(NOTHING));
        let end = flat.position() + cx.types.layout(ty).flat as usize;
        let value = match Lifter::discriminant(flat.take(), 2)? {
            0 => Ok(T::lift(cx, cases[0], flat)?),
            _ => Err(E::lift(cx, cases[1], flat)?),
        };
        flat.skip_to(end);
        Ok(value)
    }

    fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
        let cases = two_cases(cx.types, ty)?;
        let payload = Lifter::payload_at(cx.types, at, 2, cases.into_iter());
        let cases = cases.map(|ty| ty.unwrap_or(NOTHING));
        Ok(match cx.load_discriminant(at, 2)? {
            0 => Ok(T::load(cx, cases[0], payload)?),
            _ => Err(E::load(cx, cases[1], payload)?),
        })
    }
}

impl<T: Lower + 'static, E: Lower + 'static> Lower for Result<T, E> {
    fn plan(&self, cx: &mut Planner<'_>, ty: ValueType) -> Result<(), Trap> {
        let cases = two_cases(cx.types, ty)?.map(|ty| ty.unwrap_or(NOTHING));
        match self {
            Ok(value) => value.plan(cx, cases[0]),
            Err(value) => value.plan(cx, cases[1]),
        }
    }

    fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
        match self {
            Ok(value) => lower_case(cx, ty, 0, |cx, ty| value.lower(cx, ty)),
            Err(value) => lower_case(cx, ty, 1, |cx, ty| value.lower(cx, ty)),
        }
    }

    fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
        match self {
            Ok(value) => store_case(cx, (ty, at), 0, |cx, ty, at| value.store(cx, ty, at)),
            Err(value) => store_case(cx, (ty, at), 1, |cx, ty, at| value.store(cx, ty, at)),
        }
    }
}

/// The types of a tuple's values.
fn tuple_types(types: &Types, ty: ValueType) -> Result<&[ValueType], Trap> {
    match types.def(ty) {
        Some(TypeDef::Tuple { types }) => Ok(types),
        _ => Err(mismatch(types, ty)),
    }
}

/// Invokes a macro for each number of parameters, or of values of a tuple, from 1 to 8: with a type, a
/// variable and the index of each.
macro_rules! for_each_arity {
    ($macro:ident) => {
        $macro!(A a 0);
        $macro!(A a 0, B b 1);
        $macro!(A a 0, B b 1, C c 2);
        $macro!(A a 0, B b 1, C c 2, D d 3);
        $macro!(A a 0, B b 1, C c 2, D d 3, E e 4);
        $macro!(A a 0, B b 1, C c 2, D d 3, E e 4, G g 5);
        $macro!(A a 0, B b 1, C c 2, D d 3, E e 4, G g 5, H h 6);
        $macro!(A a 0, B b 1, C c 2, D d 3, E e 4, G g 5, H h 6, I i 7);
    };
}
pub(crate) use for_each_arity;

macro_rules! tuples {
    ($($name:ident $variable:ident $index:tt),+) => {
        impl<$($name: ComponentType),+> ComponentType for ($($name,)+) {
            fn is(view: &View<'_>, ty: ValueType) -> bool {
                const COUNT: usize = [$($index),+].len();
                match view.types.def(ty) {
                    Some(TypeDef::Tuple { types }) => types.len() == COUNT $(&& $name::is(view, types[$index]))+,
                    _ => false,
                }
            }
        }

        impl<$($name: Lift),+> Lift for ($($name,)+) {
            fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
                let types = tuple_types(cx.types, ty)?;
                Ok(($($name::lift(cx, types[$index], flat)?,)+))
            }

            fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
                let types = tuple_types(cx.types, ty)?;
                let mut offsets = Offsets::new(cx.types, at);
                Ok(($({
                    let at = offsets.place(types[$index]);
                    $name::load(cx, types[$index], at)?
                },)+))
            }
        }

        impl<$($name: Lower),+> Lower for ($($name,)+) {
            fn plan(&self, cx: &mut Planner<'_>, ty: ValueType) -> Result<(), Trap> {
                let types = tuple_types(cx.types, ty)?;
                $(self.$index.plan(cx, types[$index])?;)+
                Ok(())
            }

            fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
                let types = tuple_types(cx.types, ty)?;
                $(self.$index.lower(cx, types[$index])?;)+
                Ok(())
            }

            fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
                let types = tuple_types(cx.types, ty)?;
                let mut offsets = Offsets::new(cx.types, at);
                $({
                    let at = offsets.place(types[$index]);
                    self.$index.store(cx, types[$index], at)?;
                })+
                Ok(())
            }
        }
    };
}

for_each_arity!(tuples);
