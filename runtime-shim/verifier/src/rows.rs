//! Lists that grow by pieces, so that growing never needs twice the memory.
//!
//! **Invariant: all pieces but the last are full.**

use std::ops::{Index, IndexMut};

/// A list in pieces of `N` items.
pub(crate) struct Rows<T, const N: usize> {
    rows: Vec<Vec<T>>,
}

impl<T, const N: usize> Rows<T, N> {
    /// An empty list.
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Items in it.
    pub(crate) fn len(&self) -> usize {
        match self.rows.split_last() {
            Some((last, full)) => full.len() * N + last.len(),
            None => 0,
        }
    }

    /// Bytes of memory that it takes, without what its items refer to.
    pub(crate) fn bytes(&self) -> usize {
        self.rows.iter().map(Vec::capacity).sum::<usize>() * size_of::<T>()
            + self.rows.capacity() * size_of::<Vec<T>>()
    }

    /// Appends an item. The first piece grows, as most lists are short.
    pub(crate) fn push(&mut self, item: T) {
        match self.rows.last_mut() {
            Some(last) if last.len() < N => last.push(item),
            Some(_) => {
                let mut row = Vec::with_capacity(N);
                row.push(item);
                self.rows.push(row);
            }
            None => self.rows.push(vec![item]),
        }
    }

    /// The item at a position.
    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        self.rows.get_mut(index / N)?.get_mut(index % N)
    }
}

impl<T, const N: usize> Index<usize> for Rows<T, N> {
    type Output = T;

    fn index(&self, index: usize) -> &T {
        &self.rows[index / N][index % N]
    }
}

impl<T, const N: usize> IndexMut<usize> for Rows<T, N> {
    fn index_mut(&mut self, index: usize) -> &mut T {
        &mut self.rows[index / N][index % N]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_stay_in_order() {
        let mut rows = Rows::<usize, 4>::new();
        for item in 0..11 {
            assert_eq!(rows.len(), item);
            rows.push(item);
        }
        assert!((0..11).all(|item| rows[item] == item));
        assert!(rows.get_mut(11).is_none());
        assert!(rows.bytes() >= 11 * size_of::<usize>());
    }
}
