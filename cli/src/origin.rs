//! Recognises modules that were built for JavaScript, by what they import, and says what to build instead.
//!
//! **Invariant: this decides nothing but the wording of messages.**

use std::fmt::{self, Display};

/// What built a module for another host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    WasmBindgen,
    Emscripten,
    Go,
    AssemblyScript,
    JsBuiltins,
    Component,
}

impl Origin {
    /// Returns the origin that the imports, by module and name, give away.
    pub(crate) fn of<'a>(imports: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<Self> {
        imports.into_iter().find_map(|(module, name)| Self::of_import(module, name))
    }

    fn of_import(module: &str, name: &str) -> Option<Self> {
        let is_script = module.ends_with(".js") || module.ends_with(".mjs");
        match module {
            "wbg" | "__wbindgen_placeholder__" | "__wbindgen_externref_xform__" => Some(Self::WasmBindgen),
            _ if is_script || name.starts_with("__wbg_") || name.starts_with("__wbindgen_") => {
                Some(Self::WasmBindgen)
            }
            "GOT.mem" | "GOT.func" => Some(Self::Emscripten),
            "env" | "a" if name.starts_with("emscripten_") || name.starts_with("_emscripten_") => {
                Some(Self::Emscripten)
            }
            "env" if ["invoke_", "_embind_", "__syscall_"].iter().any(|prefix| name.starts_with(prefix)) => {
                Some(Self::Emscripten)
            }
            "gojs" | "go" => Some(Self::Go),
            "env" if name == "abort" => Some(Self::AssemblyScript),
            "cm32p2" => Some(Self::Component),
            _ if module.starts_with("wasm:") => Some(Self::JsBuiltins),
            _ if module.starts_with("wasi:") || module.starts_with("cm32p2|") => Some(Self::Component),
            _ => None,
        }
    }
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WasmBindgen => {
                "wasm-bindgen has built it for JavaScript, which defines its imports; build it for wasm32-wasip1 without \
                 wasm-bindgen (cargo build --target wasm32-wasip1)"
            }
            Self::Emscripten => {
                "Emscripten has built it for JavaScript, which defines its imports; build it with wasi-sdk (clang \
                 --target=wasm32-wasip1), or with emcc -sSTANDALONE_WASM"
            }
            Self::Go => {
                "Go has built it for JavaScript, which defines its imports; build it with GOOS=wasip1 GOARCH=wasm"
            }
            Self::AssemblyScript => {
                "AssemblyScript has built it for JavaScript, which defines its imports; build it with --use abort= or \
                 with a WASI shim (@assemblyscript/wasi-shim)"
            }
            Self::JsBuiltins => {
                "it imports builtins of JavaScript (`wasm:`), so it runs in JavaScript engines only; build it for a WASI target"
            }
            Self::Component => {
                "it is a core module for a component of WASI 0.2, which this version does not run; build it for wasm32-wasip1"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glue_is_recognised() {
        let of = |imports: &[(&'static str, &'static str)]| Origin::of(imports.iter().copied());
        assert_eq!(of(&[("./app_bg.js", "f")]), Some(Origin::WasmBindgen));
        assert_eq!(of(&[("wasi_snapshot_preview1", "fd_write"), ("wbg", "x")]), Some(Origin::WasmBindgen));
        assert_eq!(of(&[("env", "emscripten_resize_heap")]), Some(Origin::Emscripten));
        assert_eq!(of(&[("gojs", "runtime.wasmExit")]), Some(Origin::Go));
        assert_eq!(of(&[("env", "abort")]), Some(Origin::AssemblyScript));
        assert_eq!(of(&[("wasm:js-string", "length")]), Some(Origin::JsBuiltins));
        assert_eq!(of(&[("wasi:cli/stdout@0.2.0", "get-stdout")]), Some(Origin::Component));
        for ours in [("wasi_snapshot_preview1", "fd_write"), ("env", "memory"), ("wasi", "thread-spawn")] {
            assert_eq!(of(&[ours]), None, "{ours:?}");
        }
    }
}
