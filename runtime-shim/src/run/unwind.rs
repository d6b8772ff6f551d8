//! From a throw to the landing pad that catches it.
//!
//! The search follows the guest's frame pointers from the frame of the stub that was called, to the
//! end of the activation. Each return address is looked up in the exception table of the module
//! that it is in; frames without handlers, thunks and entries among them, are passed. Compiled code
//! keeps no value in a register across a call that may land (but for a throw in its own frame,
//! where the stub's callee has preserved them), so restoring the stack and frame pointers is all
//! there is to leaving frames.
//!
//! **Invariants.** Only the accessible stack of the slot is read, and the search moves upwards.
//! Control goes only to landing pads of a loaded module's own table, with a stack pointer between
//! the stub's frame and that of the frame that it lands in. What lies where a table says that a
//! frame keeps its vmctx is compared with those of the store's instances of that module, and not
//! believed.

use crate::run::activation::{Activation, Landing, Running};
use crate::run::backtrace::{self, Frames, Start};
use crate::run::collect::{self, Roots};
use crate::run::end::{Pending, Thrown};
use crate::run::interrupt::{self, Next};
use crate::run::protocol::BuiltinResult;
use crate::run::store::StoreCore;
use crate::space::registry::{self, Kind, Regions};
use crate::space::slot::GuestStack;
use crate::state::instance::{InstanceCore, Vmctx};
use crate::state::instances::Instances;
use crate::state::tag::TagRecord;
use wasmaot_abi::exception::{Handler, SiteRef};
use wasmaot_abi::meter::throw_price;
use wasmaot_abi::trap::TrapCode;

/// Where an exception lands.
struct Found {
    pc: u64,
    sp: u64,
    fp: u64,
    keeps: bool,
}

/// No handler was found, and the activation has the exception pending.
const UNCAUGHT: BuiltinResult = BuiltinResult { value: 0, trap: 0 };

/// Body of the builtin `throw`: `values` is the address of as many cells as the tag has values.
pub(crate) extern "C" fn throw(vmctx: Vmctx, tag: u64, values: u64, mut running: Running) -> BuiltinResult {
    let tag = vmctx.instance().tag(tag as u32);
    let (activation, core) = running.parts();
    if core.counts {
        let price = price_of_throw(core);
        if !core.meter.charge(&mut activation.meter, price) {
            return BuiltinResult::trap(TrapCode::OutOfFuel);
        }
    }
    let values = activation.guest_cells(values, tag.ty.params.len());
    let roots = Roots { stack: activation.used_stack(), values: &[] };
    let added = collect::add(core, tag.clone(), values, &roots);
    added.map_or_else(BuiltinResult::trap, |id| raise(activation, core, vmctx.address(), id))
}

/// The fuel that a throw costs.
fn price_of_throw(core: &StoreCore) -> u64 {
    let tables = core.tables.iter().filter(|table| table.ty().element.is_exn_ref());
    throw_price(tables.map(|table| table.size()).sum())
}

/// Body of the builtin `throw_ref`.
pub(crate) extern "C" fn throw_ref(
    vmctx: Vmctx,
    exception: u64,
    _: u64,
    mut running: Running,
) -> BuiltinResult {
    let (activation, core) = running.parts();
    match exception as u32 {
        0 => BuiltinResult::trap(TrapCode::NullException),
        id => raise(activation, core, vmctx.address(), id),
    }
}

/// Throws what the running host function has left pending, which is a [`Pending::Throw`]. The registers of
/// the stub's caller are saved below its frame.
pub(crate) extern "C" fn throw_pending(mut running: Running) -> BuiltinResult {
    let (activation, core) = running.parts();
    let Some(Pending::Throw(mut thrown)) = activation.take_pending() else {
        unreachable!("the stub throws exceptions only")
    };
    let roots = Roots { stack: activation.used_stack(), values: thrown.values() };
    let added = collect::add(core, thrown.tag().clone(), thrown.values().into(), &roots);
    match added.and_then(|id| land(activation, core, None, id)) {
        Ok(true) => return landed(activation),
        Ok(false) => {
            thrown.passed(frames(activation, core));
            activation.set_pending(Pending::Throw(thrown));
        }
        Err(code) => activation.set_pending(Pending::Trap(code)),
    }
    UNCAUGHT
}

/// The frames that an exception leaves unhandled.
fn frames(activation: &Activation, core: &StoreCore) -> Frames {
    backtrace::frames(core.instances(), activation.guest_stack(), Start::Stub { fp: activation.guest_fp })
}

/// Throws an exception of the store's in the guest that called a builtin.
fn raise(activation: &mut Activation, core: &mut StoreCore, vmctx: u64, id: u32) -> BuiltinResult {
    let next = interrupt::after_poke();
    if let Next::Stop(code) = next {
        return BuiltinResult::trap(code);
    }
    match land(activation, core, Some(vmctx), id) {
        Ok(true) if next == Next::Yield => {
            activation.yield_at_landing();
            BuiltinResult { value: 0, trap: u64::from(BuiltinResult::LANDS_LATER) }
        }
        Ok(true) => landed(activation),
        Ok(false) => {
            let frames = frames(activation, core);
            let thrown = core.exceptions.get(id);
            let thrown = thrown.map(|found| Thrown::new(found.tag.clone(), found.values.into(), frames));
            activation.set_pending(thrown.map_or(Pending::Trap(TrapCode::ExceptionLimit), Pending::Throw));
            UNCAUGHT
        }
        Err(code) => BuiltinResult::trap(code),
    }
}

fn landed(activation: &Activation) -> BuiltinResult {
    BuiltinResult { value: std::ptr::from_ref(&activation.landing) as u64, trap: 0 }
}

/// Finds the handler of an exception and notes in the activation how to get there. Whether there is
/// one.
fn land(
    activation: &mut Activation,
    core: &mut StoreCore,
    thrower: Option<u64>,
    id: u32,
) -> Result<bool, TrapCode> {
    let thrown = core.exceptions.get(id).ok_or(TrapCode::ExceptionLimit)?;
    let (stack, fp) = (activation.guest_stack(), activation.guest_fp);
    let instances = core.instances();
    let found = registry::read(|regions| find(regions, instances, stack, fp, thrower, thrown.tag))?;
    if let Some(Found { pc, sp, fp, .. }) = found {
        activation.landing = Landing { pc, sp, fp, exception: u64::from(id), values: thrown.values.as_ptr() };
    }
    core.exceptions.caught(id, found.as_ref().is_some_and(|found| found.keeps));
    Ok(found.is_some())
}

/// Frames between two looks at the deadline.
const FRAMES: u32 = 4096;

/// Searches the frames above a stub's for a handler. `thrower` is the vmctx of the stub's caller,
/// if it is one that throws. The error is why the guest is to be stopped.
fn find(
    regions: Regions<'_>,
    instances: &Instances,
    stack: GuestStack<'_>,
    stub: u64,
    mut thrower: Option<u64>,
    tag: &TagRecord,
) -> Result<Option<Found>, TrapCode> {
    let mut at = stub;
    for frame in 1_u32.. {
        let Some(caller) = caller(regions, instances, stack, (stub, at), thrower.take(), tag) else { break };
        match caller {
            Caller::Handles(found) => return Ok(Some(found)),
            Caller::Passes(fp) => at = fp,
        }
        if frame.is_multiple_of(FRAMES)
            && let Some(code) = interrupt::due()
        {
            return Err(code);
        }
    }
    Ok(None)
}

/// The frame above another one.
enum Caller {
    /// It has a handler.
    Handles(Found),
    /// It has none, and lies here.
    Passes(u64),
}

/// Looks at the frame above that at `at`, if there is one.
fn caller(
    regions: Regions<'_>,
    instances: &Instances,
    stack: GuestStack<'_>,
    (stub, at): (u64, u64),
    thrower: Option<u64>,
    tag: &TagRecord,
) -> Option<Caller> {
    let (fp, return_address) = (stack.load(at)?, stack.load(at.wrapping_add(8))?);
    if let Some((text, site)) = site_at(regions, return_address) {
        let sp = fp.checked_sub(u64::from(site.frame)).filter(|&sp| sp > stub)?;
        let vmctx = match site.context {
            Some(offset) => stack.load(sp.checked_add(u64::from(offset))?),
            None => thrower,
        };
        let instance = vmctx.and_then(|vmctx| instances.running(vmctx, text));
        if let Some(handler) = site.handlers().find(|handler| catches(handler, instance, tag)) {
            stack.load(fp)?;
            let pc = text + u64::from(handler.landing);
            return Some(Caller::Handles(Found { pc, sp, fp, keeps: handler.clause.keeps }));
        }
    }
    (fp > at).then_some(Caller::Passes(fp))
}

/// The call that returns to an address: the start of the text that it is in, and its handlers.
fn site_at(regions: Regions<'_>, return_address: u64) -> Option<(u64, SiteRef<'static>)> {
    // A call can be a text's last instruction only if it does not return.
    let address = return_address as usize;
    match &regions.at(address)?.kind {
        Kind::Module { text, exceptions, .. } if text.contains(&address) => {
            Some((text.start as u64, exceptions.lookup((address - text.start) as u32)?))
        }
        _ => None,
    }
}

fn catches(handler: &Handler, instance: Option<&InstanceCore>, tag: &TagRecord) -> bool {
    let Some(index) = handler.clause.tag else { return true };
    // The index is one of the module's, which was checked when it was opened.
    instance.is_some_and(|instance| std::ptr::eq(&**instance.tag(index), tag))
}
