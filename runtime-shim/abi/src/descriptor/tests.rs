//! Descriptors are read as they were written, and damaged ones without a panic.

use super::*;
use crate::types::{IndexType, Limits};
use alloc::string::ToString;
use alloc::vec;

fn sample() -> Descriptor {
    let limits = Limits { min: 1, max: Some(9) };
    let table = TableType::new(ValType::FUNCREF, limits);
    let memory = MemoryType::new(limits);
    let shared = MemoryType { page_log2: 0, index: IndexType::I64, shared: true, ..memory };
    let import = |name: &str, kind| Import { module: "m".to_string(), name: name.to_string(), kind };
    let zero = ConstExpr {
        ops: vec![ConstOp::I32Const { value: -3 }, ConstOp::I32Const { value: 4 }, ConstOp::I32Add],
    };
    Descriptor {
        producer: "wasmaot 0.0.0".to_string(),
        wasm_features: vec!["multi-value".to_string()],
        places: Places::default(),
        types: vec![FuncType { params: vec![ValType::I32, ValType::V128], results: vec![ValType::F64] }],
        type_groups: vec![1],
        imports: vec![
            import("f", ImportKind::Func { ty: 0 }),
            import("t", ImportKind::Table { ty: table }),
            import("m", ImportKind::Memory { ty: memory }),
            import("wide", ImportKind::Table { ty: TableType { index: IndexType::I64, ..table } }),
            import("shared", ImportKind::Memory { ty: shared }),
        ],
        exports: vec![Export { name: "".to_string(), kind: ExportKind::Func { index: 1 } }],
        entries: vec![FuncEntry { func: 1, ty: 0, tail: 16, array: 48 }],
        tables: vec![Table { ty: table, constant: true, init: None }],
        memories: vec![Memory {
            ty: memory,
            image: vec![ImageRun { address: 4096, file: FileRange { offset: 8192, length: 4096 } }],
        }],
        globals: vec![Global { ty: GlobalType { value: ValType::I32, mutable: true }, init: zero.clone() }],
        data: vec![
            DataSegment { mode: DataMode::InImage, file: FileRange::default() },
            DataSegment { mode: DataMode::Active { memory: 0, offset: zero }, file: FileRange::default() },
        ],
        elems: vec![ElemSegment {
            element: ValType::FUNCREF,
            mode: ElemMode::Passive,
            items: ElemItems::Entries { entries: vec![0] },
        }],
        start: Some(0),
        tags: vec![0],
        exceptions: FileRange { offset: 64, length: 32 },
        meter: Some(FileRange { offset: 96, length: 2 }),
        code: Some(FileRange { offset: 98, length: 16 }),
        component: Some(crate::component::sample()),
        build: Some(BuildRecord {
            input: [3; 32],
            opt: 1,
            native_relaxed_simd: true,
            refused_features: vec!["threads".to_string()],
            left_out_passes: Vec::new(),
        }),
        lines: Some(FileRange { offset: 90, length: 4 }),
        preinit: Some(Preinit { calls: vec!["init".to_string()], ..Preinit::default() }),
        hot_pages: vec![PageRun { first: 1, count: 2 }],
    }
}

fn bytes_of(descriptor: &Descriptor) -> Vec<u8> {
    let mut w = Writer::default();
    descriptor.encode(&mut w);
    w.into_bytes()
}

fn read(bytes: &[u8]) -> Result<Descriptor, DecodeError> {
    Descriptor::decode(&mut Reader::new(bytes))
}

#[test]
fn round_trip() {
    assert_eq!(read(&bytes_of(&sample())), Ok(sample()));
}

#[test]
fn sections_of_a_later_minor_are_skipped() {
    let mut bytes = bytes_of(&sample());
    bytes.extend_from_slice(&999u32.to_le_bytes());
    bytes.extend_from_slice(&3u32.to_le_bytes());
    bytes.extend_from_slice(b"new");
    assert_eq!(read(&bytes), Ok(sample()));
}

#[test]
fn items_are_counted_with_imports_first() {
    let descriptor = sample();
    assert_eq!(descriptor.imported_functions().collect::<Vec<_>>(), [0]);
    let defined: Vec<_> = descriptor.all_tables().map(|(_, defined)| defined).collect();
    assert_eq!(defined, [None, None, Some(&descriptor.tables[0])]);
    let defined: Vec<_> = descriptor.all_memories().map(|(_, defined)| defined).collect();
    assert_eq!(defined, [None, None, Some(&descriptor.memories[0])]);
    let globals: Vec<_> = descriptor.all_globals().collect();
    assert_eq!(globals, [(descriptor.globals[0].ty, Some(&descriptor.globals[0]))]);
    let counts = descriptor.counts();
    assert_eq!((counts.tables, counts.memories, counts.imported_globals), (3, 3, 0));
}

#[test]
fn recursion_groups_stay_inside_the_types() {
    let types = vec![FuncType { params: Vec::new(), results: Vec::new() }; 4];
    let groups = |sizes: &[u32]| {
        let descriptor = Descriptor { types: types.clone(), type_groups: sizes.to_vec(), ..sample() };
        descriptor.recursion_groups().collect::<Vec<_>>()
    };
    assert_eq!(groups(&[3, 1]), [0..3, 3..4]);
    assert_eq!(groups(&[2, 1, u32::MAX, 1]), [0..2, 2..3]);
}

#[test]
fn every_truncation_and_bit_flip_is_read_without_a_panic() {
    let bytes = bytes_of(&sample());
    let mut sample = sample();
    let earlier: [fn(&mut Descriptor); 9] = [
        |sample| sample.hot_pages.clear(),
        |sample| sample.preinit = None,
        |sample| sample.lines = None,
        |sample| sample.build = None,
        |sample| sample.component = None,
        |sample| sample.code = None,
        |sample| sample.meter = None,
        |sample| sample.exceptions = FileRange::default(),
        |sample| sample.tags.clear(),
    ];
    let earlier = earlier.map(|cut| {
        cut(&mut sample);
        sample.clone()
    });
    // Miri takes seconds for each.
    let step = if cfg!(miri) { 61 } else { 1 };
    for end in (0..bytes.len()).step_by(step) {
        // What is missing at the end may be sections that earlier minors did not have.
        if let Ok(found) = read(&bytes[..end]) {
            assert!(earlier.contains(&found));
        }
    }
    for bit in (0..bytes.len() * 8).step_by(step) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        if let Err(error) = read(&flipped) {
            assert!(error.offset <= flipped.len());
        }
    }
}
