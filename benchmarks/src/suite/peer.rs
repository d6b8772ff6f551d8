//! A runtime of the comparison.

use crate::adapters::{Adapter, Tools};
use std::collections::BTreeMap;
use std::path::PathBuf;
use wasmaot_bench::results::{Found, Peer};

/// A runtime, found or not.
pub(super) struct SuitePeer {
    pub(super) adapter: Adapter,
    pub(super) tools: Vec<PathBuf>,
    pub(super) info: Peer,
}

impl SuitePeer {
    pub(super) fn is_present(&self) -> bool {
        matches!(self.info.found, Found::Present { .. })
    }

    /// Looks for the runtime's commands.
    pub(super) fn find(adapter: Adapter, given: &BTreeMap<String, PathBuf>) -> Self {
        let (tools, found) = match adapter.find(given) {
            Ok(Tools { paths, found }) => (paths, found),
            Err(reason) => (Vec::new(), Found::Missing(reason)),
        };
        let (name, upstream) = (adapter.name.into(), adapter.upstream.into());
        let info = Peer { name, upstream, level: adapter.level, found };
        Self { adapter, tools, info }
    }
}
