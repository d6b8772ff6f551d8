#!/usr/bin/env bash
# Checks what a packager relies on:
#
#     packaging/check-install.sh
#
# `cargo install` works from an empty cargo home, as on a new machine, with the versions that are locked and
# with the newest that fit; and `cargo package` makes packages of all crates that are published, which compile
# by themselves, the command with its runner included.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Installs the command with options of `cargo install`, and compiles and runs a program.
check_install() {
    echo "check: cargo install $*"
    CARGO_HOME=$work/home CARGO_TARGET_DIR=$work/target \
        cargo install --quiet --force --path cli --root "$work/installed" "$@"
    cd "$work"
    installed/bin/wasmaot --version
    installed/bin/wasmaot compile --emit exe --quiet "$root/benchmarks/programs/fasta.wasm" -o fasta
    ./fasta 3 | head -1 | grep '^>ONE Homo sapiens alu$'
    cd "$root"
}

check_install --locked
check_install

echo "check: cargo package"
unpublished=(wasmaot-tests wasmaot-tests-release wasmaot-bench)
cargo package --quiet --workspace "${unpublished[@]/#/--exclude=}"
ls "${CARGO_TARGET_DIR:-target}"/package/*.crate
