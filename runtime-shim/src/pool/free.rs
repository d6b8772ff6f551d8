//! Lists of free slots, without locks.
//!
//! Every thread has a shard of its own (more threads than shards share them), with a list of slots that hold
//! no instance and, by the module and tenant that they last ran for, lists of slots that do. A thread takes
//! from its own shard first and then from the others'.
//!
//! **Invariants.** A slot is in one list at most, and the thread that took it off owns it until it puts it
//! back. A head carries a count of changes beside the slot's number, so a list that changed and changed back
//! is not mistaken for one that did not. (It comes back after 2^32 changes, all of them while one thread is
//! between two instructions.)
//!
//! **Orderings.** What the owner of a slot did happened before the next owner takes it: the owner puts it
//! back by a successful exchange of the head, which releases, and the thread that takes it has exchanged the
//! head that this, or a later exchange, has left, and so acquired it. (Each exchange continues the release of
//! those before it.) The words of a node are written by the slot's owner only, before it puts the slot back,
//! and so are `Relaxed`: who has the slot sees them. A thread that is about to take one may read a `next`
//! that its new owner is just writing; then the head has changed, and the exchange fails. The exchanges are
//! `SeqCst` rather than `AcqRel` for the pool's end: a slot is put back, and its pool then found closed or
//! not, in one order with closing the pool and then emptying the lists.

use super::owner::Owner;
use crate::os::sync::{AtomicU32, AtomicU64, Ordering::Relaxed, Ordering::SeqCst, thread_number};

/// Lists by owner of a shard. Owners whose numbers leave the same remainder share one.
const BUCKETS: usize = 64;

/// Foreign slots that a search looks past in a shared list.
const MAX_SKIPPED: usize = 4;

/// A list: number of the first slot plus 1 in the low half, changes in the high half.
type Head = AtomicU64;

#[repr(align(128))]
struct Shard {
    empty: Head,
    kept: [Head; BUCKETS],
}

/// Which list of a shard.
#[derive(Debug, Clone, Copy)]
enum List {
    Empty,
    Kept(usize),
}

/// The free slots of a pool.
pub(crate) struct FreeSlots {
    shards: Box<[Shard]>,
    nodes: Box<[Node]>,
}

/// What lists know of a slot. Slots of different threads share no cache line.
#[repr(align(128))]
#[derive(Default)]
struct Node {
    /// Number plus 1 of the next slot in its list.
    next: AtomicU32,
    /// Whom its instance is kept for, if it is in such a list.
    owner: [AtomicU64; 2],
}

impl FreeSlots {
    /// All slots, without instances.
    pub(crate) fn new(slots: u32, shards: usize) -> Self {
        let shard = |_| Shard { empty: Head::new(0), kept: [const { Head::new(0) }; BUCKETS] };
        let free = Self {
            shards: (0..shards.next_power_of_two()).map(shard).collect(),
            nodes: (0..slots).map(|_| Node::default()).collect(),
        };
        (0..slots).rev().for_each(|slot| free.push(0, List::Empty, slot));
        free
    }

    fn head(&self, shard: usize, list: List) -> &Head {
        let shard = &self.shards[shard & (self.shards.len() - 1)];
        match list {
            List::Empty => &shard.empty,
            List::Kept(bucket) => &shard.kept[bucket],
        }
    }

    fn push(&self, shard: usize, list: List, slot: u32) {
        let head = self.head(shard, list);
        let mut old = head.load(SeqCst);
        loop {
            self.nodes[slot as usize].next.store(old as u32, Relaxed);
            let new = changed(old) | u64::from(slot + 1);
            match head.compare_exchange_weak(old, new, SeqCst, SeqCst) {
                Ok(_) => return,
                Err(found) => old = found,
            }
        }
    }

    fn pop(&self, shard: usize, list: List) -> Option<u32> {
        let head = self.head(shard, list);
        let mut old = head.load(SeqCst);
        loop {
            let slot = (old as u32).checked_sub(1)?;
            let next = self.nodes[slot as usize].next.load(Relaxed);
            match head.compare_exchange_weak(old, changed(old) | u64::from(next), SeqCst, SeqCst) {
                Ok(_) => return Some(slot),
                Err(found) => old = found,
            }
        }
    }

    /// The own shard first.
    fn shards(&self) -> impl Iterator<Item = usize> {
        let own = thread_number();
        (own..).take(self.shards.len())
    }

    fn pop_of(&self, shard: usize, owner: Owner) -> Option<u32> {
        let list = List::Kept(bucket(owner));
        let (mut skipped, mut count) = ([0; MAX_SKIPPED], 0);
        let mut found = None;
        while let Some(slot) = self.pop(shard, list) {
            if self.nodes[slot as usize].owner.each_ref().map(|word| word.load(Relaxed)) == owner.words() {
                found = Some(slot);
                break;
            }
            skipped[count] = slot;
            count += 1;
            if count == MAX_SKIPPED {
                break;
            }
        }
        skipped[..count].iter().for_each(|&slot| self.push(shard, list, slot));
        found
    }

    /// A slot that holds an instance kept for this owner.
    pub(crate) fn take_kept(&self, owner: Owner) -> Option<u32> {
        self.shards().find_map(|shard| self.pop_of(shard, owner))
    }

    /// A slot that holds no instance, or, if all do, one of another owner's.
    pub(crate) fn take_any(&self) -> Option<u32> {
        let empty = self.shards().find_map(|shard| self.pop(shard, List::Empty));
        empty.or_else(|| self.take_any_kept())
    }

    /// A slot that holds an instance.
    pub(crate) fn take_any_kept(&self) -> Option<u32> {
        let kept = |shard| (0..BUCKETS).find_map(|bucket| self.pop(shard, List::Kept(bucket)));
        self.shards().find_map(kept)
    }

    /// Puts a slot back that holds an instance kept for this owner.
    pub(crate) fn put_kept(&self, slot: u32, owner: Owner) {
        let words = self.nodes[slot as usize].owner.iter().zip(owner.words());
        words.for_each(|(word, value)| word.store(value, Relaxed));
        self.push(thread_number(), List::Kept(bucket(owner)), slot);
    }

    /// Puts a slot back that holds no instance.
    pub(crate) fn put_empty(&self, slot: u32) {
        self.push(thread_number(), List::Empty, slot);
    }
}

fn bucket(owner: Owner) -> usize {
    owner.spread() as usize % BUCKETS
}

fn changed(head: u64) -> u64 {
    ((head >> 32) + 1) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::Tenant;
    use std::sync::atomic::AtomicBool;

    fn of(module: u64) -> Owner {
        Owner { module, tenant: None }
    }

    #[test]
    fn tenants_of_a_module_have_slots_of_their_own() {
        let free = FreeSlots::new(4, 1);
        let tenants = [None, Some(Tenant(0)), Some(Tenant(1)), Some(Tenant(1 << 40))];
        let owners = tenants.map(|tenant| Owner { module: 1, tenant });
        let slots = owners.map(|owner| {
            let slot = free.take_any().unwrap();
            free.put_kept(slot, owner);
            slot
        });
        assert_eq!(free.take_kept(Owner { module: 2, tenant: tenants[1] }), None);
        for (owner, slot) in owners.into_iter().zip(slots).rev() {
            assert_eq!((free.take_kept(owner), free.take_kept(owner)), (Some(slot), None), "{owner:?}");
        }
    }

    #[test]
    fn a_slot_comes_back_to_its_module_and_is_stolen_before_it_is_lacking() {
        let free = FreeSlots::new(2, 4);
        let slot = free.take_any().unwrap();
        assert!(free.take_kept(of(1)).is_none());
        free.put_kept(slot, of(1));
        // 65 shares the list of 1.
        assert!(free.take_kept(of(1 + BUCKETS as u64)).is_none());
        let stolen = std::thread::scope(|scope| scope.spawn(|| free.take_kept(of(1))).join().unwrap());
        assert_eq!(stolen, Some(slot));
        free.put_kept(slot, of(1));
        let other = free.take_any().unwrap();
        assert_ne!(other, slot);
        assert_eq!(free.take_any(), Some(slot));
        assert_eq!(free.take_any(), None);
    }

    #[test]
    fn no_two_threads_own_a_slot() {
        let slots = 8u32;
        let free = FreeSlots::new(slots, 2);
        let owned: Vec<AtomicBool> = (0..slots).map(|_| AtomicBool::new(false)).collect();
        std::thread::scope(|scope| {
            for module in 1..=4u64 {
                let (free, owned) = (&free, &owned);
                scope.spawn(move || {
                    for _ in 0..20_000 {
                        let slot = free.take_kept(of(module)).or_else(|| free.take_any()).unwrap();
                        assert!(!owned[slot as usize].swap(true, SeqCst));
                        owned[slot as usize].store(false, SeqCst);
                        free.put_kept(slot, of(module));
                    }
                });
            }
        });
        let all = std::iter::from_fn(|| free.take_any()).count();
        assert_eq!(all, slots as usize);
    }
}
