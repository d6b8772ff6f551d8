#!/usr/bin/env bash
# Runs each target with its seeds for some seconds:
#
#     fuzz/run.sh [SECONDS] [OPTIONS OF cargo fuzz run]        60 seconds
#
# The corpus of a target grows in fuzz/corpus, from which the next run goes on. The first failure ends it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

seconds=${1:-60}
options=("${@:2}")
# Lets the toolchain of the project take the options for instrumentation.
export RUSTC_BOOTSTRAP=1

fuzz() {
    local target=$1
    mkdir -p "fuzz/corpus/$target"
    echo "fuzz: $target"
    cargo fuzz run --sanitizer none ${options[@]+"${options[@]}"} "$target" "fuzz/corpus/$target" "${@:2}" -- \
        -max_total_time="$seconds" -print_final_stats=1
}

fuzz differential
fuzz artifact tests/artifacts
fuzz compile benchmarks/programs
