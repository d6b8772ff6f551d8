//! Why an image cannot be made.

/// Why an image cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// A path of a file is absolute, empty, or leaves the image.
    #[error("`{path}` is no path of a file in an image")]
    Path {
        /// The path.
        path: String,
    },
    /// Two files have one path.
    #[error("the image has two files `{path}`")]
    Twice {
        /// The path.
        path: String,
    },
    /// Packing failed: a file is larger than an archive can state.
    #[error("cannot pack the image")]
    Pack(#[from] std::io::Error),
}
