//! `wasi:http` for components: what a server passes to a guest, and the requests that a guest makes.
