//! Spans and events for the crate `tracing`, which exist only with the feature of that name.
//!
//! **Invariants.** Without the feature nothing is left of them: their fields are not evaluated. What is told
//! goes to the embedder's subscriber, so it is told where no lock is held, and never by a handler of signals.

/// Tells of an event: its level, its fields, and its message.
macro_rules! event {
    ($level:ident, $($what:tt)*) => {{
        #[cfg(feature = "tracing")]
        tracing::event!(target: "wasmaot", tracing::Level::$level, $($what)*);
    }};
}
pub(crate) use event;

/// Tells of a span, which lasts until the block ends: its level, its name, and its fields.
macro_rules! span {
    ($level:ident, $name:literal $($fields:tt)*) => {
        #[cfg(feature = "tracing")]
        let _span = tracing::span!(target: "wasmaot", tracing::Level::$level, $name $($fields)*).entered();
    };
}
pub(crate) use span;

/// Tells that a limit is hit, from where no panic of a subscriber may pass: it is dropped.
#[cfg(feature = "tracing")]
pub(crate) fn limit_hit(limit: &'static str) {
    _ = std::panic::catch_unwind(|| event!(WARN, limit, "limit hit"));
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn limit_hit(_: &'static str) {}
