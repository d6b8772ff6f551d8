//! The initial contents of a module's first memory, to be copied from.
//!
//! **Invariant: bytes outside the image's runs are zero at first.** The image is mapped from the artifact, whose file may be
//! truncated: it is only read by guarded copies.

use crate::code::module::Module;
use crate::os::guarded::{self, CopyError};
use crate::os::map::Mapping;
use crate::space::registry::{Kind, Region, Registration};
use std::io;
use std::ops::Range;
use wasmaot_abi::descriptor::ImageRun;
use wasmaot_abi::slot::HOST_PAGE;

const PAGE: usize = HOST_PAGE as usize;

/// A part of a memory that is initially one run of the image, or zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Bytes of the memory.
    range: Range<usize>,
    /// Address of its contents; `None` for zeros.
    from: Option<usize>,
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Image {
    /// Runs of the memory, ascending, with the address of their contents.
    runs: Vec<(Range<usize>, usize)>,
    // Declared in this order, so dropped in it: see `Registration::new`.
    _registration: Option<Registration>,
    _mapping: Option<Mapping>,
}

impl Image {
    /// Maps it, by one mapping. The module's runs have been checked when it was opened.
    pub(crate) fn map(module: &Module) -> io::Result<Self> {
        let runs = module.descriptor().memories.first().map_or(&[][..], |memory| &memory.image);
        let start = runs.iter().map(|run| run.file.offset).min();
        let end = runs.iter().map(|run| run.file.offset + run.file.length).max();
        let Some((start, end)) = start.zip(end) else {
            return Ok(Self { runs: Vec::new(), _registration: None, _mapping: None });
        };
        let mapping = Mapping::of_file(module.file(), start, (end - start) as usize)?;
        let region = Region { range: mapping.range(), kind: Kind::Data };
        // SAFETY: the mapping is kept beside the registration and dropped after it.
        let registration = unsafe { Registration::new(region) };
        let place = |run: &ImageRun| {
            let (address, length) = (run.address as usize, run.file.length as usize);
            (address..address + length, mapping.start() + (run.file.offset - start) as usize)
        };
        let runs = runs.iter().map(place).collect();
        Ok(Self { runs, _registration: Some(registration), _mapping: Some(mapping) })
    }

    /// Where in the memory something else begins: at the ends of its runs.
    pub(crate) fn edges(&self) -> impl Iterator<Item = usize> {
        self.runs.iter().flat_map(|(run, _)| [run.start, run.end])
    }

    /// Whether any of a range of the memory is not zero by default initially.
    pub(crate) fn overlaps(&self, range: Range<usize>) -> bool {
        self.runs.iter().any(|(run, _)| run.start < range.end && range.start < run.end)
    }

    /// What a range of the memory is initially, piece by piece.
    pub(crate) fn pieces(&self, range: Range<usize>) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut at = range.start;
        let first = self.runs.partition_point(|(run, _)| run.end <= range.start);
        for (run, address) in self.runs[first..].iter().take_while(|(run, _)| run.start < range.end) {
            let (start, end) = (run.start.max(at), run.end.min(range.end));
            if start >= end {
                continue;
            }
            if at < start {
                pieces.push(Piece { range: at..start, from: None });
            }
            pieces.push(Piece { range: start..end, from: Some(address + (start - run.start)) });
            at = end;
        }
        if at < range.end {
            pieces.push(Piece { range: at..range.end, from: None });
        }
        pieces
    }

    /// Gives the page at an offset in the memory at `base` its initial contents, if it has others. Says whether it had.
    ///
    /// # Safety
    /// The page is writable and nobody uses it.
    pub(crate) unsafe fn restore_page(&self, base: usize, offset: usize) -> Result<bool, CopyError> {
        let (mut initial, mut current) = ([0u8; PAGE], [0u8; PAGE]);
        for piece in self.pieces(offset..offset + PAGE) {
            if let Some(from) = piece.from {
                let to = &mut initial[piece.range.start - offset..piece.range.end - offset];
                // SAFETY: the bytes are the image's, which is mapped and registered.
                unsafe { guarded::copy(to.as_mut_ptr(), from as *const u8, to.len())? };
            }
        }
        let page = (base + offset) as *mut u8;
        // SAFETY: as the caller states.
        unsafe { guarded::copy(current.as_mut_ptr(), page, PAGE)? };
        if initial == current {
            return Ok(false);
        }
        // SAFETY: as the caller states.
        unsafe { guarded::copy(page, initial.as_ptr(), PAGE)? };
        Ok(true)
    }
}

impl Piece {
    /// Where it lies in the memory.
    pub(crate) fn offsets(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Whether the page at an offset in the memory at `base`, inside this part, has other contents than initially.
    ///
    /// # Safety
    /// As for [`Piece::restore`].
    pub(crate) unsafe fn differs(&self, base: usize, offset: usize) -> Result<bool, CopyError> {
        let (mut initial, mut current) = ([0u8; PAGE], [0u8; PAGE]);
        if let Some(from) = self.from {
            let from = (from + (offset - self.range.start)) as *const u8;
            // SAFETY: the bytes are the image's, which is mapped and registered.
            unsafe { guarded::copy(initial.as_mut_ptr(), from, PAGE)? };
        }
        // SAFETY: as the caller states.
        unsafe { guarded::copy(current.as_mut_ptr(), (base + offset) as *const u8, PAGE)? };
        Ok(initial != current)
    }

    /// Gives this part of the memory at `base` its initial contents.
    ///
    /// # Safety
    /// The part is writable, nobody uses it, and the image that it was made from is alive.
    pub(crate) unsafe fn restore(&self, base: usize) -> Result<(), CopyError> {
        let (to, length) = ((base + self.range.start) as *mut u8, self.range.len());
        match self.from {
            // SAFETY: as the caller states.
            Some(from) => unsafe { guarded::copy(to, from as *const u8, length) },
            // SAFETY: as the caller states.
            None => unsafe { guarded::fill(to, 0, length) },
        }
    }
}
