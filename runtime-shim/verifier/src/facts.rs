//! What follows from a condition that is fulfilled, for all values that a state knows by name.
//!
//! **Invariants.** A fact is noted of values that have the name of what was compared, and of those that refer
//! to it, in the same state: they are the same value, whenever they were computed. A condition is taken for
//! impossible only if no value that its operands stand for fulfils it; of lengths, that takes the present
//! one, because an earlier one may be less than what is known by now.

use crate::decode::Condition;
use crate::lattice::{Item, Kind, LOW, MAX32, MOST_BYTES, NO_NAME, Name, Val};
use crate::module::Module;
use crate::state::{Flags, State};
use wasmaot_abi::slot::OFFSET_GUARD;
use wasmaot_abi::state::TABLE_ELEMENT;

impl State {
    /// The most that a value with a name can be, as 32 bits.
    pub(crate) fn most(&self, name: Name) -> Option<u32> {
        let words = self.words.iter().map(|word| word.1);
        let compared = match self.flags {
            Flags::Unknown => None,
            Flags::Compared { a, .. } | Flags::Tested { a, .. } => Some(a),
        };
        let bounds = self.regs.iter().copied().chain(words).chain(compared).filter_map(|value| {
            if value.name == name {
                value.kind.most()
            } else if value.name != NO_NAME && value.name | LOW == name {
                Some(value.kind.most_low().into())
            } else {
                None
            }
        });
        bounds.min().and_then(|most| u32::try_from(most).ok()).filter(|&most| most < u32::MAX)
    }

    /// What a length is at least.
    pub(crate) fn least(&self, item: Item) -> u64 {
        self.least.iter().find(|known| known.0 == item).map_or(0, |known| known.1)
    }

    /// Notes that a length is at least this. A few lengths are kept.
    fn at_least(&mut self, item: Item, least: u64) {
        const KEPT: usize = 8;
        if let Item::Table(table) = item {
            let bytes = least.saturating_mul(TABLE_ELEMENT);
            self.values().for_each(|value| match value.kind {
                Kind::ElementAt { table: own, offset }
                    if own == table && offset < bytes && offset.is_multiple_of(TABLE_ELEMENT) =>
                {
                    value.kind = Kind::AnyElement(table);
                }
                _ => {}
            });
        }
        if let Item::Memory(memory) = item {
            // A memory has addresses for its length and a guard.
            let end = least.saturating_add(OFFSET_GUARD);
            self.values().for_each(|value| match value.kind {
                Kind::HeapAt { memory: own, at } if own == memory && at < end => {
                    value.kind = Kind::Checked { memory, null: false, room: end - at };
                }
                _ => {}
            });
        }
        if let Some(known) = self.least.iter_mut().find(|known| known.0 == item) {
            known.1 = known.1.max(least);
        } else if self.least.len() < KEPT && least > 0 {
            self.least.push((item, least));
        }
    }

    /// Notes that a value with a name is at most this, of 64 or of its low 32 bits.
    fn bound(&mut self, module: &Module<'_>, name: Name, most: u64) {
        let low = name | LOW;
        let is_low = name & LOW != 0;
        self.values().for_each(|value| {
            match value.kind {
                Kind::Indexed { memory, index, plus }
                    if index == name && module.is_small(memory) && most <= MAX32 && plus <= MAX32 =>
                {
                    value.kind = Kind::Heap { memory, plus: plus + most };
                }
                _ => {}
            }
            if value.name == NO_NAME {
                return;
            }
            if value.name == name || (value.name == low && most <= MAX32) {
                value.kind = at_most(value.kind, most);
            } else if is_low && value.name == name & !LOW && most < MAX32 {
                value.kind = low_at_most(value.kind, most as u32);
            }
        });
    }

    /// Notes that the low 32 bits of a value with a name are at most this.
    fn bound_low(&mut self, module: &Module<'_>, name: Name, most: u32) {
        if name & LOW != 0 {
            return self.bound(module, name, most.into());
        }
        self.bound(module, name | LOW, most.into());
    }

    /// The value and the constant that a named value is the sum of.
    fn sum(&self, name: Name) -> Option<(Name, u64)> {
        let words = self.words.iter().map(|word| word.1);
        self.regs.iter().copied().chain(words).find_map(|value| match value.kind {
            Kind::Offset { index, plus } if value.name == name => Some((index, plus)),
            _ => None,
        })
    }

    /// How far an address is behind the index that has a name, if it was computed from that or from what that
    /// was computed from.
    fn distance(&self, name: Name) -> impl Fn(Name, u64) -> Option<u64> + use<> {
        let sum = self.sum(name);
        move |index, plus| match sum {
            _ if index == name => Some(plus),
            Some((of, constant)) if index == of => Some(plus.wrapping_sub(constant)),
            _ => None,
        }
    }

    /// Notes that an index is below a length.
    fn below(&mut self, module: &Module<'_>, index: Name, item: Item) {
        let widest = match item {
            Item::Table(table) if module.is_narrow_table(table) => MAX32,
            _ => u64::MAX,
        };
        let distance = self.distance(index);
        self.at_least(item, 1);
        self.values().for_each(|value| match (item, value.kind) {
            (Item::Table(table), Kind::Element { table: own, index: named, .. })
                if table == own && named == index =>
            {
                value.kind = Kind::Element { table, index, checked: true };
            }
            (Item::Table(table), Kind::Any | Kind::Max(_) | Kind::Low(_)) if value.name == index => {
                value.kind = Kind::Below { table, most: value.kind.most().unwrap_or(widest) };
            }
            (Item::Memory(memory), Kind::Indexed { memory: own, index: named, plus }) if memory == own => {
                let room = distance(named, plus).and_then(|plus| OFFSET_GUARD.checked_sub(plus));
                if let Some(room) = room {
                    value.kind = Kind::Checked { memory, null: false, room };
                }
            }
            _ => {}
        });
    }

    /// Notes that this many bytes of a memory remain behind an index.
    fn remaining(&mut self, memory: u16, index: Name, bytes: u64) {
        let distance = self.distance(index);
        self.values().for_each(|value| {
            if let Kind::Indexed { memory: own, index: named, plus } = value.kind
                && memory == own
                && let Some(room) = distance(named, plus).and_then(|plus| bytes.checked_sub(plus))
            {
                value.kind = Kind::Checked { memory, null: false, room };
            }
        });
    }

    /// Notes what is known where a difference turned out not to be negative.
    fn not_beyond(&mut self, index: Name, length: Name) {
        self.values().for_each(|value| {
            if let Kind::Rest { memory, length: of, index: named } = value.kind
                && of == length
                && named == index
            {
                value.kind = Kind::Remaining { memory, index };
            }
        });
    }

    /// Records that a length is at least a constant.
    fn not_less(&mut self, length: Name, constant: u64) {
        self.values().for_each(|value| match value.kind {
            Kind::LengthLess { memory, length: of, by } if of == length && by <= constant => {
                value.kind = Kind::RemainingAt { memory, at: by };
            }
            _ => {}
        });
    }

    /// Changes the kind of every place that holds a named value.
    fn refine(&mut self, name: Name, change: impl Fn(Kind) -> Kind) {
        if name != NO_NAME {
            self.values()
                .filter(|value| value.name == name)
                .for_each(|value| value.kind = change(value.kind));
        }
    }

    /// Notes that a reference is not null.
    pub(crate) fn is_not_null(&mut self, name: Name) {
        self.refine(name, |kind| match kind {
            Kind::Func { ty, .. } => Kind::Func { ty, null: false },
            Kind::ImportTail { import, .. } => Kind::ImportTail { import, null: false },
            other => other,
        });
    }

    /// Notes that a reference is to a function of a type.
    fn is_of_type(&mut self, func: Name, ty: u32) {
        self.values().for_each(|value| match value.kind {
            Kind::Func { null, .. } if value.name == func => value.kind = Kind::Func { ty, null },
            Kind::Code { func: named, .. } if named == func => value.kind = Kind::Code { ty, func },
            _ => {}
        });
    }

    /// Notes that an entry of a constant table is of a type.
    fn is_entry_of_type(&mut self, entry: Name, ty: u32) {
        if entry == NO_NAME {
            return;
        }
        self.values().for_each(|value| match value.kind {
            Kind::ConstEntry { table, last, .. } if value.name == entry => {
                value.kind = Kind::ConstEntry { table, last, ty };
            }
            Kind::ConstWord { table, entry: named, .. } if named == entry => {
                value.kind = Kind::ConstWord { table, entry, ty };
            }
            Kind::ConstRel { table, entry: named, .. } if named == entry => {
                value.kind = Kind::ConstRel { table, entry, ty };
            }
            Kind::ConstCode { entry: named, .. } if named == entry => {
                value.kind = Kind::ConstCode { entry, ty };
            }
            _ => {}
        });
    }

    /// Returns whether a condition can refine the state.
    pub(crate) fn tells(&self, condition: Condition) -> bool {
        match self.flags {
            Flags::Unknown => false,
            _ if !condition.is_unsigned() => false,
            Flags::Tested { .. } => true,
            Flags::Compared { a, b, .. } => {
                let tells = |kind: Kind| {
                    matches!(
                        kind,
                        Kind::Const(_)
                            | Kind::Length { .. }
                            | Kind::TypeId(_)
                            | Kind::Rest { .. }
                            | Kind::Remaining { .. }
                    )
                };
                tells(a.kind) || tells(b.kind)
            }
        }
    }

    /// Takes a condition as fulfilled. `false` if it cannot be.
    pub(crate) fn assume(&mut self, module: &Module<'_>, condition: Condition) -> bool {
        match self.flags {
            Flags::Unknown => true,
            Flags::Tested { a, bits } => self.assume_test(module, condition, a, bits),
            Flags::Compared { a, b, bits } => {
                let known = match (a.kind, b.kind) {
                    (_, Kind::Const(_) | Kind::Length { .. } | Kind::TypeId(_)) => true,
                    (Kind::Const(_) | Kind::Length { .. } | Kind::TypeId(_), _) => false,
                    (Kind::Rest { .. } | Kind::Remaining { .. } | Kind::RemainingAt { .. }, _) => true,
                    _ => return true,
                };
                if known {
                    self.assume_comparison(module, condition, a, b, bits)
                } else {
                    self.assume_comparison(module, condition.turned(), b, a, bits)
                }
            }
        }
    }

    fn assume_test(&mut self, module: &Module<'_>, condition: Condition, a: Val, bits: u8) -> bool {
        let is_zero = match condition {
            Condition::Equal | Condition::BelowOrEqual => true,
            Condition::NotEqual | Condition::Above => false,
            // A test clears the carry.
            Condition::Below => return false,
            _ => return true,
        };
        if is_zero {
            match (a.kind, bits) {
                (Kind::Const(value), 64) if value != 0 => return false,
                (Kind::Const(value), 32) if value as u32 != 0 => return false,
                (Kind::High(index), _) => self.bound(module, index, MAX32),
                (Kind::Length { item, current: true }, 64) if self.least(item) > 0 => return false,
                (Kind::ConstType { entry }, 32 | 64) => self.is_entry_of_type(entry, 0),
                (_, 64) if a.name != NO_NAME => {
                    self.bound(module, a.name, 0);
                    self.refine(a.name, |kind| match kind {
                        Kind::Func { null: true, .. } | Kind::ImportTail { null: true, .. } => Kind::Const(0),
                        other => other,
                    });
                }
                (_, 32) if a.name != NO_NAME => self.bound_low(module, a.name, 0),
                _ => {}
            }
        } else {
            match (a.kind, bits) {
                (Kind::Const(0), _) => return false,
                (kind, 32) if kind.most_low() == 0 => return false,
                (Kind::Length { item, .. }, 64) => {
                    self.at_least(item, 1);
                    self.not_less(a.name, 1);
                }
                // Where a byte is accessed, a comparison with 1 becomes one with 0.
                (Kind::Remaining { memory, index }, 64) => self.remaining(memory, index, 1),
                (Kind::RemainingAt { memory, at }, 64) => {
                    self.at_least(Item::Memory(memory), at.saturating_add(1));
                }
                (_, 64) => self.is_not_null(a.name),
                _ => {}
            }
        }
        true
    }

    /// As [`State::assume`], of a comparison whose second operand is a constant, a length or a type if either
    /// is.
    fn assume_comparison(
        &mut self,
        module: &Module<'_>,
        condition: Condition,
        a: Val,
        b: Val,
        bits: u8,
    ) -> bool {
        match b.kind {
            Kind::Const(limit) => self.assume_constant(module, condition, a, (limit, b.name), bits),
            Kind::Length { item, current } if bits == 64 => match condition {
                Condition::Below if is_index(a.kind, item, |index| index >= MOST_BYTES) => false,
                Condition::BelowOrEqual if is_index(a.kind, item, |index| index > MOST_BYTES) => false,
                Condition::Below => {
                    if let Kind::Const(index) = a.kind {
                        self.at_least(item, index.saturating_add(1));
                    }
                    if a.name != NO_NAME {
                        self.below(module, a.name, item);
                    }
                    true
                }
                Condition::AboveOrEqual => match a.kind {
                    Kind::Below { table, .. } => !current || item != Item::Table(table),
                    Kind::Const(index) => !current || self.least(item) <= index,
                    _ => true,
                },
                Condition::BelowOrEqual => {
                    if let Kind::Const(index) = a.kind {
                        self.at_least(item, index);
                        self.not_less(b.name, index);
                    }
                    if a.name != NO_NAME && b.name != NO_NAME {
                        self.not_beyond(a.name, b.name);
                    }
                    true
                }
                _ => true,
            },
            Kind::TypeId(ty) => {
                if condition == Condition::Equal
                    && let Kind::TypeOf { func } = a.kind
                {
                    self.is_of_type(func, ty);
                }
                true
            }
            _ => true,
        }
    }

    fn assume_constant(
        &mut self,
        module: &Module<'_>,
        condition: Condition,
        a: Val,
        (limit, index): (u64, Name),
        bits: u8,
    ) -> bool {
        let (limit, most) = match bits {
            64 => (limit, a.kind.most()),
            32 => (limit & MAX32, Some(a.kind.most_low().into())),
            _ => return true,
        };
        if let Kind::Const(value) = a.kind {
            let value = if bits == 32 { value & MAX32 } else { value };
            let holds = match condition {
                Condition::Above => value > limit,
                Condition::AboveOrEqual => value >= limit,
                Condition::Below => value < limit,
                Condition::BelowOrEqual => value <= limit,
                Condition::Equal => value == limit,
                Condition::NotEqual => value != limit,
                _ => true,
            };
            return holds;
        }
        let bounded = |state: &mut Self, bound: u64| match (a.name, bits) {
            (NO_NAME, _) => {}
            (name, 64) => state.bound(module, name, bound),
            (name, _) => state.bound_low(module, name, bound as u32),
        };
        if let (Kind::Length { item, current }, 64) = (a.kind, bits) {
            // An earlier length may be less than what is known of the present one.
            let least = if current { self.least(item) } else { 0 };
            match condition {
                Condition::Below if least >= limit => return false,
                Condition::BelowOrEqual if least > limit => return false,
                Condition::Above => self.at_least(item, limit.saturating_add(1)),
                Condition::AboveOrEqual => {
                    self.at_least(item, limit);
                    self.not_less(a.name, limit);
                    if a.name != NO_NAME && index != NO_NAME {
                        self.not_beyond(index, a.name);
                    }
                }
                _ => {}
            }
        }
        match condition {
            Condition::Below => {
                let Some(bound) = limit.checked_sub(1) else { return false };
                bounded(self, bound);
            }
            Condition::BelowOrEqual => bounded(self, limit),
            Condition::AboveOrEqual => {
                if most.is_some_and(|most| most < limit) {
                    return false;
                }
                match a.kind {
                    Kind::Remaining { memory, index } if limit > 0 && bits == 64 => {
                        self.remaining(memory, index, limit);
                    }
                    Kind::RemainingAt { memory, at } if limit > 0 && bits == 64 => {
                        self.at_least(Item::Memory(memory), at.saturating_add(limit));
                    }
                    _ => {}
                }
            }
            Condition::Above => {
                if most.is_some_and(|most| most <= limit) {
                    return false;
                }
                match (a.kind, limit.checked_add(1)) {
                    (Kind::Remaining { memory, index }, Some(least)) if bits == 64 => {
                        self.remaining(memory, index, least);
                    }
                    (Kind::RemainingAt { memory, at }, Some(least)) if bits == 64 => {
                        self.at_least(Item::Memory(memory), at.saturating_add(least));
                    }
                    _ => {}
                }
            }
            Condition::Equal => {
                if most.is_some_and(|most| most < limit) {
                    return false;
                }
                match a.kind {
                    Kind::ConstType { entry } => self.is_entry_of_type(entry, limit as u32),
                    _ => bounded(self, limit),
                }
            }
            _ => {}
        }
        true
    }
}

/// Whether a constant is such an index into a memory.
fn is_index(kind: Kind, item: Item, is: impl Fn(u64) -> bool) -> bool {
    matches!((kind, item), (Kind::Const(index), Item::Memory(_)) if is(index))
}

/// Whatever is known of a value and that it is at most this.
fn at_most(kind: Kind, most: u64) -> Kind {
    match kind {
        Kind::Any | Kind::Low(_) if most == 0 => Kind::Const(0),
        Kind::Any | Kind::Low(_) => Kind::Max(most),
        Kind::Max(max) | Kind::Steps16(max) if most == 0 || max == 0 => Kind::Const(0),
        Kind::Max(max) => Kind::Max(max.min(most)),
        other => other,
    }
}

/// Whatever is known of a value and that its low 32 bits are at most this.
fn low_at_most(kind: Kind, most: u32) -> Kind {
    match kind {
        Kind::Any => Kind::Low(most),
        Kind::Low(max) => Kind::Low(max.min(most)),
        Kind::Max(max) if max <= MAX32 => at_most(kind, most.into()),
        other => other,
    }
}
