//! What is known at a place of a function: registers, words of the stack, flags.
//!
//! Words are kept where something is known of them, by their distance from the stack pointer at the
//! function's entry. Cells that a function was given the address of, for its results, are words too, from
//! [`AREA`] on.
//!
//! **Invariants.** All places that have a name hold the same value, which is the one that its instruction
//! named last. No word that is kept overlaps another.

use crate::balance::Balance;
use crate::lattice::{self, Item, Kind, LOW, NO_NAME, Name, Val};
use crate::module::Module;
use crate::registers::{R15, RSP};
use std::fmt::Write;
use std::mem::size_of;
use std::ops::RangeInclusive;

/// Where the words begin that are cells of another function's.
pub(crate) const AREA: i32 = 1 << 30;

/// What the flags tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flags {
    /// Nothing.
    Unknown,
    /// How two values compare, of this many bits.
    Compared { a: Val, b: Val, bits: u8 },
    /// How a value compares with zero, of this many bits.
    Tested { a: Val, bits: u8 },
}

/// What is known at a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) regs: [Val; 16],
    /// By ascending offset.
    pub(crate) words: Vec<(i32, Val)>,
    pub(crate) flags: Flags,
    /// The lowest place of the stack that was accessed.
    pub(crate) touched: i32,
    /// Present lengths that are at least this. They never shrink.
    pub(crate) least: Vec<(Item, u64)>,
    /// Which instructions may have given the names that are in use.
    named: Named,
    /// How the meter stands, if there is one.
    pub(crate) balance: Balance,
    /// The most words that are kept. Of others, nothing is known.
    most_words: usize,
}

/// Names that an instruction may give. They follow one another, from a multiple of this and 1 on.
pub(crate) const NAMES: u32 = 16;

/// Bytes of a word.
const WORD: i32 = 8;

impl State {
    /// The state in which nothing is known but where the stack is, and that keeps this many words.
    pub(crate) fn new(most_words: usize) -> Self {
        let mut regs = [Val::ANY; 16];
        regs[usize::from(RSP)] = Val::of(Kind::Stack(0));
        Self {
            regs,
            words: Vec::new(),
            flags: Flags::Unknown,
            touched: 0,
            least: Vec::new(),
            named: Named::default(),
            balance: Balance::default(),
            most_words,
        }
    }

    pub(crate) fn reg(&self, register: u8) -> Val {
        self.regs[usize::from(register)]
    }

    pub(crate) fn set(&mut self, register: u8, value: Val) {
        self.regs[usize::from(register)] = value;
    }

    /// Where the stack pointer is.
    pub(crate) fn sp(&self) -> Option<i32> {
        match self.reg(RSP).kind {
            Kind::Stack(at) => Some(at),
            _ => None,
        }
    }

    /// The word at a place.
    pub(crate) fn word(&self, at: i32) -> Val {
        self.words
            .binary_search_by_key(&at, |word| word.0)
            .map_or(Val::ANY, |position| self.words[position].1)
    }

    /// Changes a word of which something is known.
    pub(crate) fn change_word(&mut self, at: i32, change: impl Fn(Val) -> Val) {
        if let Ok(position) = self.words.binary_search_by_key(&at, |word| word.0) {
            let word = &mut self.words[position].1;
            *word = change(*word);
        }
    }

    /// Forgets what is known of some bytes.
    pub(crate) fn forget_words(&mut self, at: i32, bytes: u32) {
        let start = self.words.partition_point(|word| word.0 <= at.saturating_sub(WORD));
        let end = self.words.partition_point(|word| word.0 < at.saturating_add_unsigned(bytes));
        if start < end {
            self.words.drain(start..end);
        }
    }

    /// Forgets what lies below the stack pointer.
    pub(crate) fn forget_below(&mut self, sp: i32) {
        let end = self.words.partition_point(|word| word.0 < sp);
        self.words.drain(..end);
    }

    /// Writes a word.
    pub(crate) fn set_word(&mut self, at: i32, value: Val) {
        match self.words.binary_search_by_key(&at, |word| word.0) {
            Ok(position) if value != Val::ANY => self.words[position].1 = value,
            _ => {
                self.forget_words(at, WORD as u32);
                if value != Val::ANY && self.words.len() < self.most_words {
                    let position = self.words.partition_point(|word| word.0 < at);
                    self.words.insert(position, (at, value));
                }
            }
        }
    }

    /// Everything that is kept.
    pub(crate) fn values(&mut self) -> impl Iterator<Item = &mut Val> {
        self.regs.iter_mut().chain(self.words.iter_mut().map(|word| &mut word.1))
    }

    /// Becomes the same as another one, in the space that it has.
    pub(crate) fn copy(&mut self, other: &State) {
        let Self { regs, words, flags, touched, least, named, balance, most_words } = other;
        self.words.clone_from(words);
        self.least.clone_from(least);
        (self.regs, self.flags, self.touched, self.named) = (*regs, *flags, *touched, *named);
        (self.balance, self.most_words) = (*balance, *most_words);
    }

    /// Bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<State>()
            + self.words.capacity() * size_of::<(i32, Val)>()
            + self.least.capacity() * size_of::<(Item, u64)>()
    }

    /// Notes that a name is in use.
    pub(crate) fn note_name(&mut self, name: Name) {
        self.named.add(name);
    }

    /// Forgets the names that an instruction gives, because it is about to give them to other values.
    pub(crate) fn forget_names(&mut self, names: RangeInclusive<Name>) {
        if !self.named.may_have(*names.start()) {
            return;
        }
        let mut named = Named::default();
        let gives = |name: Name| names.contains(&(name & !LOW));
        let mut forget = |value: &mut Val| {
            let [first, second] = value.kind.names();
            if value.name | first | second == NO_NAME {
                return;
            }
            if gives(value.name) {
                value.name = NO_NAME;
            }
            if gives(first) || gives(second) {
                value.kind = value.kind.forget();
            } else {
                named.add(first);
                named.add(second);
            }
            named.add(value.name);
        };
        self.values().for_each(&mut forget);
        match &mut self.flags {
            Flags::Unknown => {}
            Flags::Compared { a, b, .. } => [a, b].into_iter().for_each(forget),
            Flags::Tested { a, .. } => forget(a),
        }
        self.named = named;
    }

    /// Forgets what the meter was, but for the register.
    pub(crate) fn forget_meters(&mut self) {
        let meter = self.reg(R15).kind;
        self.values()
            .filter(|value| matches!(value.kind, Kind::Meter(_)))
            .for_each(|value| *value = Val::ANY);
        if let Kind::Meter(_) = meter {
            self.set(R15, Val::of(Kind::Meter(0)));
        }
    }

    /// Keeps what is true here and there. Whether anything changed.
    pub(crate) fn join(&mut self, module: &Module<'_>, other: &State) -> bool {
        let mut changed = false;
        let mut update = |into: &mut Val, from: Val| {
            if *into != from {
                let joined = lattice::join(module, *into, from);
                changed |= joined != *into;
                *into = joined;
            }
        };
        for (into, from) in self.regs.iter_mut().zip(other.regs) {
            // The meter is what it is here and there.
            if !matches!((into.kind, from.kind), (Kind::Meter(_), Kind::Meter(_))) {
                update(into, from);
            }
        }
        // Mostly, both know the same words and the same of them.
        let same = self.words.iter().zip(&other.words).take_while(|(into, from)| into == from).count();
        let (mut kept, mut from) = (same, &other.words[same..]);
        for position in same..self.words.len() {
            let (at, mut value) = self.words[position];
            while let [word, rest @ ..] = from
                && word.0 < at
            {
                from = rest;
            }
            update(&mut value, from.first().filter(|word| word.0 == at).map_or(Val::ANY, |word| word.1));
            if value != Val::ANY {
                self.words[kept] = (at, value);
                kept += 1;
            }
        }
        self.words.truncate(kept);
        self.named.add_all(&other.named);
        if self.flags != other.flags && self.flags != Flags::Unknown {
            self.flags = Flags::Unknown;
            changed = true;
        }
        self.least.retain_mut(|(item, least)| {
            let known = other.least(*item).min(*least);
            changed |= known != *least;
            *least = known;
            known > 0
        });
        let balance = self.balance.join(other.balance);
        changed |= balance != self.balance;
        self.balance = balance;
        if other.touched > self.touched {
            self.touched = other.touched;
            changed = true;
        }
        changed
    }

    /// What is known, for messages.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        for (name, value) in
            crate::registers::NAMES.iter().zip(self.regs).filter(|(_, value)| value.kind != Kind::Any)
        {
            let _ = write!(text, "{name}={:?} ", value.kind);
        }
        let _ = write!(text, "flags={:?}", self.flags);
        text
    }
}

/// A set of instructions that give names: a bit for all whose indices have the same low bits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Named([u64; 4]);

impl Named {
    /// The word and the bit of the instruction that gives a name.
    fn place(name: Name) -> (usize, u64) {
        let instruction = (name - 1) / NAMES;
        ((instruction / u64::BITS % 4) as usize, 1 << (instruction % u64::BITS))
    }

    /// Adds the instruction that gives a name, if it is one.
    fn add(&mut self, name: Name) {
        if let name @ 1.. = name & !LOW {
            let (word, bit) = Self::place(name);
            self.0[word] |= bit;
        }
    }

    fn add_all(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(word, other)| *word |= other);
    }

    /// Whether the instruction that gives a name may be in it.
    fn may_have(&self, name: Name) -> bool {
        let (word, bit) = Self::place(name);
        self.0[word] & bit != 0
    }
}
