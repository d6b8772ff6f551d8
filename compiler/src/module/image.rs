//! The initial contents of memories, as pages that a slot can map straight from the file.
//!
//! Active data segments are applied here, in order, for as long as they are known to succeed: the first
//! whose offset is not known yet, or that would trap, stays with the instance, and so do all after it,
//! because the order of writes and of the trap is visible. Long zero runs are left out.

use super::const_expr::{ConstValue, evaluate};
use super::{Data, ModuleInfo};
use std::ops::Range;
use wasmaot_abi::descriptor::{FileRange, ImageRun};
use wasmaot_abi::slot::HOST_PAGE;

/// Zero pages that are worth a mapping of their own to leave out.
const MIN_GAP_PAGES: u64 = 16;

/// Images of all memories, one after the other.
#[derive(Default)]
pub(crate) struct Image {
    /// Whole pages.
    pub(crate) bytes: Vec<u8>,
    /// Per memory, in file ranges relative to `bytes`.
    pub(crate) runs: Vec<Vec<ImageRun>>,
    /// Data segments from here on are not part of it.
    pub(crate) applied: usize,
}

/// A data segment with its known place.
struct Placed<'a> {
    memory: u32,
    start: u64,
    bytes: &'a [u8],
}

pub(crate) fn build(module: &ModuleInfo<'_>) -> Image {
    let mut image = Image { applied: module.data.len(), ..Image::default() };
    let mut placed = Vec::new();
    for (index, data) in module.data.iter().enumerate() {
        match place(module, data) {
            Placement::Known(segment) => placed.push(segment),
            Placement::Passive => {}
            Placement::AtInstantiation => {
                image.applied = index;
                break;
            }
        }
    }
    for memory in 0..module.memories.len() as u32 {
        let segments: Vec<_> = placed.iter().filter(|segment| segment.memory == memory).collect();
        let runs = image.add_memory(&segments);
        image.runs.push(runs);
    }
    image
}

enum Placement<'a> {
    Known(Placed<'a>),
    Passive,
    AtInstantiation,
}

fn place<'a>(module: &ModuleInfo<'a>, data: &Data<'a>) -> Placement<'a> {
    let Some((memory, offset)) = &data.active else { return Placement::Passive };
    let info = &module.memories[*memory as usize];
    // An image is whole pages of the host's.
    let size = info.ty.bytes(info.ty.limits.min) / HOST_PAGE * HOST_PAGE;
    let start = evaluate(offset, &module.globals).and_then(ConstValue::offset).filter(|_| !info.imported);
    match start {
        Some(start) if start.checked_add(data.bytes.len() as u64).is_some_and(|end| end <= size) => {
            Placement::Known(Placed { memory: *memory, start, bytes: data.bytes })
        }
        _ => Placement::AtInstantiation,
    }
}

impl Image {
    fn add_memory(&mut self, segments: &[&Placed<'_>]) -> Vec<ImageRun> {
        let mut runs = Vec::new();
        for pages in touched_pages(segments) {
            let start = pages.start * HOST_PAGE;
            let mut bytes = vec![0; ((pages.end - pages.start) * HOST_PAGE) as usize];
            for segment in segments {
                let end = segment.start + segment.bytes.len() as u64;
                if segment.start >= start && end <= pages.end * HOST_PAGE {
                    bytes[(segment.start - start) as usize..][..segment.bytes.len()]
                        .copy_from_slice(segment.bytes);
                }
            }
            for kept in non_zero_pages(&bytes) {
                let kept_bytes = &bytes[(kept.start * HOST_PAGE) as usize..(kept.end * HOST_PAGE) as usize];
                let file = FileRange { offset: self.bytes.len() as u64, length: kept_bytes.len() as u64 };
                runs.push(ImageRun { address: start + kept.start * HOST_PAGE, file });
                self.bytes.extend_from_slice(kept_bytes);
            }
        }
        runs
    }
}

/// Disjoint ascending ranges of pages, far enough apart, such that each segment lies in one.
fn touched_pages(segments: &[&Placed<'_>]) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = segments
        .iter()
        .filter(|segment| !segment.bytes.is_empty())
        .map(|segment| {
            let end = segment.start + segment.bytes.len() as u64;
            segment.start / HOST_PAGE..end.div_ceil(HOST_PAGE)
        })
        .collect();
    ranges.sort_by_key(|range| range.start);
    merge_close(ranges)
}

/// The pages of `bytes` that are not zero, close ones joined.
fn non_zero_pages(bytes: &[u8]) -> Vec<Range<u64>> {
    let pages = bytes.chunks(HOST_PAGE as usize).zip(0..);
    merge_close(
        pages
            .filter(|(page, _)| page.iter().any(|&byte| byte != 0))
            .map(|(_, index)| index..index + 1)
            .collect(),
    )
}

fn merge_close(sorted: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut merged: Vec<Range<u64>> = Vec::new();
    for range in sorted {
        match merged.last_mut() {
            Some(last) if range.start < last.end + MIN_GAP_PAGES => last.end = last.end.max(range.end),
            _ => merged.push(range),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image_of(segments: &[(u64, &[u8])]) -> (Image, Vec<ImageRun>) {
        let placed: Vec<_> =
            segments.iter().map(|&(start, bytes)| Placed { memory: 0, start, bytes }).collect();
        let mut image = Image::default();
        let runs = image.add_memory(&placed.iter().collect::<Vec<_>>());
        (image, runs)
    }

    #[test]
    fn later_segments_overwrite_earlier_ones() {
        let (image, runs) = image_of(&[(10, b"abc"), (11, b"X"), (4095, b"yz")]);
        assert_eq!(runs.len(), 1);
        assert_eq!(&image.bytes[10..13], b"aXc");
        assert_eq!(&image.bytes[4095..4097], b"yz");
    }

    #[test]
    fn long_zero_runs_are_left_out() {
        let mut big = vec![0; 64 * HOST_PAGE as usize];
        big[0] = 1;
        *big.last_mut().unwrap() = 2;
        let (image, runs) = image_of(&[(0, &big), (1 << 20, &[0; 9000])]);
        assert_eq!(image.bytes.len(), 2 * HOST_PAGE as usize);
        assert_eq!(runs.iter().map(|run| run.address).collect::<Vec<_>>(), [0, 63 * HOST_PAGE]);
    }

    #[test]
    fn segments_far_apart_are_runs_of_their_own() {
        let (_, runs) = image_of(&[(1 << 20, b"b"), (0, b"a")]);
        assert_eq!(runs.len(), 2);
    }
}
