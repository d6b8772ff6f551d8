//! What a guest may do, seen from outside: how its run may end, and what it may leave behind.
//!
//! **Invariant: whatever is not listed in [`End`] is an error.** So is a return with other registers than the
//! caller's, and state that no instruction of a guest may write.

use super::tracee::{Mapped, Registers, Stop, Tracee};
use crate::mutants::Artifact;
use std::io;
use std::mem::{offset_of, size_of};
use std::ops::Range;
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::descriptor::Descriptor;
use wasmaot_abi::entry::{MXCSR, VALUE};
use wasmaot_abi::slot::{
    HOST_PAGE, MAX_ACCESS, MEMORY_RESERVATION, OFFSET_GUARD, STACK_GUARD, STRIDE, VMCTX,
};
use wasmaot_abi::state::{
    ACTIVATION_CELL, FuncRef, GLOBAL_CELL, MemoryRef, StateLayout, TABLE_ELEMENT, TableRef,
};
use wasmaot_abi::trap::TrapTable;
use wasmaot_abi::types::ValType;

/// Flags and control bits that belong to the caller.
const DIRECTION: u64 = 1 << 10;
const MXCSR_CONTROL: u32 = !0x3f;

/// `si_code` of a fault that has no address.
const NO_ADDRESS: i32 = 0x80;

/// How a run may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    /// The function returned.
    Returned,
    /// An instruction of the trap table faulted.
    Trap,
    /// An access fell into a memory's reservation or guard.
    Memory,
    /// The stack is exhausted.
    Stack,
    /// A host function or builtin was called, whose stub found no host.
    Host,
    /// The address of a builtin was to be read.
    Builtin,
    /// The run took too long.
    Time,
}

/// A memory of the instance.
struct Memory {
    accessible: Range<u64>,
    reserved: Range<u64>,
}

/// A table that can change.
struct Table {
    elements: Range<u64>,
    /// Whether they are references to functions.
    functions: bool,
}

/// A guest at its entry.
pub(crate) struct Guest<'a> {
    descriptor: Descriptor,
    layout: StateLayout,
    traps: &'a [u8],
    text: Range<u64>,
    image: Vec<Range<u64>>,
    stubs: Range<u64>,
    entry: Registers,
    vmctx: u64,
    /// Where the entry returns to.
    pub(crate) back: u64,
    activation: u64,
    builtins: u64,
    funcrefs: Range<u64>,
    memories: Vec<Memory>,
    tables: Vec<Table>,
    /// The writable part of the state.
    state: Vec<u8>,
}

impl<'a> Guest<'a> {
    /// Looks at a process that is about to execute the array entry of a function of an artifact, whose text
    /// begins at an address. The cells of its values, which are the host's, are moved to the stack.
    pub(crate) fn at_entry(
        tracee: &Tracee,
        artifact: &'a Artifact,
        mapped: &[Mapped],
        text: u64,
        stubs: Range<u64>,
    ) -> io::Result<Self> {
        let descriptor = artifact.descriptor();
        let layout = descriptor.state_layout().expect("the module was instantiated");
        let traps = descriptor.places.traps;
        let traps = &artifact.bytes[traps.offset as usize..][..traps.length as usize];
        let entry = with_own_cells(tracee, &descriptor, text)?;
        let vmctx = entry.rdi;
        let at = |offset: i32| vmctx.wrapping_add_signed(offset.into());
        let funcrefs = tracee.word(at(layout.funcrefs()))?;
        let references = (descriptor.entries.len() * size_of::<FuncRef>()) as u64;
        let inode = mapped.iter().find(|mapped| mapped.range.contains(&text)).map(|mapped| mapped.inode);
        let image = mapped.iter().filter(|mapped| Some(mapped.inode) == inode);
        let state = tracee.read(vmctx - u64::from(layout.rw_bytes()), layout.rw_bytes().into())?;
        Ok(Self {
            traps,
            text: text..text + artifact.section(".text").len() as u64,
            image: image.map(|mapped| mapped.range.clone()).collect(),
            stubs,
            vmctx,
            back: tracee.word(entry.rsp)?,
            activation: tracee.word(vmctx - ACTIVATION_CELL)?,
            builtins: tracee.word(at(layout.builtins()))?,
            funcrefs: funcrefs..funcrefs + references,
            memories: memories(tracee, &descriptor, &layout, vmctx)?,
            tables: tables(tracee, &descriptor, &layout, vmctx)?,
            entry,
            descriptor,
            layout,
            state,
        })
    }

    /// What the guest keeps: the slot, the artifact, tables and further memories, and the stubs.
    pub(crate) fn keeps(&self) -> Vec<Range<u64>> {
        let slot = self.vmctx - VMCTX;
        let mut keep = vec![slot..slot + STRIDE, self.stubs.clone(), self.funcrefs.clone()];
        keep.extend(self.image.iter().cloned());
        keep.extend(self.memories.iter().map(|memory| memory.accessible.clone()));
        keep.extend(self.tables.iter().map(|table| table.elements.clone()));
        let page =
            |range: Range<u64>| range.start / HOST_PAGE * HOST_PAGE..range.end.next_multiple_of(HOST_PAGE);
        keep.into_iter().filter(|range| !range.is_empty()).map(page).collect()
    }

    /// How the run has ended, and whether it may end so.
    pub(crate) fn judge(&self, tracee: &Tracee, stop: Stop) -> Result<End, String> {
        let failed = |error: io::Error| format!("{stop:?}, then {error}");
        if stop == Stop::Ended {
            return Err("the process ended".into());
        }
        let now = tracee.registers().map_err(failed)?;
        let end = match stop {
            Stop::Watched(_) => self.returned(&now, tracee.mxcsr().map_err(failed)?),
            Stop::Signal { number, code, address } => self.signal(&now, number, code, address),
            Stop::SystemCall | Stop::Ended => None,
        };
        let Some(end) = end else {
            return Err(format!("{stop:x?} at {:x?}, {}", now.rip, self.places(&now)));
        };
        let left = self.left(tracee).map_err(failed)?;
        if left.is_empty() { Ok(end) } else { Err(format!("{end:?}, with {}", left.join(", "))) }
    }

    /// Registers and places, for messages.
    fn places(&self, now: &Registers) -> String {
        format!(
            "offset {:#x} of the text, rsp {:#x} (from {:#x}), vmctx {:#x}, rax {:#x}, rcx {:#x}, rdx {:#x}",
            now.rip.wrapping_sub(self.text.start),
            now.rsp,
            self.entry.rsp,
            self.vmctx,
            now.rax,
            now.rcx,
            now.rdx
        )
    }

    fn returned(&self, now: &Registers, mxcsr: u32) -> Option<End> {
        let kept = |registers: &Registers| {
            let &Registers { rbx, rbp, r12, r13, r14, .. } = registers;
            [rbx, rbp, r12, r13, r14, if self.descriptor.meter.is_some() { 0 } else { registers.r15 }]
        };
        let same = kept(now) == kept(&self.entry) && now.rsp == self.entry.rsp + 8;
        let modes = now.eflags & DIRECTION == 0 && mxcsr & MXCSR_CONTROL == MXCSR & MXCSR_CONTROL;
        (same && modes).then_some(End::Returned)
    }

    fn signal(&self, now: &Registers, number: i32, code: i32, address: u64) -> Option<End> {
        let inside = self.text.contains(&now.rip);
        if !inside && !self.stubs.contains(&now.rip) {
            return None;
        }
        let site = || {
            let table = TrapTable::parse(self.traps)?;
            table.lookup(u32::try_from(now.rip - self.text.start).ok()?).map(|_| End::Trap)
        };
        match number {
            libc::SIGVTALRM => Some(End::Time),
            libc::SIGILL | libc::SIGFPE if inside => site(),
            libc::SIGSEGV if code == NO_ADDRESS => None,
            libc::SIGSEGV if self.stack_guard().contains(&address) => Some(End::Stack),
            libc::SIGSEGV if !inside => {
                (self.activation..self.activation + HOST_PAGE).contains(&address).then_some(End::Host)
            }
            libc::SIGSEGV if address < HOST_PAGE => site(),
            libc::SIGSEGV if self.memories.iter().any(|memory| memory.reserved.contains(&address)) => {
                Some(End::Memory)
            }
            libc::SIGSEGV if self.builtins().contains(&address) => Some(End::Builtin),
            _ => None,
        }
    }

    /// Addresses of the table of builtins.
    fn builtins(&self) -> Range<u64> {
        self.builtins..self.builtins + (Builtin::ALL.len() * size_of::<u64>()) as u64
    }

    /// Addresses below the stack that cannot be accessed.
    fn stack_guard(&self) -> Range<u64> {
        let constants = self.vmctx - u64::from(self.layout.const_distance());
        let is_near = self.entry.rsp > constants;
        if is_near { constants..self.entry.rsp } else { self.vmctx - VMCTX..self.entry.rsp - STACK_GUARD }
    }

    /// What no guest may have left.
    fn left(&self, tracee: &Tracee) -> io::Result<Vec<String>> {
        let first = self.vmctx - self.state.len() as u64;
        let now = tracee.read(first, self.state.len() as u64)?;
        let mut may_change = vec![false; now.len()];
        let mut left = Vec::new();
        let imported = self.descriptor.all_globals().count() - self.descriptor.globals.len();
        for (defined, global) in self.descriptor.globals.iter().enumerate() {
            let at = (self.layout.global(defined as u32) + self.state.len() as i32) as usize;
            let cell = at..at + GLOBAL_CELL as usize;
            may_change[cell.clone()].fill(global.ty.mutable);
            let value = u64::from_le_bytes(now[at..at + 8].try_into().expect("eight bytes"));
            if is_function(global.ty.value) && now[cell.clone()] != self.state[cell] && !self.is_own(value) {
                left.push(format!("{value:#x} in global {}", imported + defined));
            }
        }
        let changed = (0..now.len()).find(|&at| now[at] != self.state[at] && !may_change[at]);
        left.extend(changed.map(|at| format!("other state at vmctx{:+}", at as i64 - now.len() as i64)));
        for Table { elements, .. } in self.tables.iter().filter(|table| table.functions) {
            let elements = tracee.read(elements.start, elements.end - elements.start)?;
            let values = elements.as_chunks().0.iter().map(|&bytes| u64::from_le_bytes(bytes));
            let foreign = values.enumerate().find(|&(_, value)| !self.is_own(value));
            left.extend(foreign.map(|(index, value)| format!("{value:#x} in element {index} of a table")));
        }
        Ok(left)
    }

    /// Whether it is a reference to a function of the instance, or null.
    fn is_own(&self, value: u64) -> bool {
        let distance = value.wrapping_sub(self.funcrefs.start);
        let is_record = distance.is_multiple_of(size_of::<FuncRef>() as u64);
        value == 0 || self.funcrefs.contains(&value) && is_record
    }
}

/// Moves the cells of the values of an entry to the stack, behind its return address.
fn with_own_cells(tracee: &Tracee, descriptor: &Descriptor, text: u64) -> io::Result<Registers> {
    let before = tracee.registers()?;
    let entry = descriptor.entries.iter().find(|entry| text + u64::from(entry.array) == before.rip);
    let ty = &descriptor.types[entry.expect("it stands at one").ty as usize];
    let bytes = ty.params.len().max(ty.results.len()) as u64 * u64::from(VALUE);
    let rsp = before.rsp - bytes;
    let (back, cells) = (tracee.read(before.rsp, 8)?, tracee.read(before.rsi, bytes)?);
    tracee.write(rsp, &[back, cells].concat())?;
    let registers = Registers { rsp, rsi: rsp + 8, ..before };
    tracee.set_registers(&registers)?;
    Ok(registers)
}

fn is_function(ty: ValType) -> bool {
    matches!(ty, ValType::Ref(ty) if ty.heap.is_func())
}

fn memories(
    tracee: &Tracee,
    descriptor: &Descriptor,
    layout: &StateLayout,
    vmctx: u64,
) -> io::Result<Vec<Memory>> {
    let mut memories = Vec::new();
    for (index, (ty, _)) in descriptor.all_memories().enumerate() {
        let reservation = MEMORY_RESERVATION + MAX_ACCESS;
        if index == 0 && ty.fits_slot() {
            // It lies in the slot, which is kept as a whole.
            memories.push(Memory { accessible: vmctx..vmctx, reserved: vmctx..vmctx + reservation });
            continue;
        }
        let reference = vmctx.wrapping_add_signed(layout.memory(index as u32).into());
        let base = tracee.word(reference + offset_of!(MemoryRef, base) as u64)?;
        let length = tracee.word(reference + offset_of!(MemoryRef, length) as u64)?;
        let length = tracee.word(length)?;
        let bytes = if ty.is_small() { reservation } else { length + OFFSET_GUARD };
        memories.push(Memory { accessible: base..base + length, reserved: base..base + bytes });
    }
    Ok(memories)
}

fn tables(
    tracee: &Tracee,
    descriptor: &Descriptor,
    layout: &StateLayout,
    vmctx: u64,
) -> io::Result<Vec<Table>> {
    let mut tables = Vec::new();
    for (index, (ty, own)) in descriptor.all_tables().enumerate() {
        if own.is_some_and(|table| table.constant) {
            continue;
        }
        let reference = vmctx.wrapping_add_signed(layout.table(index as u32).into());
        let base = tracee.word(reference + offset_of!(TableRef, base) as u64)?;
        let length = tracee.word(reference + offset_of!(TableRef, length) as u64)?;
        let elements = base..base + tracee.word(length)? * TABLE_ELEMENT;
        tables.push(Table { elements, functions: is_function(ty.element) });
    }
    Ok(tables)
}
