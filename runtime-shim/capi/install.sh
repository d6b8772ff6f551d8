#!/bin/sh
# Builds the libraries for C and installs them, with the header and a file for pkg-config:
#
#     runtime-shim/capi/install.sh                        below /usr/local
#     PREFIX=$HOME/.local runtime-shim/capi/install.sh    below another folder
#
# DESTDIR, if set, goes before PREFIX in what is written, for making packages. PROFILE is a profile of Cargo's (release).
# WASMAOT_RUSTFLAGS are options for the Rust compiler.
#
# The build has a target folder of its own, because it sets the flags of .cargo/config.toml aside: with those there would be no
# shared library, and the static one would fit no position-independent program.
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
soname=libwasmaot.so.$abi

RUSTFLAGS=${WASMAOT_RUSTFLAGS:-} cargo rustc --quiet --locked -p wasmaot-capi --profile "$profile" --target-dir "$target" \
    --crate-type staticlib,cdylib -- -C "link-arg=-Wl,-soname,$soname" -C link-arg=-Wl,-z,nodelete

case $profile in
dev) folder=debug ;;
*) folder=$profile ;;
esac
built=$target/x86_64-unknown-linux-gnu/$folder
root=${DESTDIR:-}$prefix

install -d "$root/include" "$root/lib/pkgconfig"
install -m 644 runtime-shim/capi/include/wasmaot.h "$root/include/"
install -m 644 "$built/libwasmaot.a" "$root/lib/"
install -m 755 "$built/libwasmaot.so" "$root/lib/$soname"
ln -sf "$soname" "$root/lib/libwasmaot.so"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" runtime-shim/capi/wasmaot.pc.in \
    >"$root/lib/pkgconfig/wasmaot.pc"
echo "installed wasmaot $version for C below $root"
