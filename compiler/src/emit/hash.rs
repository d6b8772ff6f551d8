//! `.gnu.hash`: how `dlsym` finds a dynamic symbol.
//!
//! ```text
//!  | buckets u32 | first symbol u32 | bloom words u32 | shift u32 |
//!  | bloom u64 x bloom words | bucket u32 x buckets | chain u32 x symbols |
//! ```
//!
//! A bucket holds the index of its first symbol, 0 if it has none; the chain holds each symbol's
//! hash, the lowest bit set on the last of a bucket only. **Invariant: symbols lie in the order that
//! [`GnuHash::order`] states**, so that those of a bucket are neighbours.

use object::elf::gnu_hash;

/// Index of the first symbol that can be found: only the null symbol is before it.
const FIRST_SYMBOL: u32 = 1;

/// Which bits of the hash set the second bit of the bloom filter.
const BLOOM_SHIFT: u32 = 26;

/// Bits of the bloom filter for each symbol, before rounding up to a power of two of words.
const BLOOM_BITS: usize = 12;

/// The section's bytes, and the order of symbols that they hold for.
pub(super) struct GnuHash {
    /// Positions in the list of names, in the order that the symbols must have.
    pub(super) order: Vec<usize>,
    pub(super) bytes: Vec<u8>,
}

impl GnuHash {
    /// Hashes the names of all dynamic symbols but the null symbol.
    pub(super) fn new<'a>(names: impl Iterator<Item = &'a str>) -> Self {
        let hashes: Vec<u32> = names.map(|name| gnu_hash(name.as_bytes())).collect();
        let buckets = (hashes.len() / 2).max(1) as u32;
        let bucket = |position: usize| hashes[position] % buckets;
        let mut order: Vec<usize> = (0..hashes.len()).collect();
        order.sort_by_key(|&position| bucket(position));

        let bloom = bloom_filter(&hashes);
        let mut firsts = vec![0; buckets as usize];
        let mut chain = Vec::with_capacity(order.len());
        for (i, &position) in order.iter().enumerate() {
            let first = &mut firsts[bucket(position) as usize];
            if *first == 0 {
                *first = FIRST_SYMBOL + i as u32;
            }
            let last = order.get(i + 1).is_none_or(|&next| bucket(next) != bucket(position));
            chain.push(hashes[position] & !1 | u32::from(last));
        }

        let mut bytes = Vec::with_capacity(16 + bloom.len() * 8 + (firsts.len() + chain.len()) * 4);
        for word in [buckets, FIRST_SYMBOL, bloom.len() as u32, BLOOM_SHIFT] {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend(bloom.iter().flat_map(|word| word.to_le_bytes()));
        bytes.extend(firsts.iter().chain(&chain).flat_map(|word| word.to_le_bytes()));
        Self { order, bytes }
    }
}

/// Two bits for each hash: a lookup that misses either ends at once.
fn bloom_filter(hashes: &[u32]) -> Vec<u64> {
    let words = (hashes.len() * BLOOM_BITS).div_ceil(64).next_power_of_two();
    let mut bloom = vec![0; words];
    for hash in hashes {
        bloom[(hash / 64) as usize % words] |= 1 << (hash % 64) | 1 << ((hash >> BLOOM_SHIFT) % 64);
    }
    bloom
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Finds a name the way the dynamic loader does: its symbol index.
    fn look_up(table: &GnuHash, names: &[String], wanted: &str) -> Option<usize> {
        let word = |i: usize| u32::from_le_bytes(table.bytes[i * 4..][..4].try_into().unwrap());
        let (buckets, first, words, shift) = (word(0), word(1), word(2), word(3));
        let hash = gnu_hash(wanted.as_bytes());
        let at = 16 + (hash / 64 % words) as usize * 8;
        let filter = u64::from_le_bytes(table.bytes[at..][..8].try_into().unwrap());
        if filter >> (hash % 64) & filter >> ((hash >> shift) % 64) & 1 == 0 {
            return None;
        }
        let bucket_words = 4 + words as usize * 2;
        let chain_words = bucket_words + buckets as usize;
        let mut symbol = word(bucket_words + (hash % buckets) as usize);
        if symbol == 0 {
            return None;
        }
        loop {
            let link = word(chain_words + (symbol - first) as usize);
            let name = &names[table.order[symbol as usize - 1]];
            if link | 1 == hash | 1 && name == wanted {
                return Some(symbol as usize);
            }
            if link & 1 == 1 {
                return None;
            }
            symbol += 1;
        }
    }

    #[test]
    fn every_name_is_found_and_no_other() {
        for count in [1, 2, 3, 7, 100, 5000] {
            let names: Vec<String> = (0..count).map(|i| format!("symbol_{i}")).collect();
            let table = GnuHash::new(names.iter().map(String::as_str));
            for name in &names {
                let symbol = look_up(&table, &names, name).unwrap();
                assert_eq!(&names[table.order[symbol - 1]], name);
            }
            for i in 0..100 {
                assert_eq!(look_up(&table, &names, &format!("other_{i}")), None);
            }
        }
    }
}
