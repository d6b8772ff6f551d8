//! Wasmtime's side: its typed host functions, except where a type is an error code of many cases.

use super::request::{NAME, Once, Request, SLOTS, Task, check_greeting};
use crate::theirs::{self, Setting};
use std::io;
use wasmaot_bench::turns::Side;
use wasmtime::component::{
    Component, ComponentNamedList, ComponentType, InstancePre, Lift, Linker, Lower, Resource, ResourceType,
    Val,
};
use wasmtime::{Engine, Store, StoreContextMut};

/// Resources, which are only numbers here.
struct Fields;
struct IncomingRequest;
struct OutgoingResponse;
struct OutgoingBody;
struct ResponseOutparam;
struct OutputStream;
struct IoError;

#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
enum StreamError {
    #[component(name = "last-operation-failed")]
    Failed(Resource<IoError>),
    #[component(name = "closed")]
    Closed,
}

pub(super) fn side(wasm: &[u8], task: Task, setting: Setting) -> io::Result<Box<dyn Side>> {
    let engine = theirs::engine(setting, SLOTS)?;
    let component = Component::new(&engine, wasm).map_err(io::Error::other)?;
    let mut linker = Linker::<Request>::new(&engine);
    // What is not called; then what is.
    linker.define_unknown_imports_as_traps(&component).map_err(io::Error::other)?;
    linker.allow_shadowing(true);
    http(&mut linker).map_err(io::Error::other)?;
    let linked = linker.instantiate_pre(&component).map_err(whole)?;
    let missing = || io::Error::other("no such export");
    if task == Task::Greet {
        let greet = component.get_export_index(None, "greet").ok_or_else(missing)?;
        return Ok(Box::new(Once(move || {
            let (_, (answer,)) = call::<(&str,), (String,)>(&engine, &linked, &greet, (NAME,))?;
            check_greeting(&answer)
        })));
    }
    let handler = component.get_export_index(None, "wasi:http/incoming-handler@0.2.1").ok_or_else(missing)?;
    let handle = component.get_export_index(Some(&handler), "handle").ok_or_else(missing)?;
    Ok(Box::new(Once(move || {
        let params = (Resource::<IncomingRequest>::new_own(1), Resource::<ResponseOutparam>::new_own(2));
        let (store, ()) = call::<_, ()>(&engine, &linked, &handle, params)?;
        store.data().check()
    })))
}

/// An error with all of its causes.
fn whole(error: wasmtime::Error) -> io::Error {
    io::Error::other(format!("{error:#}"))
}

/// Starts an instance and calls it.
fn call<P, R>(
    engine: &Engine,
    linked: &InstancePre<Request>,
    export: &wasmtime::component::ComponentExportIndex,
    params: P,
) -> io::Result<(Store<Request>, R)>
where
    P: ComponentNamedList + Lower,
    R: ComponentNamedList + Lift + 'static,
{
    let mut store = Store::new(engine, Request::default());
    let instance = linked.instantiate(&mut store).map_err(io::Error::other)?;
    let func = instance.get_typed_func::<P, R>(&mut store, export).map_err(io::Error::other)?;
    let result = func.call(&mut store, params).map_err(io::Error::other)?;
    Ok((store, result))
}

/// Defines what `hello_wasi_http` calls.
fn http(linker: &mut Linker<Request>) -> wasmtime::Result<()> {
    type Cx<'a> = StoreContextMut<'a, Request>;
    let mut types = linker.instance("wasi:http/types@0.2.1")?;
    types.resource("fields", ResourceType::host::<Fields>(), |_, _| Ok(()))?;
    types.resource("incoming-request", ResourceType::host::<IncomingRequest>(), |_, _| Ok(()))?;
    types.resource("outgoing-response", ResourceType::host::<OutgoingResponse>(), |_, _| Ok(()))?;
    types.resource("outgoing-body", ResourceType::host::<OutgoingBody>(), |_, _| Ok(()))?;
    types.resource("response-outparam", ResourceType::host::<ResponseOutparam>(), |_, _| Ok(()))?;
    // Other names of the same types.
    types.resource("headers", ResourceType::host::<Fields>(), |_, _| Ok(()))?;
    types.resource("trailers", ResourceType::host::<Fields>(), |_, _| Ok(()))?;
    types.resource("output-stream", ResourceType::host::<OutputStream>(), |_, _| Ok(()))?;
    types.func_wrap("[constructor]fields", |_: Cx<'_>, (): ()| Ok((Resource::<Fields>::new_own(3),)))?;
    types.func_wrap("[constructor]outgoing-response", |_: Cx<'_>, _: (Resource<Fields>,)| {
        Ok((Resource::<OutgoingResponse>::new_own(4),))
    })?;
    types.func_wrap("[method]outgoing-response.body", |_: Cx<'_>, _: (Resource<OutgoingResponse>,)| {
        Ok((Ok::<_, ()>(Resource::<OutgoingBody>::new_own(5)),))
    })?;
    types.func_wrap("[method]outgoing-body.write", |_: Cx<'_>, _: (Resource<OutgoingBody>,)| {
        Ok((Ok::<_, ()>(Resource::<OutputStream>::new_own(6)),))
    })?;
    types.func_new("[static]outgoing-body.finish", |_, _, _, results| {
        results[0] = Val::Result(Ok(None));
        Ok(())
    })?;
    types.func_new("[static]response-outparam.set", |mut store, _, params, _| {
        store.data_mut().answered = matches!(params[1], Val::Result(Ok(_)));
        Ok(())
    })?;
    linker
        .instance("wasi:io/error@0.2.1")?
        .resource("error", ResourceType::host::<IoError>(), |_, _| Ok(()))?;
    let mut streams = linker.instance("wasi:io/streams@0.2.1")?;
    streams.resource("error", ResourceType::host::<IoError>(), |_, _| Ok(()))?;
    streams.resource("output-stream", ResourceType::host::<OutputStream>(), |_, _| Ok(()))?;
    streams.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |mut store: Cx<'_>, (_, bytes): (Resource<OutputStream>, Vec<u8>)| {
            store.data_mut().written += bytes.len();
            Ok((Ok::<(), StreamError>(()),))
        },
    )?;
    Ok(())
}
