#!/usr/bin/env bash
# Builds the conformance programs of this directory, each for both versions of WASI:
# NAME.c to NAME.wasm and NAME.unstable.wasm beside it.
#
#   build.sh          builds in place
#   build.sh --check  builds in a temporary directory and compares byte for byte
#
# It needs Debian's clang-19 and lld-19 (CLANG names another clang), and no C library. Only the
# same version gives the same bytes: those kept here come from clang 19.1.7.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"

source ../clang.sh
need_clang
stop_if_missing

out=.
case "${1-}" in
'') ;;
--check)
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
    ;;
*)
    echo "usage: build.sh [--check]" >&2
    exit 2
    ;;
esac

# Two pages of memory, so that the programs know its end.
flags=(
    --target=wasm32 -std=c11 -O1 -Wall -Wextra -Wno-unused-function -Wno-missing-field-initializers
    -ffreestanding -nostdlib -mbulk-memory -msign-ext
    -Wl,--no-entry -Wl,--strip-all -Wl,-z,stack-size=16384
    -Wl,--initial-memory=131072 -Wl,--max-memory=131072
)

status=0
for source in *.c; do
    for version in '' .unstable; do
        name=${source%.c}$version.wasm
        "$clang" "${flags[@]}" ${version:+-DUNSTABLE} "$source" -o "$out/$name"
        chmod a-x "$out/$name"
        if [ "$out" != . ] && ! cmp -s "$out/$name" "$name"; then
            echo "$name: differs" >&2
            status=1
        fi
    done
done
exit $status
