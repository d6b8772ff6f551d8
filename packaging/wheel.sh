#!/usr/bin/env bash
# Builds the wheel of the Python package:
#
#     packaging/wheel.sh DIRECTORY                into DIRECTORY, with libraries that it builds
#     packaging/wheel.sh DIRECTORY LIB INCLUDE    with the libraries in LIB, whose headers are in INCLUDE
#
# Needs python3 with cffi; PYTHON is another interpreter. SOURCE_DATE_EPOCH is the date of all files.
set -euo pipefail
mkdir -p "$1"
directory=$(realpath "$1")
lib=${2:+$(realpath "$2")}
include=${3:+$(realpath "$3")}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if [ -z "$lib" ]; then
    stage=$(realpath -m "${CARGO_TARGET_DIR:-target}")/wheel
    PREFIX=$stage runtime-shim/capi/install.sh
    lib=$stage/lib
    include=$stage/include
    strip --strip-unneeded "$lib"/lib*.so.*
fi
"${PYTHON:-python3}" runtime-shim/python/build_wheel.py "$lib" "$include" "$directory"
