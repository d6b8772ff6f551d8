//! Handle tables and call scopes.
//!
//! ```text
//!  component instance 0: | 1: own R, lent once | 2: free | 3: borrow S of scope 1 |
//!  scopes:               | 0: host calls export | 1: adapter calls, holds a borrow |
//! ```
//!
//! Handles are indices from 1 on in the table of their component instance. A scope is a call that may lend:
//! it counts the borrowed handles that its callee got and has not dropped, and knows the owning handles that
//! were lent for it.
//!
//! **Invariants.** An owning handle that is lent is not removed. A scope ends only when its callee has
//! dropped what it borrowed. All handles of an instance together stay below a limit. Everything here goes
//! with the instance.

use crate::error::Trap;
use crate::types::Types;

/// Largest handle index that the canonical ABI allows.
const MAX_HANDLE: usize = (1 << 28) - 1;

/// Maximum nesting depth of calls between components that may lend handles.
const MAX_SCOPES: usize = 10_000;

/// Handles of one component instance, or the host's.
#[derive(Debug, Default)]
struct Table {
    slots: Vec<Slot>,
    /// Position of the first free slot; beyond the end if there is none.
    free: usize,
}

#[derive(Debug, Clone, Copy)]
enum Slot {
    Free { next: usize },
    Own { table: u32, rep: u32, lends: u32 },
    Borrow { table: u32, rep: u32, scope: usize },
}

/// A call that may lend.
#[derive(Debug, Default)]
struct Scope {
    /// Table and index of each lent owning handle.
    lenders: Vec<(u32, u32)>,
    borrows: u32,
}

/// All handles of an instance of a component.
#[derive(Debug)]
pub(crate) struct Handles {
    /// By component instance; made when needed.
    tables: Vec<Table>,
    scopes: Vec<Scope>,
    /// Resources of guests that the host owns, by table and representation.
    owned: Vec<Owned>,
    /// Free positions among them.
    not_owned: Vec<u32>,
    live: u64,
    limit: u64,
}

/// A resource of a guest's that the host owns, or did.
#[derive(Debug, Clone, Copy)]
struct Owned {
    generation: u32,
    /// Resource and representation.
    content: Option<(u32, u32)>,
}

/// What a handle was that was removed.
pub(crate) enum Removed {
    Own { rep: u32 },
    Borrow,
}

impl Handles {
    /// Returns empty tables, which keep at most `limit` handles together.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            tables: Vec::new(),
            scopes: Vec::new(),
            owned: Vec::new(),
            not_owned: Vec::new(),
            live: 0,
            limit,
        }
    }

    fn count(&mut self) -> Result<(), Trap> {
        if self.live >= self.limit {
            return Err(Trap::Limit { what: "handles of an instance", limit: self.limit });
        }
        self.live += 1;
        Ok(())
    }

    fn table(&mut self, types: &Types, table: u32) -> Result<&mut Table, Trap> {
        let instance = types.component.tables.get(table as usize).ok_or(Trap::OutOfTurn)?.instance as usize;
        if self.tables.len() <= instance {
            self.tables.resize_with(instance + 1, Table::default);
        }
        Ok(&mut self.tables[instance])
    }

    fn insert(&mut self, types: &Types, table: u32, slot: Slot) -> Result<u32, Trap> {
        self.count()?;
        self.table(types, table)?.insert(slot)
    }

    /// Adds an owning handle.
    pub(crate) fn new_own(&mut self, types: &Types, table: u32, rep: u32) -> Result<u32, Trap> {
        self.insert(types, table, Slot::Own { table, rep, lends: 0 })
    }

    /// The representation of a handle.
    pub(crate) fn rep(&mut self, types: &Types, table: u32, handle: u32) -> Result<u32, Trap> {
        match *self.table(types, table)?.get(table, handle)? {
            Slot::Own { rep, .. } | Slot::Borrow { rep, .. } => Ok(rep),
            Slot::Free { .. } => Err(Trap::UnknownHandle(handle)),
        }
    }

    /// Removes a handle.
    pub(crate) fn remove(&mut self, types: &Types, table: u32, handle: u32) -> Result<Removed, Trap> {
        let slots = self.table(types, table)?;
        let removed = match *slots.get(table, handle)? {
            Slot::Own { lends: 0, rep, .. } => Removed::Own { rep },
            Slot::Own { .. } => return Err(Trap::Lent),
            Slot::Borrow { scope, .. } => {
                slots.release(handle);
                let scope = self.scopes.get_mut(scope).ok_or(Trap::OutOfTurn)?;
                scope.borrows = scope.borrows.checked_sub(1).ok_or(Trap::OutOfTurn)?;
                self.live -= 1;
                return Ok(Removed::Borrow);
            }
            Slot::Free { .. } => return Err(Trap::UnknownHandle(handle)),
        };
        slots.release(handle);
        self.live -= 1;
        Ok(removed)
    }

    /// Takes an owning handle away, and returns its representation.
    pub(crate) fn take(&mut self, types: &Types, table: u32, handle: u32) -> Result<u32, Trap> {
        if let Slot::Borrow { .. } = self.table(types, table)?.get(table, handle)? {
            return Err(Trap::NotOwned(handle));
        }
        match self.remove(types, table, handle)? {
            Removed::Own { rep } => Ok(rep),
            Removed::Borrow => Err(Trap::NotOwned(handle)),
        }
    }

    /// Lends what a handle stands for to the callee of the current scope, and returns its representation.
    pub(crate) fn lend(&mut self, types: &Types, table: u32, handle: u32) -> Result<u32, Trap> {
        if self.scopes.is_empty() {
            return Err(Trap::OutOfTurn);
        }
        match self.table(types, table)?.get(table, handle)? {
            Slot::Own { rep, lends, .. } => {
                let rep = *rep;
                *lends = lends.checked_add(1).ok_or(Trap::Lent)?;
                // Lends count as handles, as they take memory, too.
                self.count()?;
                self.scopes.last_mut().ok_or(Trap::OutOfTurn)?.lenders.push((table, handle));
                Ok(rep)
            }
            Slot::Borrow { rep, .. } => Ok(*rep),
            Slot::Free { .. } => Err(Trap::UnknownHandle(handle)),
        }
    }

    /// Gives the callee of the current scope a borrowed handle; the definer of a resource gets its
    /// representation.
    pub(crate) fn borrow(&mut self, types: &Types, table: u32, rep: u32) -> Result<u32, Trap> {
        if types.is_definer(table) {
            return Ok(rep);
        }
        let scope = self.scopes.len().checked_sub(1).ok_or(Trap::OutOfTurn)?;
        let handle = self.insert(types, table, Slot::Borrow { table, rep, scope })?;
        self.scopes[scope].borrows += 1;
        Ok(handle)
    }

    /// Begins a call that may lend.
    pub(crate) fn enter(&mut self) -> Result<(), Trap> {
        if self.scopes.len() >= MAX_SCOPES {
            let what = "calls between components inside each other";
            return Err(Trap::Limit { what, limit: MAX_SCOPES as u64 });
        }
        self.scopes.push(Scope::default());
        Ok(())
    }

    /// Ends it.
    pub(crate) fn exit(&mut self, types: &Types) -> Result<(), Trap> {
        let scope = self.scopes.pop().ok_or(Trap::OutOfTurn)?;
        if scope.borrows > 0 {
            return Err(Trap::BorrowsRemain);
        }
        for (table, handle) in scope.lenders {
            if let Slot::Own { lends, .. } = self.table(types, table)?.get(table, handle)? {
                *lends -= 1;
                self.live -= 1;
            }
        }
        Ok(())
    }

    /// Lets the host own a resource of a guest's, and returns the position and generation that it is known
    /// by.
    pub(crate) fn own_by_host(&mut self, resource: u32, rep: u32) -> Result<(u32, u32), Trap> {
        self.count()?;
        let content = Some((resource, rep));
        let position = self.not_owned.pop().unwrap_or_else(|| {
            self.owned.push(Owned { generation: 0, content: None });
            self.owned.len() as u32 - 1
        });
        let owned = &mut self.owned[position as usize];
        *owned = Owned { generation: owned.generation.wrapping_add(1), content };
        Ok((position, owned.generation))
    }

    /// Takes a resource of a guest's from the host, and returns it with its representation.
    pub(crate) fn take_from_host(&mut self, position: u32, generation: u32) -> Result<(u32, u32), Trap> {
        let owned = self.owned.get_mut(position as usize).filter(|owned| owned.generation == generation);
        let content = owned.and_then(|owned| owned.content.take()).ok_or(Trap::StaleHandle)?;
        self.not_owned.push(position);
        self.live -= 1;
        Ok(content)
    }

    /// The resource of a guest's that the host owns, with its representation.
    pub(crate) fn of_host(&self, position: u32, generation: u32) -> Result<(u32, u32), Trap> {
        let owned = self.owned.get(position as usize).filter(|owned| owned.generation == generation);
        owned.and_then(|owned| owned.content).ok_or(Trap::StaleHandle)
    }

    /// Number of handles, lends and resources that the host owns.
    pub(crate) fn live(&self) -> u64 {
        self.live
    }
}

impl Table {
    fn insert(&mut self, slot: Slot) -> Result<u32, Trap> {
        let position = self.free;
        match self.slots.get_mut(position) {
            Some(free) => {
                if let Slot::Free { next } = *free {
                    self.free = next;
                }
                *free = slot;
            }
            None => {
                if self.slots.len() >= MAX_HANDLE {
                    return Err(Trap::Limit {
                        what: "handles of a component instance",
                        limit: MAX_HANDLE as u64,
                    });
                }
                self.slots.push(slot);
                self.free = self.slots.len();
            }
        }
        Ok(position as u32 + 1)
    }

    fn get(&mut self, table: u32, handle: u32) -> Result<&mut Slot, Trap> {
        let slot = (handle as usize).checked_sub(1).and_then(|position| self.slots.get_mut(position));
        match slot {
            None | Some(Slot::Free { .. }) => Err(Trap::UnknownHandle(handle)),
            Some(Slot::Own { table: found, .. } | Slot::Borrow { table: found, .. }) if *found != table => {
                Err(Trap::WrongHandle(handle))
            }
            Some(slot) => Ok(slot),
        }
    }

    fn release(&mut self, handle: u32) {
        let position = handle as usize - 1;
        self.slots[position] = Slot::Free { next: self.free };
        self.free = position;
    }
}
