//! An artifact's bytes with their structures at hand, to be changed and sealed again.

use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSection};
use std::ops::Range;
use wasmaot_abi::header::Header;
use wasmaot_tests::compile_wat;

/// Tags of dynamic entries. [`SYMENT`] is one that a loader can do without.
pub(crate) const NEEDED: u64 = 1;
/// See [`NEEDED`].
pub(crate) const SYMENT: u64 = 11;

/// An artifact in memory.
#[derive(Clone)]
pub(crate) struct Image {
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// Where its module header is.
    pub(crate) header: usize,
}

/// A module with something in every section of an artifact.
pub(crate) const RICH: &str = include_str!("../../guests/loader_rich.wat");

/// A small one without imports.
pub(crate) const SMALL: &str = r#"(module $small (memory (export "memory") 1) (data (i32.const 70) "hello")
    (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#;

impl Image {
    /// Compiles a module.
    pub(crate) fn new(wat: &str) -> Self {
        let bytes = compile_wat(wat);
        let mut image = Image { bytes, header: 0 };
        image.header = image.section(wasmaot_abi::header::SECTION).start;
        image
    }

    /// Where a section's bytes are.
    pub(crate) fn section(&self, name: &str) -> Range<usize> {
        let file = ElfFile64::<LittleEndian>::parse(self.bytes.as_slice()).expect("a good ELF file");
        let section = file.section_by_name(name).unwrap_or_else(|| panic!("no section {name}"));
        let (start, length) = section.file_range().expect("it has bytes");
        start as usize..(start + length) as usize
    }

    /// The words of the file from an offset on, as a number.
    pub(crate) fn u64_at(&self, offset: usize) -> u64 {
        u64::from_le_bytes(self.bytes[offset..offset + 8].try_into().expect("eight bytes"))
    }

    /// Overwrites bytes.
    pub(crate) fn put(&mut self, offset: usize, bytes: &[u8]) {
        self.bytes[offset..offset + bytes.len()].copy_from_slice(bytes);
    }

    /// Offset of the entry of `.dynamic` with a tag.
    pub(crate) fn dynamic_entry(&self, tag: u64) -> usize {
        let entries = self.section(".dynamic").step_by(16);
        entries
            .into_iter()
            .find(|&entry| self.u64_at(entry) == tag)
            .unwrap_or_else(|| panic!("no entry {tag}"))
    }

    /// Offset of the program header with a type, counted from 0 among its like.
    pub(crate) fn segment(&self, kind: u32, nth: usize) -> usize {
        let (start, count) = (self.u64_at(32) as usize, usize::from(self.bytes[56]));
        let headers = (0..count).map(|index| start + index * 56);
        headers.filter(|&at| self.bytes[at..at + 4] == kind.to_le_bytes()).nth(nth).expect("such a segment")
    }

    /// States size and checksum anew, as someone would who means harm.
    pub(crate) fn seal(&mut self) {
        let size = self.bytes.len() as u64;
        let (size_at, checksum_at) = (self.header + 24, self.header + Header::CHECKSUM_OFFSET);
        if checksum_at + 4 > self.bytes.len() {
            return;
        }
        self.put(size_at, &size.to_le_bytes());
        self.put(checksum_at, &[0; 4]);
        let checksum = crc32fast::hash(&self.bytes);
        self.put(checksum_at, &checksum.to_le_bytes());
    }

    /// Whether the module header can be decoded; its fields as they are now.
    pub(crate) fn module_header(&self) -> Header {
        Header::from_bytes(&self.bytes[self.header..]).expect("a good header")
    }

    /// Replaces the module header.
    pub(crate) fn set_module_header(&mut self, header: &Header) {
        self.put(self.header, &header.to_bytes());
    }
}

#[test]
fn sealing_restores_an_artifact() {
    let image = Image::new(RICH);
    let mut copy = image.clone();
    copy.seal();
    assert!(image.bytes == copy.bytes, "the header is not where this suite thinks it is");
}
