//! wasmaot's side.

use super::request::{NAME, Once, Request, SLOTS, Task, check_greeting};
use std::io;
use wasmaot_bench::turns::Side;
use wasmaot_compiler::{Options, TargetCpu};
use wasmaot_component::{Component, Context, Linker, Resource, Val};
use wasmaot_runtime::{HotSets, LinkError, Module, Pool, PoolConfig};

/// Resources, which are only numbers here.
struct Fields;
struct IncomingRequest;
struct OutgoingResponse;
struct OutgoingBody;
struct ResponseOutparam;
struct OutputStream;

type Cx<'a, 'b> = Context<'a, 'b, Request>;

pub(super) fn side(wasm: &[u8], task: Task) -> io::Result<Box<dyn Side>> {
    let options = Options { cpu: TargetCpu::Native, ..Options::default() };
    let output = wasmaot_compiler::compile(wasm, &options, &|_| ()).map_err(io::Error::other)?;
    // SAFETY: it was compiled just now.
    let module = unsafe { Module::from_bytes_trusted(&output.bytes) }.map_err(io::Error::other)?;
    let component = Component::new(module).map_err(io::Error::other)?;
    let mut linker = Linker::<Request>::new();
    http(&mut linker).map_err(io::Error::other)?;
    linker.trap_undefined(true);
    let linked = linker.instantiate_pre(&component).map_err(io::Error::other)?;
    let config = PoolConfig { slots: SLOTS, hot_sets: HotSets::Shared, ..PoolConfig::default() };
    let pool = Pool::new(config).map_err(io::Error::other)?;
    if task == Task::Greet {
        let greet = linked.get_typed_func::<(&str,), String>("greet").map_err(io::Error::other)?;
        return Ok(Box::new(Once(move || {
            let mut instance = linked.start(&pool, Request::default()).map_err(io::Error::other)?;
            let answer = greet.call(&mut instance, (NAME,)).map_err(io::Error::other)?;
            instance.finish();
            check_greeting(&answer)
        })));
    }
    let name = "wasi:http/incoming-handler@0.2.1#handle";
    let handle = linked
        .get_typed_func::<(Resource<IncomingRequest>, Resource<ResponseOutparam>), ()>(name)
        .map_err(io::Error::other)?;
    Ok(Box::new(Once(move || {
        let mut instance = linked.start(&pool, Request::default()).map_err(io::Error::other)?;
        handle.call(&mut instance, (Resource::own(1), Resource::own(2))).map_err(io::Error::other)?;
        instance.finish().0.check()
    })))
}

/// Defines what `hello_wasi_http` calls.
fn http(linker: &mut Linker<Request>) -> Result<(), LinkError> {
    let mut types = linker.instance("wasi:http/types@0.2.1")?;
    types.resource::<Fields>("fields", |_, _| Ok(()))?;
    types.resource::<IncomingRequest>("incoming-request", |_, _| Ok(()))?;
    types.resource::<OutgoingResponse>("outgoing-response", |_, _| Ok(()))?;
    types.resource::<OutgoingBody>("outgoing-body", |_, _| Ok(()))?;
    types.resource::<ResponseOutparam>("response-outparam", |_, _| Ok(()))?;
    types.func_wrap("[constructor]fields", |_: &mut Cx<'_, '_>| Ok(Resource::<Fields>::own(3)))?;
    types.func_wrap("[constructor]outgoing-response", |_: &mut Cx<'_, '_>, _: Resource<Fields>| {
        Ok(Resource::<OutgoingResponse>::own(4))
    })?;
    types.func_wrap(
        "[method]outgoing-response.body",
        |_: &mut Cx<'_, '_>, _: Resource<OutgoingResponse>| Ok(Ok::<_, ()>(Resource::<OutgoingBody>::own(5))),
    )?;
    types.func_wrap("[method]outgoing-body.write", |_: &mut Cx<'_, '_>, _: Resource<OutgoingBody>| {
        Ok(Ok::<_, ()>(Resource::<OutputStream>::own(6)))
    })?;
    types.func_wrap(
        "[static]outgoing-body.finish",
        |_: &mut Cx<'_, '_>, _: Resource<OutgoingBody>, _: Option<Resource<Fields>>| Ok(Ok::<(), Val>(())),
    )?;
    types.func_wrap(
        "[static]response-outparam.set",
        |cx: &mut Cx<'_, '_>,
         _: Resource<ResponseOutparam>,
         answer: Result<Resource<OutgoingResponse>, Val>| {
            cx.data_mut().answered = answer.is_ok();
            Ok(())
        },
    )?;
    let mut streams = linker.instance("wasi:io/streams@0.2.1")?;
    streams.resource::<OutputStream>("output-stream", |_, _| Ok(()))?;
    streams.func_wrap(
        "[method]output-stream.blocking-write-and-flush",
        |cx: &mut Cx<'_, '_>, _: Resource<OutputStream>, bytes: Vec<u8>| {
            cx.data_mut().written += bytes.len();
            Ok(Ok::<(), Val>(()))
        },
    )?;
    Ok(())
}
