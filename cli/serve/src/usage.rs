//! Where records of requests go: a file, a line each.
//!
//! ```text
//!  threads ──append──▶ buffer ──swap──▶ writer's thread ──▶ file
//! ```
//!
//! **Invariant: no record is dropped.** What the file does not take is kept, and when that is much, the
//! server refuses requests until it has been written.

use crate::error::ServeError;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes that wait to be written before requests are refused.
const MOST: usize = 64 << 20;

/// How long records wait for more of them.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long the writer waits after a failure.
const RETRY: Duration = Duration::from_secs(1);

/// Where records go.
pub(crate) struct Usage {
    shared: Arc<Shared>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: Vec<u8>,
    is_closed: bool,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Usage {
    /// Opens a file, to which records are appended; `-` is standard output.
    ///
    /// # Errors
    /// It cannot be opened, or the thread that writes cannot be started.
    pub(crate) fn open(path: &Path) -> Result<Self, ServeError> {
        let error = |source| ServeError::Usage { path: path.to_path_buf(), source };
        let file: Box<dyn Write + Send> = match path.as_os_str() == "-" {
            true => Box::new(io::stdout()),
            false => Box::new(open(path).map_err(error)?),
        };
        let shared = Arc::<Shared>::default();
        let writer = std::thread::Builder::new().name("usage".to_string());
        let writer = writer.spawn({
            let shared = shared.clone();
            move || write(&shared, file)
        });
        Ok(Self { shared, writer: Mutex::new(Some(writer.map_err(error)?)) })
    }

    /// Adds a line.
    pub(crate) fn add(&self, line: impl FnOnce(&mut Vec<u8>)) {
        line(&mut self.shared.lock().lines);
    }

    /// Whether so much waits that no request should be begun.
    pub(crate) fn is_full(&self) -> bool {
        self.shared.lock().lines.len() > MOST
    }

    /// Waits until everything is written.
    pub(crate) fn close(&self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(writer) = writer {
            _ = writer.join();
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn write(shared: &Shared, mut file: Box<dyn Write + Send>) {
    let mut lines = Vec::new();
    loop {
        let state = shared.lock();
        let wait = shared.changed.wait_timeout_while(state, INTERVAL, |state| !state.is_closed);
        let (mut state, _) = wait.unwrap_or_else(PoisonError::into_inner);
        let is_closed = state.is_closed;
        std::mem::swap(&mut lines, &mut state.lines);
        drop(state);
        match write_all(&mut *file, &lines) {
            (_, Ok(())) => lines.clear(),
            (written, Err(error)) => {
                tracing::error!(%error, "cannot write usage records");
                // What was not written comes before what has come since.
                lines.drain(..written);
                let mut state = shared.lock();
                lines.append(&mut state.lines);
                state.lines = std::mem::take(&mut lines);
                if is_closed {
                    return;
                }
                drop(state);
                std::thread::sleep(RETRY);
                continue;
            }
        }
        if is_closed {
            return;
        }
    }
}

/// Writes everything, and says how much of it was written.
fn write_all(file: &mut dyn Write, mut bytes: &[u8]) -> (usize, io::Result<()>) {
    let all = bytes.len();
    while !bytes.is_empty() {
        match file.write(bytes) {
            Ok(0) => return (all - bytes.len(), Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (all - bytes.len(), Err(error)),
        }
    }
    (all, file.flush())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file that takes a byte and fails in turn.
    struct Stubborn(Arc<Mutex<Vec<u8>>>, bool);

    impl Write for Stubborn {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.lock().expect("nothing panics").extend(&bytes[..1]);
            Ok(1)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_was_not_written_stays_in_order() {
        let written = Arc::<Mutex<Vec<u8>>>::default();
        let mut file = Stubborn(written.clone(), true);
        let mut lines = b"abc".to_vec();
        while !lines.is_empty() {
            let (count, _) = write_all(&mut file, &lines);
            lines.drain(..count);
        }
        assert_eq!(*written.lock().expect("nothing panics"), b"abc");
    }
}
