//! Serves HTTP components, each request in an instance of its own.
