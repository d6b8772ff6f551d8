//! One golden file.
//!
//! ```text
//!  ;;! --meter -O0            options of the compilation, if any differ from the default ones
//!  (module ...)               the source
//!
//!  ;;; clif                   the listings, each line behind `;; `
//!  ;; ; sum
//!  ;; function u0:0(i64, i32) -> i32 tail {
//!  ...
//!  ;;; asm
//!  ...
//! ```

use std::path::{Path, PathBuf};
use wasmaot_compiler::{Emit, OptLevel, Options};

/// What begins a listing.
const HEADING: &str = ";;; ";

/// What begins a line of options.
const OPTIONS: &str = ";;! ";

/// The listings of a file, in order.
const LISTINGS: [(&str, Emit); 2] = [("clif", Emit::Clif), ("asm", Emit::Asm)];

/// A golden file.
pub(crate) struct Golden {
    pub(crate) path: PathBuf,
    /// All of it.
    pub(crate) text: String,
    options: Options,
}

impl Golden {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut options = wasmaot_tests::options();
        for word in text.lines().filter_map(|line| line.strip_prefix(OPTIONS)).flat_map(str::split_whitespace)
        {
            match word {
                "--meter" => options.meter = true,
                "-O0" => options.opt = OptLevel::None,
                "-O2" => options.opt = OptLevel::Full,
                other => panic!("{}: unknown option {other}", path.display()),
            }
        }
        Self { path: path.into(), text, options }
    }

    /// The module in the text format.
    fn source(&self) -> &str {
        let end =
            self.text.lines().take_while(|line| !line.starts_with(HEADING)).map(|line| line.len() + 1).sum();
        self.text.get(..end).unwrap_or(&self.text).trim_end()
    }

    /// What the compiler makes of the module.
    pub(crate) fn listing(&self, emit: Emit) -> String {
        let wasm = wat::parse_str(self.source()).unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        let options = Options { emit, ..self.options.clone() };
        let output = wasmaot_compiler::compile(&wasm, &options, &|_| {})
            .unwrap_or_else(|e| panic!("{}: {e}", self.path.display()));
        String::from_utf8(output.bytes).expect("listings are UTF-8")
    }

    /// The text of the file with the listings that the compiler makes now.
    pub(crate) fn with_listings(&self) -> String {
        let mut text = format!("{}\n", self.source());
        for (name, emit) in LISTINGS {
            text += &format!("\n{HEADING}{name}\n");
            for line in self.listing(emit).lines() {
                text += format!(";; {line}").trim_end();
                text.push('\n');
            }
        }
        text
    }
}
