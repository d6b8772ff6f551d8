//! The initial contents of a module's first memory, to be copied from.
//!
//! **Invariant: bytes outside the image's runs are zero at first.** The image is mapped from the artifact,
//! whose file may be truncated: it is only read by guarded copies.

use crate::code::module::Module;
use crate::os::guarded::CopyError;
use crate::os::map::Mapping;
use crate::space::pages::{Pages, Registered};
use std::io;
use std::ops::Range;
use wasmaot_abi::descriptor::ImageRun;
use wasmaot_abi::slot::HOST_PAGE;

const PAGE: usize = HOST_PAGE as usize;

/// A part of a memory that is initially a part of one run of the image, or zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    /// Bytes of the memory.
    range: Range<usize>,
    /// Offset of its contents in the image's file; `None` for zeros.
    from: Option<usize>,
}

/// See the module's description.
#[derive(Debug)]
pub(crate) struct Image {
    /// Runs of the memory, ascending, with the offset of their contents in the file.
    runs: Vec<(Range<usize>, usize)>,
    /// `None` if there are no runs.
    file: Option<Pages>,
    _registered: Option<Registered>,
}

impl Image {
    /// Maps it, by one mapping. The module's runs have been checked when it was opened.
    pub(crate) fn map(module: &Module) -> io::Result<Self> {
        let runs = module.descriptor().memories.first().map_or(&[][..], |memory| &memory.image);
        let start = runs.iter().map(|run| run.file.offset).min();
        let end = runs.iter().map(|run| run.file.offset + run.file.length).max();
        let Some((start, end)) = start.zip(end) else {
            return Ok(Self { runs: Vec::new(), file: None, _registered: None });
        };
        let mapping = Mapping::of_file(module.file(), start, (end - start) as usize)?;
        let registered = Registered::data(mapping);
        let place = |run: &ImageRun| {
            let (address, length) = (run.address as usize, run.file.length as usize);
            (address..address + length, (run.file.offset - start) as usize)
        };
        let (runs, file) = (runs.iter().map(place).collect(), Some(registered.pages()));
        Ok(Self { runs, file, _registered: Some(registered) })
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
        for (run, offset) in self.runs[first..].iter().take_while(|(run, _)| run.start < range.end) {
            let (start, end) = (run.start.max(at), run.end.min(range.end));
            if start >= end {
                continue;
            }
            if at < start {
                pieces.push(Piece { range: at..start, from: None });
            }
            pieces.push(Piece { range: start..end, from: Some(offset + (start - run.start)) });
            at = end;
        }
        if at < range.end {
            pieces.push(Piece { range: at..range.end, from: None });
        }
        pieces
    }

    /// Gives the page at an offset in a memory its initial contents, if it has others. Says whether it had.
    /// The page is writable.
    pub(crate) fn restore_page(&self, memory: &Pages, offset: usize) -> Result<bool, CopyError> {
        let (mut initial, mut current) = ([0u8; PAGE], [0u8; PAGE]);
        for piece in self.pieces(offset..offset + PAGE) {
            if let Some((file, from)) = self.file.as_ref().zip(piece.from) {
                let to = &mut initial[piece.range.start - offset..piece.range.end - offset];
                file.read(from, to)?;
            }
        }
        memory.read(offset, &mut current)?;
        if initial == current {
            return Ok(false);
        }
        memory.write(offset, &initial)?;
        Ok(true)
    }

    /// Whether the page at an offset in a memory, inside this part, has other contents than initially.
    pub(crate) fn differs(&self, piece: &Piece, memory: &Pages, offset: usize) -> Result<bool, CopyError> {
        let (mut initial, mut current) = ([0u8; PAGE], [0u8; PAGE]);
        if let Some((file, from)) = self.file.as_ref().zip(piece.from) {
            file.read(from + (offset - piece.range.start), &mut initial)?;
        }
        memory.read(offset, &mut current)?;
        Ok(initial != current)
    }

    /// Gives this part of a memory, which is writable, its initial contents.
    #[inline]
    pub(crate) fn restore(&self, piece: &Piece, memory: &Pages) -> Result<(), CopyError> {
        let (to, length) = (piece.range.start, piece.range.len());
        match self.file.as_ref().zip(piece.from) {
            Some((file, from)) => memory.copy(to, file, from, length),
            None => memory.fill(to, 0, length),
        }
    }
}

impl Piece {
    /// Where it lies in the memory.
    pub(crate) fn offsets(&self) -> Range<usize> {
        self.range.clone()
    }
}
