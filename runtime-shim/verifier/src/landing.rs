//! The exception table: where calls continue that throw.
//!
//! A site says how far the frame pointer is above the stack pointer at a call, and where in the frame the
//! vmctx is, by which the runtime finds the instance whose tags the clauses mean. Both are compared with what
//! is known at the call. A landing pad is a place of the same function, to which control gets with the call's
//! stack and frame pointers and no other register, unless the call itself throws. What the callee was to put
//! into cells is not there.
//!
//! **Invariant: a landing pad is proven from a state that holds whenever the runtime lands there.**

use crate::body::Body;
use crate::lattice::{ANY_TYPE, Kind, MAX32, Val};
use crate::registers::{R15, RAX, RBP, RDX, RSP};
use crate::reject::{Problem, Property, ensure, problem};
use crate::state::State;

impl Body<'_, '_> {
    /// Continues in the landing pads of a call.
    pub(crate) fn land(
        &mut self,
        state: &State,
        return_address: u32,
        frame: Val,
        sp: i32,
        throws: bool,
    ) -> Result<(), Problem> {
        let Some(site) = self.module.exceptions.lookup(return_address) else { return Ok(()) };
        let metadata = |holds, text: &str| ensure(holds, Property::Metadata, text);
        let Kind::Stack(fp) = frame.kind else {
            return problem(Property::Metadata, "a call that may be landed behind has no frame pointer");
        };
        metadata(
            i64::from(fp) - i64::from(site.frame) == i64::from(sp),
            "a frame's size is not that of the exception table",
        )?;
        match site.context {
            Some(context) => {
                let holds = state.word(sp + context as i32).kind == Kind::Vmctx;
                metadata(holds, "the vmctx is not where the exception table says")?;
            }
            None => metadata(throws, "the exception table has no vmctx for a call that is no throw")?,
        }
        for handler in site.handlers() {
            let inside = (self.range.start..self.range.end()).contains(&handler.landing);
            metadata(inside, "a landing pad is outside of the function")?;
            let mut landed = state.clone();
            if !throws {
                landed.regs = [Val::ANY; 16];
                if self.module.is_metered() {
                    landed.set(R15, state.reg(R15));
                }
            }
            landed.set(RSP, Val::of(Kind::Stack(sp)));
            landed.set(RBP, frame);
            landed.set(RAX, Val::of(Kind::Max(MAX32)));
            landed.set(RDX, Val::of(Kind::Exception(handler.clause.tag.unwrap_or(ANY_TYPE))));
            self.enter(handler.landing, &landed)?;
        }
        Ok(())
    }
}
