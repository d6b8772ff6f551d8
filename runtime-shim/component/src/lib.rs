//! Runs WebAssembly components that wasmaot compiled.
//!
//! A component becomes a core module when it is compiled; this crate is what stands around it: the canonical
//! ABI, which turns core values and guest memory into values of the host's and back, tables of handles, and
//! host functions with Rust types.
//!
//! | part | does |
//! |---|---|
//! | [`Component`] | checks what an artifact says of its component |
//! | [`Linker`] | collects definitions by interface, and links components |
//! | [`InstancePre`] | a linked component, to be started any number of times |
//! | [`Instance`] | one instance, in a slot of a pool or by itself |
//! | [`Func`], [`TypedFunc`] | what a component exports |
//! | [`Val`] | a value of any type; [`convert`](ComponentType) has the Rust types that stand for the others |
//! | [`record!`], [`variant!`], [`enumeration!`], [`flags!`] | define Rust types for those of WIT |
//! | [`Resource`], [`ResourceAny`], [`ResourceTable`] | handles, and what they stand for |
//!
//! ```text
//!  convert, val, resource   Rust types and values
//!  lift, lower              flat values and guest memory
//!  handles, types           what an instance keeps, what a component's types are
//! ```
//!
//! **Invariants.** Nothing here calls the guest while the guest waits: what the canonical ABI calls on the
//! way is called by code that the compiler generated. What a guest passes is compared before it is used. What
//! an instance keeps goes with it.
#![forbid(unsafe_code)]

mod builtins;
mod component;
mod convert;
mod error;
mod func;
mod handles;
mod instance;
mod lift;
mod linker;
mod lower;
mod names;
mod resource;
#[doc(hidden)]
pub mod shapes;
mod state;
mod transcode;
mod types;
mod val;
/// Types in the words of WIT.
pub mod wit;

pub use component::Component;
pub use convert::{ComponentType, Lift, Lower};
pub use error::{ComponentError, Error, ImportError, Trap};
pub use func::{HostFunc, IntoHostFunc};
pub use instance::{Func, Instance, InstancePre, Params, TypedFunc};
pub use linker::{Linker, LinkerInstance};
pub use resource::{Resource, ResourceAny, ResourceTable, TableError};
pub use state::{Context, Limits, State};
pub use val::Val;
