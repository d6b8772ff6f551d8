#!/usr/bin/env bash
# Builds a release:
#
#     packaging/release.sh [DIRECTORY]        into DIRECTORY (target/dist/release)
#
#     wasmaot-VERSION-x86_64-linux.tar.gz     command, C libraries, header, completions, manual, licences
#     wasmaot-VERSION-x86_64-linux-debug.tar.gz    debug symbols of the command and of the shared libraries
#     wasmaot_VERSION_amd64.deb               the command for Debian and Ubuntu
#     libwasmaot-dev_VERSION_amd64.deb        the libraries for C
#     wasmaot-VERSION-py3-none-PLATFORM.whl   the package for Python, with the libraries
#     wasmaot-VERSION-oci.tar                 image with the command alone: containerd, podman, docker
#     SHA256SUMS
#
# The same sources, toolchain and base system give the same bytes, in whatever directory and whenever they are
# built. SOURCE_DATE_EPOCH is the date of all files; it defaults to that of the commit.
#
# Needs the Rust toolchain, gcc, binutils, GNU tar, gzip, dpkg-deb, and python3 with cffi.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export LC_ALL=C TZ=UTC
umask 022
root=$PWD
version=$(cargo pkgid --locked -p wasmaot)
version=${version##*[#@]}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
built=$(realpath -m "${CARGO_TARGET_DIR:-target}")/dist
mkdir -p "${1:-$built/release}"
release=$(cd "${1:-$built/release}" && pwd)
stage=$built/stage
rm -rf "$stage"
mkdir -p "$stage"

# shellcheck source=packaging/build.sh
. packaging/build.sh
# shellcheck source=packaging/licences.sh
. packaging/licences.sh
# shellcheck source=packaging/archives.sh
. packaging/archives.sh
# shellcheck source=packaging/image.sh
. packaging/image.sh

echo "release: building wasmaot $version"
build "$stage/tree"
licences "$stage/tree/share/doc/wasmaot"
echo "release: packing"
archive "$stage/tree" "wasmaot-$version-x86_64-linux"
archive "$stage/debug" "wasmaot-$version-x86_64-linux-debug"
packages "$stage/tree" "$stage/debian"
packaging/wheel.sh "$release" "$stage/tree/lib" "$stage/tree/include"
image "$stage/tree" "$stage/image"
(cd "$release" && sha256sum -- *"$version"* >SHA256SUMS && cat SHA256SUMS)
