//! The form of exceptions that came before `try_table`: `try` with `catch`, `catch_all` or `delegate` behind
//! its body, and `rethrow`.
//!
//! Which clauses a `try` has comes behind its body, but calls in the body must name them. So the first `try`
//! of a function looks ahead over the whole body. **Invariant: outlines are taken in the order in which their
//! `try` opens, also where nothing can be reached.**

use crate::index::TagIndex;
use crate::translate::frame::{FrameKind, RegionId};
use crate::translate::outline::{Outline, outlines};
use crate::translate::translator::Translator;
use wasmparser::BlockType;

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

    /// Ends the body of a `try` or the clause before, and begins the next clause: `catch` of a tag, or
    /// `catch_all`.
    pub(in crate::translate) fn legacy_catch(&mut self, tag: Option<TagIndex>) {
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

    /// The next clause of the innermost frame, from where on that is outside of its region; `None` if the
    /// frame cannot be reached.
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
