#!/usr/bin/env bash
# Builds the programs of this directory, and the answers that they must give.
#
#   build.sh DIRECTORY    fetches and builds in DIRECTORY, and copies the results here
#
# Sources come from Debian's archive (apt-get source, without touching the machine's configuration) and from the Rust registry
# (cargo fetch). Only the same versions of clang, wasi-libc and rustc give the same bytes.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: build.sh DIRECTORY" >&2
    exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
cd "$1"
dir=$PWD

suite=bookworm
rustc=${RUSTC:-/usr/bin/rustc}

source "$here/../clang.sh"
need_libcxx
need "$rustc" rustc
need /usr/lib/rustlib/wasm32-wasi libstd-rust-dev-wasm32
need dpkg-source dpkg-dev
need gcc gcc
need g++ g++
need make make
need tclsh tcl
stop_if_missing

# 1. Sources.
mkdir -p apt/lists/partial apt/cache/archives/partial
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
# The mirror that this machine has its packages from.
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Created-By: Packages" "Codename: $suite" | head -n 1)
echo "deb-src [signed-by=$keyring] $mirror $suite main" >apt/sources.list
apt_options=(
    -o "Dir::Etc::SourceList=$dir/apt/sources.list"
    -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$dir/apt/lists"
    -o "Dir::Cache=$dir/apt/cache"
    -o APT::Sandbox::User=
)
[ -e sqlite3-*/ ] && [ -e zlib-*/ ] || {
    apt-get "${apt_options[@]}" update
    apt-get "${apt_options[@]}" source sqlite3 zlib
}
sqlite=$(echo "$dir"/sqlite3-*/)
zlib=$(echo "$dir"/zlib-*/)

mkdir -p crates/src
: >crates/src/lib.rs
cat >crates/Cargo.toml <<'TOML'
[package]
name = "crates"
version = "0.0.0"
edition = "2021"
[dependencies]
bitflags = "=1.3.2"
memchr = "=2.8.3"
pulldown-cmark = { version = "=0.9.3", default-features = false }
rquickjs-sys = "=0.9.0"
unicase = "=2.10.0"
TOML
(cd crates && cargo vendor --versioned-dirs >/dev/null)
vendor=$dir/crates/vendor
quickjs=$vendor/rquickjs-sys-0.9.0/quickjs

# 2. C. WebAssembly 2.0 without SIMD, small; programs of that age are not written for today's warnings.
flags=(
    --target=wasm32-wasi -Oz -w "-ffile-prefix-map=$dir=/build/wasi-programs"
    -mmutable-globals -msign-ext -mmultivalue -mnontrapping-fptoint -mbulk-memory -mreference-types
    -Wl,--strip-all -Wl,-z,stack-size=1048576
    -D_WASI_EMULATED_PROCESS_CLOCKS -D_WASI_EMULATED_SIGNAL -D_WASI_EMULATED_GETPID -D_WASI_EMULATED_MMAN
)
libraries=(
    -lwasi-emulated-process-clocks -lwasi-emulated-signal -lwasi-emulated-getpid -lwasi-emulated-mman -lm
)

library=("$zlib"/{adler32,compress,crc32,deflate,gzclose,gzlib,gzread,gzwrite}.c
    "$zlib"/{infback,inffast,inflate,inftrees,trees,uncompr,zutil}.c)
for program in example minigzip; do
    "$clang" "${flags[@]}" -I"$zlib" -DZ_HAVE_UNISTD_H "${library[@]}" "$zlib/test/$program.c" -o $program.wasm
done
"$clang" "${flags[@]}" -D_GNU_SOURCE -DQUICKJS_NG_BUILD \
    "$quickjs"/{quickjs,cutils,libbf,libregexp,libunicode,quickjs-libc,qjs}.c \
    "$quickjs"/gen/{repl,standalone}.c "${libraries[@]}" -o qjs.wasm

mkdir -p amalgamation
(
    cd amalgamation
    [ -e Makefile ] || "$sqlite/configure" --disable-tcl --disable-readline >configure.log
    make sqlite3.c shell.c >make.log
)
layer=(amalgamation/sqlite3.c "$sqlite/src/test_demovfs.c" "$here/sqlite/os.c")
options=(
    -Iamalgamation -DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 -DSQLITE_TEMP_STORE=3
    -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL -DSQLITE_MAX_MMAP_SIZE=0
)
shell=(-DSQLITE_NOHAVE_SYSTEM -DSQLITE_OMIT_POPEN -DHAVE_READLINE=0 -DHAVE_EDITLINE=0)
"$clang" "${flags[@]}" "${options[@]}" "${shell[@]}" -I"$here/sqlite/compat" \
    "${layer[@]}" amalgamation/shell.c "${libraries[@]}" -o sqlite3.wasm
"$clang" "${flags[@]}" "${options[@]}" -I"$sqlite/ext/recover" \
    -DSQLITE_OSS_FUZZ -DSQLITE_ENABLE_MEMSYS5 -DSQLITE_ENABLE_FTS4 -DSQLITE_ENABLE_RTREE \
    -DSQLITE_ENABLE_DBSTAT_VTAB -DSQLITE_ENABLE_BYTECODE_VTAB -DSQLITE_ENABLE_DBPAGE_VTAB \
    -DSQLITE_MAX_MEMORY=50000000 -DSQLITE_PRINTF_PRECISION_LIMIT=1000 \
    "${layer[@]}" "$sqlite"/test/{fuzzcheck,ossfuzz,fuzzinvariants,vt02}.c \
    "$sqlite"/ext/recover/{sqlite3recover,dbdata}.c "${libraries[@]}" -o fuzzcheck.wasm

# C++ with exceptions; what the library lacks for them is beside the program.
"$clang" --driver-mode=g++ --target=wasm32-wasi -std=c++17 -Oz -fwasm-exceptions -Wall -Wl,--strip-all \
    "-ffile-prefix-map=$here=/build/wasi-programs" "$here"/exceptions/{program,runtime}.cpp -o exceptions.wasm

# 3. Rust, by rustc alone: that cargo's is another version.
mkdir -p rust/suite
ln -sfn "$vendor/pulldown-cmark-0.9.3" rust/suite/pulldown-cmark
cp "$here/markdown/suite.rs" rust/suite/
crate() {
    local name=$1 edition=$2 source=$3
    shift 3
    "$rustc" --target wasm32-wasi -C opt-level=s --cap-lints allow --out-dir rust -L rust \
        --remap-path-prefix "$dir=/build/wasi-programs" \
        --crate-name "$name" --edition "$edition" "$@" "$source"
}
crate bitflags 2018 "$vendor/bitflags-1.3.2/src/lib.rs" --crate-type rlib
crate memchr 2021 "$vendor/memchr-2.8.3/src/lib.rs" --crate-type rlib \
    --cfg 'feature="std"' --cfg 'feature="alloc"'
crate unicase 2018 "$vendor/unicase-2.10.0/src/lib.rs" --crate-type rlib
crate pulldown_cmark 2021 "$vendor/pulldown-cmark-0.9.3/src/lib.rs" --crate-type rlib \
    --extern bitflags=rust/libbitflags.rlib --extern memchr=rust/libmemchr.rlib \
    --extern unicase=rust/libunicase.rlib
crate suite 2021 rust/suite/suite.rs --test -C strip=symbols \
    --extern pulldown_cmark=rust/libpulldown_cmark.rlib

# 4. Answers, by the same sources on this machine.
gcc -w -O1 "${options[@]}" "${shell[@]}" "${layer[@]}" amalgamation/shell.c -lm -o sqlite3
rm -rf answers
mkdir answers
for script in tables again; do
    (cd answers && sed 's#/second.db#second.db#' "$here/sqlite/$script.sql" | "$dir/sqlite3" test.db) \
        >"$here/sqlite/$script.expected"
done

g++ -std=c++17 -O1 "$here/exceptions/program.cpp" -o exceptions
./exceptions >"$here/exceptions/expected.txt"

install -m 644 exceptions.wasm sqlite3.wasm qjs.wasm minigzip.wasm "$here"
install -m 644 example.wasm "$here/zlib-example.wasm"
install -m 644 rust/suite.wasm "$here/markdown.wasm"
ls -l "$here"/*.wasm
