//! A runtime for hosts that have none: it runs on a thread of its own.
//!
//! **Invariant: it ends with its value**, and the requests that are on their way then are given up.

use std::io;
use tokio::runtime::{Builder, EnterGuard, Handle};
use tokio::sync::oneshot;

/// A runtime of tokio on a thread of its own, for hosts that call guests from threads without one.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// let background = wasmaot_wasi_http::Background::start()?;
/// let entered = background.enter();
/// // ... calls of guests on this thread can make requests ...
/// drop(entered);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Background {
    handle: Handle,
    /// Dropping it ends the thread.
    _end: oneshot::Sender<()>,
}

impl Background {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread for it, or no descriptors.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = std::thread::Builder::new().name("wasmaot-http".into());
        thread.spawn(move || {
            // An error says that the sender is gone.
            _ = runtime.block_on(ended);
        })?;
        Ok(Self { handle, _end: end })
    }

    /// Makes it the runtime of this thread, as long as the guard lives.
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }
}
