//! Artifacts for tests, without a compiler: guest code written in assembly, in an ELF file written by hand.
//!
//! Guest functions are array entries: `rdi` vmctx, `rsi` values, `rdx` caller.

use std::arch::global_asm;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use wasmaot_abi::addrmap::{self, FunctionRange};
use wasmaot_abi::descriptor::{Descriptor, Export, ExportKind, FileRange, FuncEntry, Places};
use wasmaot_abi::exception::{self, Site};
use wasmaot_abi::header::Header;
use wasmaot_abi::trap::{self, TrapCode};
use wasmaot_abi::types::{FuncType, ValType};
use wasmaot_abi::version::{ABI_MAJOR, ABI_MINOR, TAIL_CONVENTION};
use wasmaot_abi::wire::{Encode, Writer};

/// What may be done with the page at an address, in the kernel's letters, such as `r--p`.
pub(crate) fn permissions(address: usize) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let parse = |text| usize::from_str_radix(text, 16).unwrap();
        (parse(start)..parse(end)).contains(&address).then(|| rest[..4].to_string())
    })
}

global_asm!(
    ".pushsection .rodata.wasmaot_test_guest,\"a\",@progbits",
    ".globl wasmaot_test_guest_start",
    "wasmaot_test_guest_start:",
    // add: (i32, i32) -> i32
    ".globl wasmaot_test_add",
    "wasmaot_test_add:",
    "mov eax, [rsi]",
    "add eax, [rsi + 16]",
    "mov [rsi], eax",
    "ret",
    // trap: clobbers every callee-saved register, then an invalid instruction
    ".globl wasmaot_test_trap",
    "wasmaot_test_trap:",
    "push rbp",
    "mov rbp, rsp",
    "xor ebx, ebx",
    "xor r12d, r12d",
    "xor r13d, r13d",
    "xor r14d, r14d",
    "xor r15d, r15d",
    ".globl wasmaot_test_trap_site",
    "wasmaot_test_trap_site:",
    "ud2",
    // null: a load through null
    ".globl wasmaot_test_null",
    "wasmaot_test_null:",
    "push rbp",
    "mov rbp, rsp",
    "xor eax, eax",
    ".globl wasmaot_test_null_site",
    "wasmaot_test_null_site:",
    "mov eax, [rax + 16]",
    "ud2",
    // divide: i32 -> ()
    ".globl wasmaot_test_divide",
    "wasmaot_test_divide:",
    "push rbp",
    "mov rbp, rsp",
    "xor eax, eax",
    "cdq",
    ".globl wasmaot_test_divide_site",
    "wasmaot_test_divide_site:",
    "idiv dword ptr [rsi]",
    "pop rbp",
    "ret",
    // recurse: without end
    ".globl wasmaot_test_recurse",
    "wasmaot_test_recurse:",
    "push rbp",
    "mov rbp, rsp",
    "sub rsp, 32",
    "call wasmaot_test_recurse",
    "add rsp, 32",
    "pop rbp",
    "ret",
    // load: i64 -> i32, at any distance from vmctx
    ".globl wasmaot_test_load",
    "wasmaot_test_load:",
    "push rbp",
    "mov rbp, rsp",
    "mov rax, [rsi]",
    "mov eax, [rdi + rax]",
    "mov [rsi], eax",
    "pop rbp",
    "ret",
    // store: (i64, i32) -> ()
    ".globl wasmaot_test_store",
    "wasmaot_test_store:",
    "mov rax, [rsi]",
    "mov ecx, [rsi + 16]",
    "mov [rdi + rax], ecx",
    "ret",
    // import: (i32, ...) -> ..., calls the imported function at the distance in the first cell with the cells
    // behind it
    ".globl wasmaot_test_import",
    "wasmaot_test_import:",
    "push rbp",
    "mov rbp, rsp",
    "movsxd rax, dword ptr [rsi]",
    "add rsi, 16",
    "mov rdx, rdi",
    "mov rcx, [rdi + rax]",
    "mov rdi, [rdi + rax + 8]",
    "push rsi",
    "sub rsp, 8",
    "call rcx",
    "add rsp, 8",
    "pop rsi",
    "movups xmm0, [rsi]",
    "movups [rsi - 16], xmm0",
    "pop rbp",
    "ret",
    // builtin: (i32 distance of the table, i32 offset in it, i64 x 5) -> i64
    ".globl wasmaot_test_builtin",
    "wasmaot_test_builtin:",
    "push rbp",
    "mov rbp, rsp",
    "push rsi",
    "sub rsp, 8",
    "movsxd rax, dword ptr [rsi]",
    "mov rax, [rdi + rax]",
    "movsxd rcx, dword ptr [rsi + 16]",
    "mov rax, [rax + rcx]",
    "mov r10, rsi",
    "mov rsi, [r10 + 32]",
    "mov rdx, [r10 + 48]",
    "mov rcx, [r10 + 64]",
    "mov r8, [r10 + 80]",
    "mov r9, [r10 + 96]",
    "call rax",
    "add rsp, 8",
    "pop rsi",
    "mov [rsi], rax",
    "pop rbp",
    "ret",
    // mxcsr: () -> i32
    ".globl wasmaot_test_mxcsr",
    "wasmaot_test_mxcsr:",
    "stmxcsr [rsi]",
    "ret",
    ".globl wasmaot_test_guest_end",
    "wasmaot_test_guest_end:",
    ".popsection",
);

macro_rules! labels {
    ($($name:ident = $symbol:literal;)*) => {
        unsafe extern "C" {
            $(#[link_name = $symbol] safe static $name: u8;)*
        }
    };
}

labels! {
    GUEST_START = "wasmaot_test_guest_start";
    GUEST_END = "wasmaot_test_guest_end";
    ADD = "wasmaot_test_add";
    TRAP = "wasmaot_test_trap";
    TRAP_SITE = "wasmaot_test_trap_site";
    NULL = "wasmaot_test_null";
    NULL_SITE = "wasmaot_test_null_site";
    DIVIDE = "wasmaot_test_divide";
    DIVIDE_SITE = "wasmaot_test_divide_site";
    RECURSE = "wasmaot_test_recurse";
    LOAD = "wasmaot_test_load";
    STORE = "wasmaot_test_store";
    IMPORT = "wasmaot_test_import";
    BUILTIN = "wasmaot_test_builtin";
    MXCSR = "wasmaot_test_mxcsr";
}

fn offset(label: &'static u8) -> u32 {
    (&raw const *label as usize - &raw const GUEST_START as usize) as u32
}

fn text() -> &'static [u8] {
    let length = offset(&GUEST_END) as usize;
    // SAFETY: everything between the two labels is read-only data of this test binary.
    unsafe { std::slice::from_raw_parts(&raw const GUEST_START, length) }
}

/// An artifact to be.
#[derive(Clone)]
pub(crate) struct Artifact {
    pub(crate) descriptor: Descriptor,
    pub(crate) header: Header,
    /// Of its exception table.
    pub(crate) exceptions: Vec<Site>,
    /// Bytes of data segments, at [`DATA`] in the file.
    pub(crate) data: Vec<u8>,
    /// Bytes of images, at [`IMAGE`] in the file.
    pub(crate) image: Vec<u8>,
    /// Entries of the dynamic section.
    pub(crate) dynamic: Vec<(u64, u64)>,
    /// Flags of the segment that holds the code.
    pub(crate) text_flags: u32,
    /// More program headers, by type and flags.
    pub(crate) segments: Vec<(u32, u32)>,
}

/// File offset of the text.
pub(crate) const TEXT: u64 = 0x4000;
/// File offset of the dynamic section.
const DYNAMIC: u64 = 0x5000;
/// File offset of the images.
pub(crate) const IMAGE: u64 = 0x6000;
/// File offset of the data; always a page of its own.
pub(crate) const DATA: u64 = 0x8000;
/// File offset of the maps and section headers.
const TAIL: u64 = 0x9000;

/// Guest functions with their types, in the order of their function indices (behind the imports).
fn functions() -> Vec<(&'static str, u32, FuncType)> {
    use ValType::{I32, I64};
    let ty =
        |params: &[ValType], results: &[ValType]| FuncType { params: params.into(), results: results.into() };
    vec![
        ("add", offset(&ADD), ty(&[I32, I32], &[I32])),
        ("trap", offset(&TRAP), ty(&[], &[])),
        ("null", offset(&NULL), ty(&[], &[])),
        ("divide", offset(&DIVIDE), ty(&[I32], &[])),
        ("recurse", offset(&RECURSE), ty(&[], &[])),
        ("load", offset(&LOAD), ty(&[I64], &[I32])),
        ("store", offset(&STORE), ty(&[I64, I32], &[])),
        ("import", offset(&IMPORT), ty(&[I32, I32, I32], &[I32])),
        ("builtin", offset(&BUILTIN), ty(&[I32, I32, I64, I64, I64, I64, I64], &[I64])),
        ("mxcsr", offset(&MXCSR), ty(&[], &[I32])),
    ]
}

impl Artifact {
    /// A module that exports all guest functions, after `imported` imported functions.
    pub(crate) fn new(imported: u32) -> Self {
        let functions = functions();
        let mut descriptor = Descriptor {
            producer: "test".to_string(),
            places: Places {
                text: FileRange { offset: TEXT, length: text().len() as u64 },
                ..Places::default()
            },
            ..Descriptor::default()
        };
        for (func, (name, code, ty)) in (imported..).zip(functions) {
            let known = descriptor.types.iter().position(|other| *other == ty);
            let index = known.unwrap_or_else(|| {
                descriptor.types.push(ty);
                descriptor.type_groups.push(1);
                descriptor.types.len() - 1
            });
            descriptor
                .exports
                .push(Export { name: name.to_string(), kind: ExportKind::Func { index: func } });
            descriptor.entries.push(FuncEntry { func, ty: index as u32, tail: code, array: code });
        }
        let header = Header {
            major: ABI_MAJOR,
            minor: ABI_MINOR,
            convention: TAIL_CONVENTION,
            cpu_features: 0,
            file_size: 0,
            checksum: 0,
            descriptor_size: 0,
        };
        let dynamic = vec![(0, 0)];
        let (data, image) = (Vec::new(), Vec::new());
        Self {
            descriptor,
            header,
            exceptions: Vec::new(),
            data,
            image,
            dynamic,
            text_flags: 5,
            segments: Vec::new(),
        }
    }

    /// The file, with sizes and checksum filled in.
    pub(crate) fn build(mut self) -> Vec<u8> {
        let mut file = File::default();
        let traps = trap::write_table(&[
            (offset(&TRAP_SITE), TrapCode::Unreachable),
            (offset(&NULL_SITE), TrapCode::UninitializedElement),
            (offset(&DIVIDE_SITE), TrapCode::IntegerDivideByZero),
        ]);
        let places = &mut self.descriptor.places;
        places.data = FileRange { offset: DATA, length: self.data.len() as u64 };
        let mut tail = TAIL;
        for (place, bytes) in [
            (&mut places.traps, traps),
            (&mut self.descriptor.exceptions, exception::write_exception_table(&self.exceptions)),
            (&mut places.address_map, address_map()),
            (&mut places.function_map, function_map(&self.descriptor.entries)),
        ] {
            *place = FileRange { offset: tail, length: bytes.len() as u64 };
            file.put(tail, &bytes);
            tail += bytes.len() as u64;
        }
        file.put(TEXT, text());
        file.put(IMAGE, &self.image);
        file.put(DATA, &self.data);
        for (index, (tag, value)) in self.dynamic.iter().enumerate() {
            file.put(DYNAMIC + index as u64 * 16, &[tag.to_le_bytes(), value.to_le_bytes()].concat());
        }
        let module = 0x400;
        let module_size = self.put_module(&mut file, module);
        self.put_headers(&mut file, tail.next_multiple_of(8), module, module_size);
        let size = file.0.len() as u64;
        file.put(module + 24, &size.to_le_bytes());
        reseal(&mut file.0);
        file.0
    }

    fn put_module(&mut self, file: &mut File, at: u64) -> u64 {
        let mut w = Writer::default();
        self.descriptor.encode(&mut w);
        let bytes = w.into_bytes();
        assert!(at + Header::SIZE as u64 + (bytes.len() as u64) < TEXT, "the descriptor is too large");
        self.header.descriptor_size = bytes.len() as u32;
        file.put(at, &self.header.to_bytes());
        file.put(at + Header::SIZE as u64, &bytes);
        (Header::SIZE + bytes.len()) as u64
    }

    fn put_headers(&self, file: &mut File, sections: u64, module: u64, module_size: u64) {
        let mut segments = vec![
            (1u32, 4u32, 0, module + module_size),
            (1, self.text_flags, TEXT, text().len() as u64),
            (1, 6, DYNAMIC, self.dynamic.len() as u64 * 16),
            (2, 6, DYNAMIC, self.dynamic.len() as u64 * 16),
        ];
        segments.extend(self.segments.iter().map(|&(kind, flags)| (kind, flags, 0, 0)));
        for (index, &(kind, flags, offset, length)) in segments.iter().enumerate() {
            let mut header = [kind.to_le_bytes(), flags.to_le_bytes()].concat();
            for word in [offset, offset, offset, length, length, 4096] {
                header.extend(word.to_le_bytes());
            }
            file.put(64 + index as u64 * 56, &header);
        }
        let names = b"\0.wasmaot.module\0.shstrtab\0";
        let names_at = sections + 3 * 64;
        for (index, (name, kind, offset, length)) in
            [(0u32, 0u32, 0, 0), (1, 1, module, module_size), (17, 3, names_at, names.len() as u64)]
                .iter()
                .enumerate()
        {
            let mut header = [name.to_le_bytes(), kind.to_le_bytes()].concat();
            for word in [0, 0, *offset, *length, 0, 0, 0] {
                header.extend(word.to_le_bytes());
            }
            file.put(sections + index as u64 * 64, &header);
        }
        file.put(names_at, names);
        let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
        header.extend([3u16, 62].map(u16::to_le_bytes).concat());
        header.extend(1u32.to_le_bytes());
        header.extend([0u64, 64, sections].map(u64::to_le_bytes).concat());
        header.extend(0u32.to_le_bytes());
        header.extend([64u16, 56, segments.len() as u16, 64, 3, 2].map(u16::to_le_bytes).concat());
        file.put(0, &header);
    }
}

/// Recomputes the checksum of a file whose module header is where [`Artifact::build`] puts it.
pub(crate) fn reseal(file: &mut [u8]) {
    let at = 0x400 + Header::CHECKSUM_OFFSET;
    file[at..at + 4].fill(0);
    let checksum = crc32fast::hash(file);
    file[at..at + 4].copy_from_slice(&checksum.to_le_bytes());
}

/// The operator at code offset `n` is said to be at Wasm offset `n + 1000`.
fn address_map() -> Vec<u8> {
    let entries: Vec<_> = (0..text().len() as u32).map(|code| (code, code + 1000)).collect();
    addrmap::write_address_map(&entries)
}

fn function_map(entries: &[FuncEntry]) -> Vec<u8> {
    let mut starts: Vec<_> =
        functions().into_iter().zip(entries).map(|(f, entry)| (f.1, entry.func, f.0)).collect();
    starts.sort_unstable();
    let ends = starts.iter().skip(1).map(|next| next.0).chain([offset(&GUEST_END)]);
    let ranges: Vec<_> = starts
        .iter()
        .zip(ends)
        .map(|(&(code, index, name), end)| FunctionRange {
            code,
            length: end - code,
            index,
            name: Some(name),
        })
        .collect();
    addrmap::write_function_map(&ranges)
}

/// Wasm offset of the trap in `trap`.
pub(crate) fn trap_offset() -> u32 {
    offset(&TRAP_SITE) + 1000
}

/// The SSE control word, without its sticky exception flags.
pub(crate) fn mxcsr() -> u32 {
    let mut word = 0u32;
    // SAFETY: stores the control word to a local.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut word) };
    word & !0x3f
}

/// Sets the SSE control word, which must mask all exceptions.
pub(crate) fn set_mxcsr(word: u32) {
    assert_eq!(word & 0x1f80, 0x1f80);
    // SAFETY: the word masks all exceptions, as was checked, so the instruction loads it and nothing else
    // happens.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &word) };
}

/// A thread that [`disturb`] sends signals to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Disturbed(libc::pthread_t);

impl Disturbed {
    /// The calling thread.
    pub(crate) fn this_thread() -> Self {
        // SAFETY: asks for the thread's own handle.
        Self(unsafe { libc::pthread_self() })
    }
}

/// Signals that were handled.
static HANDLED: AtomicU64 = AtomicU64::new(0);

extern "C" fn count(_: libc::c_int) {
    HANDLED.fetch_add(1, SeqCst);
}

/// Sends signals of the host's own to threads, at intervals that vary, until `done` is set. Says how many
/// were handled.
///
/// # Safety
/// The threads have not been joined before `done` is set and this returns.
pub(crate) unsafe fn disturb(threads: &[Disturbed], done: &AtomicBool) -> u64 {
    let signal = libc::SIGRTMIN() + 9;
    // SAFETY: the structure is initialised before it is used, and the handler does nothing but count.
    let installed = unsafe {
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = count as *const () as usize;
        action.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
        libc::sigaction(signal, &action, std::ptr::null_mut()) == 0
    };
    assert!(installed);
    let mut pause = 1u64;
    while !done.load(SeqCst) {
        for thread in threads {
            // SAFETY: the caller says that the threads run until it sets `done`, so their handles are valid;
            // the signal has a handler.
            unsafe { libc::pthread_kill(thread.0, signal) };
        }
        pause = pause * 7 % 1009;
        std::thread::sleep(std::time::Duration::from_micros(pause));
    }
    HANDLED.load(SeqCst)
}

#[derive(Default)]
struct File(Vec<u8>);

impl File {
    fn put(&mut self, at: u64, bytes: &[u8]) {
        let end = at as usize + bytes.len();
        if self.0.len() < end {
            self.0.resize(end, 0);
        }
        self.0[at as usize..end].copy_from_slice(bytes);
    }
}
