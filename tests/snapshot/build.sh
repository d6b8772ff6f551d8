#!/usr/bin/env bash
# Builds the programs of this directory.
#
#   build.sh DIRECTORY    fetches and builds in DIRECTORY, and copies the results here
#
# Sources come from the Rust registry (cargo vendor). Only the same versions of clang, wasi-libc and rustc
# give the same bytes.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: build.sh DIRECTORY" >&2
    exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
cd "$1"
dir=$PWD

source "$here/../clang.sh"
need_libcxx
stop_if_missing
[ -e "$(rustc --print sysroot)/lib/rustlib/wasm32-wasip1" ] || {
    echo "build.sh: missing target; install it with: rustup target add wasm32-wasip1" >&2
    exit 1
}

# 1. Sources.
mkdir -p crates/src
: >crates/src/lib.rs
cat >crates/Cargo.toml <<'TOML'
[package]
name = "crates"
version = "0.0.0"
edition = "2024"
[dependencies]
libsqlite3-sys = { version = "=0.30.1", features = ["bundled"] }
regex = "=1.11.1"
rquickjs-sys = "=0.9.0"
woothee = "=0.13.0"
[workspace]
TOML
cp "$here/Cargo.lock" crates/
(cd crates && cargo vendor --locked --versioned-dirs >/dev/null)
quickjs=$dir/crates/vendor/rquickjs-sys-0.9.0/quickjs
sqlite=$dir/crates/vendor/libsqlite3-sys-0.30.1/sqlite3

# 2. C and C++.
flags=(
    --target=wasm32-wasi -Oz -w "-ffile-prefix-map=$dir=/build" "-ffile-prefix-map=$here=/build/snapshot"
    -mmutable-globals -msign-ext -mnontrapping-fptoint -mbulk-memory -I"$here/src"
    -Wl,--strip-all -Wl,-z,stack-size=65536
)
"$clang" "${flags[@]}" -D_GNU_SOURCE -DQUICKJS_NG_BUILD -D_WASI_EMULATED_SIGNAL -I"$quickjs" -Wl,-z,stack-size=262144 \
    "$quickjs"/{quickjs,cutils,libbf,libregexp,libunicode}.c "$here/src/quickjs.c" -lwasi-emulated-signal -lm -o quickjs.wasm
"$clang" "${flags[@]}" -I"$sqlite" -DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 -DSQLITE_TEMP_STORE=3 -DSQLITE_OMIT_LOAD_EXTENSION \
    -DSQLITE_OMIT_WAL -DSQLITE_MAX_MMAP_SIZE=0 -DSQLITE_OMIT_LOCALTIME "$sqlite"/{sqlite3,wasm32-wasi-vfs}.c "$here/src/sqlite.c" -lm \
    -o sqlite.wasm
"$clang" --driver-mode=g++ "${flags[@]}" -std=c++17 -fno-exceptions "$here/src/constructors.cpp" -o constructors.wasm

# 3. Rust.
mkdir -p rust/src rust/.cargo
cp "$here"/src/*.rs rust/src/
cp "$here/Cargo.lock" rust/Cargo.lock
cat >rust/.cargo/config.toml <<TOML
[source.crates-io]
replace-with = "vendored-sources"
[source.vendored-sources]
directory = "$dir/crates/vendor"
TOML
sed 's/^\[workspace\]$//' crates/Cargo.toml >rust/Cargo.toml
cat >>rust/Cargo.toml <<'TOML'
[lib]
path = "src/none.rs"
[[bin]]
name = "table"
path = "src/table.rs"
[[bin]]
name = "regex"
path = "src/regex.rs"
[[bin]]
name = "user_agent"
path = "src/user_agent.rs"
[profile.release]
opt-level = "s"
lto = true
codegen-units = 1
panic = "abort"
strip = "symbols"
[workspace]
TOML
sed -i '/^libsqlite3-sys\|^rquickjs-sys/d' rust/Cargo.toml
: >rust/src/none.rs
(cd rust && RUSTFLAGS="--remap-path-prefix=$dir=/build" cargo build --offline --release --target wasm32-wasip1)

install -m 644 quickjs.wasm sqlite.wasm constructors.wasm "$here"
for program in table regex user_agent; do
    install -m 644 "rust/target/wasm32-wasip1/release/$program.wasm" "$here"
done
ls -l "$here"/*.wasm
