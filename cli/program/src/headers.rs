//! Moves the program headers of the runner behind it, so that the kernel does not start one that was cut off.
//!
//! A program that lacks its last pages starts and dies by a signal at the first of them that it touches. One
//! whose program headers are missing is refused by `execve`, which reads them before anything else; and so is
//! every file that was cut in front of their end.
//!
//! ```text
//! before  | ELF header | program headers | segments ... | section headers |
//! after   | ELF header | (zeros)         | segments ... | (as before)     | program headers |
//! ```
//!
//! The C library reads the headers in memory, at an address that older kernels derive from the first segment
//! that is loaded. So the first one is now that of the headers, one page below the others. There are no
//! section headers any more: `strip` and `objcopy`, which would lay the file out anew and lose what follows,
//! refuse such a file.
//!
//! **Invariant: what is loaded is what was loaded before, at the same addresses**, and the headers.

use wasmaot_abi::slot::HOST_PAGE;

/// Bytes of a program header.
const PROGRAM_HEADER: usize = 56;

/// The type of a segment that is loaded.
const LOAD: u32 = 1;

/// The type of the entry for the headers themselves.
const HEADERS: u32 = 6;

/// The flag of a segment that is read.
const READ: u32 = 4;

/// A program header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    address: u64,
    file_size: u64,
    memory_size: u64,
    align: u64,
}

impl Segment {
    fn read(bytes: &[u8]) -> Self {
        let long = |at: usize| long(bytes, at);
        let [kind, flags] = [0, 4].map(|at| long(at) as u32);
        let (offset, address, file_size, memory_size, align) =
            (long(8), long(16), long(32), long(40), long(48));
        Self { kind, flags, offset, address, file_size, memory_size, align }
    }

    fn to_bytes(self) -> Vec<u8> {
        let head = [self.kind, self.flags].map(u32::to_le_bytes).concat();
        // The physical address is that in memory.
        let rest = [self.offset, self.address, self.address, self.file_size, self.memory_size, self.align];
        [head, rest.map(u64::to_le_bytes).concat()].concat()
    }
}

/// The eight bytes at an offset, which may reach beyond a field of four.
fn long(bytes: &[u8], at: usize) -> u64 {
    let mut long = [0; 8];
    long.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(long)
}

/// Returns a static program with its headers at its end.
///
/// # Panics
/// `program` is no ELF file of x86-64 with a segment that is loaded above the first page, or has more headers
/// than fit a page.
pub fn move_behind(program: &[u8]) -> Vec<u8> {
    assert!(program.starts_with(b"\x7fELF\x02\x01"), "it is an ELF file");
    let table = long(program, 32) as usize;
    let count = long(program, 56) as u16 as usize;
    let old = table..table + count * PROGRAM_HEADER;
    let mut segments: Vec<Segment> = program[old.clone()].chunks(PROGRAM_HEADER).map(Segment::read).collect();
    let first = segments.iter().position(|segment| segment.kind == LOAD).expect("a segment is loaded");
    let lowest = segments[first].address & !(HOST_PAGE - 1);
    let size = ((count + 1) * PROGRAM_HEADER) as u64;
    assert!(size <= HOST_PAGE && lowest > HOST_PAGE, "there is a page for the headers");
    let offset = (program.len() as u64).next_multiple_of(HOST_PAGE);
    let own = Segment {
        kind: LOAD,
        flags: READ,
        offset,
        address: lowest - HOST_PAGE,
        file_size: size,
        memory_size: size,
        align: HOST_PAGE,
    };
    for segment in segments.iter_mut().filter(|segment| segment.kind == HEADERS) {
        *segment = Segment { kind: HEADERS, align: segment.align, ..own };
    }
    segments.insert(first, own);
    let mut bytes = program.to_vec();
    bytes[old].fill(0);
    bytes.resize(offset as usize, 0);
    bytes.extend(segments.into_iter().flat_map(Segment::to_bytes));
    let mut set = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    set(32, &offset.to_le_bytes());
    set(56, &(count as u16 + 1).to_le_bytes());
    // Offset, number and names of the section headers.
    set(40, &[0; 8]);
    set(60, &[0; 4]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of an ELF header.
    const ELF_HEADER: usize = 64;

    fn segment(kind: u32, offset: u64, address: u64) -> Segment {
        Segment { kind, flags: READ, offset, address, file_size: 8, memory_size: 8, align: HOST_PAGE }
    }

    #[test]
    fn segments_stay_and_the_headers_are_loaded_first() {
        let segments =
            [segment(HEADERS, 64, 0x20_0040), segment(LOAD, 0, 0x20_0000), segment(2, 16, 0x20_0010)];
        let mut program = b"\x7fELF\x02\x01".to_vec();
        program.resize(ELF_HEADER, 0);
        program[32] = ELF_HEADER as u8;
        program[40] = 1;
        program[56] = 3;
        program[60] = 9;
        program.extend(segments.iter().flat_map(|segment| segment.to_bytes()));
        program.extend(b"code");
        let moved = move_behind(&program);
        let (offset, count) = (long(&moved, 32), long(&moved, 56) as u16);
        assert_eq!((offset, count, long(&moved, 40), moved[60]), (HOST_PAGE, 4, 0, 0));
        assert_eq!(moved.len() as u64, offset + 4 * PROGRAM_HEADER as u64);
        let found: Vec<_> = moved[offset as usize..].chunks(PROGRAM_HEADER).map(Segment::read).collect();
        assert_eq!([found[2], found[3]], [segments[1], segments[2]]);
        for (own, kind) in [(found[0], HEADERS), (found[1], LOAD)] {
            assert_eq!((own.kind, own.offset, own.address), (kind, HOST_PAGE, 0x1f_f000));
            assert_eq!(own.file_size, 4 * PROGRAM_HEADER as u64);
        }
        assert_eq!(&moved[program.len() - 4..program.len()], b"code");
    }
}
