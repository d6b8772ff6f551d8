#!/usr/bin/env bash
# Builds a SQLite of 1 MB or more as a WebAssembly module, for measuring how
# long a large module takes to compile.
#
#   build.sh DIRECTORY    writes DIRECTORY/sqlite3.wasm
#
# The source is Debian's source package sqlite3, fetched with apt-get into
# DIRECTORY; the apt configuration of the machine is left as it is, and root is
# not needed.
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

source "$here/../../../tests/clang.sh"
need_libc
need dpkg-source dpkg-dev
need gcc gcc
need make make
need tclsh tcl
stop_if_missing

# 1. The source package, through a package list of our own.
source_dir() { find "$dir" -maxdepth 1 -type d -name 'sqlite3-*' | head -n 1; }
if [ -z "$(source_dir)" ]; then
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
    apt-get "${apt_options[@]}" update
    apt-get "${apt_options[@]}" source sqlite3
fi

# 2. The amalgamation: all of SQLite in one C file.
mkdir -p amalgamation
(
    cd amalgamation
    [ -e Makefile ] || "$(source_dir)/configure" --disable-tcl --disable-readline >configure.log
    make sqlite3.c >make.log
)

# 3. The module.
"$clang" --target=wasm32-wasi -O2 \
    -mmutable-globals -msign-ext -mmultivalue -mnontrapping-fptoint \
    -mbulk-memory -mreference-types \
    -Wl,--strip-all -Wl,-z,stack-size=1048576 \
    -Iamalgamation -DSQLITE_OS_OTHER=1 -DSQLITE_THREADSAFE=0 \
    -DSQLITE_TEMP_STORE=3 \
    -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_OMIT_WAL -DSQLITE_MAX_MMAP_SIZE=0 \
    -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_RTREE -DSQLITE_ENABLE_MATH_FUNCTIONS \
    amalgamation/sqlite3.c "$here/main.c" -o sqlite3.wasm -lm
echo "sqlite3.wasm: $(stat -c %s sqlite3.wasm) bytes"
