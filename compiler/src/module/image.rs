//! The initial contents of memories, as pages that a slot can map straight from the file.
//!
//! Active data segments are applied here, in order, for as long as they are known to succeed: the first
//! whose offset is not known yet, or that would trap, stays with the instance, and so do all after it,
//! because the order of writes and of the trap is visible. Long zero runs are left out.
//!
//! A *run* is a range of pages that segments touch, far from the next one. Runs of little data and
//! much zero stay with the instance, too, with all their segments: no segment of another run writes
//! there, so the order is kept. **Invariants: the image takes no more than [`SPARSE_BYTES`] and
//! [`MAX_EXPANSION`] times the data in it, and has no more than [`MAX_RUNS`] runs. It is made in
//! time linear in its own bytes and those of the segments, apart from sorting the segments.**

use super::const_expr::ConstValue;
use super::info::{Data, ModuleInfo};
use crate::index::{DataIndex, MemoryIndex};
use cranelift_entity::PrimaryMap;
use std::cmp::Reverse;
use std::ops::Range;
use wasmaot_abi::descriptor::{FileRange, ImageRun};
use wasmaot_abi::slot::HOST_PAGE;

/// Zero pages that are worth a mapping of their own to leave out.
const MIN_GAP_PAGES: u64 = 16;

/// Zero pages that are worth it where an image would have many of them: see [`MAX_ZEROS`].
const SHORT_GAP_PAGES: u64 = 4;

/// Zero pages that an image has at most, as one in this many pages that are not zero, as far as leaving out
/// gaps of [`SHORT_GAP_PAGES`] helps. (What was initialised before it was compiled has holes of all sizes.)
const MAX_ZEROS: u64 = 20;

/// Runs at most that an image is divided into for that.
const MAX_SHORT_GAPS: usize = 8;

/// The most runs of an image. Each may be two mappings more in every instance, which by default may have 200
/// in all.
const MAX_RUNS: usize = 64;

/// Bytes of image that a module may have however little data there is in it.
const SPARSE_BYTES: u64 = 1 << 20;

/// The most bytes of image for a byte of data, beyond [`SPARSE_BYTES`].
const MAX_EXPANSION: u64 = 4;

/// Images of all memories, one after the other.
pub(crate) struct Image {
    /// Whole pages.
    pub(crate) bytes: Vec<u8>,
    /// Per memory, in file ranges relative to `bytes`.
    pub(crate) runs: PrimaryMap<MemoryIndex, Vec<ImageRun>>,
    /// Of each data segment whether it is part of the image.
    pub(crate) holds: PrimaryMap<DataIndex, bool>,
}

/// A data segment with its known place.
struct Placed<'a> {
    /// Its index in the module.
    index: DataIndex,
    memory: MemoryIndex,
    start: u64,
    bytes: &'a [u8],
}

impl Placed<'_> {
    /// The pages that it touches.
    fn pages(&self) -> Range<u64> {
        let end = self.start + self.bytes.len() as u64;
        self.start / HOST_PAGE..end.div_ceil(HOST_PAGE)
    }
}

/// Pages of a memory, and the segments that lie in them.
struct Run<'s, 'a> {
    pages: Range<u64>,
    /// All of one memory.
    segments: &'s mut [Placed<'a>],
}

impl Run<'_, '_> {
    fn bytes(&self) -> u64 {
        (self.pages.end - self.pages.start) * HOST_PAGE
    }

    fn data_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes.len() as u64).sum()
    }
}

pub(crate) fn build(module: &ModuleInfo<'_>) -> Image {
    let memories = module.memories.len();
    let mut image = Image::empty(memories, module.data.len());
    let mut placed = Vec::new();
    for (index, data) in &module.data {
        match place(module, index, data) {
            Placement::Known(segment) => placed.push(segment),
            Placement::Passive => {}
            Placement::AtInstantiation => break,
        }
    }
    image.add(placed);
    image
}

enum Placement<'a> {
    Known(Placed<'a>),
    Passive,
    AtInstantiation,
}

fn place<'a>(module: &ModuleInfo<'a>, index: DataIndex, data: &Data<'a>) -> Placement<'a> {
    let Some((memory, offset)) = &data.active else { return Placement::Passive };
    let info = &module.memories[*memory];
    // An image is whole pages of the host's.
    let size = info.ty.bytes(info.ty.limits.min) / HOST_PAGE * HOST_PAGE;
    let start = module.evaluate(offset).and_then(ConstValue::offset).filter(|_| !info.imported);
    match start {
        Some(start) if start.checked_add(data.bytes.len() as u64).is_some_and(|end| end <= size) => {
            Placement::Known(Placed { index, memory: *memory, start, bytes: data.bytes })
        }
        _ => Placement::AtInstantiation,
    }
}

impl Image {
    /// The image of a module with this many memories and data segments that holds none of them.
    fn empty(memories: usize, segments: usize) -> Self {
        let runs = std::iter::repeat_with(Vec::new).take(memories).collect();
        Self { bytes: Vec::new(), runs, holds: std::iter::repeat_n(false, segments).collect() }
    }

    /// Adds the runs of all memories that are worth it.
    fn add(&mut self, mut placed: Vec<Placed<'_>>) {
        // A segment without bytes writes nothing.
        let (mut placed, empty): (Vec<_>, Vec<_>) =
            placed.drain(..).partition(|segment| !segment.bytes.is_empty());
        empty.iter().for_each(|segment| self.holds[segment.index] = true);
        placed.sort_by_key(|segment| (segment.memory, segment.start));
        let runs = dense(runs(&mut placed));
        let mut pieces_left = MAX_RUNS - runs.len();
        for run in runs {
            self.add_run(run, &mut pieces_left);
        }
    }

    /// Adds a run without its long zeros, in at most one piece more than are left.
    fn add_run(&mut self, run: Run<'_, '_>, pieces_left: &mut usize) {
        let start = run.pages.start * HOST_PAGE;
        let memory = run.segments[0].memory;
        let mut bytes = vec![0; run.bytes() as usize];
        run.segments.sort_by_key(|segment| segment.index);
        for segment in run.segments {
            let at = (segment.start - start) as usize;
            bytes[at..at + segment.bytes.len()].copy_from_slice(segment.bytes);
            self.holds[segment.index] = true;
        }
        let pieces = join_short(non_zero_pages(&bytes), MIN_GAP_PAGES);
        let pieces = join_nearest(pieces, *pieces_left + 1);
        *pieces_left -= pieces.len().saturating_sub(1);
        for piece in pieces {
            let kept = &bytes[(piece.start * HOST_PAGE) as usize..(piece.end * HOST_PAGE) as usize];
            let file = FileRange { offset: self.bytes.len() as u64, length: kept.len() as u64 };
            self.runs[memory].push(ImageRun { address: start + piece.start * HOST_PAGE, file });
            self.bytes.extend_from_slice(kept);
        }
    }
}

/// The runs of segments in order of memory and address.
fn runs<'s, 'a>(mut sorted: &'s mut [Placed<'a>]) -> Vec<Run<'s, 'a>> {
    let mut runs = Vec::new();
    while let Some(first) = sorted.first() {
        let (memory, mut pages, mut count) = (first.memory, first.pages(), 1);
        for segment in &sorted[1..] {
            let next = segment.pages();
            if segment.memory != memory || next.start >= pages.end + MIN_GAP_PAGES {
                break;
            }
            pages.end = pages.end.max(next.end);
            count += 1;
        }
        let (segments, rest) = std::mem::take(&mut sorted).split_at_mut(count);
        runs.push(Run { pages, segments });
        sorted = rest;
    }
    runs
}

/// Those runs that the image holds, in their order: the densest first, up to its limits.
fn dense<'s, 'a>(runs: Vec<Run<'s, 'a>>) -> Vec<Run<'s, 'a>> {
    let mut sizes: Vec<_> =
        runs.iter().enumerate().map(|(index, run)| (index, run.data_bytes(), run.bytes())).collect();
    sizes.sort_by_key(|&(index, data, bytes)| {
        (Reverse(u128::from(data) * u128::from(u64::MAX) / u128::from(bytes)), index)
    });
    let (mut data_in_all, mut bytes_in_all, mut kept) = (0, 0, vec![false; runs.len()]);
    for (index, data, bytes) in sizes.into_iter().take(MAX_RUNS) {
        (data_in_all, bytes_in_all) = (data_in_all + data, bytes_in_all + bytes);
        if bytes_in_all > SPARSE_BYTES + MAX_EXPANSION * data_in_all {
            break;
        }
        kept[index] = true;
    }
    runs.into_iter().zip(kept).filter(|(_, kept)| *kept).map(|(run, _)| run).collect()
}

/// The pages of `bytes` that are not zero.
fn non_zero_pages(bytes: &[u8]) -> Vec<Range<u64>> {
    let mut pieces: Vec<Range<u64>> = Vec::new();
    for (page, index) in bytes.chunks(HOST_PAGE as usize).zip(0..) {
        if page.iter().all(|&byte| byte == 0) {
            continue;
        }
        match pieces.last_mut() {
            Some(last) if index == last.end => last.end = index + 1,
            _ => pieces.push(index..index + 1),
        }
    }
    pieces
}

/// Joins pieces over gaps shorter than `long`, but for the longest of those, where there would be too many
/// zeros in between.
fn join_short(pieces: Vec<Range<u64>>, long: u64) -> Vec<Range<u64>> {
    let gap = |index: usize| pieces[index].start - pieces[index - 1].end;
    let (mut kept, mut short): (Vec<usize>, Vec<usize>) =
        (1..pieces.len()).partition(|&index| gap(index) >= long);
    let data: u64 = pieces.iter().map(|piece| piece.end - piece.start).sum();
    let mut zeros: u64 = short.iter().map(|&index| gap(index)).sum();
    short.sort_by_key(|&index| (Reverse(gap(index)), index));
    for index in short.into_iter().take(MAX_SHORT_GAPS) {
        if zeros <= data / MAX_ZEROS || gap(index) < SHORT_GAP_PAGES {
            break;
        }
        zeros -= gap(index);
        kept.push(index);
    }
    kept.sort_unstable();
    joined(&pieces, &kept)
}

/// The pieces, all joined but those that begin behind one of these gaps, given by the index of what follows
/// it.
fn joined(pieces: &[Range<u64>], gaps: &[usize]) -> Vec<Range<u64>> {
    if pieces.is_empty() {
        return Vec::new();
    }
    let starts = std::iter::once(0).chain(gaps.iter().copied());
    let ends = gaps.iter().copied().chain([pieces.len()]);
    starts.zip(ends).map(|(start, end)| pieces[start].start..pieces[end - 1].end).collect()
}

/// Joins pieces over the shortest gaps, until there are no more than `most`.
fn join_nearest(pieces: Vec<Range<u64>>, most: usize) -> Vec<Range<u64>> {
    if pieces.len() <= most {
        return pieces;
    }
    let mut gaps: Vec<usize> = (1..pieces.len()).collect();
    gaps.sort_by_key(|&gap| (Reverse(pieces[gap].start - pieces[gap - 1].end), gap));
    gaps.truncate(most - 1);
    gaps.sort_unstable();
    joined(&pieces, &gaps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use cranelift_entity::EntityRef;

    fn image_of(segments: &[(u64, &[u8])]) -> (Image, Vec<ImageRun>) {
        let placed = segments.iter().enumerate();
        let placed = placed.map(|(index, &(start, bytes))| Placed {
            index: DataIndex::new(index),
            memory: MemoryIndex::FIRST,
            start,
            bytes,
        });
        let mut image = Image::empty(1, segments.len());
        image.add(placed.collect());
        let runs = image.runs[MemoryIndex::FIRST].clone();
        (image, runs)
    }

    fn size(runs: &[ImageRun]) -> u64 {
        runs.iter().map(|run| run.file.length).sum()
    }

    #[test]
    fn later_segments_overwrite_earlier_ones() {
        let (image, runs) = image_of(&[(10, b"abc"), (11, b"X"), (4095, b"yz")]);
        assert_eq!(runs.len(), 1);
        assert_eq!(&image.bytes[10..13], b"aXc");
        assert_eq!(&image.bytes[4095..4097], b"yz");
        // Also where the earlier one lies behind the later one.
        let (image, _) = image_of(&[(11, b"bcd"), (10, b"XY")]);
        assert_eq!(&image.bytes[10..14], b"XYcd");
    }

    #[test]
    fn long_zero_runs_are_left_out() {
        let mut big = vec![0; 64 * HOST_PAGE as usize];
        big[0] = 1;
        *big.last_mut().unwrap() = 2;
        let (image, runs) = image_of(&[(0, &big), (1 << 20, &[0; 9000])]);
        assert_eq!(image.bytes.len(), 2 * HOST_PAGE as usize);
        assert_eq!(runs.iter().map(|run| run.address).collect::<Vec<_>>(), [0, 63 * HOST_PAGE]);
        assert_eq!(image.holds.as_values_slice(), [true, true]);
    }

    #[test]
    fn segments_far_apart_are_runs_of_their_own() {
        let (_, runs) = image_of(&[(1 << 20, b"b"), (0, b"a")]);
        assert_eq!(runs.len(), 2);
    }

    #[test]
    fn a_segment_without_bytes_is_part_of_any_image() {
        let (image, runs) = image_of(&[(0, b""), (1 << 20, b"")]);
        assert_eq!((image.holds.as_values_slice(), runs.len()), (&[true, true][..], 0));
    }

    /// One byte in each 15 pages: with the zeros between them an image of 61,440 bytes a segment.
    #[test]
    fn a_run_of_zeros_stays_with_the_instance() {
        let bytes: Vec<(u64, &[u8])> = (0..1000).map(|index| (index * 61_440, &b"x"[..])).collect();
        let (image, runs) = image_of(&bytes);
        assert_eq!((runs.len(), image.bytes.len()), (0, 0));
        assert!(image.holds.values().all(|held| !held));
    }

    /// Dense data is mapped, whatever else there is.
    #[test]
    fn the_densest_runs_are_part_of_the_image() {
        let dense = vec![1; 8 * HOST_PAGE as usize];
        let far = 1 << 30;
        let mut segments: Vec<(u64, &[u8])> = (0..1000).map(|index| (index * 61_440, &b"x"[..])).collect();
        segments.push((far, &dense));
        let (image, runs) = image_of(&segments);
        assert_eq!(runs.iter().map(|run| run.address).collect::<Vec<_>>(), [far]);
        assert_eq!(image.holds.values().filter(|held| **held).count(), 1);
    }

    /// Each of them would be a mapping in every instance.
    #[test]
    fn no_more_runs_than_the_limit() {
        let bytes: Vec<(u64, &[u8])> = (0..3000).map(|index| (index * 69_632, &b"x"[..])).collect();
        let (image, runs) = image_of(&bytes);
        assert_eq!(runs.len(), MAX_RUNS);
        assert_eq!(image.holds.values().filter(|held| **held).count(), MAX_RUNS);
        // The same in a single segment: then the zeros are in the module already.
        let mut long = vec![0; 300 * 69_632];
        long.iter_mut().step_by(69_632).for_each(|byte| *byte = 1);
        let (_, runs) = image_of(&[(0, &long), (1 << 30, b"x")]);
        assert_eq!(runs.len(), MAX_RUNS);
        assert!(size(&runs) <= long.len() as u64 + 2 * HOST_PAGE);
    }

    #[test]
    fn short_gaps_are_left_out_where_there_are_many_zeros() {
        // Few zeros, or short gaps only.
        assert_eq!(join_short(vec![0..200, 210..211], 16), [Range { start: 0, end: 211 }]);
        assert_eq!(join_short(vec![0..1, 4..5, 8..9], 16), [Range { start: 0, end: 9 }]);
        // The longest first, until there are few.
        assert_eq!(join_short(vec![0..20, 25..40, 41..60, 70..80], 16), [0..20, 25..60, 70..80]);
        assert_eq!(join_short(vec![0..100, 105..180, 190..200], 16), [0..180, 190..200]);
        // Long ones always are.
        assert_eq!(join_short(vec![0..100, 101..200, 216..300], 16), [0..200, 216..300]);
        assert_eq!(join_short(Vec::new(), 16), []);
    }

    #[test]
    fn pieces_are_joined_over_the_shortest_gaps() {
        let pieces = vec![0..1, 20..21, 60..61, 80..90];
        assert_eq!(join_nearest(pieces.clone(), 4), pieces);
        assert_eq!(join_nearest(pieces.clone(), 3), [0..1, 20..21, 60..90]);
        assert_eq!(join_nearest(pieces.clone(), 2), [0..21, 60..90]);
        assert_eq!(join_nearest(pieces, 1), vec![0..90_u64; 1]);
    }
}
