//! The types of a component: what is known of them once it has been checked.
//!
//! **Invariant: every index that an artifact gives has been compared here before it is used**, and sizes of
//! values fit 32 bits.

use crate::error::ComponentError;
use wasmaot_abi::component::{Component, FuncType, Item, ResourceOrigin, TypeDef, ValueType};

/// Maximum number of parameters passed flat.
pub(crate) const MAX_FLAT_PARAMS: u32 = 16;

/// Maximum number of results returned flat.
pub(crate) const MAX_FLAT_RESULTS: u32 = 1;

/// Maximum number of types that a component may define.
const MAX_TYPES: usize = 100_000;

/// Maximum nesting depth of types, since lifting and lowering are recursive.
const MAX_DEPTH: u32 = 200;

/// How values of a type lie in memory and among flat values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes.
    pub(crate) size: u32,
    /// 1, 2, 4 or 8.
    pub(crate) align: u32,
    /// Number of flat values; those of large types are not counted exactly.
    pub(crate) flat: u32,
    /// Types inside each other.
    depth: u32,
}

impl Layout {
    const fn scalar(size: u32) -> Self {
        Self { size, align: size, flat: 1, depth: 0 }
    }

    /// Computes the layout of consecutive values.
    fn record(fields: impl Iterator<Item = Layout>) -> Option<Self> {
        let mut all = Self { size: 0, align: 1, flat: 0, depth: 0 };
        for field in fields {
            all.size = align_up(all.size, field.align)?.checked_add(field.size)?;
            all.align = all.align.max(field.align);
            all.flat = all.flat.saturating_add(field.flat);
            all.depth = all.depth.max(field.depth + 1);
        }
        all.size = align_up(all.size, all.align)?;
        Some(all)
    }

    /// Computes the layout of a discriminant followed by one of several values.
    fn variant(cases: impl ExactSizeIterator<Item = Option<Layout>>) -> Option<Self> {
        let discriminant = discriminant_size(cases.len());
        let mut payload = Self { size: 0, align: 1, flat: 0, depth: 0 };
        for case in cases.flatten() {
            payload.size = payload.size.max(case.size);
            payload.align = payload.align.max(case.align);
            payload.flat = payload.flat.max(case.flat);
            payload.depth = payload.depth.max(case.depth + 1);
        }
        let align = discriminant.max(payload.align);
        let size = align_up(discriminant, payload.align)?.checked_add(payload.size)?;
        Some(Self {
            size: align_up(size, align)?,
            align,
            flat: payload.flat.saturating_add(1),
            depth: payload.depth,
        })
    }
}

/// The next multiple of an alignment.
pub(crate) fn align_up(offset: u32, align: u32) -> Option<u32> {
    Some(offset.checked_add(align - 1)? & !(align - 1))
}

/// Bytes of a discriminant of this many cases.
pub(crate) fn discriminant_size(cases: usize) -> u32 {
    match cases {
        0..=0x100 => 1,
        0x101..=0x1_0000 => 2,
        _ => 4,
    }
}

/// Bytes of this many flags.
fn flags_size(count: usize) -> Layout {
    match count {
        0 => Layout { size: 0, align: 1, flat: 0, depth: 0 },
        1..=8 => Layout::scalar(1),
        9..=16 => Layout::scalar(2),
        _ => {
            let words = count.div_ceil(32) as u32;
            Layout { size: 4 * words, align: 4, flat: words, depth: 0 }
        }
    }
}

/// A component's types, validated.
#[derive(Debug)]
pub(crate) struct Types {
    pub(crate) component: Component,
    layouts: Vec<Layout>,
}

impl Types {
    /// Checks everything that the artifact says of its component.
    pub(crate) fn check(component: &Component) -> Result<Self, ComponentError> {
        let mut types = Self { component: component.clone(), layouts: Vec::new() };
        if component.types.len() > MAX_TYPES {
            return Err(ComponentError::Malformed("fewer types"));
        }
        for def in &component.types {
            let layout = types.layout_of(def).filter(|layout| layout.depth <= MAX_DEPTH);
            let layout = layout.ok_or(ComponentError::Malformed("a type of earlier types, below 4 GiB"))?;
            types.layouts.push(layout);
        }
        types.check_indices()?;
        Ok(types)
    }

    fn check_indices(&self) -> Result<(), ComponentError> {
        let component = &self.component;
        let known = |index: u32, count: usize, what| {
            if (index as usize) < count { Ok(()) } else { Err(ComponentError::Malformed(what)) }
        };
        for table in &component.tables {
            table.resource.map_or(Ok(()), |index| known(index, component.resources.len(), "a resource"))?;
            known(table.instance, component.instances.max(1) as usize, "a component instance")?;
        }
        for func in &component.functions {
            for ty in func.params.iter().map(|param| param.ty).chain(func.result) {
                self.known(ty).ok_or(ComponentError::Malformed("a type"))?;
            }
        }
        for options in &component.options {
            known(options.instance, component.instances as usize, "a component instance")?;
        }
        for import in &component.imports {
            known(import.func, component.functions.len(), "a type of functions")?;
            known(import.options, component.options.len(), "canonical options")?;
        }
        for lift in &component.lifts {
            known(lift.func, component.functions.len(), "a type of functions")?;
            known(lift.options, component.options.len(), "canonical options")?;
        }
        for item in component.imported.iter().chain(&component.exported) {
            match item.item {
                Item::Func { func } => known(func, component.functions.len(), "a type of functions")?,
                Item::Lifted { lift } => known(lift, component.lifts.len(), "a lifted function")?,
                Item::Type { ty } => {
                    self.known(ty).ok_or(ComponentError::Malformed("a type"))?;
                }
                Item::Resource { table } => known(table, component.tables.len(), "a resource table")?,
                Item::Instance | Item::Other { .. } => {}
            }
        }
        Ok(())
    }

    /// The layout of a type, if it is one that is known so far.
    fn known(&self, ty: ValueType) -> Option<Layout> {
        Some(match ty {
            ValueType::Bool | ValueType::S8 | ValueType::U8 => Layout::scalar(1),
            ValueType::S16 | ValueType::U16 => Layout::scalar(2),
            ValueType::S32 | ValueType::U32 | ValueType::F32 | ValueType::Char => Layout::scalar(4),
            ValueType::S64 | ValueType::U64 | ValueType::F64 => Layout::scalar(8),
            ValueType::String => Layout { size: 8, align: 4, flat: 2, depth: 0 },
            ValueType::Own { table } | ValueType::Borrow { table } => {
                self.component.tables.get(table as usize)?;
                Layout::scalar(4)
            }
            ValueType::Defined { index } => *self.layouts.get(index as usize)?,
        })
    }

    /// The layout of a checked type.
    pub(crate) fn layout(&self, ty: ValueType) -> Layout {
        self.known(ty).expect("types were checked")
    }

    fn layout_of(&self, def: &TypeDef) -> Option<Layout> {
        let optional = |ty: &Option<ValueType>| match ty {
            Some(ty) => self.known(*ty).map(Some),
            None => Some(None),
        };
        match def {
            TypeDef::Record { fields } => {
                let fields: Option<Vec<_>> = fields.iter().map(|field| self.known(field.ty)).collect();
                Layout::record(fields?.into_iter())
            }
            TypeDef::Variant { cases } if !cases.is_empty() => {
                let cases: Option<Vec<_>> = cases.iter().map(|case| optional(&case.ty)).collect();
                Layout::variant(cases?.into_iter())
            }
            TypeDef::Variant { .. } => None,
            TypeDef::List { element } => {
                let depth = self.known(*element)?.depth + 1;
                Some(Layout { size: 8, align: 4, flat: 2, depth })
            }
            TypeDef::Tuple { types } => {
                let types: Option<Vec<_>> = types.iter().map(|&ty| self.known(ty)).collect();
                Layout::record(types?.into_iter())
            }
            TypeDef::Flags { names } => Some(flags_size(names.len())),
            TypeDef::Enum { names } if !names.is_empty() => {
                Some(Layout::scalar(discriminant_size(names.len())))
            }
            TypeDef::Enum { .. } => None,
            TypeDef::Option { ty } => Layout::variant([None, Some(self.known(*ty)?)].into_iter()),
            TypeDef::Result { ok, err } => Layout::variant([optional(ok)?, optional(err)?].into_iter()),
        }
    }

    /// The definition of a type, if it has one.
    pub(crate) fn def(&self, ty: ValueType) -> Option<&TypeDef> {
        match ty {
            ValueType::Defined { index } => self.component.types.get(index as usize),
            _ => None,
        }
    }

    /// The layout of a function's parameters, one behind the other.
    pub(crate) fn params(&self, func: &FuncType) -> Layout {
        let params = Layout::record(func.params.iter().map(|param| self.layout(param.ty)));
        // No value is as large as that.
        params.unwrap_or(Layout { size: u32::MAX, align: 8, flat: u32::MAX, depth: 0 })
    }

    /// The resource that a table has handles of.
    pub(crate) fn resource(&self, table: u32) -> Option<u32> {
        self.component.tables.get(table as usize)?.resource
    }

    /// Whether a table belongs to the component instance that defines its resource.
    pub(crate) fn is_definer(&self, table: u32) -> bool {
        let table = &self.component.tables[table as usize];
        let origin = table.resource.and_then(|resource| self.component.resources.get(resource as usize));
        matches!(origin, Some(ResourceOrigin::Defined { instance, .. }) if *instance == table.instance)
    }
}
