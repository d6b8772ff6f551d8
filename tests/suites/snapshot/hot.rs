//! The pages that calls write are known from the artifact on.

use crate::{initialise, module, parse};
use wasmaot_abi::preinit::PageRun;
use wasmaot_runtime::{HotSets, Linker, Module, Pool, PoolConfig, ResetWay, Tenant};
use wasmaot_snapshot::{Call, Options, hot_pages, with_hot_pages};

/// `request` writes three pages, one of them with what it holds already.
const GUEST: &str = r#"(module (memory (export "memory") 64)
    (func (export "wizer.initialize") (memory.fill (i32.const 0) (i32.const 7) (i32.const 1000000)))
    (func (export "request")
        (i32.store (i32.const 8192) (i32.add (i32.load (i32.const 8192)) (i32.const 1)))
        (i32.store8 (i32.const 409600) (i32.const 7))
        (i32.store (i32.const 3000000) (i32.const 1)))
    (func (export "everything") (memory.fill (i32.const 0) (i32.const 8) (i32.const 4194304))))"#;

fn options(call: &str) -> Options {
    Options { calls: vec![Call { export: call.into(), arguments: Vec::new() }], ..Options::default() }
}

/// How the first request of a pool is reset.
fn first_reset(module: &Module, hot_sets: HotSets, tenant: Option<Tenant>) -> Option<ResetWay> {
    let pool = Pool::new(PoolConfig { slots: 1, hot_sets, ..PoolConfig::default() }).expect("a pool");
    let pool = tenant.map_or_else(|| pool.clone(), |tenant| pool.for_tenant(tenant));
    let linked = Linker::<()>::new().instantiate_pre(module).expect("it imports nothing");
    let mut instance = pool.start(&linked, ()).expect("a slot is free");
    instance.call("request", &[]).expect("it returns");
    instance.finish().reset
}

#[test]
fn the_first_request_is_reset_by_a_copy() {
    let frozen = initialise(&parse(GUEST), &options("request")).expect("it can be written down");
    let cold = module(&frozen.wasm);
    let pages =
        hot_pages(&cold, &frozen.wasm, &options("request")).expect("it returns").expect("they are few");
    let runs: Vec<_> = pages.iter().map(|run| (run.first, run.count)).collect();
    assert_eq!(runs, [(2, 1), (100, 1), (732, 1)]);
    assert_eq!(Some(pages.clone()), hot_pages(&cold, &frozen.wasm, &options("request")).expect("it returns"));
    let hot = module(&with_hot_pages(&frozen.wasm, &pages).expect("a module"));
    assert_eq!(hot.descriptor().hot_pages, pages);
    assert_eq!(hot.descriptor().preinit, cold.descriptor().preinit);
    for (sets, tenant) in [
        (HotSets::Shared, None),
        (HotSets::PerTenant, None),
        (HotSets::PerTenant, Some(Tenant(1))),
        (HotSets::Frozen, None),
    ] {
        assert_ne!(first_reset(&cold, sets, tenant), Some(ResetWay::Copy), "{sets:?}");
        assert_eq!(first_reset(&hot, sets, tenant), Some(ResetWay::Copy), "{sets:?}");
    }
}

#[test]
fn a_set_that_is_too_large_is_none() {
    let frozen = initialise(&parse(GUEST), &options("request")).expect("it can be written down");
    let found = hot_pages(&module(&frozen.wasm), &frozen.wasm, &options("everything")).expect("it returns");
    let written = found.unwrap_or_default().iter().map(|run| run.count).sum::<u32>();
    assert!(written == 0 || written == 1024, "{written}");
    // Nor does a module that names such a set, or pages that it does not have, do any harm.
    for pages in [vec![PageRun { first: 0, count: u32::MAX }], vec![PageRun { first: 1_000_000, count: 9 }]] {
        let odd = module(&with_hot_pages(&frozen.wasm, &pages).expect("a module"));
        for _ in 0..3 {
            assert!(first_reset(&odd, HotSets::Shared, None).is_some());
        }
    }
}
