//! Host functions and exports with Rust types, handles on both sides, pools, and guests that break the rules.

use crate::component;
use std::sync::{Arc, Mutex};
use wasmaot_component::{Context, Error, InstancePre, Limits, Linker, Resource, ResourceTable, Trap, Val};
use wasmaot_runtime::{Pool, PoolConfig};

/// A memory with a `realloc` that never gives anything back.
const MEMORY: &str = "(memory (export \"memory\") 2)
    (global $next (mut i32) (i32.const 4096))
    (func (export \"realloc\") (param i32 i32 i32 i32) (result i32)
        (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get 3))))";

fn pool() -> Pool {
    Pool::new(PoolConfig { slots: 1, ..PoolConfig::default() }).expect("a pool")
}

fn linked<T: 'static>(linker: &Linker<T>, wat: &str) -> InstancePre<T> {
    linker.instantiate_pre(&component(wat)).unwrap_or_else(|error| panic!("{error}"))
}

fn trap<R: std::fmt::Debug>(result: Result<R, Error>) -> Trap {
    match result {
        Err(Error::Trap(trap)) => trap,
        other => panic!("{other:?}"),
    }
}

/// A component whose `run` hands a text and numbers to the host, and returns what the host makes of them.
pub(crate) fn joining() -> String {
    format!(
        "(component
            (import \"test:host/text@1.1.0\" (instance $host
                (export \"join\" (func (param \"texts\" (list string)) (param \"between\" (option char)) (result (result string (error u32)))))))
            (core module $memory {MEMORY})
            (core instance $memory (instantiate $memory))
            (core func $join (canon lower (func $host \"join\") (memory (core memory $memory \"memory\")) (realloc (core func $memory \"realloc\"))))
            (core module $m
                (import \"\" \"join\" (func $join (param i32 i32 i32 i32 i32)))
                (func (export \"run\") (param i32 i32 i32 i32) (result i32)
                    (call $join (local.get 0) (local.get 1) (local.get 2) (local.get 3) (i32.const 16)) (i32.const 16)))
            (core instance $i (instantiate $m (with \"\" (instance (export \"join\" (func $join))))))
            (func (export \"run\") (param \"texts\" (list string)) (param \"between\" (option char)) (result (result string (error u32)))
                (canon lift (core func $i \"run\") (memory (core memory $memory \"memory\")) (realloc (core func $memory \"realloc\")))))"
    )
}

#[test]
fn rust_types_go_to_the_host_and_back() {
    let mut linker = Linker::<u32>::new();
    // A compatible version of the interface.
    let mut host = linker.instance("test:host/text@1.4.2").expect("a name");
    host.func_wrap("join", |cx: &mut Context<'_, '_, u32>, texts: Vec<String>, between: Option<char>| {
        *cx.data_mut() += 1;
        let between = between.map(String::from).unwrap_or_default();
        Ok(if texts.is_empty() { Err(42_u32) } else { Ok(texts.join(&between)) })
    })
    .expect("a new name");
    let linked = linked(&linker, &joining());
    let run =
        linked.get_typed_func::<(Vec<String>, Option<char>), Result<String, u32>>("run").expect("its type");
    let texts = || vec!["a".to_string(), "ö€".to_string(), String::new()];
    let mut alone = linked.instantiate(0).expect("an instance");
    assert_eq!(run.call(&mut alone, (texts(), Some('𝄞'))).expect("a result"), Ok("a𝄞ö€𝄞".to_string()));
    assert_eq!(run.call(&mut alone, (Vec::new(), None)).expect("a result"), Err(42));
    assert_eq!(alone.finish().0, 2);
    let pool = pool();
    for _ in 0..3 {
        let mut pooled = linked.start(&pool, 5).expect("an instance");
        assert_eq!(run.call(&mut pooled, (texts(), None)).expect("a result"), Ok("aö€".to_string()));
        assert_eq!(pooled.finish().0, 6);
    }
    assert!(linked.get_typed_func::<(Vec<String>,), Result<String, u32>>("run").is_err());
    assert!(linked.get_typed_func::<(Vec<String>, Option<char>), String>("run").is_err());
    assert!(matches!(linked.get_func("missing"), Err(Error::NoFunction(_))));
}

#[test]
fn definitions_of_other_types_and_none_are_reported_together() {
    let mut linker = Linker::<()>::new();
    let message = |linker: &Linker<()>| match linker.instantiate_pre(&component(&joining())) {
        Err(error @ Error::Imports(_)) => error.to_string(),
        other => panic!("{:?}", other.err()),
    };
    assert!(message(&linker).contains(
        "`test:host/text@1.1.0#join` is not defined: func(texts: list<string>, between: option<char>)"
    ));
    let mut host = linker.instance("test:host/text@1.1.0").expect("a name");
    host.func_wrap("join", |_: &mut Context<'_, '_, ()>, _: Vec<u32>, _: Option<char>| {
        Ok(Ok::<String, u32>(String::new()))
    })
    .expect("a new name");
    assert!(message(&linker).contains("parameter `texts`"), "{}", message(&linker));
    // An incompatible version is none.
    let mut other = Linker::<()>::new();
    other
        .instance("test:host/text@2.0.0")
        .expect("a name")
        .func_new("join", |_, _| Ok(None))
        .expect("a new name");
    assert!(message(&other).contains("is not defined"));
}

/// What the host knows of its files.
#[derive(Default)]
struct Files {
    table: ResourceTable,
    dropped: Arc<Mutex<Vec<u32>>>,
}

#[test]
fn resources_of_the_host_are_dropped_by_the_guest() {
    let wat = "(component
        (import \"test:host/files\" (instance $host
            (export \"file\" (type $file (sub resource)))
            (export \"open\" (func (result (own $file))))
            (export \"size\" (func (param \"f\" (borrow $file)) (result u64)))))
        (alias export $host \"file\" (type $file))
        (core func $open (canon lower (func $host \"open\")))
        (core func $size (canon lower (func $host \"size\")))
        (core func $drop (canon resource.drop $file))
        (core module $m
            (import \"\" \"open\" (func $open (result i32)))
            (import \"\" \"size\" (func $size (param i32) (result i64)))
            (import \"\" \"drop\" (func $drop (param i32)))
            (func (export \"run\") (result i64) (local i32 i64)
                (local.set 0 (call $open))
                (local.set 1 (call $size (local.get 0)))
                (call $drop (local.get 0))
                (local.get 1))
            (func (export \"keep\") (result i32) (call $open))
            (func (export \"twice\") (local i32) (local.set 0 (call $open)) (call $drop (local.get 0)) (call $drop (local.get 0))))
        (core instance $i (instantiate $m (with \"\" (instance (export \"open\" (func $open)) (export \"size\" (func $size)) (export \"drop\" (func $drop))))))
        (func (export \"run\") (result u64) (canon lift (core func $i \"run\")))
        (func (export \"keep\") (result u32) (canon lift (core func $i \"keep\")))
        (func (export \"twice\") (canon lift (core func $i \"twice\"))))";
    let mut linker = Linker::<Files>::new();
    linker.set_limits(Limits { handles: 100, ..Limits::default() });
    let mut host = linker.instance("test:host/files").expect("a name");
    host.resource::<String>("file", |cx, rep| {
        let file = cx
            .data_mut()
            .table
            .delete(Resource::<String>::own(rep))
            .map_err(wasmaot_runtime::HostError::other)?;
        assert_eq!(file, "content");
        cx.data().dropped.lock().expect("no panic").push(rep);
        Ok(())
    })
    .expect("a new name");
    host.func_wrap("open", |cx: &mut Context<'_, '_, Files>| {
        cx.data_mut().table.push("content".to_string()).map_err(wasmaot_runtime::HostError::other)
    })
    .expect("a new name");
    host.func_wrap("size", |cx: &mut Context<'_, '_, Files>, file: Resource<String>| {
        assert!(!file.is_owned());
        Ok(cx.data().table.get(&file).map_err(wasmaot_runtime::HostError::other)?.len() as u64)
    })
    .expect("a new name");
    let linked = linked(&linker, wat);
    let pool = pool();
    let mut instance = linked.start(&pool, Files::default()).expect("an instance");
    assert_eq!(instance.call("run", &[]).expect("a size"), Some(Val::U64(7)));
    assert_eq!(*instance.data().dropped.lock().expect("no panic"), [0]);
    assert_eq!(instance.handles(), 0);
    // Handles are kept until there are too many, and go with the instance.
    for kept in 1..=100 {
        assert_eq!(instance.call("keep", &[]).expect("a handle"), Some(Val::U32(kept)));
    }
    assert!(matches!(trap(instance.call("keep", &[])), Trap::Limit { limit: 100, .. }));
    drop(instance);
    let mut instance = linked.start(&pool, Files::default()).expect("an instance");
    assert_eq!(instance.call("keep", &[]).expect("a handle"), Some(Val::U32(1)));
    assert_eq!(trap(instance.call("twice", &[])), Trap::UnknownHandle(2));
    // An instance that trapped is not entered again.
    assert!(trap(instance.call("keep", &[])).to_string().contains("cannot enter component instance"));
}

#[test]
fn resources_of_a_guest_are_owned_by_the_host_once() {
    let wat = "(component
        (core module $d
            (global $dropped (mut i32) (i32.const 0))
            (func (export \"drop\") (param i32) (global.set $dropped (i32.add (global.get $dropped) (local.get 0))))
            (func (export \"dropped\") (result i32) (global.get $dropped)))
        (core instance $d (instantiate $d))
        (type $thing' (resource (rep i32) (dtor (core func $d \"drop\"))))
        (export $thing \"thing\" (type $thing'))
        (core func $new (canon resource.new $thing'))
        (core func $rep (canon resource.rep $thing'))
        (core module $m
            (import \"\" \"new\" (func $new (param i32) (result i32)))
            (import \"\" \"rep\" (func $rep (param i32) (result i32)))
            (func (export \"make\") (param i32) (result i32) (call $new (local.get 0)))
            (func (export \"look\") (param i32) (result i32) (local.get 0))
            (func (export \"take\") (param i32) (result i32) (call $rep (local.get 0))))
        (core instance $i (instantiate $m (with \"\" (instance (export \"new\" (func $new)) (export \"rep\" (func $rep))))))
        (func (export \"make\") (param \"rep\" u32) (result (own $thing)) (canon lift (core func $i \"make\")))
        (func (export \"look\") (param \"t\" (borrow $thing)) (result u32) (canon lift (core func $i \"look\")))
        (func (export \"take\") (param \"t\" (own $thing)) (result u32) (canon lift (core func $i \"take\")))
        (func (export \"dropped\") (result u32) (canon lift (core func $d \"dropped\"))))";
    let linked = linked(&Linker::<()>::new(), wat);
    let mut instance = linked.instantiate(()).expect("an instance");
    let made = instance.call("make", &[Val::U32(50)]).expect("a thing").expect("a thing");
    let Val::Resource(thing) = made else { panic!("{made:?}") };
    assert!(thing.is_owned() && thing.rep().is_none());
    assert_eq!(instance.call("look", std::slice::from_ref(&made)).expect("a number"), Some(Val::U32(50)));
    instance.drop_resource(thing).expect("a destructor");
    assert_eq!(instance.call("dropped", &[]).expect("a sum"), Some(Val::U32(50)));
    assert!(matches!(instance.drop_resource(thing), Err(Error::Trap(Trap::StaleHandle))));
    let other = instance.call("make", &[Val::U32(7)]).expect("a thing").expect("a thing");
    assert_eq!(instance.call("take", std::slice::from_ref(&other)).expect("a number"), Some(Val::U32(7)));
    assert_eq!(trap(instance.call("take", &[other])), Trap::StaleHandle);
}

/// A component that takes a list of numbers, and returns a string that lies where it says.
pub(crate) fn lying(realloc: &str, at: i64, length: i64) -> String {
    format!(
        "(component
            (core module $m
                (memory (export \"memory\") 1)
                (func (export \"realloc\") (param i32 i32 i32 i32) (result i32) {realloc})
                (func (export \"take\") (param i32 i32))
                (func (export \"give\") (result i32)
                    (i32.store (i32.const 8) (i32.const {at})) (i32.store (i32.const 12) (i32.const {length})) (i32.const 8)))
            (core instance $i (instantiate $m))
            (func (export \"take\") (param \"l\" (list u64))
                (canon lift (core func $i \"take\") (memory (core memory $i \"memory\")) (realloc (core func $i \"realloc\"))))
            (func (export \"text\") (result string) (canon lift (core func $i \"give\") (memory (core memory $i \"memory\"))))
            (func (export \"list\") (result (list u64)) (canon lift (core func $i \"give\") (memory (core memory $i \"memory\"))))
            (func (export \"bytes\") (result (list u8)) (canon lift (core func $i \"give\") (memory (core memory $i \"memory\")))))"
    )
}

#[test]
fn pointers_of_the_guest_are_compared_with_its_memory() {
    let call = |wat: &str, name: &str, arguments: &[Val]| {
        let linked = linked(&Linker::<()>::new(), wat);
        trap(linked.instantiate(()).expect("an instance").call(name, arguments))
    };
    let list = [Val::List(vec![Val::U64(1)])];
    assert_eq!(call(&lying("(i32.const 65529)", 0, 0), "take", &list), Trap::ReallocAlignment);
    assert_eq!(call(&lying("(i32.const 65536)", 0, 0), "take", &list), Trap::ReallocBounds);
    assert_eq!(call(&lying("(i32.const -8)", 0, 0), "take", &list), Trap::ReallocBounds);
    let honest = "(i32.const 1024)";
    for (at, length) in [(0, -1), (65536, 1), (-1, 2), (8, 65536)] {
        assert_eq!(call(&lying(honest, at, length), "text", &[]), Trap::Bounds("string"), "{at} {length}");
        assert_eq!(call(&lying(honest, at, length), "bytes", &[]), Trap::Bounds("list"), "{at} {length}");
    }
    assert_eq!(call(&lying(honest, 0, -1), "list", &[]), Trap::Bounds("list"));
    assert_eq!(call(&lying(honest, 4, 1), "list", &[]).to_string(), "unaligned pointer");
    assert_eq!(trap_of_limit(), Trap::Limit { what: "bytes of lifted values of a call", limit: 1000 });
}

/// What becomes of a list that is inside the memory and beyond a limit.
fn trap_of_limit() -> Trap {
    let mut linker = Linker::<()>::new();
    linker.set_limits(Limits { lifted: 1000, ..Limits::default() });
    let linked = linked(&linker, &lying("(i32.const 1024)", 0, 2000));
    trap(linked.instantiate(()).expect("an instance").call("text", &[]))
}

#[test]
fn artifacts_of_components_are_proven() {
    for wat in [joining(), lying("(i32.const 8)", 0, 0)] {
        let artifact = crate::try_compile(&wat).expect("an artifact");
        wasmaot_runtime::Module::from_bytes(&artifact).expect("a proof");
    }
}

#[test]
fn the_artifact_does_not_depend_on_the_number_of_jobs() {
    let wasm = wat::parse_str(joining()).expect("a component");
    let of = |jobs| {
        let options = wasmaot_compiler::Options { jobs, ..wasmaot_tests::options() };
        wasmaot_compiler::compile(&wasm, &options, &|_| {}).expect("an artifact").bytes
    };
    assert!(of(1) == of(3));
}

#[test]
fn start_functions_run_in_the_order_of_instances() {
    // The second instance writes to the memory of the first when its start function has grown it; the third
    // sees both.
    let wat = "(component
        (core module $a (memory (export \"memory\") 0) (func $grow (drop (memory.grow (i32.const 1)))) (start $grow))
        (core instance $a (instantiate $a))
        (core module $b
            (import \"a\" \"memory\" (memory 0))
            (data (i32.const 8) \"\\07\"))
        (core instance $b (instantiate $b (with \"a\" (instance $a))))
        (core module $c
            (import \"a\" \"memory\" (memory 0))
            (global $seen (mut i32) (i32.const 0))
            (func $look (global.set $seen (i32.load8_u (i32.const 8))))
            (start $look)
            (func (export \"seen\") (result i32) (global.get $seen)))
        (core instance $c (instantiate $c (with \"a\" (instance $a))))
        (func (export \"seen\") (result u32) (canon lift (core func $c \"seen\"))))";
    let linked = linked(&Linker::<()>::new(), wat);
    assert_eq!(
        linked.instantiate(()).expect("an instance").call("seen", &[]).expect("it"),
        Some(Val::U32(7))
    );
    let pool = pool();
    for _ in 0..2 {
        let mut instance = linked.start(&pool, ()).expect("an instance");
        assert_eq!(instance.call("seen", &[]).expect("it"), Some(Val::U32(7)));
    }
}
