#!/usr/bin/env bash
# Builds every .c file of this directory to a stripped .wasm file beside it.
#
#   build.sh          builds in place
#   build.sh --check  builds in a temporary directory and compares the result,
#                     byte for byte, with the .wasm files beside the sources
#
# With --in FOLDER as the first arguments, the sources are those of that folder.
#
# Only the same version of clang and wasi-libc gives the same bytes.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$here
if [ "${1-}" = --in ] && [ $# -ge 2 ]; then
    folder=$2
    shift 2
fi
cd "$folder"

check=no
case "${1-}" in
'') ;;
--check) check=yes ;;
*)
    echo "usage: build.sh [--in FOLDER] [--check]" >&2
    exit 2
    ;;
esac

source "$here/../../tests/clang.sh"
need_libc
stop_if_missing

# WebAssembly 2.0 without SIMD; the programs named after it add that.
flags=(
    --target=wasm32-wasi -std=c11 -O3 -Wall -Wextra
    -mmutable-globals -msign-ext -mmultivalue -mnontrapping-fptoint
    -mbulk-memory -mreference-types
    -Wl,--strip-all
)

out=.
if [ "$check" = yes ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi

status=0
for source in *.c; do
    program=${source%.c}
    extra=()
    [[ $program = *-simd ]] && extra=(-msimd128)
    "$clang" "${flags[@]}" "${extra[@]}" "$source" -o "$out/$program.wasm" -lm
    chmod a-x "$out/$program.wasm"
    if [ "$check" = yes ]; then
        if cmp -s "$out/$program.wasm" "$program.wasm"; then
            echo "$program.wasm: same"
        else
            echo "$program.wasm: differs" >&2
            status=1
        fi
    else
        echo "$program.wasm: $(stat -c %s "$program.wasm") bytes"
    fi
done
exit $status
