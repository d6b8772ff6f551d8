//! `wasi:io`: errors, pollables, streams.
//!
//! **Invariant: an error of a stream becomes a resource only where it reaches the guest.**

use wasmaot_component::{Context, Linker, Resource, ResourceTable, variant};
use wasmaot_runtime::{HostError, LinkError};

use super::host::{IoError, StreamError};
use super::ready::{Attempt, Pollable, are_ready, wait};
use super::state::{Access, WasiState, drop_resource, interface, missing, state};
use super::stream::{Input, Output};
use crate::ctx::WasiCtx;

variant! {
    /// `stream-error`.
    #[derive(Debug)]
    pub(crate) enum GuestError {
        /// The operation failed, and the stream is closed now.
        Failed(Resource<IoError>) = "last-operation-failed",
        /// The stream is closed.
        Closed = "closed",
    }
}

/// What a function of a stream returns.
type Result1<R> = Result<Result<R, GuestError>, HostError>;

/// The most bytes of the calls that write and flush at once, as the interface has it.
const MAX_BLOCKING_WRITE: u64 = 4096;

/// Zeroes that are written at once.
static ZEROES: [u8; 4096] = [0; 4096];

impl WasiState {
    fn input(&mut self, stream: &Resource<Input>) -> Result<(&mut Input, &mut WasiCtx), HostError> {
        Ok((self.table.get_mut(stream).map_err(missing)?, &mut self.ctx))
    }

    fn sink(&mut self, stream: &Resource<Output>) -> Result<(&mut Output, &mut WasiCtx), HostError> {
        Ok((self.table.get_mut(stream).map_err(missing)?, &mut self.ctx))
    }

    /// Gives the guest a resource for the error of a stream.
    fn told<R>(&mut self, result: Result<R, StreamError>) -> Result1<R> {
        Ok(match result {
            Ok(value) => Ok(value),
            Err(StreamError::Closed) => Err(GuestError::Closed),
            Err(StreamError::Failed(error)) => {
                Err(GuestError::Failed(self.table.push(IoError::new(error)).map_err(missing)?))
            }
        })
    }
}

/// Gives the guest a pollable.
pub(crate) fn subscribed(
    table: &mut ResourceTable,
    pollable: Pollable,
) -> Result<Resource<Pollable>, HostError> {
    table.push(pollable).map_err(missing)
}

/// Defines `wasi:io/error`, `wasi:io/poll` and `wasi:io/streams`.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut errors = linker.instance(interface!("wasi:io/error"))?;
    errors.resource::<IoError>("error", drop_resource::<IoError, T>(access))?;
    errors.func_wrap(
        "[method]error.to-debug-string",
        move |cx: &mut Context<'_, '_, T>, error: Resource<IoError>| {
            Ok(state(cx, access).table.get(&error).map_err(missing)?.to_string())
        },
    )?;
    add_poll(linker, access)?;
    add_input(linker, access)?;
    add_output(linker, access)?;
    add_splices(linker, access)
}

fn add_poll<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut polls = linker.instance(interface!("wasi:io/poll"))?;
    polls.resource::<Pollable>("pollable", drop_resource::<Pollable, T>(access))?;
    polls.func_wrap(
        "[method]pollable.ready",
        move |cx: &mut Context<'_, '_, T>, pollable: Resource<Pollable>| {
            let pollable = state(cx, access).table.get(&pollable).map_err(missing)?;
            Ok(are_ready(std::slice::from_ref(pollable))[0])
        },
    )?;
    polls.func_wrap(
        "[method]pollable.block",
        move |cx: &mut Context<'_, '_, T>, pollable: Resource<Pollable>| {
            poll(cx, access, vec![pollable], |_| ())
        },
    )?;
    polls.func_wrap("poll", move |cx: &mut Context<'_, '_, T>, list: Vec<Resource<Pollable>>| {
        if list.is_empty() {
            return Err(HostError::other("`poll` was called with an empty list of pollables"));
        }
        poll(cx, access, list, |ready| {
            let indices = ready.into_iter().zip(0_u32..).filter(|(is_ready, _)| *is_ready);
            indices.map(|(_, index)| index).collect::<Vec<u32>>()
        })
    })?;
    Ok(())
}

/// Waits until one of these is ready. The result is made of which are.
fn poll<T: 'static, R: Send + 'static>(
    cx: &mut Context<'_, '_, T>,
    access: Access<T>,
    list: Vec<Resource<Pollable>>,
    result: fn(Vec<bool>) -> R,
) -> Result<R, HostError> {
    wait(cx, move |cx| {
        let table = &state(cx, access).table;
        let pollables: Result<Vec<_>, _> = list.iter().map(|pollable| table.get(pollable).cloned()).collect();
        let pollables = pollables.map_err(missing)?;
        let ready = are_ready(&pollables);
        Ok(match ready.contains(&true) {
            true => Attempt::Done(result(ready)),
            false => Attempt::Wait(pollables),
        })
    })
}

fn add_input<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut streams = linker.instance(interface!("wasi:io/streams"))?;
    streams.resource::<Input>("input-stream", move |cx: &mut Context<'_, '_, T>, rep| {
        let mut stream = state(cx, access).table.delete(Resource::<Input>::own(rep)).map_err(missing)?;
        stream.close();
        Ok(())
    })?;
    streams.func_wrap(
        "[method]input-stream.read",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Input>, max: u64| {
            let state = state(cx, access);
            let (stream, ctx) = state.input(&this)?;
            let read = stream.read(ctx, max);
            state.told(read)
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.blocking-read",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Input>, max: u64| {
            read_waiting(cx, access, this, move |stream, ctx| {
                let read = stream.read(ctx, max);
                if matches!(&read, Ok(bytes) if bytes.is_empty() && max > 0) { None } else { Some(read) }
            })
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.skip",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Input>, max: u64| {
            let state = state(cx, access);
            let (stream, ctx) = state.input(&this)?;
            let skipped = stream.skip(ctx, max);
            state.told(skipped)
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.blocking-skip",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Input>, max: u64| {
            read_waiting(cx, access, this, move |stream, ctx| {
                let skipped = stream.skip(ctx, max);
                if matches!(skipped, Ok(0) if max > 0) { None } else { Some(skipped) }
            })
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.subscribe",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Input>| {
            let state = state(cx, access);
            let pollable = state.input(&this)?.0.pollable();
            subscribed(&mut state.table, pollable)
        },
    )?;
    Ok(())
}

/// Reads as soon as there is something.
fn read_waiting<T: 'static, R: Send + 'static>(
    cx: &mut Context<'_, '_, T>,
    access: Access<T>,
    this: Resource<Input>,
    mut read: impl FnMut(&mut Input, &mut WasiCtx) -> Option<Result<R, StreamError>> + Send + 'static,
) -> Result1<R> {
    wait(cx, move |cx| {
        let state = state(cx, access);
        let (stream, ctx) = state.input(&this)?;
        match read(stream, ctx) {
            Some(result) => Ok(Attempt::Done(state.told(result)?)),
            None => Ok(Attempt::Wait(vec![stream.pollable()])),
        }
    })
}

fn add_output<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut streams = linker.instance(interface!("wasi:io/streams"))?;
    streams.resource::<Output>("output-stream", move |cx: &mut Context<'_, '_, T>, rep| {
        let mut stream = state(cx, access).table.delete(Resource::<Output>::own(rep)).map_err(missing)?;
        stream.close();
        Ok(())
    })?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>| {
            let state = state(cx, access);
            let permitted = state.sink(&this)?.0.check_write().map(|permitted| permitted as u64);
            state.told(permitted)
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.write",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>, bytes: Vec<u8>| {
            let state = state(cx, access);
            let (stream, ctx) = state.sink(&this)?;
            stream.permit(bytes.len() as u64).map_err(HostError::other)?;
            let written = stream.write(ctx, &bytes);
            state.told(written)
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.write-zeroes",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>, count: u64| {
            let state = state(cx, access);
            let (stream, ctx) = state.sink(&this)?;
            stream.permit(count).map_err(HostError::other)?;
            let written = stream.write_zeroes(ctx, count);
            state.told(written)
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.flush",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>| {
            let state = state(cx, access);
            let flushed = state.sink(&this)?.0.flush();
            state.told(flushed)
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.subscribe",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>| {
            let state = state(cx, access);
            let pollable = state.sink(&this)?.0.pollable();
            subscribed(&mut state.table, pollable)
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.blocking-flush",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>| {
            write_waiting(cx, access, this, Writing { bytes: Vec::new(), done: 0, flushes: false })
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>, bytes: Vec<u8>| {
            check_blocking(bytes.len() as u64)?;
            write_waiting(cx, access, this, Writing { bytes, done: 0, flushes: false })
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.blocking-write-zeroes-and-flush",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>, count: u64| {
            check_blocking(count)?;
            let bytes = ZEROES[..count as usize].to_vec();
            write_waiting(cx, access, this, Writing { bytes, done: 0, flushes: false })
        },
    )?;
    Ok(())
}

/// Compares with the most that may be written and flushed at once.
fn check_blocking(count: u64) -> Result<(), HostError> {
    match count {
        0..=MAX_BLOCKING_WRITE => Ok(()),
        _ => Err(HostError::other(format!(
            "{count} bytes were to be written and flushed at once: at most {MAX_BLOCKING_WRITE} can be"
        ))),
    }
}

/// A write that is followed by a flush, and how far it is.
struct Writing {
    bytes: Vec<u8>,
    done: usize,
    /// All is written, and the flush has begun.
    flushes: bool,
}

impl Writing {
    /// Goes on as far as it can. Returns whether all is done.
    fn go_on(&mut self, stream: &mut Output, ctx: &mut WasiCtx) -> Result<bool, StreamError> {
        while self.done < self.bytes.len() {
            let permitted = stream.check_write()?;
            if permitted == 0 {
                return Ok(false);
            }
            let end = self.bytes.len().min(self.done + permitted);
            stream.write(ctx, &self.bytes[self.done..end])?;
            self.done = end;
        }
        if !std::mem::replace(&mut self.flushes, true) {
            stream.flush()?;
        }
        stream.is_flushed()
    }
}

/// Writes and flushes, however long that takes.
fn write_waiting<T: 'static>(
    cx: &mut Context<'_, '_, T>,
    access: Access<T>,
    this: Resource<Output>,
    mut writing: Writing,
) -> Result1<()> {
    wait(cx, move |cx| {
        let state = state(cx, access);
        let (stream, ctx) = state.sink(&this)?;
        match writing.go_on(stream, ctx) {
            Ok(false) => Ok(Attempt::Wait(vec![stream.pollable()])),
            Ok(true) => Ok(Attempt::Done(Ok(()))),
            Err(error) => Ok(Attempt::Done(state.told(Err(error))?)),
        }
    })
}

fn add_splices<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut streams = linker.instance(interface!("wasi:io/streams"))?;
    streams.func_wrap(
        "[method]output-stream.splice",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>, from: Resource<Input>, max: u64| {
            let state = state(cx, access);
            let spliced = splice(state, &this, &from, max)?.map(|(count, _)| count);
            state.told(spliced)
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.blocking-splice",
        move |cx: &mut Context<'_, '_, T>, this: Resource<Output>, from: Resource<Input>, max: u64| {
            wait(cx, move |cx| {
                let state = state(cx, access);
                match splice(state, &this, &from, max)? {
                    Ok((0, pollable)) if max > 0 => Ok(Attempt::Wait(vec![pollable])),
                    spliced => {
                        let spliced = spliced.map(|(count, _)| count);
                        Ok(Attempt::Done(state.told(spliced)?))
                    }
                }
            })
        },
    )?;
    Ok(())
}

/// Moves as many bytes as can be now. Returns how many, and what to wait for if they are none.
fn splice(
    state: &mut WasiState,
    to: &Resource<Output>,
    from: &Resource<Input>,
    max: u64,
) -> Result<Result<(u64, Pollable), StreamError>, HostError> {
    let (sink, _) = state.sink(to)?;
    let permitted = match sink.check_write() {
        Ok(0) => return Ok(Ok((0, sink.pollable()))),
        Ok(permitted) => permitted as u64,
        Err(error) => return Ok(Err(error)),
    };
    let (source, ctx) = state.input(from)?;
    let bytes = match source.read(ctx, max.min(permitted)) {
        Ok(bytes) if bytes.is_empty() => return Ok(Ok((0, source.pollable()))),
        Ok(bytes) => bytes,
        Err(error) => return Ok(Err(error)),
    };
    let (sink, ctx) = state.sink(to)?;
    Ok(sink.write(ctx, &bytes).map(|()| (bytes.len() as u64, Pollable::ready())))
}
