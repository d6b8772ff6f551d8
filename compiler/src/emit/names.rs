//! Names of functions' symbols.
//!
//! **Invariant: each name is given once**, and holds no NUL; names of Wasm functions need not
//! differ, and may hold anything.

use crate::index::CodeIndex;
use crate::key::Symbol;
use crate::translate::Env;
use cranelift_entity::{EntityRef, PrimaryMap};
use std::collections::HashMap;

/// The names of all functions of the artifact.
pub(super) fn unique(env: &Env<'_>) -> PrimaryMap<CodeIndex, String> {
    let mut names = UniqueNames::default();
    let functions = (0..env.functions.len()).map(|position| Symbol::Function(CodeIndex::new(position)));
    functions.map(|function| names.make(&env.symbol(function))).collect()
}

#[derive(Default)]
struct UniqueNames {
    /// By each name the number that the next function of this name tries first.
    taken: HashMap<String, u32>,
}

impl UniqueNames {
    fn make(&mut self, wanted: &str) -> String {
        let clean = wanted.replace('\0', "\\0");
        let Some(&first) = self.taken.get(&clean) else {
            self.taken.insert(clean.clone(), 1);
            return clean;
        };
        let is_free = |number: &u32| !self.taken.contains_key(&format!("{clean}.{number}"));
        let number = (first..).find(is_free).expect("there are more numbers than functions");
        let name = format!("{clean}.{number}");
        self.taken.insert(clean, number + 1);
        self.taken.insert(name.clone(), 1);
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let mut names = UniqueNames::default();
        let made = ["f", "f", "f.1", "a\0b", "f"].map(|wanted| names.make(wanted));
        assert_eq!(made, ["f", "f.1", "f.1.1", "a\\0b", "f.2"]);
    }
}
