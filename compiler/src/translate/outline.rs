//! What comes behind the bodies of the legacy `try` blocks of a function, read ahead of their
//! translation.

use std::collections::VecDeque;
use wasmaot_abi::exception::Clause;
use wasmparser::{FunctionBody, Operator};

/// What comes behind the body of a `try`.
#[derive(Clone)]
pub(super) enum Outline {
    /// Clauses, in order.
    Catches(Vec<Clause>),
    /// Exceptions go where those of this label's frame go.
    Delegate(u32),
}

/// The outlines of all `try` of a function, in the order in which they open.
pub(super) fn outlines(body: &FunctionBody<'_>) -> VecDeque<Outline> {
    let mut outlines = VecDeque::new();
    // For each open frame the outline of its `try`, if it is one.
    let mut open: Vec<Option<usize>> = Vec::new();
    let operators = body.get_operators_reader().expect("validated: the body can be read");
    for op in operators {
        match op.expect("validated: the operators can be read") {
            Operator::Block { .. }
            | Operator::Loop { .. }
            | Operator::If { .. }
            | Operator::TryTable { .. } => {
                open.push(None);
            }
            Operator::Try { .. } => {
                open.push(Some(outlines.len()));
                outlines.push_back(Outline::Catches(Vec::new()));
            }
            Operator::Catch { tag_index } => add(&mut outlines, &open, Some(tag_index)),
            Operator::CatchAll => add(&mut outlines, &open, None),
            Operator::Delegate { relative_depth } => {
                let index = open.pop().flatten().expect("validated: a try is open");
                outlines[index] = Outline::Delegate(relative_depth);
            }
            Operator::End => {
                open.pop();
            }
            _ => {}
        }
    }
    outlines
}

fn add(outlines: &mut VecDeque<Outline>, open: &[Option<usize>], tag: Option<u32>) {
    let index = open.last().copied().flatten().expect("validated: a try is open");
    // Its exception may be thrown again until the clause ends, so it is always kept.
    if let Outline::Catches(clauses) = &mut outlines[index] {
        clauses.push(Clause { tag, keeps: true });
    }
}
