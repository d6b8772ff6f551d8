//! Hand-made artifacts, opened, instantiated and run: entering, leaving, traps, host functions, builtins.

pub(crate) mod artifact;
mod steady;

use crate::tests::artifact::{Artifact, DATA, IMAGE, mxcsr, set_mxcsr, trap_offset};
use crate::*;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wasmaot_abi::builtin::Builtin;
use wasmaot_abi::descriptor::{
    self as abi, ConstExpr, ConstOp, DataMode, DataSegment, ElemItems, ElemMode, ElemSegment, ExportKind,
    FileRange, ImageRun, ImportKind,
};
use wasmaot_abi::slot;
use wasmaot_abi::state::StateLayout;

/// Opens an artifact that a test has made, some of them to be refused.
pub(crate) fn load(artifact: &[u8]) -> Result<Module, OpenError> {
    // SAFETY: its code is written in the tests, and does what its descriptor says wherever it is run.
    unsafe { Module::from_bytes_trusted(artifact) }
}

/// Opens a file: one that a test has made, or one that is refused before its code is looked at.
pub(crate) fn open_file(path: impl AsRef<std::path::Path>) -> Result<Module, OpenError> {
    // SAFETY: the code is what the compiler or a test has written, or the file is refused before its code is
    // mapped.
    unsafe { Module::open_trusted(path) }
}

fn open(artifact: Artifact) -> Module {
    load(&artifact.build()).unwrap()
}

pub(crate) fn instantiate<T: 'static>(
    artifact: Artifact,
    linker: &Linker<T>,
    data: T,
) -> (Store<T>, Instance) {
    let mut store = Store::new(data);
    let instance = linker.instantiate(&mut store, &open(artifact)).unwrap();
    (store, instance)
}

fn plain(artifact: Artifact) -> (Store<()>, Instance) {
    instantiate(artifact, &Linker::new(), ())
}

fn with_memory(pages: u64, max: Option<u64>) -> Artifact {
    let mut artifact = Artifact::new(0);
    let ty = MemoryType::new(Limits { min: pages, max });
    artifact.descriptor.memories.push(abi::Memory { ty, image: Vec::new() });
    artifact
}

pub(crate) fn trap_of<R: std::fmt::Debug>(result: Result<R, CallError>) -> Trap {
    match result {
        Err(CallError::Trap(trap)) => trap,
        other => panic!("expected a trap, found {other:?}"),
    }
}

fn names(trap: &Trap) -> Vec<&str> {
    trap.backtrace.iter().filter_map(|frame| frame.name.as_deref()).collect()
}

fn i32_const(value: i32) -> ConstExpr {
    ConstExpr { ops: vec![ConstOp::I32Const { value }] }
}

#[test]
fn a_call_passes_values_both_ways() {
    let (mut store, instance) = plain(Artifact::new(0));
    let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add").unwrap();
    assert_eq!(add.call(&mut store, (40, 2)).unwrap(), 42);
    let results = instance.call(&mut store, "add", &[Val::I32(-3), Val::I32(1)]).unwrap();
    assert_eq!(results, [Val::I32(-2)]);
}

#[test]
fn calls_are_checked() {
    let (mut store, instance) = plain(Artifact::new(0));
    let mut other = Store::new(());
    let error = |result: Result<Vec<Val>, CallError>| result.unwrap_err().to_string();
    assert_eq!(error(instance.call(&mut store, "nothing", &[])), "no export is called \"nothing\"");
    assert_eq!(error(instance.call(&mut store, "add", &[])), "expected 2 argument(s), found 0");
    assert_eq!(
        error(instance.call(&mut store, "add", &[Val::I32(1), Val::I64(1)])),
        "value 1: expected a value of type i32, found i64"
    );
    assert!(matches!(instance.call(&mut other, "add", &[]), Err(CallError::WrongStore(_))));
    assert!(matches!(instance.get_typed_func::<i32, i32>(&store, "add"), Err(ExportError::Type { .. })));
    let add = instance.get_typed_func::<(i32, i32), i32>(&store, "add").unwrap();
    assert!(matches!(add.call(&mut other, (1, 2)), Err(CallError::WrongStore(_))));
}

#[test]
fn traps_name_code_function_and_offset() {
    let (mut store, instance) = plain(Artifact::new(0));
    for _ in 0..3 {
        let trap = trap_of(instance.call(&mut store, "trap", &[]));
        assert_eq!(trap.code, TrapCode::Unreachable);
        assert_eq!(names(&trap), ["trap"]);
        assert_eq!(trap.wasm_offset(), Some(trap_offset()));
        assert_eq!(trap_of(instance.call(&mut store, "null", &[])).code, TrapCode::UninitializedElement);
        let divide = instance.call(&mut store, "divide", &[Val::I32(0)]);
        assert_eq!(trap_of(divide).code, TrapCode::IntegerDivideByZero);
        assert_eq!(instance.call(&mut store, "divide", &[Val::I32(3)]).unwrap(), []);
    }
}

#[test]
fn endless_recursion_is_a_trap_on_any_thread() {
    let (mut store, instance) = plain(Artifact::new(0));
    std::thread::spawn(move || {
        for _ in 0..3 {
            let trap = trap_of(instance.call(&mut store, "recurse", &[]));
            assert_eq!(trap.code, TrapCode::StackOverflow);
            assert_eq!(trap.backtrace.len(), MAX_FRAMES);
            assert!(names(&trap).iter().all(|&name| name == "recurse"));
            assert!(trap.omitted_frames > 1000);
        }
    })
    .join()
    .unwrap();
}

#[test]
fn memory_ends_at_its_length_and_guards_reach_to_the_end_of_the_reservation() {
    let (mut store, instance) = plain(with_memory(1, Some(2)));
    let load = instance.get_typed_func::<i64, i32>(&store, "load").unwrap();
    let end = 65536;
    assert_eq!(load.call(&mut store, end - 4).unwrap(), 0);
    let furthest = (slot::MEMORY_RESERVATION + slot::MAX_ACCESS) as i64;
    for address in [end - 3, end, 2 * end, 1 << 32, furthest - 4] {
        let trap = trap_of(load.call(&mut store, address));
        assert_eq!(trap.code, TrapCode::MemoryOutOfBounds, "at {address:#x}");
        assert_eq!(names(&trap), ["load"]);
    }
}

#[test]
fn the_host_control_word_survives() {
    let (mut store, instance) = plain(Artifact::new(0));
    let flush_to_zero = 0x9fc0 & !0x3f;
    set_mxcsr(flush_to_zero);
    let seen = instance.call(&mut store, "mxcsr", &[]);
    let after = mxcsr();
    let trap = instance.call(&mut store, "trap", &[]);
    let after_trap = mxcsr();
    set_mxcsr(0x1f80);
    assert_eq!(seen.unwrap(), [Val::I32(0x1f80)]);
    assert!(trap.is_err());
    assert_eq!((after, after_trap), (flush_to_zero, flush_to_zero));
}

/// A module that imports `host.f: (i32, i32) -> i32`, and the distance of that import from vmctx.
pub(crate) fn importing() -> (Artifact, Val) {
    let mut artifact = with_memory(1, None);
    let descriptor = &mut artifact.descriptor;
    let with_import = Artifact::new(1).descriptor;
    (descriptor.entries, descriptor.exports) = (with_import.entries, with_import.exports);
    let kind = ImportKind::Func { ty: 0 };
    descriptor.imports.push(abi::Import { module: "host".into(), name: "f".into(), kind });
    let layout = descriptor.state_layout().unwrap();
    (artifact, Val::I32(layout.imported_function(0)))
}

#[test]
fn host_functions_see_their_arguments_data_and_memory() {
    let (artifact, import) = importing();
    let mut linker = Linker::new();
    linker
        .func_wrap("host", "f", |caller: &mut Caller<'_, u32>, a: i32, b: i32| {
            *caller.data_mut() += 1;
            caller.write(16, &a.to_le_bytes())?;
            let memory = caller.memory()?.data(caller)?;
            let outside = memory.read_u8(65536);
            assert!(matches!(
                outside,
                Err(MemoryError::OutOfBounds { address: 65536, length: 1, size: 65536 })
            ));
            Ok(memory.read_u32(16)? as i32 * b)
        })
        .unwrap();
    let (mut store, instance) = instantiate(artifact, &linker, 0);
    let results = instance.call(&mut store, "import", &[import, Val::I32(6), Val::I32(7)]).unwrap();
    assert_eq!(results, [Val::I32(42)]);
    assert_eq!(*store.data(), 1);
}

#[test]
fn dynamic_host_functions_are_checked() {
    let (artifact, import) = importing();
    let ty = artifact.descriptor.types[0].clone();
    let mut linker = Linker::new();
    linker
        .func_new("host", "f", ty, |_, params, results| {
            results[0] = if params[0] == Val::I32(0) { Val::I64(0) } else { params[1] };
            Ok(())
        })
        .unwrap();
    let (mut store, instance) = instantiate(artifact, &linker, ());
    let mut call = |a| instance.call(&mut store, "import", &[import, Val::I32(a), Val::I32(7)]);
    assert_eq!(call(1).unwrap(), [Val::I32(7)]);
    let error = call(0).unwrap_err();
    assert!(matches!(error, CallError::Value { position: 0, .. }), "{error:?}");
}

#[test]
fn host_functions_end_their_caller_in_every_way() {
    let (artifact, import) = importing();
    let mut linker = Linker::new();
    linker
        .func_wrap("host", "f", |_: &mut Caller<'_, ()>, a: i32, _: i32| -> Result<i32, HostError> {
            match a {
                0 => Err(HostError::Exit(3)),
                1 => Err(HostError::Trap(TrapCode::IntegerOverflow)),
                2 => Err(HostError::other("broken")),
                3 => panic!("from the host function"),
                other => Ok(other),
            }
        })
        .unwrap();
    let (mut store, instance) = instantiate(artifact, &linker, ());
    let mut call = |a| instance.call(&mut store, "import", &[import, Val::I32(a), Val::I32(0)]);
    assert!(matches!(call(0), Err(CallError::Exit(3))));
    let trap = trap_of(call(1));
    assert_eq!((trap.code, &names(&trap)[..]), (TrapCode::IntegerOverflow, &["import"][..]));
    assert!(matches!(call(2), Err(CallError::Host(error)) if error.to_string() == "broken"));
    let panic = catch_unwind(AssertUnwindSafe(|| call(3))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"from the host function"));
    assert_eq!(call(9).unwrap(), [Val::I32(9)]);
}

/// `f` calls back into the instance that called it, `b` levels deep.
fn recursive_linker() -> Linker<Val> {
    let mut linker = Linker::new();
    linker
        .func_wrap("host", "f", |caller: &mut Caller<'_, Val>, a: i32, b: i32| -> Result<i32, HostError> {
            if b == 0 {
                return Ok(caller.call("add", &[Val::I32(a), Val::I32(1)]).map(|_| a)?);
            }
            let import = *caller.data();
            let results = caller.call("import", &[import, Val::I32(a + 1), Val::I32(b - 1)])?;
            match results[..] {
                [Val::I32(value)] => Ok(value),
                _ => Err(HostError::other("not an i32")),
            }
        })
        .unwrap();
    linker
}

#[test]
fn host_functions_call_back() {
    let (artifact, import) = importing();
    let (mut store, instance) = instantiate(artifact, &recursive_linker(), import);
    let results = instance.call(&mut store, "import", &[import, Val::I32(0), Val::I32(100)]).unwrap();
    assert_eq!(results, [Val::I32(100)]);
}

#[test]
fn deep_recursion_through_the_host_is_a_trap() {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(|| {
            let (artifact, import) = importing();
            let (mut store, instance) = instantiate(artifact, &recursive_linker(), import);
            for _ in 0..2 {
                let args = [import, Val::I32(0), Val::I32(i32::MAX)];
                assert_eq!(trap_of(instance.call(&mut store, "import", &args)).code, TrapCode::StackOverflow);
                let results =
                    instance.call(&mut store, "import", &[import, Val::I32(0), Val::I32(3)]).unwrap();
                assert_eq!(results, [Val::I32(3)]);
            }
        })
        .unwrap()
        .join()
        .unwrap();
}

/// Calls a builtin through compiled code.
fn builtin(
    store: &mut Store<()>,
    instance: Instance,
    layout: StateLayout,
    builtin: Builtin,
    args: &[u64],
) -> Result<u64, CallError> {
    let mut values = vec![Val::I32(layout.builtins()), Val::I32(builtin.offset())];
    values.extend((0..5).map(|i| Val::I64(args.get(i).copied().unwrap_or(0) as i64)));
    match instance.call(store, "builtin", &values)?[..] {
        [Val::I64(value)] => Ok(value as u64),
        _ => unreachable!("the guest function has one result"),
    }
}

#[test]
fn memory_builtins() {
    let mut artifact = with_memory(1, Some(3));
    artifact.data = b"passive segment".to_vec();
    let file = FileRange { offset: DATA, length: 15 };
    artifact.descriptor.data.push(DataSegment { mode: DataMode::Passive, file });
    artifact
        .descriptor
        .exports
        .push(abi::Export { name: "memory".into(), kind: ExportKind::Memory { index: 0 } });
    let layout = artifact.descriptor.state_layout().unwrap();
    let (mut store, instance) = plain(artifact);
    let memory = instance.get_memory(&store, "memory").unwrap();
    let mut run = |which, args: &[u64]| builtin(&mut store, instance, layout, which, args);
    let code = |result| trap_of(result).code;

    assert_eq!(run(Builtin::MemoryGrow, &[0, 1]).unwrap(), 1);
    assert_eq!(run(Builtin::MemoryGrow, &[0, 2]).unwrap(), u64::MAX);
    run(Builtin::MemoryFill, &[0, 65536, 0x2a, 65536]).unwrap();
    let trap = trap_of(run(Builtin::MemoryFill, &[0, 65536, 0x2a, 65537]));
    assert_eq!((trap.code, &names(&trap)[..]), (TrapCode::MemoryOutOfBounds, &["builtin"][..]));
    run(Builtin::MemoryInit, &[0, 0, 100, 8, 7]).unwrap();
    run(Builtin::MemoryCopy, &[0, 0, 102, 100, 7]).unwrap();
    assert_eq!(code(run(Builtin::MemoryCopy, &[0, 0, 0, 131070, 3])), TrapCode::MemoryOutOfBounds);
    assert_eq!(code(run(Builtin::MemoryInit, &[0, 0, 0, 9, 7])), TrapCode::MemoryOutOfBounds);
    run(Builtin::DataDrop, &[0]).unwrap();
    run(Builtin::MemoryInit, &[0, 0, 0, 0, 0]).unwrap();
    assert_eq!(code(run(Builtin::MemoryInit, &[0, 0, 0, 0, 1])), TrapCode::MemoryOutOfBounds);

    let mut bytes = [0; 9];
    memory.read(&store, 100, &mut bytes).unwrap();
    assert_eq!(&bytes, b"sesegment");
    memory.read(&store, 131063, &mut bytes).unwrap();
    assert_eq!(bytes, [0x2a; 9]);
    assert!(memory.read(&store, 131064, &mut bytes).is_err());
    assert_eq!(memory.data_size(&store), Ok(131072));
}

#[test]
fn addresses_may_have_64_bits() {
    const HIGH: u64 = 1 << 32;
    let mut artifact = Artifact::new(0);
    let limits = Limits { min: 65537, max: Some(65537) };
    let ty = MemoryType { index: IndexType::I64, ..MemoryType::new(limits) };
    artifact.descriptor.memories.push(abi::Memory { ty, image: Vec::new() });
    let module = open(artifact);
    let mut store = Store::new(());
    // By default a memory has at most what 32 bits address.
    assert!(Linker::new().instantiate(&mut store, &module).is_err());
    store.set_limits(ResourceLimits { memory: 2 * HIGH, ..ResourceLimits::default() }).unwrap();
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    let mut bytes = [0; 4];
    instance.write(&mut store, HIGH - 2, b"wide").unwrap();
    instance.read(&store, HIGH, &mut bytes).unwrap();
    assert_eq!(&bytes, b"de\0\0");
    // Not what lies 4 GiB below.
    instance.read(&store, 0_u64, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 4]);
    let outside = MemoryError::OutOfBounds { address: HIGH + 0xfffd, length: 4, size: HIGH + 0x10000 };
    assert_eq!(instance.read(&store, HIGH + 0xfffd, &mut bytes), Err(outside));
    assert!(instance.write(&mut store, -1_i64, b"x").is_err());
}

#[test]
fn table_builtins() {
    let mut artifact = Artifact::new(0);
    let ty = TableType::new(ValType::FUNCREF, Limits { min: 4, max: Some(10) });
    artifact.descriptor.tables.push(abi::Table { ty, constant: false, init: None });
    artifact
        .descriptor
        .exports
        .push(abi::Export { name: "table".into(), kind: ExportKind::Table { index: 0 } });
    let items = ElemItems::Entries { entries: vec![0, 1] };
    let active = ElemMode::Active { table: 0, offset: i32_const(1) };
    for mode in [active, ElemMode::Passive] {
        let items = items.clone();
        artifact.descriptor.elems.push(ElemSegment { element: ValType::FUNCREF, mode, items });
    }
    let layout = artifact.descriptor.state_layout().unwrap();
    let (mut store, instance) = plain(artifact);
    let table = instance.get_table(&store, "table").unwrap();
    let func = |store: &Store<()>, name| instance.get_func(store, name);
    let (add, trap) = (func(&store, "add"), func(&store, "trap"));
    let elements = |store: &Store<()>| -> Vec<Val> {
        (0..table.size(store).unwrap()).map(|index| table.get(store, index).unwrap()).collect()
    };
    let null = Val::FuncRef(None);
    let (add_ref, trap_ref) = (Val::FuncRef(add.ok()), Val::FuncRef(trap.ok()));
    assert_eq!(elements(&store), [null, add_ref, trap_ref, null]);
    let run = |store: &mut Store<()>, which, args: &[u64]| builtin(store, instance, layout, which, args);
    run(&mut store, Builtin::TableCopy, &[0, 0, 2, 1, 2]).unwrap();
    assert_eq!(elements(&store), [null, add_ref, add_ref, trap_ref]);
    run(&mut store, Builtin::TableInit, &[0, 1, 0, 1, 1]).unwrap();
    assert_eq!(elements(&store), [trap_ref, add_ref, add_ref, trap_ref]);
    run(&mut store, Builtin::ElemDrop, &[1]).unwrap();
    for (which, args) in [
        (Builtin::TableInit, &[0, 1, 0, 0, 1][..]),
        (Builtin::TableInit, &[0, 0, 0, 0, 1]), // active segments are dropped
        (Builtin::TableCopy, &[0, 0, 3, 0, 2]),
        (Builtin::TableFill, &[0, 4, 0, 1]),
    ] {
        assert_eq!(trap_of(run(&mut store, which, args)).code, TrapCode::TableOutOfBounds);
    }
    assert_eq!(run(&mut store, Builtin::TableGrow, &[0, 0, 6]).unwrap(), 4);
    assert_eq!(run(&mut store, Builtin::TableGrow, &[0, 0, 1]).unwrap(), u64::MAX);
    run(&mut store, Builtin::TableFill, &[0, 0, 0, 10]).unwrap();
    assert_eq!(elements(&store), [null; 10]);
    let foreign = plain(Artifact::new(0));
    let func = foreign.1.get_func(&foreign.0, "add");
    let error = table.set(&mut store, 0, Val::FuncRef(func.ok())).unwrap_err();
    assert_eq!(error, TableError::Value(ValueError::WrongStore(WrongStore::Other)));
}

#[test]
fn images_data_and_globals_are_in_place_at_the_start() {
    let mut artifact = with_memory(1, None);
    artifact.image = [[7u8; 4096], [8; 4096]].concat();
    let file = FileRange { offset: IMAGE, length: 8192 };
    artifact.descriptor.memories[0].image = vec![ImageRun { address: 4096, file }];
    artifact.data = b"active".to_vec();
    let file = FileRange { offset: DATA + 1, length: 5 };
    let mode = DataMode::Active { memory: 0, offset: i32_const(5000) };
    artifact.descriptor.data.push(DataSegment { mode, file });
    let ty = GlobalType { value: ValType::I64, mutable: true };
    let init = ConstExpr { ops: vec![ConstOp::I64Const { value: -5 }] };
    artifact.descriptor.globals.push(abi::Global { ty, init });
    artifact.descriptor.exports.extend([
        abi::Export { name: "memory".into(), kind: ExportKind::Memory { index: 0 } },
        abi::Export { name: "global".into(), kind: ExportKind::Global { index: 0 } },
    ]);
    let (mut store, instance) = plain(artifact);
    let memory = instance.get_memory(&store, "memory").unwrap();
    let mut bytes = [0; 3];
    for (address, expected) in
        [(4094, [0, 0, 7]), (4999, *b"\x07ct"), (5004, *b"e\x07\x07"), (8190, [7, 7, 8]), (12286, [8, 8, 0])]
    {
        memory.read(&store, address, &mut bytes).unwrap();
        assert_eq!(bytes, expected, "at {address}");
    }
    let global = instance.get_global(&store, "global").unwrap();
    assert_eq!(global.get(&store).unwrap(), Val::I64(-5));
    global.set(&mut store, Val::I64(6)).unwrap();
    assert_eq!(global.get(&store).unwrap(), Val::I64(6));
}

#[test]
fn a_file_truncated_while_mapped_is_a_trap_and_an_error() {
    let mut artifact = with_memory(1, None);
    artifact.image = vec![7; 8192];
    let file = FileRange { offset: IMAGE, length: 8192 };
    artifact.descriptor.memories[0].image = vec![ImageRun { address: 0, file }];
    artifact
        .descriptor
        .exports
        .push(abi::Export { name: "memory".into(), kind: ExportKind::Memory { index: 0 } });
    let layout = artifact.descriptor.state_layout().unwrap();
    let path = std::env::temp_dir().join(format!("wasmaot-runtime-test-{}.so", std::process::id()));
    std::fs::write(&path, artifact.build()).unwrap();
    let module = open_file(&path).unwrap();
    let mut store = Store::new(());
    let instance = Linker::new().instantiate(&mut store, &module).unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_len(IMAGE + 4096).unwrap();
    std::fs::remove_file(&path).unwrap();

    let load = instance.get_typed_func::<i64, i32>(&store, "load").unwrap();
    assert_eq!(load.call(&mut store, 4092).unwrap(), 0x0707_0707);
    assert_eq!(trap_of(load.call(&mut store, 4096)).code, TrapCode::ArtifactChanged);
    let fill = builtin(&mut store, instance, layout, Builtin::MemoryFill, &[0, 4000, 1, 200]);
    assert_eq!(trap_of(fill).code, TrapCode::ArtifactChanged);
    let memory = instance.get_memory(&store, "memory").unwrap();
    let mut bytes = [0; 200];
    assert_eq!(memory.read(&store, 4000, &mut bytes), Err(MemoryError::ArtifactChanged));
    assert_eq!(memory.write(&mut store, 4000, &bytes), Err(MemoryError::ArtifactChanged));
}

#[test]
fn unresolved_imports_are_listed_together() {
    let (mut artifact, _) = importing();
    let kind = ImportKind::Global { ty: GlobalType { value: ValType::F64, mutable: true } };
    artifact.descriptor.imports.push(abi::Import { module: "env".into(), name: "g".into(), kind });
    let module = open(artifact);
    let mut store = Store::new(());
    let error = Linker::new().instantiate(&mut store, &module).unwrap_err();
    assert_eq!(
        error.to_string(),
        "2 unresolved imports:\n  \"host\" \"f\": function (i32, i32) -> (i32)\n  \"env\" \"g\": mutable global f64"
    );
    let mut linker = Linker::new();
    linker.func_wrap("host", "f", |_: &mut Caller<'_, ()>, a: i64| a).unwrap();
    linker.func_wrap("env", "g", |_: &mut Caller<'_, ()>| ()).unwrap();
    let error = linker.instantiate(&mut store, &module).unwrap_err();
    assert!(matches!(error, InstantiateError::Incompatible { .. }), "{error}");
    let error = linker.func_wrap("env", "g", |_: &mut Caller<'_, ()>| ()).err();
    assert!(matches!(error, Some(LinkError::Duplicate { .. })));
}

#[test]
fn instances_import_from_each_other() {
    let mut store = Store::new(());
    let mut linker = Linker::new();
    let exporter = linker.instantiate(&mut store, &open(with_memory(1, None))).unwrap();
    let add = exporter.get_export(&store, "add").unwrap();
    linker.define("host", "f", add).unwrap();
    let (artifact, import) = importing();
    let importer = linker.instantiate(&mut store, &open(artifact.clone())).unwrap();
    let results = importer.call(&mut store, "import", &[import, Val::I32(30), Val::I32(12)]).unwrap();
    assert_eq!(results, [Val::I32(42)]);

    let mut other = Store::new(());
    let error = linker.instantiate(&mut other, &open(artifact)).unwrap_err();
    assert!(matches!(error, InstantiateError::WrongStore { .. }), "{error}");
    assert!(matches!(linker.instance(&other, "x", exporter).err(), Some(LinkError::WrongStore(_))));
}

#[test]
fn segments_that_do_not_fit_trap() {
    let mut artifact = with_memory(1, None);
    artifact.data = b"x".to_vec();
    let file = FileRange { offset: DATA, length: 1 };
    let mode = DataMode::Active { memory: 0, offset: i32_const(65536) };
    artifact.descriptor.data.push(DataSegment { mode, file });
    let error = Linker::new().instantiate(&mut Store::new(()), &open(artifact)).unwrap_err();
    assert_eq!(error.trap().map(|trap| trap.code), Some(TrapCode::MemoryOutOfBounds));
}

#[test]
fn the_start_function_runs_and_may_trap() {
    let mut artifact = Artifact::new(0);
    artifact.descriptor.start = Some(1);
    let error = Linker::new().instantiate(&mut Store::new(()), &open(artifact)).unwrap_err();
    assert_eq!(error.trap().map(|trap| trap.code), Some(TrapCode::Unreachable));
}

#[test]
fn addresses_are_given_back() {
    const RUNS: usize = 200;
    let count = || std::fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    let run = || {
        let (mut store, instance) = plain(with_memory(1, None));
        instance.call(&mut store, "add", &[Val::I32(1), Val::I32(1)]).unwrap();
    };
    run();
    let grown = || {
        let before = count();
        (0..RUNS).for_each(|_| run());
        count().saturating_sub(before)
    };
    // Other tests run meanwhile, but hardly take that many each time.
    assert!((0..10).any(|_| grown() < RUNS), "each run leaves mappings behind");
}

#[test]
fn host_made_definitions_are_checked_and_work() {
    let mut store = Store::new(());
    let limits = Limits { min: 1, max: Some(1 << 40) };
    let memory = Memory::new(&mut store, MemoryType::new(limits)).unwrap();
    assert_eq!(memory.grow(&mut store, 65536), Err(MemoryError::Grow { pages: 65536 }));
    assert_eq!(memory.grow(&mut store, 1), Ok(1));
    assert_eq!(memory.size(&store), Ok(2));
    memory.write(&mut store, 131068, &[1, 2, 3, 4]).unwrap();
    for limits in [Limits { min: 65537, max: None }, Limits { min: 2, max: Some(1) }] {
        assert!(Memory::new(&mut store, MemoryType::new(limits)).is_err());
    }

    let ty = |min, max| TableType::new(ValType::EXTERNREF, Limits { min, max });
    let table = Table::new(&mut store, ty(2, None), Val::ExternRef(Some(0))).unwrap();
    assert_eq!(table.get(&store, 1), Ok(Val::ExternRef(Some(0))));
    assert_eq!(table.get(&store, 2), Err(TableError::OutOfBounds { index: 2, length: 2 }));
    assert_eq!(table.grow(&mut store, 1, Val::ExternRef(None)), Ok(2));
    assert_eq!(table.get(&store, 2), Ok(Val::ExternRef(None)));
    let too_large = table.set(&mut store, 0, Val::ExternRef(Some(u32::MAX)));
    assert_eq!(too_large, Err(TableError::Value(ValueError::ExternRef)));
    assert!(Table::new(&mut store, ty(2, Some(1)), Val::ExternRef(None)).is_err());
    assert!(Table::new(&mut store, ty(u64::MAX, None), Val::ExternRef(None)).is_err());
    assert!(Table::new(&mut store, ty(0, None), Val::FuncRef(None)).is_err());

    let ty = GlobalType { value: ValType::F32, mutable: false };
    let global = Global::new(&mut store, ty, Val::from(1.5f32)).unwrap();
    assert_eq!(global.get(&store), Ok(Val::from(1.5f32)));
    assert_eq!(global.set(&mut store, Val::from(2f32)), Err(GlobalError::Immutable(ValType::F32)));

    let mut other = Store::new(());
    assert_eq!(memory.size(&other), Err(WrongStore::Other));
    assert_eq!(memory.grow(&mut other, 1), Err(MemoryError::WrongStore(WrongStore::Other)));
    assert_eq!(table.get(&other, 0), Err(TableError::WrongStore(WrongStore::Other)));
    assert_eq!(global.set(&mut other, Val::from(2f32)), Err(GlobalError::WrongStore(WrongStore::Other)));
}

#[test]
fn what_may_cross_threads_can() {
    fn send<X: Send>() {}
    fn sync<X: Send + Sync>() {}
    sync::<Module>();
    sync::<Linker<std::cell::Cell<u8>>>();
    send::<Store<std::cell::Cell<u8>>>();
    sync::<(Instance, Func, Table, Memory, Global, TypedFunc<i32, i32>)>();
    sync::<(Trap, OpenError, LinkError)>();
    sync::<(CallError, InstantiateError, HostError)>();
}

/// Replaces a writable page by the kernel's page of zeros.
///
/// # Safety
/// The address is that of a mapped page, whose contents are not needed.
pub(crate) unsafe fn replace_by_zeros(page: usize) {
    let page = page as *mut libc::c_void;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED;
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: the page is mapped and its contents are not needed, as the caller says, so that another takes
    // its place.
    unsafe {
        assert_eq!(libc::mmap(page, 4096, access, flags, -1, 0), page);
        assert_eq!(page.cast::<u8>().read_volatile(), 0);
    }
}
