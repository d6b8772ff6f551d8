//! `wasmaot serve`, by a component that does what it should not (`handler.wat`) and clients that do the same:
//! every answer that the guide documents, limits, usage records, reloads and ends under load.
//!
//! `WASMAOT_SERVE_REQUESTS=N` makes the campaigns as long as that (2,000 requests by default).

mod answers;
mod client;
mod clients;
mod http2;
mod limits;
mod operations;
mod records;
mod server;

/// Requests of a campaign.
fn requests() -> usize {
    match std::env::var("WASMAOT_SERVE_REQUESTS") {
        Ok(number) => number.parse().expect("WASMAOT_SERVE_REQUESTS is a number"),
        Err(_) => 2000,
    }
}
