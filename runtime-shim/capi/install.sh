#!/bin/sh
# Builds the libraries for C and installs them, with their headers and files for pkg-config:
#
#     runtime-shim/capi/install.sh                        below /usr/local
#     PREFIX=$HOME/.local runtime-shim/capi/install.sh    below another folder
#     runtime-shim/capi/install.sh runtime                only one of them: runtime or compiler
#
# DESTDIR, if set, goes before PREFIX in what is written, for making packages. PROFILE is a profile of Cargo's
# (release). WASMAOT_RUSTFLAGS are options for the Rust compiler.
#
# The build has a target folder of its own, because it sets the flags of .cargo/config.toml aside: with those
# there would be no shared library, and the static one would fit no position-independent program.
set -eu
cd "$(dirname "$0")/../.."

prefix=${PREFIX:-/usr/local}
profile=${PROFILE:-release}
target=${CARGO_TARGET_DIR:-target}/capi
version=$(cargo pkgid --locked -p wasmaot-capi)
version=${version##*[#@]}

# Before 1.0 each minor version has an interface of its own.
case $version in
0.*) abi=${version%.*} ;;
*) abi=${version%%.*} ;;
esac

case $profile in
dev) folder=debug ;;
*) folder=$profile ;;
esac
built=$target/x86_64-unknown-linux-gnu/$folder
root=${DESTDIR:-}$prefix
install -d "$root/include" "$root/lib/pkgconfig"

# Builds a library and installs it: its folder, its package, the name of its files as they are built, the name
# that they get, and the kinds of libraries. The runtime's may stay in the process for ever, as the kernel
# knows its signal handlers.
install_library() {
    soname=lib$4.so.$abi
    RUSTFLAGS=${WASMAOT_RUSTFLAGS:-} cargo rustc --quiet --locked -p "$2" --lib --profile "$profile" --target-dir "$target" \
        --crate-type "$5" -- -C "link-arg=-Wl,-soname,$soname" -C link-arg=-Wl,-z,nodelete
    install -m 644 "$1"/include/* "$root/include/"
    case $5 in
    staticlib*) install -m 644 "$built/lib$3.a" "$root/lib/lib$4.a" ;;
    esac
    install -m 755 "$built/lib$3.so" "$root/lib/$soname"
    ln -sf "$soname" "$root/lib/lib$4.so"
    sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" "$1/$4.pc.in" >"$root/lib/pkgconfig/$4.pc"
}

for library in ${*:-runtime compiler}; do
    case $library in
    runtime) install_library runtime-shim/capi wasmaot-capi wasmaot wasmaot staticlib,cdylib ;;
    # A program can be linked with one static library of Rust's.
    compiler) install_library compiler/capi wasmaot-compiler-capi wasmaot_compiler_c wasmaot-compiler cdylib ;;
    *)
        echo "$0: there is no library $library; there are runtime and compiler" >&2
        exit 1
        ;;
    esac
done
echo "installed wasmaot $version for C below $root"
