//! What an instance has of WASI 0.2, and how host functions reach it.
//!
//! **Invariant: a resource of the table is reached by a handle of its own type only.**

use std::fmt;

use wasmaot_component::{Context, Resource, ResourceTable, TableError};
use wasmaot_runtime::HostError;

use super::grants::NetworkGrants;
use super::open::Permits;
use super::stdio;
use super::stream::{Input, Output};
use crate::ctx::WasiCtx;

/// The version under which the interfaces are defined; every 0.2 finds them.
macro_rules! interface {
    ($name:literal) => {
        concat!($name, "@0.2.10")
    };
}
pub(super) use interface;

/// Finds the state in an embedder's data.
pub type Access<T> = fn(&mut T) -> &mut WasiState;

/// The state of WASI 0.2 for one instance.
///
/// ```
/// use wasmaot_wasi::{WasiCtxBuilder, p2::WasiState};
///
/// let mut builder = WasiCtxBuilder::new();
/// builder.capture_stdout(1 << 20);
/// let state = WasiState::new(builder.build());
/// // ... a component runs with `state` as its data ...
/// let printed: &[u8] = state.ctx.stdout();
/// ```
pub struct WasiState {
    /// Arguments, environment, standard streams and directories.
    pub ctx: WasiCtx,
    /// Resources of the host's that the guest has handles of, those of other interfaces included.
    pub table: ResourceTable,
    /// What the embedder has put in the place of the standard streams.
    stdin: Option<Input>,
    outputs: [Option<Output>; 2],
    pub(super) open: Permits,
    pub(super) network: NetworkGrants,
}

impl fmt::Debug for WasiState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WasiState")
            .field("ctx", &self.ctx)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl WasiState {
    /// Returns the state of an instance with this context, and nothing of the network.
    pub fn new(ctx: WasiCtx) -> Self {
        let given = ctx.table.given();
        let open = Permits::new(given.entries.len(), given.max_descriptors);
        Self {
            ctx,
            table: ResourceTable::default(),
            stdin: None,
            outputs: [const { None }; 2],
            open,
            network: NetworkGrants::none(),
        }
    }

    /// Sets what of the network the instance is granted.
    pub fn set_network(&mut self, grants: NetworkGrants) -> &mut Self {
        self.network = grants;
        self
    }

    /// Puts a stream in the place of the context's standard input.
    pub fn set_stdin(&mut self, stream: Input) -> &mut Self {
        self.stdin = Some(stream);
        self
    }

    /// Puts a stream in the place of the context's standard output.
    pub fn set_stdout(&mut self, stream: Output) -> &mut Self {
        self.outputs[0] = Some(stream);
        self
    }

    /// Puts a stream in the place of the context's standard error.
    pub fn set_stderr(&mut self, stream: Output) -> &mut Self {
        self.outputs[1] = Some(stream);
        self
    }

    /// Whether the embedder has put a stream in the place of this one.
    pub(super) fn has_own(&self, number: u32) -> bool {
        match number {
            0 => self.stdin.is_some(),
            number => self.outputs[number as usize - 1].is_some(),
        }
    }

    pub(super) fn stdin(&self) -> Input {
        self.stdin.clone().unwrap_or_else(|| stdio::stdin(&self.ctx))
    }

    pub(super) fn output(&self, number: u32) -> Output {
        let own = self.outputs.get(number as usize - 1).cloned().flatten();
        own.unwrap_or_else(|| stdio::output(&self.ctx, number))
    }
}

/// The state in a context.
pub(super) fn state<'c, T>(cx: &'c mut Context<'_, '_, T>, access: Access<T>) -> &'c mut WasiState {
    access(cx.data_mut())
}

/// What a guest is trapped by that has a handle without a resource.
pub(super) fn missing(error: TableError) -> HostError {
    HostError::other(error)
}

/// Drops a resource of the table.
pub(super) fn drop_resource<R: Send + 'static, T>(
    access: Access<T>,
) -> impl Fn(&mut Context<'_, '_, T>, u32) -> Result<(), HostError> + Send + Sync + 'static
where
    T: 'static,
{
    move |cx, rep| {
        let resource = Resource::<R>::own(rep);
        state(cx, access).table.delete(resource).map(drop).map_err(missing)
    }
}
