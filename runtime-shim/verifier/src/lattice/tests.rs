//! The laws of the lattice: joins, and what sums are of.

use super::*;
use crate::module::tests::sample;

/// Kinds of each family, with neighbours.
fn kinds() -> Vec<Kind> {
    let mut kinds = vec![
        Kind::Any,
        Kind::Entry(3),
        Kind::Entry(5),
        Kind::ReturnAddress,
        Kind::Stack(-8),
        Kind::Stack(-16),
        Kind::Area(0),
        Kind::Vmctx,
        Kind::Offset { index: 1, plus: 4 },
        Kind::High(1),
        Kind::Rest { memory: 0, length: 1, index: 2 },
        Kind::Remaining { memory: 0, index: 2 },
        Kind::RemainingAt { memory: 0, at: 2 },
        Kind::Length { item: Item::Memory(0), current: true },
        Kind::Length { item: Item::Memory(0), current: false },
        Kind::Length { item: Item::Table(0), current: true },
        Kind::Below { table: 0, most: MAX32 },
        Kind::Below { table: 0, most: u64::MAX },
        Kind::TableBase(0),
        Kind::AnyElement(0),
        Kind::ElementAt { table: 0, offset: 8 },
        Kind::OwnFunc(0),
        Kind::OwnFunc(1),
        Kind::Code { ty: 0, func: 1 },
        Kind::Context { func: 1 },
        Kind::TypeOf { func: 1 },
        Kind::TypeId(0),
        Kind::ImportTail { import: 0, null: true },
        Kind::ImportTail { import: 0, null: false },
        Kind::ConstTable(64),
        Kind::ConstKnown { table: 64, entry: 2 },
        Kind::ConstUnchecked { table: 64, index: 1 },
        Kind::ConstEntry { table: 64, last: 1, ty: ANY_TYPE },
        Kind::ConstEntry { table: 64, last: 3, ty: 0 },
        Kind::Exception(0),
        Kind::Meter(0),
        Kind::Meter(5),
        Kind::HeapAt { memory: 0, at: 1 << 40 },
    ];
    for number in [0, 1, 2, 255, 256, MAX32, MAX32 + 1, 1 << 40, u64::MAX] {
        kinds.extend([
            Kind::Const(number),
            Kind::Max(number),
            Kind::Steps16(number),
            Kind::Low(number as u32),
        ]);
    }
    for plus in [0, 8, MAX32] {
        kinds.push(Kind::Heap { memory: 0, plus });
        kinds.push(Kind::Indexed { memory: 0, index: 1, plus });
        kinds.extend([false, true].map(|null| Kind::Checked { memory: 0, null, room: plus }));
    }
    for (ty, null) in [(0, false), (0, true), (1, true), (ANY_TYPE, false)] {
        kinds.push(Kind::Func { ty, null });
    }
    for (index, checked) in [(1, false), (1, true), (2, true), (NO_NAME, true)] {
        kinds.push(Kind::Element { table: 0, index, checked });
    }
    kinds
}

#[test]
fn joins_commute_and_absorb() {
    let module = sample();
    for &a in &kinds() {
        assert_eq!(join_kinds(&module, a, a, true), a, "idempotent");
        for &b in &kinds() {
            let joined = join_kinds(&module, a, b, true);
            assert_eq!(joined, join_kinds(&module, b, a, true), "{a:?} and {b:?} commute");
            for part in [a, b] {
                let again = join_kinds(&module, joined, part, true);
                assert_eq!(again, joined, "{a:?} and {b:?} give {joined:?}, which has {part:?} in it");
            }
        }
    }
}

/// Some numbers that a kind stands for; none if it is no kind of numbers.
fn numbers(kind: Kind) -> Vec<u64> {
    let up_to = |most: u64| [0, 1, 15, 16, 4096, most / 2, most - most.min(1), most].map(|n| n.min(most));
    match kind {
        Kind::Const(number) => vec![number],
        Kind::Max(most) => up_to(most).to_vec(),
        Kind::Steps16(most) => up_to(most).map(|number| number / 16 * 16).to_vec(),
        Kind::Low(most) => {
            let low = up_to(most.into());
            low.iter().flat_map(|&low| [low, low | 1 << 32, low | u64::from(u32::MAX) << 32]).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether a kind stands for a number.
fn has(kind: Kind, number: u64) -> bool {
    match kind {
        Kind::Any => true,
        Kind::Const(one) => one == number,
        Kind::Max(most) => number <= most,
        Kind::Steps16(most) => number <= most && number.is_multiple_of(16),
        Kind::Low(most) => number as u32 <= most,
        _ => false,
    }
}

#[test]
fn joins_and_sums_stand_for_the_joined_and_added_numbers() {
    let module = sample();
    let mut checked = 0;
    for &a in &kinds() {
        for &b in &kinds() {
            let joined = [false, true].map(|rounded| join_kinds(&module, a, b, rounded));
            let sum = add(&module, Val::of(a), Val::of(b));
            for x in numbers(a) {
                assert!(
                    joined.iter().all(|&joined| numbers(b).is_empty() || has(joined, x)),
                    "{a:?} and {b:?}"
                );
                for y in numbers(b) {
                    assert!(has(sum, x.wrapping_add(y)), "{a:?} + {b:?} is {sum:?}, but {x} + {y}");
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 10_000);
}

/// Kinds of numbers, and the one of everything.
fn number_kinds() -> Vec<Kind> {
    kinds().into_iter().filter(|&kind| kind == Kind::Any || !numbers(kind).is_empty()).collect()
}

#[test]
fn joins_of_three_stand_for_the_numbers_of_all_in_any_order() {
    let module = sample();
    let all = number_kinds();
    for &a in &all {
        for &b in &all {
            let ab = join_kinds(&module, a, b, true);
            for &c in &all {
                let joined = join_kinds(&module, ab, c, true);
                for number in [a, b, c].into_iter().flat_map(numbers) {
                    assert!(has(joined, number), "{a:?}, {b:?} and {c:?} give {joined:?} without {number}");
                }
            }
        }
    }
}

/// What is known of a sum grows with what is known of its parts.
#[test]
fn sums_are_monotone() {
    let module = sample();
    let all = number_kinds();
    let sum = |a, b| add(&module, Val::of(a), Val::of(b));
    for &less in &all {
        for &more in all.iter().filter(|&&more| join_kinds(&module, less, more, false) == more) {
            for &c in &all {
                let (x, y) = (sum(less, c), sum(more, c));
                // The largest bound is none.
                let is_below = y == Kind::Max(u64::MAX) || join_kinds(&module, x, y, false) == y;
                assert!(is_below, "{less:?} is below {more:?}, but with {c:?} {x:?} not below {y:?}");
            }
        }
    }
}

/// Whether all that one kind says follows from another: a join of both that rounds nothing adds nothing.
fn is_below(module: &Module<'_>, less: Kind, more: Kind) -> bool {
    join_kinds(module, less, more, false) == more
}

/// What is known of a join grows with what is known of its parts, whatever they are. (Where control flows
/// meet, bounds are rounded besides, which keeps chains short and is no join.)
///
/// Of a number, one of two bounds is known: of all bits, or of the low 32. A kind that is bounded in all bits
/// is below one that is bounded in the low ones, but keeps that in a join only as far as both bounds are the
/// same; so these pairs are left out.
#[test]
fn joins_are_monotone() {
    let module = sample();
    let all = kinds();
    let mut wrong = Vec::new();
    for &less in &all {
        let is_low = |kind: Kind| matches!(kind, Kind::Low(_));
        for &more in all.iter().filter(|&&more| is_below(&module, less, more)) {
            if is_low(more) && !is_low(less) {
                continue;
            }
            for &c in &all {
                let join = |a| join_kinds(&module, a, c, false);
                let (x, y) = (join(less), join(more));
                if !is_below(&module, x, y) {
                    wrong.push(format!("{less:?} is below {more:?}, but with {c:?} {x:?} not below {y:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Rounded joins are above both, of whatever kind.
#[test]
fn joins_are_upper_bounds() {
    let module = sample();
    let all = kinds();
    let mut wrong = Vec::new();
    for &a in &all {
        for &b in &all {
            let joined = join_kinds(&module, a, b, true);
            for part in [a, b].into_iter().filter(|&part| !is_below(&module, part, joined)) {
                wrong.push(format!("{a:?} and {b:?} give {joined:?}, which {part:?} is not below"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn chains_of_joins_are_short() {
    let module = sample();
    for &first in &kinds() {
        let (mut kind, mut steps) = (first, 0);
        for &next in kinds().iter().chain(&kinds()) {
            let joined = join_kinds(&module, kind, next, true);
            steps += usize::from(joined != kind);
            kind = joined;
        }
        assert_eq!(kind, Kind::Any);
        assert!(steps <= 10, "{first:?} takes {steps} steps");
    }
}

#[test]
fn joins_keep_what_numbers_have_in_common() {
    let module = sample();
    for &a in &kinds() {
        for &b in &kinds() {
            let joined = join_kinds(&module, a, b, true);
            if let (Some(bound), Some(x), Some(y)) = (joined.most(), a.most(), b.most()) {
                assert!(bound >= x.max(y), "{a:?} and {b:?} give {joined:?}");
            }
            assert!(joined.most_low() >= a.most_low().max(b.most_low()), "{a:?} and {b:?} give {joined:?}");
            let is_number = |kind: Kind| kind.most().is_some();
            assert!(
                joined.most().is_none() || (is_number(a) && is_number(b)),
                "{a:?} and {b:?} give {joined:?}"
            );
        }
    }
}
