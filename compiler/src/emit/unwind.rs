//! `.eh_frame`, and `.eh_frame_hdr` with its search table, which lets unwinders find the entry of an
//! address without reading all of them.
//!
//! ```text
//!  .eh_frame_hdr:  | version, encodings u8 x 4 | .eh_frame i32 | count u32 | (code i32, entry i32) x count |
//!  .eh_frame:      | length u32, 0 u32, common entry |
//!                  | (length u32, back u32, code i32, size u32, ...) x count | 0 u32 |
//! ```
//!
//! **Invariant: entries are in ascending order of code**, in both sections. Sizes do not depend on
//! addresses: `code` is written last, when both sections have their places.

use super::layout::Layout;
use super::section::Section;
use crate::error::EmitError;
use cranelift_codegen::isa::unwind::systemv::UnwindInfo;
use gimli::write::{Address, CommonInformationEntry, EhFrame, EndianVec, FrameTable};
use gimli::{DW_EH_PE_datarel, DW_EH_PE_pcrel, DW_EH_PE_sdata4, DW_EH_PE_udata4, DwEhPe, LittleEndian};

/// Distance from the start of an entry to its code address, relative to the field itself.
const CODE_FIELD: usize = 8;

/// Distance from the start of an entry to the size of its code.
const SIZE_FIELD: usize = 12;

/// Bytes in front of the search table.
const INDEX_HEADER: usize = 12;

/// How to unwind a function.
pub(super) struct Unwind {
    /// From the start of the text.
    pub(super) offset: u32,
    /// Bytes of code.
    pub(super) length: u32,
    /// As Cranelift gives it.
    pub(super) info: UnwindInfo,
}

/// An entry of `.eh_frame`.
struct Frame {
    /// Start of the function, from the start of the text.
    code: u32,
    /// Start of the entry, from the start of the section.
    position: usize,
}

/// Both sections, without their addresses.
pub(super) struct Frames {
    entries: Vec<Frame>,
    bytes: Vec<u8>,
}

impl Frames {
    /// Encodes the entries. The text is `text` bytes long.
    pub(super) fn new(
        mut cie: CommonInformationEntry,
        mut unwind: Vec<Unwind>,
        text: u64,
    ) -> Result<Self, EmitError> {
        cie.fde_address_encoding = DwEhPe(DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0);
        unwind.sort_by_key(|unwind| unwind.offset);
        let mut table = FrameTable::default();
        let cie = table.add_cie(cie);
        for unwind in &unwind {
            assert!(u64::from(unwind.offset) + u64::from(unwind.length) <= text, "unwind info beyond .text");
            table.add_fde(cie, unwind.info.to_fde(Address::Constant(0)));
        }
        let mut section = EhFrame::from(EndianVec::new(LittleEndian));
        table.write_eh_frame(&mut section)?;
        let mut bytes = section.0.into_vec();
        let entries: Vec<Frame> = positions(&bytes)
            .zip(&unwind)
            .map(|(position, unwind)| {
                debug_assert_eq!(u32_at(&bytes, position + SIZE_FIELD), unwind.length);
                Frame { code: unwind.offset, position }
            })
            .collect();
        assert_eq!(entries.len(), unwind.len());
        bytes.extend_from_slice(&[0; 4]);
        Ok(Self { entries, bytes })
    }

    /// Bytes of `.eh_frame`.
    pub(super) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Bytes of `.eh_frame_hdr`.
    pub(super) fn index_size(&self) -> u64 {
        (INDEX_HEADER + self.entries.len() * 8) as u64
    }

    /// `.eh_frame_hdr`.
    pub(super) fn index(&self, layout: &Layout) -> Vec<u8> {
        let start = layout[Section::FrameIndex].offset;
        let (text, frames) = (layout[Section::Text].offset, layout[Section::Frames].offset);
        let mut bytes = vec![
            1,
            DW_EH_PE_pcrel.0 | DW_EH_PE_sdata4.0,
            DW_EH_PE_udata4.0,
            DW_EH_PE_datarel.0 | DW_EH_PE_sdata4.0,
        ];
        bytes.reserve_exact(INDEX_HEADER - bytes.len() + self.entries.len() * 8);
        bytes.extend_from_slice(&displacement(start + 4, frames));
        bytes.extend_from_slice(&(self.entries.len() as u32).to_le_bytes());
        for entry in &self.entries {
            bytes.extend_from_slice(&displacement(start, text + u64::from(entry.code)));
            bytes.extend_from_slice(&displacement(start, frames + entry.position as u64));
        }
        bytes
    }

    /// `.eh_frame`.
    pub(super) fn into_bytes(mut self, layout: &Layout) -> Vec<u8> {
        let (text, frames) = (layout[Section::Text].offset, layout[Section::Frames].offset);
        for entry in &self.entries {
            let field = entry.position + CODE_FIELD;
            let code = displacement(frames + field as u64, text + u64::from(entry.code));
            self.bytes[field..][..4].copy_from_slice(&code);
        }
        self.bytes
    }
}

/// Starts of the entries, without the common one.
fn positions(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let next = |&position: &usize| {
        let end = position + 4 + u32_at(bytes, position) as usize;
        (end < bytes.len()).then_some(end)
    };
    std::iter::successors((!bytes.is_empty()).then_some(0), next)
        .filter(|&position| u32_at(bytes, position + 4) != 0)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..][..4].try_into().expect("four bytes"))
}

/// How far it is from one loaded byte to another: always fewer than 2 GiB (see [`Layout`]).
fn displacement(from: u64, to: u64) -> [u8; 4] {
    (to.wrapping_sub(from) as i32).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::section::PerSection;
    use super::super::tests::{frame_info, isa};
    use super::*;

    use gimli::{BaseAddresses, EhFrameHdr, UnwindSection};

    fn frames(offsets: &[u32]) -> Frames {
        let info = frame_info(&*isa());
        let unwind = |&offset| Unwind { offset, length: info.length, info: info.info.clone() };
        let cie = isa().create_systemv_cie().unwrap();
        Frames::new(cie, offsets.iter().map(unwind).collect(), 1000).unwrap()
    }

    fn laid_out(frames: &Frames) -> Layout {
        let mut sizes = PerSection::default();
        sizes[Section::FrameIndex] = frames.index_size();
        sizes[Section::Frames] = frames.size();
        sizes[Section::Text] = 1000;
        Layout::new(&sizes).unwrap()
    }

    #[test]
    fn every_address_finds_its_entry() {
        let frames = frames(&[320, 0, 64]);
        let layout = laid_out(&frames);
        let [index_at, frames_at, text] =
            [Section::FrameIndex, Section::Frames, Section::Text].map(|section| layout[section].offset);
        let index = frames.index(&layout);
        assert_eq!(index.len() as u64, frames.index_size());
        let size = frames.size();
        let bytes = frames.into_bytes(&layout);
        assert_eq!(bytes.len() as u64, size);

        let bases =
            BaseAddresses::default().set_eh_frame_hdr(index_at).set_eh_frame(frames_at).set_text(text);
        let header = EhFrameHdr::new(&index, LittleEndian).parse(&bases, 8).unwrap();
        let section = gimli::EhFrame::new(&bytes, LittleEndian);
        let table = header.table().unwrap();
        for code in [0, 64, 320] {
            let fde = table
                .fde_for_address(&section, &bases, text + code + 1, gimli::EhFrame::cie_from_offset)
                .unwrap();
            assert_eq!(fde.initial_address(), text + code);
        }
        assert!(table.fde_for_address(&section, &bases, text + 63, gimli::EhFrame::cie_from_offset).is_err());
    }

    #[test]
    fn no_entries_give_an_empty_table() {
        let frames = frames(&[]);
        let layout = laid_out(&frames);
        assert_eq!(frames.index(&layout).len(), INDEX_HEADER);
        assert_eq!(frames.into_bytes(&layout), [0; 4]);
    }
}
