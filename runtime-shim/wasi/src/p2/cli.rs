//! `wasi:cli`: environment, exit, standard streams and terminals.

use wasmaot_component::{Context, Linker, LinkerInstance, Resource};
use wasmaot_runtime::{HostError, LinkError};

use super::state::{Access, drop_resource, interface, missing, state};
use super::stdio;
use super::stream::{Input, Output};
use crate::given::Strings;

/// The resource `terminal-input`, which nothing can be asked yet.
#[derive(Debug)]
struct TerminalInput;

/// The resource `terminal-output`, likewise.
#[derive(Debug)]
struct TerminalOutput;

/// Defines the interfaces of `wasi:cli` that a component imports.
///
/// # Errors
/// [`LinkError`] when the linker has one of the names already.
pub fn add_to_linker<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    let mut environment = linker.instance(interface!("wasi:cli/environment"))?;
    environment.func_wrap("get-environment", move |cx: &mut Context<'_, '_, T>| {
        let variables = texts(&state(cx, access).ctx.table.given().env);
        let pair = |text: String| match text.split_once('=') {
            Some((name, value)) => (name.to_string(), value.to_string()),
            None => (text, String::new()),
        };
        Ok(variables.map(pair).collect::<Vec<(String, String)>>())
    })?;
    environment.func_wrap("get-arguments", move |cx: &mut Context<'_, '_, T>| {
        Ok(texts(&state(cx, access).ctx.table.given().args).collect::<Vec<String>>())
    })?;
    // Paths begin at a preopened directory, whatever the process's own is.
    environment.func_wrap("initial-cwd", |_: &mut Context<'_, '_, T>| Ok(None::<String>))?;

    let mut exit = linker.instance(interface!("wasi:cli/exit"))?;
    exit.func_wrap("exit", |_: &mut Context<'_, '_, T>, status: Result<(), ()>| -> Result<(), HostError> {
        Err(HostError::Exit(i32::from(status.is_err())))
    })?;
    exit.func_wrap("exit-with-code", |_: &mut Context<'_, '_, T>, code: u8| -> Result<(), HostError> {
        Err(HostError::Exit(code.into()))
    })?;
    add_streams(linker, access)?;
    add_terminals(linker, access)
}

/// The texts of a list. Bytes that are no UTF-8 become U+FFFD, as components have no others.
fn texts(strings: &Strings) -> impl Iterator<Item = String> + '_ {
    let ends = strings.starts.iter().skip(1).copied().chain([strings.bytes.len()]);
    // A NUL is behind each.
    let range = |(&start, end): (&usize, usize)| &strings.bytes[start..end - 1];
    strings.starts.iter().zip(ends).map(range).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

fn add_streams<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    linker.instance(interface!("wasi:cli/stdin"))?.func_wrap(
        "get-stdin",
        move |cx: &mut Context<'_, '_, T>| -> Result<Resource<Input>, HostError> {
            let state = state(cx, access);
            let stream = state.stdin();
            state.table.push(stream).map_err(missing)
        },
    )?;
    let output = |number| {
        move |cx: &mut Context<'_, '_, T>| -> Result<Resource<Output>, HostError> {
            let state = state(cx, access);
            let stream = state.output(number);
            state.table.push(stream).map_err(missing)
        }
    };
    linker.instance(interface!("wasi:cli/stdout"))?.func_wrap("get-stdout", output(1))?;
    linker.instance(interface!("wasi:cli/stderr"))?.func_wrap("get-stderr", output(2))?;
    Ok(())
}

fn add_terminals<T: 'static>(linker: &mut Linker<T>, access: Access<T>) -> Result<(), LinkError> {
    linker
        .instance(interface!("wasi:cli/terminal-input"))?
        .resource::<TerminalInput>("terminal-input", drop_resource::<TerminalInput, T>(access))?;
    linker
        .instance(interface!("wasi:cli/terminal-output"))?
        .resource::<TerminalOutput>("terminal-output", drop_resource::<TerminalOutput, T>(access))?;
    let mut stdin = linker.instance(interface!("wasi:cli/terminal-stdin"))?;
    terminal(&mut stdin, "get-terminal-stdin", access, 0, || TerminalInput)?;
    let mut stdout = linker.instance(interface!("wasi:cli/terminal-stdout"))?;
    terminal(&mut stdout, "get-terminal-stdout", access, 1, || TerminalOutput)?;
    let mut stderr = linker.instance(interface!("wasi:cli/terminal-stderr"))?;
    terminal(&mut stderr, "get-terminal-stderr", access, 2, || TerminalOutput)
}

/// Defines the function that says whether a standard stream is a terminal.
fn terminal<T: 'static, R: Send + 'static>(
    instance: &mut LinkerInstance<'_, T>,
    name: &str,
    access: Access<T>,
    number: u32,
    resource: fn() -> R,
) -> Result<(), LinkError> {
    let terminal = move |cx: &mut Context<'_, '_, T>| -> Result<Option<Resource<R>>, HostError> {
        let state = state(cx, access);
        if !state.has_own(number) && stdio::is_terminal(&state.ctx, number) {
            return state.table.push(resource()).map(Some).map_err(missing);
        }
        Ok(None)
    };
    instance.func_wrap(name, terminal).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn lists_are_split_at_their_terminators() {
        let mut strings = Strings::default();
        assert_eq!(texts(&strings).count(), 0);
        for text in [&b"a"[..], b"", b"\xff=1"] {
            strings.push(&[OsStr::from_bytes(text)]);
        }
        assert_eq!(texts(&strings).collect::<Vec<_>>(), ["a", "", "\u{fffd}=1"]);
    }
}
