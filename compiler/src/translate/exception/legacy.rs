//! The form of exceptions that came before `try_table`: `try` with `catch`, `catch_all` or `delegate` behind its body, and `rethrow`.
//!
//! Which clauses a `try` has comes behind its body, but calls in the body must name them. So the first `try` of a function looks ahead
//! over the whole body. **Invariant: outlines are taken in the order in which their `try` opens, also where nothing can be reached.**

use super::{RegionId, Translator};
use crate::translate::control::FrameKind;
use std::collections::VecDeque;
use wasmaot_abi::exception::Clause;
use wasmparser::{BlockType, FunctionBody, Operator};

/// What comes behind the body of a `try`.
#[derive(Clone)]
pub(in crate::translate) enum Outline {
    /// Clauses, in order.
    Catches(Vec<Clause>),
    /// Exceptions go where those of this label's frame go.
    Delegate(u32),
}

/// The outlines of all `try` of a function, in the order in which they open.
fn outlines(body: &FunctionBody<'_>) -> VecDeque<Outline> {
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

impl Translator<'_, '_> {
    pub(in crate::translate) fn legacy_try(&mut self, ty: BlockType) {
        let body = self.body;
        let outline = self.outlines.get_or_insert_with(|| outlines(body)).pop_front();
        let outline = outline.expect("the function has as many outlines as tries");
        if self.skip_frame() {
            return;
        }
        let (kind, region) = match outline {
            Outline::Catches(clauses) => {
                let region = self.open_region(clauses);
                (FrameKind::Try { region, next: 0 }, Some(region))
            }
            Outline::Delegate(depth) => (FrameKind::Block, self.region_of(depth)),
        };
        self.push_frame_in_region(kind, ty, region);
    }

    /// Ends the body of a `try` or the clause before, and begins the next clause: `catch` of a tag, or `catch_all`.
    pub(in crate::translate) fn legacy_catch(&mut self, tag: Option<u32>) {
        let Some((region, index)) = self.next_clause() else { return };
        let Some(landing) = self.regions[region].clauses[index].landing else {
            self.reachable = false;
            return;
        };
        let (exception, values) = self.land(landing, tag);
        self.stack.extend(values);
        self.control.last_mut().expect("validated: a try is open").caught = Some(exception);
        self.reachable = true;
    }

    /// The next clause of the innermost frame, from where on that is outside of its region; `None` if the frame cannot be reached.
    fn next_clause(&mut self) -> Option<(RegionId, usize)> {
        let outer = |region: RegionId| self.regions[region].outer;
        let frame = self.control.last().expect("validated: a try is open");
        let FrameKind::Try { region, next } = frame.kind else { return None };
        let outer = outer(region);
        if self.reachable {
            self.jump_to_end();
        }
        let frame = self.control.last_mut().expect("validated: a try is open");
        frame.kind = FrameKind::Try { region, next: next + 1 };
        frame.region = outer;
        frame.caught = None;
        self.stack.truncate(frame.height);
        Some((region, next))
    }

    pub(in crate::translate) fn rethrow(&mut self, depth: u32) {
        let exception = self.caught(depth).expect("validated: the label is that of a clause");
        self.throw_again(exception);
    }
}
