//! One look at a module before it is rewritten: which segments its code names.

use crate::error::SnapshotError;
use wasmparser::{FunctionBody, Operator, Parser, Payload, WasmFeatures};

/// A parser that reads whatever the runtime may run.
pub(crate) fn parser() -> Parser {
    let mut parser = Parser::new(0);
    parser.set_features(WasmFeatures::all());
    parser
}

/// What matters of a module's code: segments up to these are named by it, so that their indices must stay.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Number of data segments up to the last one that the code names.
    pub(crate) data: usize,
    /// Number of element segments up to the last one that the code names.
    pub(crate) elems: usize,
}

impl Named {
    /// Reads a module's code.
    pub(crate) fn of(wasm: &[u8]) -> Result<Self, SnapshotError> {
        let mut named = Self::default();
        for payload in parser().parse_all(wasm) {
            if let Payload::CodeSectionEntry(body) = payload? {
                named.read(&body)?;
            }
        }
        Ok(named)
    }

    fn read(&mut self, body: &FunctionBody<'_>) -> Result<(), SnapshotError> {
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::MemoryInit { data_index, .. } | Operator::DataDrop { data_index } => {
                    self.data = self.data.max(data_index as usize + 1);
                }
                Operator::TableInit { elem_index, .. } | Operator::ElemDrop { elem_index } => {
                    self.elems = self.elems.max(elem_index as usize + 1);
                }
                _ => {}
            }
        }
        Ok(())
    }
}
