//! What requests of a module learn of each other by the pages of their memory: which are hot and
//! which are present depends on the requests of the same tenant only, and where no tenant is named,
//! on none.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use wasmaot_runtime::{
    Caller, HostError, HotSets, InstancePre, Linker, Pool, PoolConfig, PooledInstance, ResetWay, Tenant,
    TypedFunc,
};
use wasmaot_tests::Random;

/// Bytes of a page of the host.
const PAGE: i32 = 4096;

/// Bytes of the guest's memory.
const MEMORY: usize = 16 << 16;

/// A page that nothing else is near.
const SECRET: i32 = 40;

/// Another one.
const OTHER: i32 = 160;

const GUEST: &str = include_str!("../guests/tenants.wat");

/// The page is present, so that it can be read without a fault.
const PRESENT: i32 = 1;

/// The page is hot, so that it can be written without being opened first.
const HOT: i32 = 2;

/// Which of some pages are present.
fn present(address: usize, pages: usize) -> Vec<bool> {
    let file = File::open("/proc/self/pagemap").expect("the kernel has it");
    let mut entries = vec![0; pages * 8];
    file.read_exact_at(&mut entries, (address / PAGE as usize * 8) as u64).expect("the addresses are in use");
    let entries = entries.chunks_exact(8).map(|entry| u64::from_le_bytes(entry.try_into().expect("8 bytes")));
    entries.map(|entry| entry >> 63 != 0).collect()
}

fn is_writable(address: usize) -> bool {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("the kernel has it");
    let line = maps.lines().find(|line| {
        let (start, end) = line.split(' ').next().and_then(|range| range.split_once('-')).expect("a range");
        let parse = |text| usize::from_str_radix(text, 16).expect("a number");
        (parse(start)..parse(end)).contains(&address)
    });
    line.expect("the address is mapped").split(' ').nth(1).expect("permissions").starts_with("rw")
}

fn linked() -> InstancePre<()> {
    let mut linker = Linker::new();
    let page = |caller: &mut Caller<'_, ()>, address: i32| -> Result<i32, HostError> {
        let memory = caller.memory()?.data(caller)?;
        let address = memory.read_address(address as u32, 1)? as usize;
        let is_present = present(address, 1)[0];
        Ok(if is_present { PRESENT } else { 0 } | if is_writable(address) { HOT } else { 0 })
    };
    // The stack lies below the state, which ends where memory starts.
    let stack = |caller: &mut Caller<'_, ()>| -> Result<i32, HostError> {
        let end = caller.memory()?.data(caller)?.read_address(0u32, 1)? as usize;
        Ok(present(end - (1 << 20), 256).into_iter().filter(|&is_present| is_present).count() as i32)
    };
    linker.func_wrap("host", "page", page).expect("a new name");
    linker.func_wrap("host", "stack", stack).expect("a new name");
    linker.instantiate_pre(&wasmaot_tests::module(GUEST)).expect("all is defined")
}

fn pool(slots: u32, hot_sets: HotSets) -> Pool {
    Pool::new(PoolConfig { slots, hot_sets, ..PoolConfig::default() }).expect("a pool")
}

/// Requests of one tenant, or of none.
struct Requests<'a> {
    pool: Pool,
    linked: &'a InstancePre<()>,
    page: TypedFunc<i32, i32>,
    write: TypedFunc<i32, ()>,
}

impl<'a> Requests<'a> {
    fn new(pool: &Pool, linked: &'a InstancePre<()>, tenant: Option<u64>) -> Self {
        let pool = tenant.map_or_else(|| pool.clone(), |tenant| pool.for_tenant(Tenant(tenant)));
        let page = linked.get_typed_func("page").expect("an export");
        Self { pool, linked, page, write: linked.get_typed_func("write").expect("an export") }
    }

    fn start(&self) -> PooledInstance<()> {
        self.pool.start(self.linked, ()).expect("a free slot")
    }

    /// What a new request finds of a page.
    fn finds(&self, page: i32) -> i32 {
        self.page.call(&mut self.start(), page * PAGE).expect("no trap")
    }

    /// How the slot is reset after a request that writes to a page.
    fn writes(&self, page: i32) -> ResetWay {
        let mut instance = self.start();
        self.write.call(&mut instance, page * PAGE).expect("no trap");
        instance.finish().reset.expect("the reset succeeds")
    }

    /// Writes to a page until it is hot.
    fn learns(&self, page: i32) {
        for _ in 0..3 {
            self.writes(page);
        }
        assert_eq!(self.writes(page), ResetWay::Copy);
        assert_eq!(self.finds(page), PRESENT | HOT);
    }
}

#[test]
fn what_a_tenant_wrote_is_neither_hot_nor_present_for_another() {
    let (pool, linked) = (pool(1, HotSets::PerTenant), linked());
    let [victim, spy] = [Some(1), Some(2)].map(|tenant| Requests::new(&pool, &linked, tenant));
    victim.learns(SECRET);
    assert_eq!(spy.finds(SECRET), 0);
    assert_ne!(spy.writes(SECRET), ResetWay::Copy);
    let stats = pool.stats();
    assert_eq!((stats.made, stats.moved, stats.failed), (1, 1, 0), "{stats:?}");
    // Each tenant's set is kept while another tenant has the slot.
    spy.learns(OTHER);
    assert_eq!(victim.finds(SECRET), HOT);
    assert_eq!((victim.writes(SECRET), victim.finds(OTHER)), (ResetWay::Copy, 0));
    assert_eq!((spy.finds(OTHER), spy.finds(SECRET) & HOT), (HOT, 0));
    assert_eq!(pool.stats().moved, 3);
}

#[test]
fn what_a_tenant_read_is_not_present_for_another() {
    for hot_sets in [HotSets::PerTenant, HotSets::Frozen] {
        let (pool, linked) = (pool(1, hot_sets), linked());
        let [victim, spy] = [Some(1), Some(2)].map(|tenant| Requests::new(&pool, &linked, tenant));
        let read = linked.get_typed_func::<i32, i32>("read").expect("an export");
        assert_eq!(read.call(&mut victim.start(), SECRET * PAGE).expect("no trap"), 0);
        assert_eq!(victim.finds(SECRET), PRESENT, "{hot_sets:?}");
        assert_eq!(spy.finds(SECRET), 0, "{hot_sets:?}");
    }
}

#[test]
fn how_deep_a_tenant_called_does_not_show() {
    let (pool, linked) = (pool(1, HotSets::PerTenant), linked());
    let [victim, spy] = [Some(1), Some(2)].map(|tenant| Requests::new(&pool, &linked, tenant));
    let deep = linked.get_typed_func::<i32, i32>("deep").expect("an export");
    let stack = linked.get_typed_func::<(), i32>("stack").expect("an export");
    assert_eq!(deep.call(&mut victim.start(), 10_000).expect("no trap"), 10_000);
    let used = stack.call(&mut victim.start(), ()).expect("no trap");
    assert!(used > 20, "{used}");
    let used = stack.call(&mut spy.start(), ()).expect("no trap");
    assert!(used < 5, "{used}");
}

/// The default is safe for hosts that serve several tenants and do not say so.
#[test]
fn without_a_tenant_nothing_is_learned() {
    let linked = linked();
    for pool in [PoolConfig::default().hot_sets, HotSets::Frozen].map(|hot_sets| pool(1, hot_sets)) {
        let requests = Requests::new(&pool, &linked, None);
        for _ in 0..5 {
            assert_eq!(requests.writes(SECRET), ResetWay::Drop);
            assert_eq!(requests.finds(SECRET), 0);
        }
        // Where nothing is written that is not hot, there is no system call.
        assert_eq!(requests.start().finish().reset, Some(ResetWay::Copy));
    }
}

#[test]
fn a_frozen_set_is_what_was_taught_before() {
    let linked = linked();
    let frozen = pool(1, HotSets::Frozen);
    let [requests, tenant] = [None, Some(1)].map(|tenant| Requests::new(&frozen, &linked, tenant));
    assert_eq!(requests.writes(SECRET), ResetWay::Drop);
    let teaching = pool(1, HotSets::Shared);
    let teacher = Requests::new(&teaching, &linked, None);
    teacher.learns(SECRET);
    assert_eq!(requests.writes(SECRET), ResetWay::Drop, "it is not frozen yet");
    linked.freeze_hot_set();
    // What is taught later is not part of it.
    teacher.learns(OTHER);
    drop(requests.start());
    assert_eq!(requests.finds(SECRET) & HOT, HOT);
    assert_eq!(requests.writes(SECRET), ResetWay::Copy);
    for _ in 0..5 {
        assert_eq!((requests.writes(OTHER), requests.finds(OTHER)), (ResetWay::Drop, 0));
        assert_eq!(requests.finds(SECRET), PRESENT | HOT);
    }
    assert_eq!((tenant.writes(SECRET), tenant.writes(OTHER)), (ResetWay::Copy, ResetWay::Drop));
    // Requests without a tenant use it in pools that tell tenants apart, too.
    let per_tenant = pool(1, HotSets::PerTenant);
    let [requests, tenant] = [None, Some(1)].map(|tenant| Requests::new(&per_tenant, &linked, tenant));
    assert_eq!((requests.writes(SECRET), tenant.finds(SECRET)), (ResetWay::Copy, 0));
}

#[test]
fn a_shared_set_is_everybodys() {
    let (pool, linked) = (pool(1, HotSets::Shared), linked());
    Requests::new(&pool, &linked, Some(1)).learns(SECRET);
    for tenant in [Some(2), None] {
        assert_eq!(Requests::new(&pool, &linked, tenant).finds(SECRET), PRESENT | HOT);
    }
    assert_eq!(pool.stats().moved, 0);
}

/// More tenants than slots, on several threads: no byte of one request is there for another, and no
/// reset fails.
#[test]
fn nothing_is_left_where_slots_go_from_tenant_to_tenant() {
    let linked = linked();
    for hot_sets in [HotSets::PerTenant, HotSets::Frozen] {
        let (pool, rounds) = (pool(3, hot_sets), AtomicU64::new(0));
        std::thread::scope(|scope| {
            for seed in 0..2 {
                let (pool, linked, rounds) = (&pool, &linked, &rounds);
                scope.spawn(move || {
                    let mut random = Random::new(seed);
                    for _ in 0..300 {
                        let tenant = random.below(6);
                        let requests =
                            Requests::new(pool, linked, tenant.checked_sub(1).map(|tenant| tenant as u64));
                        let mut instance = requests.start();
                        let mut bytes = vec![1; MEMORY];
                        instance.read(0u32, &mut bytes).expect("inside");
                        assert!(bytes.iter().all(|&byte| byte == 0), "{hot_sets:?}, tenant {tenant}");
                        for _ in 0..random.below(8) {
                            // Each tenant has pages of its own, and there are some that all write
                            // now and then.
                            let page = if random.below(4) == 0 {
                                random.below(256)
                            } else {
                                tenant * 10 + random.below(3)
                            };
                            requests.write.call(&mut instance, page as i32 * PAGE + 8).expect("no trap");
                        }
                        rounds.fetch_add(1, Relaxed);
                    }
                });
            }
        });
        let stats = pool.stats();
        assert_eq!(stats.copied + stats.scanned + stats.dropped, rounds.load(Relaxed), "{stats:?}");
        assert_eq!((stats.failed, stats.made <= 3), (0, true), "{stats:?}");
        assert!(stats.moved > 50, "{stats:?}");
    }
}
