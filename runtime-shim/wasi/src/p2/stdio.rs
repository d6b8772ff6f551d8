//! The standard streams, as streams of WASI 0.2.
//!
//! **Invariant: they are those that preview 1 has as descriptors 0 to 2**, unless the host has put others in
//! their place. A stream that was not given is empty, or drops what is written to it.

use std::os::fd::BorrowedFd;

use rustix::fs::FileType;

use super::open::Open;
use super::pipe::{PipeInput, PipeOutput};
use super::regular::{FileInput, FileOutput, Place};
use super::stream::{Input, Output};
use crate::ctx::WasiCtx;
use crate::entry::{Entry, Handle};

/// What a descriptor is, as far as streams differ.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Regular,
    Socket,
    Pipe,
}

fn shape(file: BorrowedFd<'_>) -> Shape {
    match rustix::fs::fstat(file).map(|stat| FileType::from_raw_mode(stat.st_mode)) {
        Ok(FileType::RegularFile | FileType::BlockDevice) => Shape::Regular,
        Ok(FileType::Socket) => Shape::Socket,
        _ => Shape::Pipe,
    }
}

fn given(ctx: &WasiCtx, number: u32) -> Option<&Entry> {
    ctx.table.entry(number).ok()
}

/// Standard input.
pub(crate) fn stdin(ctx: &WasiCtx) -> Input {
    let Some(entry) = given(ctx, 0) else { return Input::empty() };
    match (&entry.handle, entry.host()) {
        (Handle::Input, _) => Input::memory(),
        (_, None) => Input::empty(),
        (_, Some(host)) => match shape(host) {
            Shape::Regular => Input::file(FileInput::new(Open::given(entry), None)),
            shape => Input::pipe(PipeInput::new(Open::given(entry), shape == Shape::Socket)),
        },
    }
}

/// Standard output (1) or error (2).
pub(crate) fn output(ctx: &WasiCtx, number: u32) -> Output {
    let Some(entry) = given(ctx, number) else { return Output::void() };
    match (&entry.handle, entry.host()) {
        (Handle::Captured(captured), _) => Output::memory(*captured),
        (_, None) => Output::void(),
        (_, Some(host)) => match shape(host) {
            Shape::Regular => Output::file(FileOutput::new(Open::given(entry), Place::Descriptor)),
            shape => Output::pipe(PipeOutput::new(Open::given(entry), shape == Shape::Socket)),
        },
    }
}

/// Whether a standard stream is a terminal.
pub(crate) fn is_terminal(ctx: &WasiCtx, number: u32) -> bool {
    given(ctx, number).and_then(Entry::host).is_some_and(rustix::termios::isatty)
}
