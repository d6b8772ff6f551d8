//! `wasi:filesystem`: the preopened directories, and what is beneath them.
//!
//! ```text
//!  guest ──▶ here: functions by name ──▶ descriptor: rights ──▶ path (preview 1's): beneath a directory
//!                                        types: WIT's records and error codes
//! ```

mod descriptor;
mod types;

use rustix::io::Errno as HostErrno;
use wasmaot_component::{Context, Linker, LinkerInstance, Resource, TableError};
use wasmaot_runtime::{HostError, LinkError, check_interrupt};

use super::host::{IoError, SystemError};
use super::state::{Access, WasiState, drop_resource, interface, missing, state};
use super::stream::{Input, Output};
use crate::errno::Errno;
use descriptor::{Descriptor, Listing};
use types::{Advice, DescriptorFlags, ErrorCode, NewTimestamp, OpenFlags, PathFlags};

/// Why a function did not do what it was asked for.
enum Failure {
    /// The guest is told.
    Code(Errno),
    /// The guest is ended.
    Host(HostError),
}

impl From<Errno> for Failure {
    fn from(error: Errno) -> Self {
        Failure::Code(error)
    }
}

impl From<HostErrno> for Failure {
    fn from(error: HostErrno) -> Self {
        Failure::Code(error.into())
    }
}

impl From<TableError> for Failure {
    fn from(error: TableError) -> Self {
        Failure::Host(missing(error))
    }
}

/// What a function returns.
type Answer<R> = Result<Result<R, ErrorCode>, HostError>;

/// Runs a function, again if a signal interrupts it that does not stop the instance.
fn answer<R>(mut run: impl FnMut() -> Result<R, Failure>) -> Answer<R> {
    loop {
        match run() {
            Ok(result) => return Ok(Ok(result)),
            Err(Failure::Code(Errno::Intr)) => check_interrupt()?,
            Err(Failure::Code(error)) => return Ok(Err(ErrorCode::of(error))),
            Err(Failure::Host(error)) => return Err(error),
        }
    }
}

/// Defines `wasi:filesystem/preopens` and `wasi:filesystem/types`.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut preopens = linker.instance(interface!("wasi:filesystem/preopens"))?;
    preopens.func_wrap("get-directories", move |cx: &mut Context<'_, '_, T>| preopened(state(cx, access)))?;
    let mut types = linker.instance(interface!("wasi:filesystem/types"))?;
    types.resource::<Descriptor>("descriptor", drop_resource::<Descriptor, T>(access))?;
    types.resource::<Listing>("directory-entry-stream", drop_resource::<Listing, T>(access))?;
    types.func_wrap(
        "filesystem-error-code",
        move |cx: &mut Context<'_, '_, T>, error: Resource<IoError>| {
            let error = state(cx, access).table.get(&error).map_err(missing)?;
            Ok(error.downcast_ref().and_then(|&SystemError(error)| ErrorCode::named(error)))
        },
    )?;
    let mut functions = Functions { types, access };
    functions.add_streams()?;
    functions.add_transfers()?;
    functions.add_status()?;
    functions.add_paths()?;
    functions.add_links()
}

/// The directories that the host gave, with their names.
fn preopened(state: &mut WasiState) -> Result<Vec<(Resource<Descriptor>, String)>, HostError> {
    let given = state.ctx.table.given().entries.iter().flatten();
    let directories = given.filter_map(|entry| Some((entry, entry.directory()?.preopened_as.as_ref()?)));
    let directories: Vec<_> =
        directories.map(|(entry, name)| (Descriptor::given(entry), name.to_string())).collect();
    let pushed = directories.into_iter().map(|(directory, name)| Ok((state.table.push(directory)?, name)));
    pushed.collect::<Result<_, TableError>>().map_err(missing)
}

/// The functions of `wasi:filesystem/types`.
struct Functions<'l, T> {
    types: LinkerInstance<'l, T>,
    access: Access<T>,
}

/// Defines functions of a descriptor, each by what it does to that.
macro_rules! define {
    ($functions:ident, $access:ident; $($name:literal => |$this:ident, $state:ident $(, $arg:ident: $ty:ty)*| $body:expr;)+) => {
        $($functions.types.func_wrap(
            concat!("[method]descriptor.", $name),
            move |cx: &mut Context<'_, '_, T>, this: Resource<Descriptor> $(, $arg: $ty)*| {
                let $state = state(cx, $access);
                answer(|| {
                    let $this = $state.table.get(&this)?;
                    Ok($body)
                })
            },
        )?;)+
    };
}

impl<T: 'static> Functions<'_, T> {
    fn add_streams(&mut self) -> Result<(), LinkError> {
        let access = self.access;
        define! { self, access;
            "read-via-stream" => |this, state, offset: u64| {
                let stream: Input = this.read_via_stream(offset)?;
                state.table.push(stream)?
            };
            "write-via-stream" => |this, state, offset: u64| {
                let stream: Output = this.write_via_stream(offset)?;
                state.table.push(stream)?
            };
            "append-via-stream" => |this, state| {
                let stream: Output = this.append_via_stream()?;
                state.table.push(stream)?
            };
            "read-directory" => |this, state| {
                let listing = this.read_directory(&state.open)?;
                state.table.push(listing)?
            };
        }
        self.types.func_wrap(
            "[method]directory-entry-stream.read-directory-entry",
            move |cx: &mut Context<'_, '_, T>, this: Resource<Listing>| {
                let state = state(cx, access);
                answer(|| Ok(state.table.get_mut(&this)?.next()?))
            },
        )?;
        Ok(())
    }

    fn add_transfers(&mut self) -> Result<(), LinkError> {
        let access = self.access;
        define! { self, access;
            "read" => |this, state, length: u64, offset: u64| {
                let (bytes, is_end) = this.read(length.min(state.ctx.max_transfer()), offset)?;
                state.ctx.transferred.read += bytes.len() as u64;
                (bytes, is_end)
            };
            "write" => |this, state, bytes: Vec<u8>, offset: u64| {
                let most = usize::try_from(state.ctx.max_transfer()).unwrap_or(usize::MAX);
                let written = this.write(&bytes[..bytes.len().min(most)], offset)?;
                state.ctx.transferred.written += written;
                written
            };
            "advise" => |this, _state, offset: u64, length: u64, advice: Advice| {
                this.advise(offset, length, advice)?
            };
            "sync-data" => |this, _state| this.sync(true)?;
            "sync" => |this, _state| this.sync(false)?;
            "set-size" => |this, _state, size: u64| this.set_size(size)?;
        }
        Ok(())
    }

    fn add_status(&mut self) -> Result<(), LinkError> {
        let access = self.access;
        define! { self, access;
            "get-flags" => |this, _state| this.flags();
            "get-type" => |this, _state| this.kind()?;
            "stat" => |this, _state| this.stat()?;
            "set-times" => |this, _state, accessed: NewTimestamp, modified: NewTimestamp| {
                this.set_times(accessed, modified)?
            };
            "metadata-hash" => |this, _state| this.metadata_hash()?;
        }
        self.types.func_wrap(
            "[method]descriptor.is-same-object",
            move |cx: &mut Context<'_, '_, T>, this: Resource<Descriptor>, other: Resource<Descriptor>| {
                let table = &state(cx, access).table;
                let (one, other) = (table.get(&this).map_err(missing)?, table.get(&other).map_err(missing)?);
                Ok(one.is_same(other).unwrap_or(false))
            },
        )?;
        Ok(())
    }

    fn add_paths(&mut self) -> Result<(), LinkError> {
        let access = self.access;
        define! { self, access;
            "open-at" => |this, state, path_flags: PathFlags, path: String, open: OpenFlags, flags: DescriptorFlags| {
                let opened = this.open_at(&state.open, path_flags, &path, open, flags)?;
                state.table.push(opened)?
            };
            "stat-at" => |this, _state, flags: PathFlags, path: String| this.stat_at(flags, &path)?;
            "metadata-hash-at" => |this, _state, flags: PathFlags, path: String| {
                this.metadata_hash_at(flags, &path)?
            };
            "set-times-at" => |this, _state, flags: PathFlags, path: String, accessed: NewTimestamp, modified: NewTimestamp| {
                this.set_times_at(flags, &path, accessed, modified)?
            };
            "create-directory-at" => |this, _state, path: String| this.create_directory_at(&path)?;
            "remove-directory-at" => |this, _state, path: String| this.remove_directory_at(&path)?;
            "unlink-file-at" => |this, _state, path: String| this.unlink_file_at(&path)?;
        }
        Ok(())
    }

    fn add_links(&mut self) -> Result<(), LinkError> {
        let access = self.access;
        define! { self, access;
            "readlink-at" => |this, _state, path: String| this.readlink_at(&path)?;
            "symlink-at" => |this, _state, target: String, path: String| this.symlink_at(&target, &path)?;
            "link-at" => |this, state, flags: PathFlags, path: String, to: Resource<Descriptor>, new: String| {
                this.link_at(flags, &path, state.table.get(&to)?, &new)?
            };
            "rename-at" => |this, state, path: String, to: Resource<Descriptor>, new: String| {
                this.rename_at(&path, state.table.get(&to)?, &new)?
            };
        }
        Ok(())
    }
}
