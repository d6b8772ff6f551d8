//! What an instance keeps of HTTP, and how host functions reach it.

use crate::budget::Budget;
use crate::client::Outgoing;
use wasmaot_component::{Context, Resource, TableError};
use wasmaot_runtime::HostError;
use wasmaot_wasi::p2::WasiState;

/// Bytes of headers and of bodies on their way that an instance may keep in the host, if nothing else is
/// said.
const BUDGET: usize = 2 << 20;

/// What an instance keeps of HTTP.
#[derive(Debug)]
pub struct HttpState {
    pub(crate) budget: Budget,
    pub(crate) outgoing: Outgoing,
    /// Bytes of a response's body.
    pub(crate) response_limit: u64,
    /// The request that is served wants headers only.
    pub(crate) is_head: bool,
}

impl HttpState {
    /// Returns the state of an instance that may make these requests, whose response has a body of at most
    /// `response_limit` bytes, and that keeps at most 2 MiB of headers and bodies in the host.
    pub fn new(outgoing: Outgoing, response_limit: u64) -> Self {
        Self { budget: Budget::new(BUDGET), outgoing, response_limit, is_head: false }
    }

    /// Returns how many outgoing requests the instance has made.
    pub fn outgoing_requests(&self) -> u64 {
        self.outgoing.made()
    }
}

/// Where the data of a store has what host functions work on.
pub struct Access<T> {
    /// The state of WASI.
    pub wasi: fn(&mut T) -> &mut WasiState,
    /// Both.
    pub both: fn(&mut T) -> (&mut WasiState, &mut HttpState),
}

impl<T> Clone for Access<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Access<T> {}

/// What a host function works on.
pub(crate) struct HttpContext<'a> {
    pub(crate) wasi: &'a mut WasiState,
    pub(crate) http: &'a mut HttpState,
}

impl<T> Access<T> {
    /// What a host function works on.
    pub(crate) fn of<'c>(self, cx: &'c mut Context<'_, '_, T>) -> HttpContext<'c> {
        self.of_data(cx.data_mut())
    }

    /// The same outside of host functions.
    pub(crate) fn of_data(self, data: &mut T) -> HttpContext<'_> {
        let (wasi, http) = (self.both)(data);
        HttpContext { wasi, http }
    }

    /// Drops a resource that the guest has dropped.
    pub(crate) fn drop<R: Send + 'static>(
        self,
        cx: &mut Context<'_, '_, T>,
        rep: u32,
    ) -> Result<(), HostError> {
        self.of(cx).delete(Resource::<R>::own(rep)).map(drop)
    }
}

impl HttpContext<'_> {
    pub(crate) fn push<R: Send + 'static>(&mut self, resource: R) -> Result<Resource<R>, HostError> {
        self.wasi.table.push(resource).map_err(failed)
    }

    pub(crate) fn get<R: Send + 'static>(&self, resource: &Resource<R>) -> Result<&R, HostError> {
        self.wasi.table.get(resource).map_err(failed)
    }

    pub(crate) fn get_mut<R: Send + 'static>(&mut self, resource: &Resource<R>) -> Result<&mut R, HostError> {
        self.wasi.table.get_mut(resource).map_err(failed)
    }

    pub(crate) fn delete<R: Send + 'static>(&mut self, resource: Resource<R>) -> Result<R, HostError> {
        self.wasi.table.delete(resource).map_err(failed)
    }
}

/// The guest's trap for a resource that is not there.
pub(crate) fn failed(error: TableError) -> HostError {
    HostError::other(error)
}
