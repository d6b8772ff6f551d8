//! Metering that cannot be dodged.
//!
//! Metered code counts in r15, which starts at minus the fuel, and traps where it is above zero. What a
//! function has to do so that no run goes on for ever:
//!
//! * r15 changes by constants only, by what is added to it or to a copy of it, and by calls, whose callees
//!   keep to the same;
//! * the sum of what is added in each loop is positive, and each loop compares the meter with zero and leads
//!   elsewhere if it is more;
//! * the same holds from the entry to each call of other code of guests, so that recursion is a loop, too;
//!   and no more is taken back than was added from the entry to a return.
//!
//! Sums are proven by a potential, the *debt*: the most that can have been taken from the meter from the
//! entry to a place, less what was added. Where control goes backwards, which it does in each loop, one more
//! is owed. So a loop whose sum is not positive has a debt that grows with each round, without an end, and is
//! refused once that exceeds [`MOST_DEBT`]; a loop whose sum is positive changes nothing. Comparisons are
//! proven likewise, by counting the ways backwards since the last one.
//!
//! A compare-and-exchange that is repeated until it succeeds is no loop in this sense: where it fails,
//! another thread has gone on.
//!
//! Helpers are called without having been charged for: they keep to the first two rules, and call nothing but
//! builtins. How many units each instruction of the module costs is not proven.

use crate::balance::Balance;
use crate::body::{Body, Flow};
use crate::code::Decoded;
use crate::decode::{Condition, Form};
use crate::effect::Effect;
use crate::lattice::{Kind, MAX32};
use crate::registers::R15;
use crate::reject::{Problem, Property, ensure};
use crate::state::{Flags, State};
use iced_x86::Register;
use wasmaot_abi::code::CodeKind;
use wasmaot_abi::meter::MAX_ROW;

/// The most that is owed anywhere: what is executed before it is charged, and as many ways backwards.
const MOST_DEBT: i64 = 2 * MAX_ROW as i64;

/// Ways backwards without a comparison. The code generator may lay blocks out so that control goes back
/// without a loop.
const MOST_BACKWARDS: u8 = 16;

/// Instructions that compute what is to be exchanged.
const MOST_BEFORE_RETRY: usize = 8;

/// Whether an instruction does nothing but compute, as long as it has no operand in memory.
fn computes(form: Form) -> bool {
    matches!(
        form,
        Form::Move
            | Form::SignExtend
            | Form::Add
            | Form::Sub
            | Form::And
            | Form::Xor
            | Form::Other
            | Form::Compare
            | Form::Test
            | Form::ConditionalMove
    )
}

fn metering(holds: bool, text: &str) -> Result<(), Problem> {
    ensure(holds, Property::Metering, text)
}

impl Body<'_, '_> {
    /// Checks that an instruction changes the meter register, if at all, by a constant.
    pub(crate) fn check_meter(&self, state: &mut State, before: Kind) -> Result<(), Problem> {
        let after = state.reg(R15).kind;
        if before == after || !self.module.is_metered() {
            return Ok(());
        }
        let added = match (before, after) {
            (Kind::Meter(before), Kind::Meter(after)) => after.checked_sub(before),
            _ => None,
        };
        let added = added.filter(|added| added.unsigned_abs() <= MAX32);
        metering(added.is_some(), "it changes the meter by more than a constant")?;
        state.balance.debt = state.balance.debt.saturating_sub(added.unwrap_or_default());
        Ok(())
    }

    /// Whether a condition says that the meter is above zero (`Some(true)`), or that it is not.
    pub(crate) fn compares_meter(&self, state: &State, condition: Condition) -> Option<bool> {
        let (a, limit) = match state.flags {
            Flags::Tested { a, bits: 64 } => (a.kind, 0),
            Flags::Compared { a, b, bits: 64 } => match b.kind {
                Kind::Const(limit) => (a.kind, limit as i64),
                _ => return None,
            },
            _ => return None,
        };
        let (Kind::Meter(compared), Kind::Meter(now)) = (a, state.reg(R15).kind) else { return None };
        // What the compared value is at most, where the comparison says that it is little.
        let (most, is_above) = match condition {
            Condition::Greater => (limit, true),
            Condition::LessOrEqual => (limit, false),
            Condition::GreaterOrEqual => (limit.checked_sub(1)?, true),
            Condition::Less => (limit.checked_sub(1)?, false),
            _ => return None,
        };
        (most.checked_sub(compared)?.checked_add(now)? <= 0).then_some(is_above)
    }

    /// Continues behind a comparison of the meter, by which control goes to a target if that is above zero,
    /// or if it is not.
    pub(crate) fn branch_by_meter(
        &mut self,
        state: &mut State,
        target: u32,
        is_above: bool,
    ) -> Result<Flow, Problem> {
        let before = state.balance;
        let compared = Balance { compared: true, backwards: 0, ..before };
        state.balance = if is_above { before } else { compared };
        self.enter(target, state)?;
        state.balance = if is_above { compared } else { before };
        Ok(Flow::Next)
    }

    /// How the meter stands where control gets from the current instruction.
    pub(crate) fn balance_at(&self, target: u32, balance: Balance) -> Result<Balance, Problem> {
        if !self.module.is_metered() || target > self.at || self.is_retry(target) {
            return Ok(balance);
        }
        let debt = balance.debt.saturating_add(1);
        let backwards = balance.backwards.saturating_add(1);
        metering(debt <= MOST_DEBT, "a loop is not charged for")?;
        metering(backwards <= MOST_BACKWARDS, "a loop does not compare the meter")?;
        Ok(Balance { debt, backwards, ..balance })
    }

    /// Whether the current instruction repeats a compare-and-exchange from a place on: `jne`, behind a locked
    /// `cmpxchg` whose operand and rax nothing else in between has changed.
    fn is_retry(&self, target: u32) -> bool {
        let Some(jump) = self.code.at(self.at) else { return false };
        let is_jump =
            jump.form == Form::ConditionalJump && Condition::of(&jump.instruction) == Condition::NotEqual;
        let (mut at, mut written) = (target, 0);
        for _ in 0..MOST_BEFORE_RETRY {
            let Some(Decoded { instruction, form, effect, .. }) = self.code.at(at) else { return false };
            at = instruction.next_ip() as u32;
            if *form == Form::CompareExchange {
                let needed =
                    Effect::set([Register::RAX, instruction.memory_base(), instruction.memory_index()]);
                return is_jump && at == self.at && instruction.has_lock_prefix() && written & needed == 0;
            }
            let in_registers =
                instruction.memory_base() == Register::None && !instruction.is_ip_rel_memory_operand();
            if !in_registers || !computes(*form) {
                return false;
            }
            written |= effect.writes;
        }
        false
    }

    /// Other code of guests is called.
    pub(crate) fn check_meter_at_call(&self, state: &State) -> Result<(), Problem> {
        if !self.module.is_metered() || self.range.kind != CodeKind::Function {
            return Ok(());
        }
        metering(state.balance.debt < 0, "a call is not charged for")?;
        metering(state.balance.compared, "the meter is not compared before a call")
    }

    /// The function returns.
    pub(crate) fn check_meter_at_return(&self, state: &State) -> Result<(), Problem> {
        let holds = !self.module.is_metered() || state.balance.debt <= 0;
        metering(holds, "it takes more from the meter than it adds")
    }
}
