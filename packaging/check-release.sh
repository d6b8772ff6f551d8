#!/usr/bin/env bash
# Checks the files of a release as their users would:
#
#     packaging/check-release.sh DIRECTORY
#
# unpacks the archive and runs the command, compiles a C program with the library, completes command lines in
# three shells, shows a manual page; installs the Debian packages, uses and removes them; uses the wheel for
# Python; imports the image into a containerd of its own and runs it. Needs root, since it installs packages.
# What a machine lacks the tools for is named and left out.
set -euo pipefail
release=$(realpath "$1")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
programs=$PWD/benchmarks/programs
work=$(mktemp -d)
daemon=
finish() {
    if [ -n "$daemon" ]; then
        kill "$daemon" && wait "$daemon" || true
    fi
    rm -rf "$work"
}
trap finish EXIT

step() { echo "check: $*"; }
has() { command -v "$1" >/dev/null || { echo "check: skipped, there is no $1"; false; }; }

# Compiles and runs a program with the given command.
use() {
    local wasmaot=$1
    "$wasmaot" --version
    "$wasmaot" compile --quiet "$programs/fasta.wasm" -o "$work/fasta.so"
    "$wasmaot" run "$work/fasta.so" 3 | head -1 | grep -q '^>ONE Homo sapiens alu$'
    "$wasmaot" compile --quiet --emit exe "$programs/fasta.wasm" -o "$work/fasta"
    "$work/fasta" 3 | head -1 | grep -q '^>ONE Homo sapiens alu$'
}

checksums() {
    step "checksums"
    (cd "$release" && sha256sum --quiet --check SHA256SUMS)
}

archive() {
    step "archive"
    local file tree
    file=$(echo "$release"/wasmaot-*-x86_64-linux.tar.gz)
    tar --extract --file "$file" --directory "$work"
    tree=$work/$(basename "$file" .tar.gz)
    use "$tree/bin/wasmaot"
    completions "$tree/share"
    if has man; then
        man --local-file --warnings --pager=cat "$tree/share/man/man1/wasmaot-compile.1" >"$work/page"
        grep -q -- --target-cpu "$work/page"
        head -12 "$work/page"
    fi
    if has gcc && has pkg-config; then
        library "$tree/lib/pkgconfig"
        small "$tree"
    fi
    symbols "$tree"
}

# Completes a word in each shell, from the directory with the completions.
completions() {
    local share=$1
    bash -c "source $share/bash-completion/completions/wasmaot; COMP_WORDS=(wasmaot insp); COMP_CWORD=1
        _wasmaot wasmaot insp wasmaot; echo \"bash: wasmaot insp -> \${COMPREPLY[*]}\"" | grep 'inspect$'
    if has fish; then
        fish --no-config -c "source $share/fish/vendor_completions.d/wasmaot.fish
            echo 'fish: wasmaot insp ->' (complete --do-complete 'wasmaot insp')" | grep 'inspect'
    fi
    if has zsh; then
        zsh -f -c "fpath=($share/zsh/site-functions \$fpath); autoload -Uz compinit && compinit -u -D
            echo \"zsh: completes wasmaot by \${_comps[wasmaot]}\"" | grep '_wasmaot$'
    fi
}

# Builds a program with the library that pkg-config finds in a directory.
library() {
    step "library for C"
    cat >"$work/host.c" <<'END'
#include <stdio.h>
#include <wasmaot.h>

int main(int argc, char **argv) {
    wasmaot_module_t *module = NULL;
    wasmaot_error_t *error = wasmaot_module_open_trusted(argv[1], &module);
    if (error != NULL) {
        fprintf(stderr, "%s\n", wasmaot_error_message(error));
        return 1;
    }
    wasmaot_module_delete(module);
    puts("opened");
    return argc - 2;
}
END
    local flags directory
    flags=$(PKG_CONFIG_PATH=$1 pkg-config --cflags --libs wasmaot)
    directory=$(PKG_CONFIG_PATH=$1 pkg-config --variable=libdir wasmaot)
    # shellcheck disable=SC2086
    gcc -Wall -Werror -o "$work/host" "$work/host.c" $flags "-Wl,-rpath,$directory"
    "$work/host" "$work/fasta.so" | grep '^opened$'
}

# A host in C carries no compiler: linked with the runtime's archive and stripped, it has at most 1 MiB.
small() {
    local size
    gcc -Os -Wl,--gc-sections -I"$1/include" -o "$work/small" "$work/host.c" "$1/lib/libwasmaot.a" -lm -lpthread -ldl
    strip "$work/small"
    size=$(stat --format=%s "$work/small")
    echo "check: a host in C with the runtime has $size bytes"
    test "$size" -le 1048576
}

# The debug symbols belong to the command, and name its functions.
symbols() {
    step "debug symbols"
    local file tree
    file=$(echo "$release"/wasmaot-*-x86_64-linux-debug.tar.gz)
    tar --extract --file "$file" --directory "$work"
    tree=$work/$(basename "$file" .tar.gz)
    test "$(readelf -n "$1/bin/wasmaot" | grep 'Build ID')" = "$(readelf -n "$tree/bin/wasmaot.debug" | grep 'Build ID')"
    nm --defined-only "$tree/bin/wasmaot.debug" | grep -c ' [tT] '
}

debian() {
    step "Debian packages"
    dpkg --install "$release"/wasmaot_*.deb "$release"/libwasmaot-dev_*.deb
    use /usr/bin/wasmaot
    if has gcc && has pkg-config; then
        library ''
    fi
    if has man; then
        man --where wasmaot-compile
    fi
    dpkg --verify wasmaot libwasmaot-dev
    dpkg --remove wasmaot libwasmaot-dev
    test ! -e /usr/bin/wasmaot
}

wheel() {
    step "wheel"
    python3 -c 'import cffi' || { echo "check: skipped, there is no cffi for python3"; return 0; }
    python3 -m zipfile -e "$(echo "$release"/wasmaot-*.whl)" "$work/wheel"
    (cd "$work" && PYTHONPATH=$work/wheel python3 - <<'END') | grep '^42$'
import wasmaot
linked = wasmaot.Linker().link(wasmaot.Module('(module (func (export "answer") (result i32) i32.const 42))'))
with wasmaot.Pool(slots=1).start(linked) as instance:
    print(instance.call("answer"))
END
}

image() {
    step "image"
    has containerd && has ctr && has runc || return 0
    cat >"$work/containerd.toml" <<END
version = 2
root = "$work/containerd"
state = "$work/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
  address = "$work/containerd.sock"
END
    containerd --config "$work/containerd.toml" --log-level error &
    daemon=$!
    local name tries=0
    until ctr --address "$work/containerd.sock" version >/dev/null 2>&1; do
        tries=$((tries + 1))
        test "$tries" -lt 100
        sleep 0.1
    done
    ctr() { command ctr --address "$work/containerd.sock" "$@"; }
    ctr image import --snapshotter native "$(echo "$release"/wasmaot-*-oci.tar)"
    name=$(ctr image list --quiet)
    ctr run --rm --snapshotter native "$name" version /wasmaot --version
    ctr run --rm --snapshotter native --mount "type=bind,src=$programs,dst=/programs,options=rbind:ro" "$name" fasta \
        /wasmaot run /programs/fasta.wasm 3 | head -1 | grep '^>ONE Homo sapiens alu$'
}

checksums
archive
debian
wheel
image
echo "check: all of it works"
