//! A program with a built table: primes, an index of their digits, and functions by name.
#[macro_use]
#[path = "guest.rs"]
mod guest;

use std::collections::{BTreeMap, HashMap};

type Function = Box<dyn Fn(u32) -> u64 + Send + Sync>;

struct State {
    primes: Vec<u32>,
    by_digits: BTreeMap<Vec<u8>, Vec<u32>>,
    functions: HashMap<&'static str, Function>,
}

fn initialise() -> State {
    let mut is_composite = vec![false; 200_000];
    let mut primes = Vec::new();
    for number in 2..is_composite.len() {
        if !is_composite[number] {
            primes.push(number as u32);
            (number * number..is_composite.len()).step_by(number).for_each(|multiple| is_composite[multiple] = true);
        }
    }
    let mut by_digits: BTreeMap<Vec<u8>, Vec<u32>> = BTreeMap::new();
    for &prime in &primes {
        let mut digits = prime.to_string().into_bytes();
        digits.sort_unstable();
        by_digits.entry(digits).or_default().push(prime);
    }
    let mut functions: HashMap<&'static str, Function> = HashMap::new();
    functions.insert("square", Box::new(|x| u64::from(x) * u64::from(x)));
    functions.insert("digits", Box::new(|x| x.to_string().len() as u64));
    State { primes, by_digits, functions }
}

fn request(state: &State, number: u32) -> String {
    let prime = state.primes[number as usize % state.primes.len()];
    let mut digits = prime.to_string().into_bytes();
    digits.sort_unstable();
    let alike = &state.by_digits[&digits];
    let (square, count) = (state.functions["square"](prime), state.functions["digits"](prime));
    format!("{prime} {} {} {square} {count}", alike.len(), alike[alike.len() - 1])
}

guest!(State);
