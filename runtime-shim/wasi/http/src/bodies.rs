//! The resources around bodies: `incoming-body`, `future-trailers` and `outgoing-body`; and the function that
//! says what an error of a stream was.
//!
//! **Invariant: a body has one stream, and one end.**

use crate::error::ErrorCode;
use crate::fields::{Fields, remove_forbidden};
use crate::receiving::Shared;
use crate::sending::Writer;
use crate::state::{Access, HttpContext};
use std::sync::{Arc, Mutex};
use wasmaot_component::{Context, Linker, Resource};
use wasmaot_runtime::{HostError, LinkError};
use wasmaot_wasi::p2::{Input, IoError, Output, Pollable};

/// The resource `incoming-body`.
pub(crate) struct IncomingBody {
    shared: Shared,
    has_stream: bool,
}

impl IncomingBody {
    /// Gives the guest a body, which it has taken before if there is none.
    pub(crate) fn consume(
        http: &mut HttpContext<'_>,
        body: Option<Shared>,
    ) -> Result<Result<Resource<Self>, ()>, HostError> {
        match body {
            Some(shared) => http.push(Self { shared, has_stream: false }).map(Ok),
            None => Ok(Err(())),
        }
    }
}

/// The resource `future-trailers`.
struct FutureTrailers {
    shared: Shared,
    is_taken: bool,
}

/// The resource `outgoing-body`.
pub(crate) struct OutgoingBody(pub(crate) Writer);

/// The result of `future-trailers.get`.
type GotTrailers = Option<Result<Result<Option<Resource<Fields>>, ErrorCode>, ()>>;

/// Defines the functions of bodies.
pub(crate) fn define<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    define_incoming(linker, interface, access)?;
    let mut types = linker.instance(interface)?;
    types.resource::<OutgoingBody>("outgoing-body", move |cx, rep| access.drop::<OutgoingBody>(cx, rep))?;
    types.func_wrap(
        "[method]outgoing-body.write",
        move |cx: &mut Context<'_, '_, T>, body: Resource<OutgoingBody>| {
            let mut http = access.of(cx);
            match http.get_mut(&body)?.0.stream() {
                Some(stream) => http.push(Output::new(stream)).map(Ok::<Resource<Output>, ()>),
                None => Ok(Err(())),
            }
        },
    )?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        move |cx: &mut Context<'_, '_, T>,
              body: Resource<OutgoingBody>,
              trailers: Option<Resource<Fields>>| {
            let mut http = access.of(cx);
            let trailers = trailers.map(|trailers| http.delete(trailers)).transpose()?;
            let trailers = trailers.map(|fields| Arc::unwrap_or_clone(fields.headers));
            Ok(http.delete(body)?.0.finish(trailers))
        },
    )?;
    types.func_wrap("http-error-code", move |cx: &mut Context<'_, '_, T>, error: Resource<IoError>| {
        let http = access.of(cx);
        Ok(http.get(&error)?.downcast_ref::<ErrorCode>().cloned())
    })?;
    Ok(())
}

fn define_incoming<T: 'static>(
    linker: &mut Linker<T>,
    interface: &str,
    access: Access<T>,
) -> Result<(), LinkError> {
    let mut types = linker.instance(interface)?;
    types.resource::<IncomingBody>("incoming-body", move |cx, rep| access.drop::<IncomingBody>(cx, rep))?;
    types.resource::<FutureTrailers>("future-trailers", move |cx, rep| {
        access.drop::<FutureTrailers>(cx, rep)
    })?;
    types.func_wrap(
        "[method]incoming-body.stream",
        move |cx: &mut Context<'_, '_, T>, body: Resource<IncomingBody>| {
            let mut http = access.of(cx);
            let body = http.get_mut(&body)?;
            if std::mem::replace(&mut body.has_stream, true) {
                return Ok(Err(()));
            }
            let stream = Input::new(body.shared.clone());
            http.push(stream).map(Ok::<Resource<Input>, ()>)
        },
    )?;
    types.func_wrap(
        "[static]incoming-body.finish",
        move |cx: &mut Context<'_, '_, T>, body: Resource<IncomingBody>| {
            let mut http = access.of(cx);
            let shared = http.delete(body)?.shared;
            http.push(FutureTrailers { shared, is_taken: false })
        },
    )?;
    types.func_wrap(
        "[method]future-trailers.subscribe",
        move |cx: &mut Context<'_, '_, T>, trailers: Resource<FutureTrailers>| {
            let mut http = access.of(cx);
            let trailers = http.get(&trailers)?.shared.trailers();
            http.push(Pollable::new(Arc::new(Mutex::new(trailers))))
        },
    )?;
    types.func_wrap(
        "[method]future-trailers.get",
        move |cx: &mut Context<'_, '_, T>, trailers: Resource<FutureTrailers>| -> Result<GotTrailers, _> {
            let mut http = access.of(cx);
            let trailers = http.get_mut(&trailers)?;
            if trailers.is_taken {
                return Ok(Some(Err(())));
            }
            let Some(end) = trailers.shared.take_trailers() else { return Ok(None) };
            trailers.is_taken = true;
            Ok(Some(Ok(match end {
                Ok(Some(mut headers)) => {
                    remove_forbidden(&mut headers);
                    Ok(Some(http.push(Fields::immutable(Arc::new(headers)))?))
                }
                Ok(None) => Ok(None),
                Err(code) => Err(code),
            })))
        },
    )?;
    Ok(())
}
