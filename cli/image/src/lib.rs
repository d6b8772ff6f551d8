//! OCI images and Wasm artifacts as files, made without a container engine.
//!
//! A [`Layout`] holds one image. It is written as a tar file that is an OCI image layout and a docker archive
//! at once: containerd, podman and skopeo read `index.json`, `docker load` reads `manifest.json`, and both
//! lead to the same blobs.
//!
//! ```
//! use wasmaot_image::{Container, Entry, Layout, Reference};
//!
//! let container = Container {
//!     entries: vec![Entry { path: "app".into(), bytes: b"\x7fELF".to_vec(), executable: true }],
//!     entrypoint: vec!["/app".into()],
//!     ..Container::default()
//! };
//! let name: Reference = "example.org/app:1".parse()?;
//! let layout = Layout::container(&container, &name, &[])?;
//! let file = layout.into_tar()?;
//! assert_eq!(file, Layout::container(&container, &name, &[])?.into_tar()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Invariant: the bytes depend on the arguments only.** Files have the time that the caller states, owners
//! are numbers, and nothing is compressed: the output of a compressor changes with its version.
#![forbid(unsafe_code)]

mod attest;
mod blob;
mod container;
mod date;
mod error;
mod layout;
mod name;
mod pack;
mod wasm;

pub use attest::{Statement, signature_payload};
pub use blob::Digest;
pub use container::Container;
pub use date::rfc3339;
pub use error::ImageError;
pub use layout::Layout;
pub use name::{NameError, Reference};
pub use pack::Entry;
pub use wasm::{ComponentNames, Precompiled, WasmArtifact};
