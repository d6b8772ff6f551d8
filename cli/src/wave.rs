//! Values of components in WAVE, the text form of the component model's values.
//!
//! **Invariant: a value that was read is of its type**: the reader asks the type what it has.

use std::borrow::Cow;
use std::sync::Arc;
use wasm_wave::wasm::{WasmType, WasmTypeKind, WasmValue, WasmValueError};
use wasmaot_abi::component::{Component, TypeDef, ValueType};
use wasmaot_component::Val;

/// A type of a component.
#[derive(Clone)]
pub(crate) struct Type {
    pub(crate) component: Arc<Component>,
    pub(crate) ty: ValueType,
}

/// A value of a component.
#[derive(Clone)]
pub(crate) struct Value(pub(crate) Val);

impl Type {
    fn of(&self, ty: ValueType) -> Self {
        Self { ty, component: self.component.clone() }
    }

    fn def(&self) -> Option<&TypeDef> {
        match self.ty {
            ValueType::Defined { index } => self.component.types.get(index as usize),
            _ => None,
        }
    }
}

/// An iterator over names or types.
type Items<'t, T> = Box<dyn Iterator<Item = T> + 't>;

impl WasmType for Type {
    fn kind(&self) -> WasmTypeKind {
        match (self.ty, self.def()) {
            (ValueType::Bool, _) => WasmTypeKind::Bool,
            (ValueType::S8, _) => WasmTypeKind::S8,
            (ValueType::U8, _) => WasmTypeKind::U8,
            (ValueType::S16, _) => WasmTypeKind::S16,
            (ValueType::U16, _) => WasmTypeKind::U16,
            (ValueType::S32, _) => WasmTypeKind::S32,
            (ValueType::U32, _) => WasmTypeKind::U32,
            (ValueType::S64, _) => WasmTypeKind::S64,
            (ValueType::U64, _) => WasmTypeKind::U64,
            (ValueType::F32, _) => WasmTypeKind::F32,
            (ValueType::F64, _) => WasmTypeKind::F64,
            (ValueType::Char, _) => WasmTypeKind::Char,
            (ValueType::String, _) => WasmTypeKind::String,
            (_, Some(TypeDef::Record { .. })) => WasmTypeKind::Record,
            (_, Some(TypeDef::Variant { .. })) => WasmTypeKind::Variant,
            (_, Some(TypeDef::List { .. })) => WasmTypeKind::List,
            (_, Some(TypeDef::Tuple { .. })) => WasmTypeKind::Tuple,
            (_, Some(TypeDef::Flags { .. })) => WasmTypeKind::Flags,
            (_, Some(TypeDef::Enum { .. })) => WasmTypeKind::Enum,
            (_, Some(TypeDef::Option { .. })) => WasmTypeKind::Option,
            (_, Some(TypeDef::Result { .. })) => WasmTypeKind::Result,
            // Handles have no text.
            (_, None) => WasmTypeKind::Unsupported,
        }
    }

    fn list_element_type(&self) -> Option<Self> {
        match self.def() {
            Some(TypeDef::List { element }) => Some(self.of(*element)),
            _ => None,
        }
    }

    fn record_fields(&self) -> Items<'_, (Cow<'_, str>, Self)> {
        let fields = match self.def() {
            Some(TypeDef::Record { fields }) => &fields[..],
            _ => &[],
        };
        Box::new(fields.iter().map(|field| (Cow::Borrowed(&*field.name), self.of(field.ty))))
    }

    fn tuple_element_types(&self) -> Items<'_, Self> {
        let types = match self.def() {
            Some(TypeDef::Tuple { types }) => &types[..],
            _ => &[],
        };
        Box::new(types.iter().map(|&ty| self.of(ty)))
    }

    fn variant_cases(&self) -> Items<'_, (Cow<'_, str>, Option<Self>)> {
        let cases = match self.def() {
            Some(TypeDef::Variant { cases }) => &cases[..],
            _ => &[],
        };
        Box::new(cases.iter().map(|case| (Cow::Borrowed(&*case.name), case.ty.map(|ty| self.of(ty)))))
    }

    fn enum_cases(&self) -> Items<'_, Cow<'_, str>> {
        names(match self.def() {
            Some(TypeDef::Enum { names }) => names,
            _ => &[],
        })
    }

    fn option_some_type(&self) -> Option<Self> {
        match self.def() {
            Some(TypeDef::Option { ty }) => Some(self.of(*ty)),
            _ => None,
        }
    }

    fn result_types(&self) -> Option<(Option<Self>, Option<Self>)> {
        match self.def() {
            Some(TypeDef::Result { ok, err }) => Some((ok.map(|ty| self.of(ty)), err.map(|ty| self.of(ty)))),
            _ => None,
        }
    }

    fn flags_names(&self) -> Items<'_, Cow<'_, str>> {
        names(match self.def() {
            Some(TypeDef::Flags { names }) => names,
            _ => &[],
        })
    }
}

fn names(names: &[String]) -> Items<'_, Cow<'_, str>> {
    Box::new(names.iter().map(|name| Cow::Borrowed(&**name)))
}

/// Makers and readers of primitive values.
macro_rules! primitives {
    ($($variant:ident $ty:ident $make:ident $unwrap:ident;)*) => {$(
        fn $make(val: $ty) -> Self {
            Self(Val::$variant(val))
        }

        fn $unwrap(&self) -> $ty {
            match self.0 {
                Val::$variant(val) => val,
                _ => unreachable!("the writer asks for the kind first"),
            }
        }
    )*};
}

impl WasmValue for Value {
    type Type = Type;

    fn kind(&self) -> WasmTypeKind {
        match self.0 {
            Val::Bool(_) => WasmTypeKind::Bool,
            Val::S8(_) => WasmTypeKind::S8,
            Val::U8(_) => WasmTypeKind::U8,
            Val::S16(_) => WasmTypeKind::S16,
            Val::U16(_) => WasmTypeKind::U16,
            Val::S32(_) => WasmTypeKind::S32,
            Val::U32(_) => WasmTypeKind::U32,
            Val::S64(_) => WasmTypeKind::S64,
            Val::U64(_) => WasmTypeKind::U64,
            Val::F32(_) => WasmTypeKind::F32,
            Val::F64(_) => WasmTypeKind::F64,
            Val::Char(_) => WasmTypeKind::Char,
            Val::String(_) => WasmTypeKind::String,
            Val::List(_) => WasmTypeKind::List,
            Val::Record(_) => WasmTypeKind::Record,
            Val::Tuple(_) => WasmTypeKind::Tuple,
            Val::Variant(..) => WasmTypeKind::Variant,
            Val::Enum(_) => WasmTypeKind::Enum,
            Val::Option(_) => WasmTypeKind::Option,
            Val::Result(_) => WasmTypeKind::Result,
            Val::Flags(_) => WasmTypeKind::Flags,
            Val::Resource(_) => WasmTypeKind::Unsupported,
        }
    }

    primitives! {
        Bool bool make_bool unwrap_bool;
        S8 i8 make_s8 unwrap_s8;
        U8 u8 make_u8 unwrap_u8;
        S16 i16 make_s16 unwrap_s16;
        U16 u16 make_u16 unwrap_u16;
        S32 i32 make_s32 unwrap_s32;
        U32 u32 make_u32 unwrap_u32;
        S64 i64 make_s64 unwrap_s64;
        U64 u64 make_u64 unwrap_u64;
        F32 f32 make_f32 unwrap_f32;
        F64 f64 make_f64 unwrap_f64;
        Char char make_char unwrap_char;
    }

    fn make_string(val: Cow<'_, str>) -> Self {
        Self(Val::String(val.into_owned()))
    }

    fn make_list(_: &Type, vals: impl IntoIterator<Item = Self>) -> Result<Self, WasmValueError> {
        Ok(Self(Val::List(vals.into_iter().map(|value| value.0).collect())))
    }

    fn make_record<'a>(
        ty: &Type,
        fields: impl IntoIterator<Item = (&'a str, Self)>,
    ) -> Result<Self, WasmValueError> {
        let mut given: Vec<(String, Val)> =
            fields.into_iter().map(|(name, value)| (name.to_string(), value.0)).collect();
        // In the order of the type.
        let order: Vec<String> = ty.record_fields().map(|(name, _)| name.into_owned()).collect();
        given.sort_by_key(|(name, _)| order.iter().position(|known| known == name));
        Ok(Self(Val::Record(given)))
    }

    fn make_tuple(_: &Type, vals: impl IntoIterator<Item = Self>) -> Result<Self, WasmValueError> {
        Ok(Self(Val::Tuple(vals.into_iter().map(|value| value.0).collect())))
    }

    fn make_variant(_: &Type, case: &str, val: Option<Self>) -> Result<Self, WasmValueError> {
        Ok(Self(Val::Variant(case.to_string(), val.map(|value| Box::new(value.0)))))
    }

    fn make_enum(_: &Type, case: &str) -> Result<Self, WasmValueError> {
        Ok(Self(Val::Enum(case.to_string())))
    }

    fn make_option(_: &Type, val: Option<Self>) -> Result<Self, WasmValueError> {
        Ok(Self(Val::Option(val.map(|value| Box::new(value.0)))))
    }

    fn make_result(_: &Type, val: Result<Option<Self>, Option<Self>>) -> Result<Self, WasmValueError> {
        let payload = |value: Option<Self>| value.map(|value| Box::new(value.0));
        Ok(Self(Val::Result(val.map(payload).map_err(payload))))
    }

    fn make_flags<'a>(_: &Type, names: impl IntoIterator<Item = &'a str>) -> Result<Self, WasmValueError> {
        Ok(Self(Val::Flags(names.into_iter().map(str::to_string).collect())))
    }

    fn unwrap_string(&self) -> Cow<'_, str> {
        match &self.0 {
            Val::String(text) => Cow::Borrowed(text),
            _ => unreachable!("the writer asks for the kind first"),
        }
    }

    fn unwrap_list(&self) -> Items<'_, Cow<'_, Self>> {
        items(match &self.0 {
            Val::List(values) => values,
            _ => &[],
        })
    }

    fn unwrap_record(&self) -> Items<'_, (Cow<'_, str>, Cow<'_, Self>)> {
        let fields = match &self.0 {
            Val::Record(fields) => &fields[..],
            _ => &[],
        };
        Box::new(fields.iter().map(|(name, value)| (Cow::Borrowed(&**name), owned(value))))
    }

    fn unwrap_tuple(&self) -> Items<'_, Cow<'_, Self>> {
        items(match &self.0 {
            Val::Tuple(values) => values,
            _ => &[],
        })
    }

    fn unwrap_variant(&self) -> (Cow<'_, str>, Option<Cow<'_, Self>>) {
        match &self.0 {
            Val::Variant(name, payload) => (Cow::Borrowed(name), payload.as_deref().map(owned)),
            _ => unreachable!("the writer asks for the kind first"),
        }
    }

    fn unwrap_enum(&self) -> Cow<'_, str> {
        match &self.0 {
            Val::Enum(name) => Cow::Borrowed(name),
            _ => unreachable!("the writer asks for the kind first"),
        }
    }

    fn unwrap_option(&self) -> Option<Cow<'_, Self>> {
        match &self.0 {
            Val::Option(payload) => payload.as_deref().map(owned),
            _ => None,
        }
    }

    fn unwrap_result(&self) -> Result<Option<Cow<'_, Self>>, Option<Cow<'_, Self>>> {
        match &self.0 {
            Val::Result(Ok(payload)) => Ok(payload.as_deref().map(owned)),
            Val::Result(Err(payload)) => Err(payload.as_deref().map(owned)),
            _ => unreachable!("the writer asks for the kind first"),
        }
    }

    fn unwrap_flags(&self) -> Items<'_, Cow<'_, str>> {
        names(match &self.0 {
            Val::Flags(names) => names,
            _ => &[],
        })
    }
}

fn owned<'v>(val: &Val) -> Cow<'v, Value> {
    Cow::Owned(Value(val.clone()))
}

fn items(values: &[Val]) -> Items<'_, Cow<'_, Value>> {
    Box::new(values.iter().map(owned))
}
