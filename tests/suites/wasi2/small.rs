//! `wasi:cli`, `wasi:clocks` and `wasi:random`.

use crate::{Guest, parts, show, u64};
use std::slice::from_ref;
use std::time::{Duration, Instant, SystemTime};
use wasmaot_component::{Error, Val};
use wasmaot_runtime::CallError;
use wasmaot_wasi::p2::WasiState;

pub(crate) fn all() {
    the_environment_is_as_it_was_given();
    exits_have_a_status();
    streams_that_were_not_given_are_empty();
    clocks_go_on();
    pollables_of_clocks_become_ready();
    random_bytes_are_as_many_as_were_asked_for();
}

#[test]
fn the_environment_is_as_it_was_given() {
    let mut guest = Guest::of(|builder| _ = builder.args(["program", "", "ä"]).env("A", "1=2").env("B", ""));
    guest.gives("wasi:cli/environment#get-arguments", &[], r#"["program", "", "ä"]"#);
    guest.gives("wasi:cli/environment#get-environment", &[], r#"[("A", "1=2"), ("B", "")]"#);
    guest.gives("wasi:cli/environment#initial-cwd", &[], "none");
    let mut guest = Guest::of(|_| ());
    guest.gives("wasi:cli/environment#get-arguments", &[], "[]");
    guest.gives("wasi:cli/environment#get-environment", &[], "[]");
}

#[test]
fn exits_have_a_status() {
    for (function, argument, expected) in [
        ("wasi:cli/exit#exit", Val::Result(Ok(None)), 0),
        ("wasi:cli/exit#exit", Val::Result(Err(None)), 1),
        ("wasi:cli/exit#exit-with-code", Val::U8(42), 42),
    ] {
        let ended = Guest::of(|_| ()).try_call(function, &[argument]);
        match ended.as_ref().map_err(|error| &**error) {
            Err(Error::Call(CallError::Exit(status))) => assert_eq!(*status, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn streams_that_were_not_given_are_empty() {
    let mut guest = Guest::of(|_| ());
    let stdin = guest.call("wasi:cli/stdin#get-stdin", &[]);
    guest.gives("wasi:io/streams#input-stream.blocking-read", &[stdin, u64(1)], "err(closed)");
    for name in ["wasi:cli/stdout#get-stdout", "wasi:cli/stderr#get-stderr"] {
        let stream = guest.call(name, &[]);
        let args = [stream, crate::bytes(b"lost")];
        guest.gives("wasi:io/streams#output-stream.blocking-write-and-flush", &args, "ok");
    }
    for name in ["stdin", "stdout", "stderr"] {
        guest.gives(&format!("wasi:cli/terminal-{name}#get-terminal-{name}"), &[], "none");
    }
}

#[test]
fn terminals_are_known() {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let control = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&control).and_then(|()| unlockpt(&control)).expect("a terminal");
    let name = ptsname(&control, Vec::new()).expect("its name");
    let path = std::path::Path::new(name.to_str().expect("UTF-8"));
    let open = || std::fs::File::options().read(true).write(true).open(path).expect("it opens");
    let mut guest = Guest::of(|builder| _ = builder.stdin(open()).stdout(open()).capture_stderr(10));
    for (name, expected, resource) in [
        ("stdin", "some(handle)", "terminal-input"),
        ("stdout", "some(handle)", "terminal-output"),
        ("stderr", "none", "terminal-output"),
    ] {
        let found = guest.call(&format!("wasi:cli/terminal-{name}#get-terminal-{name}"), &[]);
        assert_eq!(show(&found), expected, "{name}");
        if let Val::Option(Some(handle)) = found {
            guest.drop(&format!("wasi:cli/{resource}#{resource}"), *handle);
        }
    }
    assert!(guest.state().table.is_empty());
}

fn datetime(value: &Val) -> (u64, u32) {
    let Val::Record(fields) = value else { panic!("{value:?}") };
    match &fields[..] {
        [(seconds, Val::U64(s)), (nanoseconds, Val::U32(n))]
            if seconds == "seconds" && nanoseconds == "nanoseconds" =>
        {
            (*s, *n)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn clocks_go_on() {
    let mut guest = Guest::of(|_| ());
    let now = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    let (before, found, after) = (now(), guest.call("wasi:clocks/wall-clock#now", &[]), now());
    let (seconds, nanoseconds) = datetime(&found);
    assert!((before..=after).contains(&Duration::new(seconds, nanoseconds)), "{found:?}");
    let resolution = datetime(&guest.call("wasi:clocks/wall-clock#resolution", &[]));
    assert!(resolution.0 == 0 && resolution.1 > 0, "{resolution:?}");

    let monotonic = |guest: &mut Guest| crate::number_of(&guest.call("wasi:clocks/monotonic-clock#now", &[]));
    let (first, second) = (monotonic(&mut guest), monotonic(&mut guest));
    assert!(first <= second);
    assert!(crate::number_of(&guest.call("wasi:clocks/monotonic-clock#resolution", &[])) > 0);
    let epoch = Val::Record(vec![("seconds".to_string(), u64(0)), ("nanoseconds".to_string(), Val::U32(0))]);
    guest.gives("wasi:clocks/timezone#utc-offset", from_ref(&epoch), "0");
    let shown = r#"{utc-offset: 0, name: "UTC", in-daylight-saving-time: false}"#;
    guest.gives("wasi:clocks/timezone#display", &[epoch], shown);
}

#[test]
fn pollables_of_clocks_become_ready() {
    let mut guest = Guest::of(|_| ());
    let now = crate::number_of(&guest.call("wasi:clocks/monotonic-clock#now", &[]));
    let past = guest.call("wasi:clocks/monotonic-clock#subscribe-instant", &[u64(now)]);
    guest.gives("wasi:io/poll#pollable.ready", from_ref(&past), "true");
    let soon = guest.call("wasi:clocks/monotonic-clock#subscribe-duration", &[u64(20_000_000)]);
    let never = guest.call("wasi:clocks/monotonic-clock#subscribe-duration", &[u64(u64::MAX)]);
    guest.gives("wasi:io/poll#pollable.ready", from_ref(&never), "false");
    let begun = Instant::now();
    let list = Val::List(vec![never.clone(), soon.clone(), never.clone(), soon.clone()]);
    guest.gives("wasi:io/poll#poll", &[list], "[1, 3]");
    guest.try_call("wasi:io/poll#pollable.block", &[soon]).expect("it is ready");
    assert!(begun.elapsed() >= Duration::from_millis(15));
    guest.gives("wasi:io/poll#poll", &[Val::List(vec![never.clone(), past])], "[1]");
    guest.traps("wasi:io/poll#poll", &[Val::List(Vec::new())], "empty list");
}

#[test]
fn random_bytes_are_as_many_as_were_asked_for() {
    let mut guest = Guest::of(|_| ());
    for name in ["wasi:random/random#get-random-bytes", "wasi:random/insecure#get-insecure-random-bytes"] {
        for count in [0, 1, 1000, 300_000] {
            let found = crate::bytes_of(&guest.call(name, &[u64(count)]));
            assert_eq!(found.len() as u64, count);
            if count > 1000 {
                let mut seen = [false; 256];
                found.iter().for_each(|&byte| seen[usize::from(byte)] = true);
                assert!(seen.iter().all(|&seen| seen), "{name}");
            }
        }
    }
    for name in ["wasi:random/random#get-random-u64", "wasi:random/insecure#get-insecure-random-u64"] {
        assert_ne!(guest.call(name, &[]), guest.call(name, &[]), "{name}");
    }
    let [one, other] = parts(guest.call("wasi:random/insecure-seed#insecure-seed", &[]));
    assert_ne!(one, other);
    guest.traps("wasi:random/random#get-random-bytes", &[u64(u64::MAX)], "at most 67108864");
}

/// The state is the embedder's data, or a part of it.
#[test]
fn a_guest_keeps_nothing_of_the_host_when_it_ends() {
    let mut guest = Guest::of(|_| ());
    for _ in 0..3 {
        let pollable = guest.call("wasi:clocks/monotonic-clock#subscribe-duration", &[u64(1)]);
        guest.drop("wasi:io/poll#pollable", pollable);
    }
    assert!(guest.state().table.is_empty());
    assert_eq!(guest.instance.handles(), 0);
    let (state, _): (WasiState, _) = guest.instance.finish();
    assert!(state.table.is_empty());
}
