//! What is known of a 64-bit value: the lattice of the abstract interpretation.
//!
//! ```text
//!                                       Any
//!        Low(n)     Heap   Checked   Func(any type)   Element   Stack   Vmctx   ...
//!        Max(n)                      Func(type)
//!        Const(c)                    OwnFunc(i)
//! ```
//!
//! A value has a *kind* and perhaps a *name*. Equal names are equal values, in the same state: a name is
//! given by an instruction, and all that an earlier execution of the instruction named is forgotten when it
//! names again. Kinds that are about another value refer to it by name, such as the code address that was
//! loaded from a record of a function.
//!
//! **Invariants.** [`join`] is commutative, idempotent, and an upper bound of both; a chain of kinds that
//! grow by joins is finite, because bounds only take values of [`ROUND`]. A kind never says more than is true
//! of every value that it stands for.

#[cfg(test)]
mod tests;

use crate::module::Module;
use wasmaot_abi::state::ConstEntry;

/// The name of a value; [`NO_NAME`] if it has none.
pub(crate) type Name = u32;

/// Of values without a name.
pub(crate) const NO_NAME: Name = 0;

/// The name of a value's low 32 bits is that of the value with this bit.
pub(crate) const LOW: Name = 1 << 31;

/// In place of a type's index: any type.
pub(crate) const ANY_TYPE: u32 = u32::MAX;

/// The largest value of 32 bits.
pub(crate) const MAX32: u64 = u32::MAX as u64;

/// The most bytes that a memory can have, whatever its type.
pub(crate) const MOST_BYTES: u64 = wasmaot_abi::slot::MAX_MEMORY64;

const _: () = assert!(MOST_BYTES >= wasmaot_abi::slot::ADDRESSABLE32);

/// Something that has a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Item {
    Memory(u16),
    Table(u16),
}

/// What is known of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Any,
    /// The low 32 bits are at most this.
    Low(u32),
    /// It is at most this.
    Max(u64),
    /// It is at most this, and a multiple of 16.
    Steps16(u64),
    /// It is this.
    Const(u64),
    /// What this register had at the function's entry.
    Entry(u8),
    /// Where the function returns to.
    ReturnAddress,
    /// The stack pointer at the function's entry, plus this.
    Stack(i32),
    /// The address of the cells that the function was given, plus this.
    Area(u32),
    /// The vmctx that the function was given.
    Vmctx,
    /// The start of a memory, plus at most this.
    Heap { memory: u16, plus: u64 },
    /// The start of a memory, plus this.
    HeapAt { memory: u16, at: u64 },
    /// The start of a memory, plus a value of 64 bits that is not checked yet, plus this, modulo
    /// 2<sup>64</sup>.
    Indexed { memory: u16, index: Name, plus: u64 },
    /// An address with at least `room` bytes left in the memory or its guard; if `null` is set, the value may
    /// also be 0.
    Checked { memory: u16, null: bool, room: u64 },
    /// A value, plus a constant, modulo 2<sup>64</sup>.
    Offset { index: Name, plus: u64 },
    /// The upper 32 bits of a value.
    High(Name),
    /// A memory's length, which has a name, less an index.
    Rest { memory: u16, length: Name, index: Name },
    /// A memory's length, which has a name, less a constant.
    LengthLess { memory: u16, length: Name, by: u64 },
    /// The bytes of a memory behind an index, or 0.
    Remaining { memory: u16, index: Name },
    /// The bytes of a memory behind a constant index, or 0.
    RemainingAt { memory: u16, at: u64 },
    /// The length of a memory or table: the present one if `current`, or an earlier one.
    Length { item: Item, current: bool },
    /// The address of a length.
    LengthCell(Item),
    /// An index of an element of a table, and at most this.
    Below { table: u16, most: u64 },
    /// The address of a table's first element, if it has any.
    TableBase(u16),
    /// The address of the element at an index, which was `checked` or not. The name of a checked index may be
    /// forgotten.
    Element { table: u16, index: Name, checked: bool },
    /// The address that is this many bytes behind a table's start, whatever its length.
    ElementAt { table: u16, offset: u64 },
    /// The address of some element of a table, if it has any.
    AnyElement(u16),
    /// The address of an imported global's cell.
    GlobalCell(u32),
    /// A reference to a function of a type; with `null`, or 0.
    Func { ty: u32, null: bool },
    /// A reference to the function at a position in the list of entries.
    OwnFunc(u32),
    /// Its tail entry.
    OwnCode(u32),
    /// Its vmctx.
    OwnContext(u32),
    /// The tail entry of a function by its reference.
    Code { ty: u32, func: Name },
    /// The vmctx of a function by its reference.
    Context { func: Name },
    /// The process-wide number of a function's type, loaded through a reference.
    TypeOf { func: Name },
    /// The process-wide number of a type.
    TypeId(u32),
    /// The address of the table of builtins.
    Builtins,
    /// The address of a builtin.
    Builtin(u8),
    /// The array entry of an import.
    ImportCode(u32),
    /// What goes with an import's code.
    ImportContext(u32),
    /// The tail entry of an import; with `null`, or 0.
    ImportTail { import: u32, null: bool },
    /// An address in the text, by offset from its start.
    Text(u32),
    /// An address in the text, plus at most this; `aligned` if that is a multiple of 16.
    TextRange { at: u32, plus: u64, aligned: bool },
    /// What an entry of a jump table holds, of as many as the last one's position says and one more.
    JumpOffset { table: u32, last: u32 },
    /// Where such an entry leads.
    JumpTarget { table: u32, last: u32 },
    /// An address in the read-only data, by file offset: perhaps a constant table's.
    ConstTable(u32),
    /// The address of an entry of a constant table whose index is not checked.
    ConstUnchecked { table: u32, index: Name },
    /// The address of an entry of a constant table, up to this one, of a function of this type if it is
    /// known.
    ConstEntry { table: u32, last: u32, ty: u32 },
    /// The address of a certain entry of a constant table.
    ConstKnown { table: u32, entry: u32 },
    /// The type of an entry by its address.
    ConstType { entry: Name },
    /// The low 32 bits of the same, not extended.
    ConstWord { table: u32, entry: Name, ty: u32 },
    /// The relative address in an entry of a function of this type if it is known.
    ConstRel { table: u32, entry: Name, ty: u32 },
    /// Where such an entry leads.
    ConstCode { entry: Name, ty: u32 },
    /// What the meter was at the function's entry or behind the last call, plus this.
    Meter(i64),
    /// The address of an exception's values, of a tag or [`ANY_TYPE`].
    Exception(u32),
}

/// A value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Val {
    pub(crate) kind: Kind,
    pub(crate) name: Name,
}

impl Val {
    /// Nothing is known of it.
    pub(crate) const ANY: Val = Val::of(Kind::Any);

    /// A value without a name.
    pub(crate) const fn of(kind: Kind) -> Self {
        Self { kind, name: NO_NAME }
    }

    /// Its low 32 bits.
    pub(crate) fn low(self) -> Self {
        match self.kind {
            Kind::Const(value) => Val::of(Kind::Const(value & MAX32)),
            Kind::Max(max) | Kind::Steps16(max) if max <= MAX32 => self,
            Kind::Below { most, .. } if most <= MAX32 => self,
            Kind::TypeOf { .. } | Kind::TypeId(_) | Kind::ConstType { .. } | Kind::High(_) => self,
            Kind::ConstWord { .. } => self,
            kind => {
                let max = if let Kind::Low(max) = kind { max } else { u32::MAX };
                let name = if self.name == NO_NAME { NO_NAME } else { self.name | LOW };
                Self { kind: Kind::Max(max.into()), name }
            }
        }
    }
}

impl Kind {
    /// The most that it can be as a number.
    pub(crate) fn most(self) -> Option<u64> {
        match self {
            Kind::Const(value) => Some(value),
            Kind::Max(max) | Kind::Steps16(max) => Some(max),
            Kind::Below { most, .. } if most < u64::MAX => Some(most),
            Kind::TypeOf { .. } | Kind::TypeId(_) | Kind::ConstType { .. } | Kind::High(_) => Some(MAX32),
            Kind::ConstWord { .. } => Some(MAX32),
            Kind::Length { item: Item::Memory(_), .. }
            | Kind::Remaining { .. }
            | Kind::RemainingAt { .. } => Some(MOST_BYTES),
            _ => None,
        }
    }

    /// The most that its low 32 bits can be.
    pub(crate) fn most_low(self) -> u32 {
        match self {
            Kind::Const(value) => value as u32,
            Kind::Low(max) => max,
            Kind::Max(max) | Kind::Steps16(max) => max.min(MAX32) as u32,
            _ => u32::MAX,
        }
    }

    /// The names of the values that it refers to.
    pub(crate) fn names(self) -> [Name; 2] {
        match self {
            Kind::Indexed { index, .. }
            | Kind::Offset { index, .. }
            | Kind::Element { index, .. }
            | Kind::ConstUnchecked { index, .. }
            | Kind::Remaining { index, .. }
            | Kind::High(index) => [index, NO_NAME],
            Kind::LengthLess { length, .. } => [length, NO_NAME],
            Kind::Rest { length, index, .. } => [length, index],
            Kind::Code { func, .. } | Kind::Context { func } | Kind::TypeOf { func } => [func, NO_NAME],
            Kind::ConstType { entry }
            | Kind::ConstWord { entry, .. }
            | Kind::ConstRel { entry, .. }
            | Kind::ConstCode { entry, .. } => [entry, NO_NAME],
            _ => [NO_NAME; 2],
        }
    }

    /// What remains to be said when the value that it refers to has lost its name.
    pub(crate) fn forget(self) -> Kind {
        match self {
            Kind::TypeOf { .. } | Kind::ConstType { .. } | Kind::High(_) | Kind::ConstWord { .. } => {
                Kind::Max(MAX32)
            }
            Kind::Remaining { .. } => Kind::Max(MOST_BYTES),
            Kind::Element { table, checked: true, .. } => {
                Kind::Element { table, index: NO_NAME, checked: true }
            }
            _ => Kind::Any,
        }
    }

    /// Whether more may be found out of such a value, or of others that refer to it, so that it needs a name.
    pub(crate) fn may_be_refined(self) -> bool {
        !matches!(
            self,
            Kind::Const(0..=MAX32)
                | Kind::Entry(_)
                | Kind::ReturnAddress
                | Kind::Stack(_)
                | Kind::Area(_)
                | Kind::Vmctx
                | Kind::Heap { .. }
                | Kind::Checked { .. }
                | Kind::TableBase(_)
                | Kind::Builtins
                | Kind::Builtin(_)
                | Kind::Text(_)
                | Kind::JumpOffset { .. }
                | Kind::JumpTarget { .. }
                | Kind::ConstTable(_)
                | Kind::OwnFunc(_)
                | Kind::Meter(_)
                | Kind::Exception(_)
        )
    }

    /// Whether it is a reference to a function of a type, or to one of any.
    pub(crate) fn is_func(self, module: &Module<'_>, ty: u32, null: bool) -> bool {
        let fits = |actual: u32| ty == ANY_TYPE || ty == actual;
        match self {
            Kind::Const(0) => null,
            Kind::Func { ty, null: may_be_null } => fits(ty) && (null || !may_be_null),
            Kind::OwnFunc(entry) => module.entry_type(entry).is_some_and(fits),
            _ => false,
        }
    }
}

/// What bounds are rounded up to where they grow.
const ROUND: [u64; 6] = [1, 0xff, 0xffff, MAX32, 1 << 33, 1 << 36];

fn round(bound: u64) -> u64 {
    ROUND.into_iter().find(|&limit| bound <= limit).unwrap_or(u64::MAX)
}

/// Joins two kinds. If `rounded`, bounds are rounded up, which joins of control flow require.
pub(crate) fn join_kinds(module: &Module<'_>, a: Kind, b: Kind, rounded: bool) -> Kind {
    if a == b {
        return a;
    }
    let bound = |bound: u64| if rounded { round(bound) } else { bound };
    // Rooms that differ are given up where control flows meet, and not counted down in many steps.
    let room = |one: u64, other: u64| if rounded && one != other { 0 } else { one.min(other) };
    if let Some(kind) = join_ordered(module, a, b, room).or_else(|| join_ordered(module, b, a, room)) {
        return kind;
    }
    match (a, b) {
        (Kind::Heap { memory, plus: p }, Kind::Heap { memory: other, plus: q }) if memory == other => {
            Kind::Heap { memory, plus: bound(p.max(q)) }
        }
        (Kind::Checked { memory, null: x, room: p }, Kind::Checked { memory: other, null: y, room: q })
            if memory == other =>
        {
            Kind::Checked { memory, null: x || y, room: room(p, q) }
        }
        (Kind::Below { table, most: p }, Kind::Below { table: other, most: q }) if table == other => {
            Kind::Below { table, most: bound(p.max(q)) }
        }
        _ => match (a.most(), b.most()) {
            (Some(p), Some(q)) => match bound(p.max(q)) {
                u64::MAX => Kind::Any,
                max => Kind::Max(max),
            },
            _ => match bound(a.most_low().max(b.most_low()).into()) {
                low if low < MAX32 && is_number(a) && is_number(b) => Kind::Low(low as u32),
                _ => Kind::Any,
            },
        },
    }
}

fn is_number(kind: Kind) -> bool {
    matches!(kind, Kind::Low(_) | Kind::Max(_) | Kind::Steps16(_) | Kind::Const(_))
}

/// Joins two kinds, given in one order, where the first determines the result; `None` otherwise.
/// `room` is what two rooms have in common.
fn join_ordered(module: &Module<'_>, a: Kind, b: Kind, room: impl Fn(u64, u64) -> u64) -> Option<Kind> {
    Some(match (a, b) {
        (Kind::Func { ty, null }, Kind::Func { ty: other, null: may_be }) => {
            Kind::Func { ty: if ty == other { ty } else { ANY_TYPE }, null: null || may_be }
        }
        (Kind::Func { ty, .. }, Kind::Const(0)) => Kind::Func { ty, null: true },
        (Kind::Func { ty, null }, Kind::OwnFunc(entry)) => {
            let same = module.entry_type(entry) == Some(ty);
            Kind::Func { ty: if same { ty } else { ANY_TYPE }, null }
        }
        (Kind::OwnFunc(entry), Kind::OwnFunc(other)) => {
            let (ty, other) = (module.entry_type(entry)?, module.entry_type(other)?);
            Kind::Func { ty: if ty == other { ty } else { ANY_TYPE }, null: false }
        }
        (Kind::OwnFunc(entry), Kind::Const(0)) => Kind::Func { ty: module.entry_type(entry)?, null: true },
        (Kind::Checked { memory, room, .. }, Kind::Const(0)) => Kind::Checked { memory, null: true, room },
        (Kind::AnyElement(table) | Kind::Element { table, checked: true, .. }, Kind::TableBase(own))
            if table == own =>
        {
            Kind::AnyElement(table)
        }
        (Kind::AnyElement(table), Kind::Element { table: own, checked: true, .. }) if table == own => a,
        (
            Kind::Element { table, index, checked: true },
            Kind::Element { table: own, index: other, checked },
        ) if table == own && (checked || index == other) => {
            Kind::Element { table, index: if index == other { index } else { NO_NAME }, checked }
        }
        (Kind::ConstKnown { table, entry }, Kind::ConstTable(own)) if table == own => {
            Kind::ConstEntry { table, last: entry, ty: ANY_TYPE }
        }
        (Kind::Heap { memory, plus }, Kind::Const(0)) => {
            let room = (module.reach(memory) + wasmaot_abi::slot::MAX_ACCESS).checked_sub(plus)?;
            Kind::Checked { memory, null: true, room }
        }
        (Kind::Checked { memory, null, room: checked }, Kind::Heap { memory: own, plus })
            if memory == own =>
        {
            let behind = (module.reach(memory) + wasmaot_abi::slot::MAX_ACCESS).checked_sub(plus)?;
            Kind::Checked { memory, null, room: room(checked, behind) }
        }
        (Kind::Remaining { memory, index }, Kind::Const(0)) => Kind::Remaining { memory, index },
        (Kind::RemainingAt { memory, at }, Kind::Const(0)) => Kind::RemainingAt { memory, at },
        (Kind::HeapAt { memory, at }, Kind::Const(0)) => {
            let room = wasmaot_abi::slot::OFFSET_GUARD.checked_sub(at)?;
            Kind::Checked { memory, null: true, room }
        }
        (Kind::Length { item, .. }, Kind::Length { item: other, .. }) if item == other => {
            Kind::Length { item, current: false }
        }
        (Kind::ImportTail { import, .. }, Kind::ImportTail { import: other, .. }) if import == other => {
            Kind::ImportTail { import, null: true }
        }
        (Kind::ConstEntry { table, last, ty }, Kind::ConstEntry { table: other, last: more, ty: also })
            if table == other =>
        {
            Kind::ConstEntry { table, last: last.max(more), ty: if ty == also { ty } else { ANY_TYPE } }
        }
        (Kind::ConstEntry { table, last, .. }, Kind::ConstTable(other)) if table == other => {
            Kind::ConstEntry { table, last, ty: ANY_TYPE }
        }
        (Kind::ConstEntry { table, last, .. }, Kind::ConstKnown { table: other, entry })
            if table == other =>
        {
            Kind::ConstEntry { table, last: last.max(entry), ty: ANY_TYPE }
        }
        _ => return None,
    })
}

/// What is true of both, where control flows meet.
pub(crate) fn join(module: &Module<'_>, a: Val, b: Val) -> Val {
    let name = if a.name == b.name { a.name } else { NO_NAME };
    Val { kind: join_kinds(module, a.kind, b.kind, true), name }
}

/// Returns the kind of the sum of two values, in either order.
pub(crate) fn add(module: &Module<'_>, a: Val, b: Val) -> Kind {
    add_ordered(module, a, b).or_else(|| add_ordered(module, b, a)).unwrap_or(Kind::Any)
}

fn add_ordered(module: &Module<'_>, a: Val, b: Val) -> Option<Kind> {
    Some(match (a.kind, b.kind) {
        (Kind::Const(x), Kind::Const(y)) => Kind::Const(x.wrapping_add(y)),
        (Kind::Max(x) | Kind::Steps16(x), Kind::Max(y) | Kind::Steps16(y) | Kind::Const(y)) => {
            Kind::Max(x.checked_add(y)?)
        }
        (Kind::Stack(at), Kind::Const(c)) => Kind::Stack(at.checked_add(small(c)?)?),
        (Kind::TableBase(table), Kind::Const(c)) => Kind::ElementAt { table, offset: c },
        (Kind::ElementAt { table, offset }, Kind::Const(c)) => {
            Kind::ElementAt { table, offset: offset.wrapping_add(c) }
        }
        (Kind::ConstTable(table), Kind::Const(c)) if c.is_multiple_of(ConstEntry::SIZE.into()) => {
            Kind::ConstKnown { table, entry: u32::try_from(c / u64::from(ConstEntry::SIZE)).ok()? }
        }
        (Kind::Area(at), Kind::Const(c)) => Kind::Area(at.checked_add_signed(small(c)?)?),
        (Kind::Vmctx, _) => return heap(module, module.own_memory()?, 0, b),
        (Kind::Heap { memory, plus }, _) => return heap(module, memory, plus, b),
        (Kind::Indexed { memory, index, plus }, Kind::Const(c)) => {
            Kind::Indexed { memory, index, plus: plus.wrapping_add(c) }
        }
        (Kind::HeapAt { memory, at }, Kind::Const(c)) => Kind::HeapAt { memory, at: at.checked_add(c)? },
        (Kind::Meter(plus), Kind::Const(c)) => Kind::Meter(plus.checked_add(c as i64)?),
        (Kind::Offset { index, plus }, Kind::Const(c)) => Kind::Offset { index, plus: plus.wrapping_add(c) },
        (Kind::Any | Kind::Low(_), Kind::Const(plus)) if a.name != NO_NAME => {
            Kind::Offset { index: a.name, plus }
        }
        (Kind::OwnFunc(entry), Kind::Const(c)) => {
            let step = small(c)? / crate::module::FUNC_REF as i32;
            if small(c)? % crate::module::FUNC_REF as i32 != 0 {
                return None;
            }
            let entry = entry.checked_add_signed(step)?;
            module.entry_type(entry)?;
            Kind::OwnFunc(entry)
        }
        (Kind::Text(at), Kind::Max(plus)) => Kind::TextRange { at, plus, aligned: false },
        (Kind::Text(at), Kind::Steps16(plus)) => Kind::TextRange { at, plus, aligned: true },
        (Kind::Text(table), Kind::JumpOffset { table: own, last }) if table == own => {
            Kind::JumpTarget { table, last }
        }
        (Kind::ConstTable(table), Kind::ConstRel { table: own, entry, ty }) if table == own => {
            Kind::ConstCode { entry, ty }
        }
        _ => return None,
    })
}

/// A constant as a number of 32 bits with a sign.
pub(crate) fn small(c: u64) -> Option<i32> {
    i32::try_from(c as i64).ok()
}

fn heap(module: &Module<'_>, memory: u16, plus: u64, index: Val) -> Option<Kind> {
    let reach = module.reach(memory);
    let is_number = !matches!(index.kind, Kind::Const(_));
    // What is compared with the length has to remember its index.
    if !module.is_small(memory) && plus == 0 && index.name != NO_NAME && is_number {
        return Some(Kind::Indexed { memory, index: index.name, plus });
    }
    if let (Kind::Const(at), 0, false) = (index.kind, plus, module.is_small(memory)) {
        return Some(Kind::HeapAt { memory, at });
    }
    if let Some(most) = index.kind.most().filter(|&most| most <= reach) {
        return Some(Kind::Heap { memory, plus: plus.checked_add(most).filter(|&plus| plus <= reach)? });
    }
    match index.kind {
        Kind::Vmctx | Kind::Stack(_) => None,
        _ if plus == 0 && index.name != NO_NAME => Some(Kind::Indexed { memory, index: index.name, plus }),
        _ => None,
    }
}
