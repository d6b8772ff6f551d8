//! Exception tables that are not what the compiler wrote, in artifacts whose checksum is right all the same.
//!
//! A sealed file is believed as far as its code is: without reading the code nothing can tell whether a
//! landing pad is the right one for a tag. All else is refused, or harmless: **whatever lies where a table
//! says that a frame keeps its vmctx, the runtime does not follow it.**

use crate::image::Image;
use std::ops::Range;
use wasmaot_abi::exception::{Clause, ExceptionTable, Site, write_exception_table};
use wasmaot_abi::slot::MAX_STACK;
use wasmaot_runtime::{CallError, Instance, Linker, Module, OpenError, Store, Val};
use wasmaot_tests::report;

/// A module with two tags, and sites with one handler, two handlers, and a catch-all handler.
const THROWING: &str = include_str!("../../guests/loader_exceptions.wat");

/// An artifact and its exception table.
struct Artifact {
    image: Image,
    place: Range<usize>,
    sites: Vec<Site>,
}

impl Artifact {
    fn new() -> Self {
        let image = Image::new(THROWING);
        let place = image.section(".wasmaot.exceptions");
        let bytes = &image.bytes[place.clone()];
        let table = ExceptionTable::parse(bytes, u64::from(u32::MAX), u32::MAX).expect("a good table");
        let sites: Vec<Site> = table.sites().collect();
        assert!(sites.len() >= 3 && sites.iter().any(|site| site.handlers.len() == 2));
        Self { image, place, sites }
    }

    /// Opens a copy with other bytes in place of the table.
    fn open(&self, table: &[u8]) -> Result<Module, OpenError> {
        assert_eq!(table.len(), self.place.len(), "the table keeps its size");
        let mut image = self.image.clone();
        image.put(self.place.start, table);
        image.seal();
        wasmaot_tests::load(&image.bytes)
    }

    /// Opens a copy whose sites are changed.
    fn with(&self, change: impl FnOnce(&mut [Site])) -> Result<Module, OpenError> {
        let mut sites = self.sites.clone();
        change(&mut sites);
        self.open(&write_unsorted(&sites))
    }

    /// Opens a copy with another number in the table.
    fn with_word(&self, index: usize, word: u32) -> Result<Module, OpenError> {
        let mut table = self.image.bytes[self.place.clone()].to_vec();
        table[index * 4..index * 4 + 4].copy_from_slice(&word.to_le_bytes());
        self.open(&table)
    }

    fn text(&self) -> u32 {
        self.image.section(".text").len() as u32
    }
}

/// Which word of the table holds a field of a site.
fn word_of(site: usize, field: usize) -> usize {
    const HEAD: usize = 2;
    const FIELDS: usize = 4;
    HEAD + site * FIELDS + field
}

/// The table of sites in any order.
fn write_unsorted(sites: &[Site]) -> Vec<u8> {
    let mut ascending = sites.to_vec();
    for (site, address) in ascending.iter_mut().zip(0..) {
        site.return_address = address;
    }
    let mut table = write_exception_table(&ascending);
    for (index, site) in sites.iter().enumerate() {
        let at = word_of(index, 0) * 4;
        table[at..at + 4].copy_from_slice(&site.return_address.to_le_bytes());
    }
    table
}

/// Opens a copy whose descriptor says that the table is somewhere else.
fn moved(good: &Artifact, offset: u64, length: u64) -> Result<Module, OpenError> {
    let mut image = good.image.clone();
    let place = |offset: u64, length: u64| [offset.to_le_bytes(), length.to_le_bytes()].concat();
    let written = place(good.place.start as u64, good.place.len() as u64);
    let module = image.section(wasmaot_abi::header::SECTION);
    let at = image.bytes[module.clone()].windows(written.len()).position(|bytes| bytes == written);
    image.put(module.start + at.expect("the descriptor says where it is"), &place(offset, length));
    image.seal();
    wasmaot_tests::load(&image.bytes)
}

fn assert_refused(opened: Result<Module, OpenError>, expected: &str) {
    match opened {
        Err(OpenError::Invalid { what: "exception table", problem, .. }) => {
            assert!(problem.contains(expected), "{problem:?} instead of {expected:?}");
        }
        other => panic!("{expected}: {other:?}"),
    }
}

#[test]
fn fields_out_of_range_are_refused() {
    let good = Artifact::new();
    good.with(|_| {}).expect("the table as it was");
    let (text, tags) = (good.text(), 2);
    for site in 0..good.sites.len() {
        for outside in [text, text + 1, i32::MAX as u32, u32::MAX] {
            assert_refused(good.with(|sites| sites[site].return_address = outside), "return address");
            assert_refused(good.with(|sites| sites[site].handlers[0].landing = outside), "landing pad");
        }
        for frame in [MAX_STACK as u32 + 16, !15, 8, 24, u32::MAX] {
            assert_refused(good.with(|sites| sites[site].frame = frame), "frame's size");
        }
        let frame = good.sites[site].frame;
        for context in [frame, frame + 8, 1, 4, u32::MAX - 7] {
            assert_refused(good.with(|sites| sites[site].context = Some(context)), "context");
        }
        for tag in [tags, 1000, (u32::MAX >> 1) - 2] {
            let clause = Clause { tag: Some(tag), keeps: false };
            assert_refused(good.with(|sites| sites[site].handlers[0].clause = clause), "unknown tag");
        }
    }
}

#[test]
fn sites_out_of_order_are_refused() {
    let good = Artifact::new();
    for (a, b) in (0..good.sites.len()).flat_map(|b| (0..b).map(move |a| (a, b))) {
        assert_refused(good.with(|sites| sites.swap(a, b)), "out of order");
        let twice = good.with(|sites| sites[b].return_address = sites[a].return_address);
        assert_refused(twice, "out of order");
    }
}

#[test]
fn counts_that_do_not_fit_are_refused() {
    let good = Artifact::new();
    let handlers = good.sites.iter().map(|site| site.handlers.len() as u32).sum::<u32>();
    let sites = good.sites.len() as u32;
    // Others that come to the same size leave handlers where sites should be, or the other way round.
    for (word, right) in [(0, sites), (1, handlers)] {
        for wrong in [0, right - 1, right + 1, 1 << 28, u32::MAX / 8, u32::MAX] {
            assert_refused(good.with_word(word, wrong), "size");
        }
    }
    // Where the handlers of a site begin.
    for site in 0..good.sites.len() {
        for first in [handlers + 1, 1 << 29, u32::MAX] {
            assert_refused(good.with_word(word_of(site, 3), first), "out of order");
        }
    }
    let descending = good.with_word(word_of(0, 3), handlers);
    assert_refused(descending, "out of order");
}

#[test]
fn a_table_in_another_place_is_refused() {
    let good = Artifact::new();
    let (start, length) = (good.place.start as u64, good.place.len() as u64);
    moved(&good, start, length).expect("its own place");
    for (offset, length) in
        [(start, length - 4), (start, length + 4), (start + 4, length - 4), (start, 4), (0, length)]
    {
        assert_refused(moved(&good, offset, length), "");
    }
    // In the code.
    assert_refused(moved(&good, good.image.section(".text").start as u64, length), "");
    let size = good.image.bytes.len() as u64;
    for (offset, length) in
        [(size, length), (size - 4, length), (u64::MAX, 1), (start, u64::MAX), (u64::MAX - 7, 8)]
    {
        assert!(
            matches!(moved(&good, offset, length), Err(OpenError::Place { .. })),
            "{offset:#x} {length:#x}"
        );
    }
}

/// Without a table, nothing is caught, and no harm comes of it.
#[test]
fn an_empty_table_catches_nothing() {
    let module = moved(&Artifact::new(), 0, 0).expect("no table at all");
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).expect("no imports");
    let outcomes = outcomes(&mut store, instance);
    assert!(outcomes.iter().all(|outcome| outcome.starts_with("uncaught")), "{outcomes:?}");
}

/// What the exports give for a number, as text.
fn outcomes(store: &mut Store<()>, instance: Instance) -> Vec<String> {
    let mut call = |name: &str, number: i32| match instance.call(store, name, &[Val::I32(number)]) {
        Ok(values) => format!("{values:?}"),
        Err(CallError::Exception(exception)) => format!("uncaught {:?}", exception.values),
        Err(other) => panic!("{name}: {other}"),
    };
    (0..4).flat_map(|number| ["inner", "run", "all"].map(|name| call(name, number))).collect()
}

/// Whatever word of its frame stands for the caller's vmctx, exceptions are caught as they should be, or by
/// a caller further out.
#[test]
fn a_wrong_context_is_harmless() {
    let good = Artifact::new();
    let run = |module: &Module| {
        let mut store = Store::new(());
        let mut made = || Linker::new().instantiate(&mut store, module).expect("no imports");
        let (first, second) = (made(), made());
        [first, second].map(|instance| outcomes(&mut store, instance))
    };
    let expected = run(&good.with(|_| {}).expect("a good table"));
    assert_eq!(expected[0], expected[1]);
    assert!(expected[0].iter().any(|outcome| outcome.starts_with("uncaught")));
    let (mut tried, mut missed) = (0, 0);
    for site in 0..good.sites.len() {
        let words = (0..good.sites[site].frame).step_by(8).map(Some);
        for context in words.chain([None]) {
            let module = good.with(|sites| sites[site].context = context).expect("it is in range");
            tried += 1;
            missed += usize::from(run(&module) != expected);
        }
    }
    report(format_args!(
        "loader: {tried} contexts tried, {missed} let exceptions pass that would have been caught"
    ));
    assert!(missed > 0, "no wrong context was tried");
}
