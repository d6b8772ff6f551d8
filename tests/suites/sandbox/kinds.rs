//! Accesses around every edge of every kind of memory: further ones, 64-bit ones with and without a small
//! maximum, ones with pages of a byte, shared ones; defined and imported; by plain and by atomic operators.

use std::fmt::Write;
use wasmaot_abi::trap::TrapCode;
use wasmaot_runtime::{CallError, Linker, Store, Val};
use wasmaot_tests::{Guest, parallel, report};

/// An operator: its name, the type of its value, the bytes that it accesses.
struct Operator {
    name: &'static str,
    value: &'static str,
    bytes: u64,
    operands: usize,
    results: usize,
}

impl Operator {
    fn is_atomic(&self) -> bool {
        self.name.contains("atomic")
    }
}

const fn operator(
    name: &'static str,
    value: &'static str,
    bytes: u64,
    operands: usize,
    results: usize,
) -> Operator {
    Operator { name, value, bytes, operands, results }
}

const OPERATORS: [Operator; 22] = [
    operator("i32.load8_u", "i32", 1, 0, 1),
    operator("i64.load16_s", "i64", 2, 0, 1),
    operator("i32.load", "i32", 4, 0, 1),
    operator("f64.load", "f64", 8, 0, 1),
    operator("i32.store8", "i32", 1, 1, 0),
    operator("i64.store16", "i64", 2, 1, 0),
    operator("f32.store", "f32", 4, 1, 0),
    operator("i64.store", "i64", 8, 1, 0),
    operator("i64.atomic.load", "i64", 8, 0, 1),
    operator("i32.atomic.load16_u", "i32", 2, 0, 1),
    operator("i32.atomic.store", "i32", 4, 1, 0),
    operator("i64.atomic.store8", "i64", 1, 1, 0),
    operator("i32.atomic.rmw.add", "i32", 4, 1, 1),
    operator("i64.atomic.rmw.sub", "i64", 8, 1, 1),
    operator("i64.atomic.rmw32.and_u", "i64", 4, 1, 1),
    operator("i32.atomic.rmw8.or_u", "i32", 1, 1, 1),
    operator("i32.atomic.rmw16.xor_u", "i32", 2, 1, 1),
    operator("i64.atomic.rmw.xchg", "i64", 8, 1, 1),
    operator("i32.atomic.rmw.cmpxchg", "i32", 4, 2, 1),
    operator("i64.atomic.rmw8.cmpxchg_u", "i64", 1, 2, 1),
    operator("i64.atomic.rmw.cmpxchg", "i64", 8, 2, 1),
    operator("memory.atomic.notify", "i32", 4, 1, 1),
];

const OFFSETS: [u64; 13] = [
    0,
    1,
    4095,
    65_536,
    0x7fff_fff8,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_fff8,
    0xffff_ffff,
    1 << 32,
    (1 << 36) + 8,
    1 << 63,
    u64::MAX,
];

/// A memory that is tried.
struct Kind {
    /// What comes before its limits.
    index: &'static str,
    /// Its limits and what follows; and those of an import of it.
    limits: [&'static str; 2],
    page: u64,
    /// Another memory comes first.
    further: bool,
}

const fn kind(index: &'static str, limits: [&'static str; 2], page: u64, further: bool) -> Kind {
    Kind { index, limits, page, further }
}

const KIB64: u64 = 65_536;

const KINDS: [Kind; 10] = [
    kind("i32", ["1 3", "1"], KIB64, true),
    kind("i64", ["1 3", "1 3"], KIB64, false),
    kind("i64", ["1 3", "1"], KIB64, true),
    kind("i64", ["1", "0"], KIB64, false),
    kind("i64", ["1 0x10001", "1 0x20000"], KIB64, true),
    kind("i32", ["4100 9000 (pagesize 1)", "1 (pagesize 1)"], 1, false),
    kind("i64", ["100 9000 (pagesize 1)", "1 (pagesize 1)"], 1, true),
    kind("i64", ["4096 (pagesize 1)", "1 (pagesize 1)"], 1, false),
    kind("i32", ["1 3 shared", "1 3 shared"], KIB64, false),
    kind("i64", ["1 0x20000 shared", "1 0x20000 shared"], KIB64, false),
];

impl Kind {
    /// The instance that defines the memory, under the name "m".
    fn owner(&self) -> String {
        let first = if self.further { "(memory 1)" } else { "" };
        format!("(module {first} {})", self.definition("(export \"m\") "))
    }

    fn definition(&self, before: &str) -> String {
        format!("(memory $m {before}{} {})", self.index, self.limits[0])
    }

    /// A module with an export for each access of the memory that is given as text.
    fn accesses(&self, memory: &str) -> String {
        let index = self.index;
        let first = if self.further && !memory.contains("import") { "(memory 1)" } else { "" };
        let mut wat = format!("(module {first} {memory}\n");
        writeln!(
            wat,
            "(func (export \"grow\") (param {index}) (result {index}) (memory.grow $m (local.get 0)))
             (func (export \"size\") (result {index}) (memory.size $m))"
        )
        .expect("a string grows");
        for offset in self.offsets() {
            for Operator { name, value, operands, results, .. } in &OPERATORS {
                let operands = format!(" ({value}.const 0)").repeat(*operands);
                let access = format!("{name} $m offset={offset} (local.get 0){operands}");
                let body = if *results == 1 { format!("(drop ({access}))") } else { format!("({access})") };
                writeln!(wat, "(func (export \"{name}@{offset}\") (param {index}) {body})")
                    .expect("a string grows");
            }
        }
        wat + ")"
    }

    fn offsets(&self) -> impl Iterator<Item = u64> {
        let most = if self.index == "i32" { u64::from(u32::MAX) } else { u64::MAX };
        OFFSETS.into_iter().filter(move |&offset| offset <= most)
    }

    fn value(&self, number: u64) -> Val {
        if self.index == "i32" { Val::I32(number as i32) } else { Val::I64(number as i64) }
    }

    /// Addresses at which the outcome may change.
    fn addresses(&self, offset: u64, bytes: u64, size: u64) -> Vec<u64> {
        let mut found = vec![0, 4088, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
        found.extend([1 << 32, 1 << 33, 1 << 36, 1 << 63, u64::MAX - 7]);
        let last = size.wrapping_sub(bytes).wrapping_sub(offset);
        let wraps = offset.wrapping_neg();
        for edge in [last, wraps, size.wrapping_sub(offset)] {
            found.extend([edge.wrapping_sub(1), edge, edge.wrapping_add(1)]);
        }
        let most = if self.index == "i32" { u64::from(u32::MAX) } else { u64::MAX };
        found.retain(|&address| address <= most);
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Tries all accesses. Returns how many.
    fn try_edges(&self, guest: &mut Guest, size: u64) -> usize {
        assert_eq!(guest.call("size", &[]).expect("no trap"), [self.value(size / self.page)]);
        let mut tried = 0;
        for offset in self.offsets() {
            for operator in &OPERATORS {
                let export = format!("{}@{offset}", operator.name);
                for address in self.addresses(offset, operator.bytes, size) {
                    let fits = u128::from(address) + u128::from(offset) + u128::from(operator.bytes)
                        <= u128::from(size);
                    let aligned = address.wrapping_add(offset).is_multiple_of(operator.bytes);
                    let code = match operator.is_atomic() && !aligned {
                        true => Some(TrapCode::UnalignedAtomic),
                        false => (!fits).then_some(TrapCode::MemoryOutOfBounds),
                    };
                    let found = match guest.call(&export, &[self.value(address)]) {
                        Ok(_) => None,
                        Err(CallError::Trap(trap)) => Some(trap.code),
                        Err(other) => panic!("{export}: {other}"),
                    };
                    assert_eq!(
                        found, code,
                        "{export} at {address:#x} of {size:#x} bytes, {} {:?}",
                        self.index, self.limits
                    );
                    tried += 1;
                }
            }
        }
        tried
    }

    fn try_growing(&self, guest: &mut Guest, size: u64) -> usize {
        let before = self.try_edges(guest, size);
        let pages = size / self.page;
        assert_eq!(guest.call("grow", &[self.value(1)]).expect("no trap"), [self.value(pages)]);
        before + self.try_edges(guest, size + self.page)
    }

    fn initial_size(&self) -> u64 {
        let pages = self.limits[0].split(' ').next().expect("a number");
        pages.parse::<u64>().expect("a number") * self.page
    }
}

#[test]
fn edges_of_defined_memories_of_every_kind() {
    let tried = parallel(&KINDS, |kind| {
        let mut guest = Guest::new(&kind.accesses(&kind.definition("")));
        kind.try_growing(&mut guest, kind.initial_size())
    });
    let tried: usize = tried.into_iter().sum();
    report(format_args!("sandbox: {tried} accesses around the edges of memories of {} kinds", KINDS.len()));
}

#[test]
fn edges_of_imported_memories_of_every_kind() {
    parallel(&KINDS, |kind| {
        let mut store = Store::new(());
        let load = |wat: &str| wasmaot_tests::module(wat);
        let import = format!("(import \"owner\" \"m\" (memory $m {} {}))", kind.index, kind.limits[1]);
        let mut linker = Linker::new();
        let owner = linker.instantiate(&mut store, &load(&kind.owner())).expect("no imports");
        linker.instance(&store, "owner", owner).expect("new names");
        let user = load(&kind.accesses(&import));
        let instance = linker.instantiate(&mut store, &user).expect("its import is there");
        let mut guest = Guest { store, instance };
        kind.try_edges(&mut guest, kind.initial_size());
    });
}
