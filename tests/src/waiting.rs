//! Threads that wait in the kernel: what a test does to them it does while they wait.

use std::path::Path;
use std::sync::mpsc;
use std::thread::{Scope, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

/// Runs `call` on a thread of its own, and comes back when that waits in one of these system calls (or is
/// over, which is for the test to notice). Gives the kernel's number of the thread, too.
pub fn waiting<'scope, R: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    system_calls: &[i64],
    call: impl FnOnce() -> R + Send + 'scope,
) -> (i32, ScopedJoinHandle<'scope, R>) {
    let (tell, told) = mpsc::channel();
    let thread = scope.spawn(move || {
        tell.send(std::fs::read_link("/proc/thread-self").expect("the kernel says"))
            .expect("the other side listens");
        call()
    });
    let path = told.recv().expect("it starts");
    let number =
        path.file_name().and_then(|name| name.to_str()?.parse().ok()).expect("a thread has a number");
    let state = Path::new("/proc").join(path).join("syscall");
    let late = Instant::now() + Duration::from_secs(60);
    while !thread.is_finished() {
        let Ok(line) = std::fs::read_to_string(&state) else {
            // Not every kernel says: then most likely it waits by the time that this is over.
            sleep(Duration::from_millis(50));
            break;
        };
        let current = line.split(' ').next().and_then(|number| number.parse().ok());
        if current.is_some_and(|current: i64| system_calls.contains(&current)) {
            break;
        }
        assert!(Instant::now() < late, "the thread neither waits nor ends: {line}");
        sleep(Duration::from_micros(100));
    }
    (number, thread)
}
