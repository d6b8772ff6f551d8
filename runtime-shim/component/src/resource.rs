//! Handles as the host has them, and a table for what they stand for.
//!
//! **Invariant: a resource of a guest's that the host owns is passed on or dropped once**: its handle is
//! remembered by the instance, and is of no use afterwards.

use crate::convert::{ComponentType, Lift, Lower, View, mismatch};
use crate::error::Trap;
use crate::lift::{Flat, Lifter};
use crate::lower::{Lowerer, Planner};
use std::any::{Any, TypeId};
use std::fmt;
use std::marker::PhantomData;
use wasmaot_abi::component::{ResourceOrigin, ValueType};

/// A handle of a resource of any type.
///
/// It is of use in the instance that it came from. A borrowed one is of use until the host function returns
/// that it was passed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResourceAny {
    /// Index of the resource.
    pub(crate) resource: u32,
    pub(crate) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The host's, by its representation.
    Host { rep: u32, owned: bool },
    /// A guest's that the host owns.
    Owned { position: u32, generation: u32 },
    /// A guest's that is lent to the host.
    Lent { rep: u32 },
}

impl ResourceAny {
    /// Returns whether it is owned, and not borrowed.
    pub fn is_owned(&self) -> bool {
        matches!(self.kind, Kind::Owned { .. } | Kind::Host { owned: true, .. })
    }

    /// Returns the number by which the host knows a resource of its own; `None` for a guest's.
    pub fn rep(&self) -> Option<u32> {
        match self.kind {
            Kind::Host { rep, .. } => Some(rep),
            Kind::Owned { .. } | Kind::Lent { .. } => None,
        }
    }

    fn lift_handle(cx: &mut Lifter<'_>, ty: ValueType, handle: u32) -> Result<Self, Trap> {
        let (table, owned) = match ty {
            ValueType::Own { table } => (table, true),
            ValueType::Borrow { table } => (table, false),
            _ => return Err(mismatch(cx.types, ty)),
        };
        let resource = cx.types.resource(table).ok_or_else(|| mismatch(cx.types, ty))?;
        let rep = match owned {
            true => cx.handles.take(cx.types, table, handle)?,
            false => cx.handles.lend(cx.types, table, handle)?,
        };
        let kind = match (&cx.types.component.resources[resource as usize], owned) {
            (ResourceOrigin::Imported { .. }, owned) => Kind::Host { rep, owned },
            (ResourceOrigin::Defined { .. }, true) => {
                let (position, generation) = cx.handles.own_by_host(resource, rep)?;
                Kind::Owned { position, generation }
            }
            (ResourceOrigin::Defined { .. }, false) => Kind::Lent { rep },
        };
        Ok(Self { resource, kind })
    }

    fn lower_handle(self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<u32, Trap> {
        let (table, owned) = match ty {
            ValueType::Own { table } => (table, true),
            ValueType::Borrow { table } => (table, false),
            _ => return Err(mismatch(cx.types, ty)),
        };
        if cx.types.resource(table) != Some(self.resource) {
            return Err(mismatch(cx.types, ty));
        }
        match (self.kind, owned) {
            (Kind::Host { rep, owned: true }, true) => cx.handles.new_own(cx.types, table, rep),
            (Kind::Host { rep, .. } | Kind::Lent { rep }, false) => cx.handles.borrow(cx.types, table, rep),
            (Kind::Owned { position, generation }, true) => {
                let (_, rep) = cx.handles.take_from_host(position, generation)?;
                cx.handles.new_own(cx.types, table, rep)
            }
            (Kind::Owned { position, generation }, false) => {
                let (_, rep) = cx.handles.of_host(position, generation)?;
                cx.handles.borrow(cx.types, table, rep)
            }
            (Kind::Host { owned: false, .. } | Kind::Lent { .. }, true) => Err(mismatch(cx.types, ty)),
        }
    }
}

impl ComponentType for ResourceAny {
    fn is(_: &View<'_>, ty: ValueType) -> bool {
        matches!(ty, ValueType::Own { .. } | ValueType::Borrow { .. })
    }
}

impl Lift for ResourceAny {
    fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        Self::lift_handle(cx, ty, flat.take() as u32)
    }

    fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
        let handle = cx.read_u32(at)?;
        Self::lift_handle(cx, ty, handle)
    }
}

impl Lower for ResourceAny {
    fn plan(&self, _: &mut Planner<'_>, _: ValueType) -> Result<(), Trap> {
        Ok(())
    }

    fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
        let handle = self.lower_handle(cx, ty)?;
        cx.flat.push(handle.into());
        Ok(())
    }

    fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
        let handle = self.lower_handle(cx, ty)?;
        cx.write(at, &handle.to_le_bytes())
    }
}

/// A handle of a resource that the host defines, whose values are of type `T`: see
/// [`Instance::resource`](crate::LinkerInstance::resource).
///
/// ```
/// use wasmaot_component::{Resource, ResourceTable};
///
/// # fn main() -> Result<(), wasmaot_component::TableError> {
/// let mut table = ResourceTable::default();
/// let file: Resource<String> = table.push("content".to_string())?;
/// assert_eq!(table.get(&file)?, "content");
/// assert_eq!(table.delete(file)?, "content");
/// # Ok(())
/// # }
/// ```
pub struct Resource<T> {
    rep: u32,
    owned: bool,
    ty: PhantomData<fn() -> T>,
}

impl<T> Resource<T> {
    /// Returns an owning handle of the resource that the host knows by this number.
    pub fn own(rep: u32) -> Self {
        Self { rep, owned: true, ty: PhantomData }
    }

    /// Returns a borrowed handle of the resource that the host knows by this number.
    pub fn borrow(rep: u32) -> Self {
        Self { rep, owned: false, ty: PhantomData }
    }

    /// Returns the number by which the host knows the resource.
    pub fn rep(&self) -> u32 {
        self.rep
    }

    /// Returns whether it is owned, and not borrowed.
    pub fn is_owned(&self) -> bool {
        self.owned
    }
}

impl<T> fmt::Debug for Resource<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource").field("rep", &self.rep).field("owned", &self.owned).finish()
    }
}

impl<T: 'static> ComponentType for Resource<T> {
    fn is(view: &View<'_>, ty: ValueType) -> bool {
        let (ValueType::Own { table } | ValueType::Borrow { table }) = ty else { return false };
        let resource = view.types.resource(table).and_then(|resource| view.hosts.get(resource as usize));
        resource.is_some_and(|host| *host == Some(TypeId::of::<T>()))
    }
}

impl<T: 'static> Resource<T> {
    fn of_any(any: ResourceAny) -> Result<Self, Trap> {
        match any.kind {
            Kind::Host { rep, owned } => Ok(Self { rep, owned, ty: PhantomData }),
            Kind::Owned { .. } | Kind::Lent { .. } => Err(Trap::StaleHandle),
        }
    }

    fn to_any(&self, cx: &Lowerer<'_>, ty: ValueType) -> Result<ResourceAny, Trap> {
        let (ValueType::Own { table } | ValueType::Borrow { table }) = ty else {
            return Err(mismatch(cx.types, ty));
        };
        let resource = cx.types.resource(table).ok_or_else(|| mismatch(cx.types, ty))?;
        Ok(ResourceAny { resource, kind: Kind::Host { rep: self.rep, owned: self.owned } })
    }
}

impl<T: 'static> Lift for Resource<T> {
    fn lift(cx: &mut Lifter<'_>, ty: ValueType, flat: &mut Flat<'_>) -> Result<Self, Trap> {
        Self::of_any(ResourceAny::lift(cx, ty, flat)?)
    }

    fn load(cx: &mut Lifter<'_>, ty: ValueType, at: u32) -> Result<Self, Trap> {
        Self::of_any(ResourceAny::load(cx, ty, at)?)
    }
}

impl<T: 'static> Lower for Resource<T> {
    fn plan(&self, _: &mut Planner<'_>, _: ValueType) -> Result<(), Trap> {
        Ok(())
    }

    fn lower(&self, cx: &mut Lowerer<'_>, ty: ValueType) -> Result<(), Trap> {
        self.to_any(cx, ty)?.lower(cx, ty)
    }

    fn store(&self, cx: &mut Lowerer<'_>, ty: ValueType, at: u32) -> Result<(), Trap> {
        self.to_any(cx, ty)?.store(cx, ty, at)
    }
}

/// A resource that is not in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// There is none of this number.
    #[error("there is no resource {0}")]
    Missing(u32),
    /// It is of another Rust type.
    #[error("resource {0} is of another type")]
    Type(u32),
    /// The table is full.
    #[error("the table of resources is full: {0} are in it")]
    Full(usize),
    /// The handle is borrowed, and the resource is not to be taken by it.
    #[error("resource {0} is borrowed")]
    Borrowed(u32),
}

/// Host values that resource handles refer to, indexed by number.
#[derive(Default)]
pub struct ResourceTable {
    entries: Vec<Option<Box<dyn Any + Send>>>,
    free: Vec<u32>,
    limit: Option<usize>,
}

impl fmt::Debug for ResourceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResourceTable").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl ResourceTable {
    /// Returns a table that keeps at most `limit` values.
    pub fn with_limit(limit: usize) -> Self {
        Self { limit: Some(limit), ..Self::default() }
    }

    /// Returns how many values there are.
    pub fn len(&self) -> usize {
        self.entries.len() - self.free.len()
    }

    /// Returns whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a value, and returns its owning handle.
    ///
    /// # Errors
    /// The table is full.
    pub fn push<T: Any + Send>(&mut self, value: T) -> Result<Resource<T>, TableError> {
        let most = self.limit.unwrap_or(u32::MAX as usize);
        if self.len() >= most {
            return Err(TableError::Full(most));
        }
        let rep = self.free.pop().unwrap_or_else(|| {
            self.entries.push(None);
            self.entries.len() as u32 - 1
        });
        self.entries[rep as usize] = Some(Box::new(value));
        Ok(Resource::own(rep))
    }

    /// Returns the value that a resource refers to.
    ///
    /// # Errors
    /// There is none, or it is of another type.
    pub fn get<T: Any + Send>(&self, resource: &Resource<T>) -> Result<&T, TableError> {
        let entry = self.entries.get(resource.rep as usize).and_then(Option::as_ref);
        let entry = entry.ok_or(TableError::Missing(resource.rep))?;
        entry.downcast_ref().ok_or(TableError::Type(resource.rep))
    }

    /// Returns a value, to be changed.
    ///
    /// # Errors
    /// There is none, or it is of another type.
    pub fn get_mut<T: Any + Send>(&mut self, resource: &Resource<T>) -> Result<&mut T, TableError> {
        let entry = self.entries.get_mut(resource.rep as usize).and_then(Option::as_mut);
        let entry = entry.ok_or(TableError::Missing(resource.rep))?;
        entry.downcast_mut().ok_or(TableError::Type(resource.rep))
    }

    /// Takes a value out.
    ///
    /// # Errors
    /// There is none, it is of another type, or the handle does not own it.
    pub fn delete<T: Any + Send>(&mut self, resource: Resource<T>) -> Result<T, TableError> {
        if !resource.owned {
            return Err(TableError::Borrowed(resource.rep));
        }
        self.get(&resource)?;
        let taken = self.entries[resource.rep as usize].take().and_then(|value| value.downcast().ok());
        self.free.push(resource.rep);
        taken.map(|value| *value).ok_or(TableError::Missing(resource.rep))
    }
}
