//! Exceptions beyond what scripts can say: the host's side of them, many instances, and what is
//! kept how long. The legacy form is in `scripts/exceptions_legacy.wast`.

mod host;
mod instances;
mod kept;
mod stopped;

use wasmaot_runtime::{CallError, Exception};

/// The exception that a call ended in.
fn exception<T: std::fmt::Debug>(result: Result<T, CallError>) -> Exception {
    match result {
        Err(CallError::Exception(exception)) => *exception,
        other => panic!("expected an exception, got {other:?}"),
    }
}
