#!/usr/bin/env bash
# Builds the programs of this directory, with debug information. It needs Debian's clang-19 and lld-19, and
# rustc with the target wasm32-wasip1. Other versions give other bytes and the same lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

source ../../clang.sh
need_clang
stop_if_missing

"$clang" --target=wasm32 -nostdlib -O1 -g -ffile-prefix-map="$PWD"=/src -Wl,--no-entry divide.c -o divide.wasm
rustc --edition 2024 --target wasm32-wasip1 --crate-type cdylib -C panic=abort -C opt-level=1 -C lto=fat -C debuginfo=line-tables-only \
    -C link-arg=--no-entry --remap-path-prefix "$PWD"=/src index.rs -o index.wasm
