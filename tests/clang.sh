# Finds what the build scripts of Wasm programs need; to be sourced by them.
#
# Debian's clang 19 is the compiler; CLANG names another.

clang=${CLANG:-clang-19}
missing=()

# need THING PACKAGE    notes a package as missing if the thing, a command or a path, is not there
need() {
    case $1 in
    /*) [ -e "$1" ] ;;
    *) command -v "$1" >/dev/null ;;
    esac || missing+=("$2")
}

# Compiler and linker.
need_clang() {
    need "$clang" clang-19
    need wasm-ld-19 lld-19
}

# Them, and the C library.
need_libc() {
    need_clang
    need /usr/lib/wasm32-wasi/libc.a wasi-libc
    need /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a libclang-rt-19-dev-wasm32
}

# Them, and the C++ library.
need_libcxx() {
    need_libc
    need /usr/lib/wasm32-wasi/libc++.a libc++-19-dev-wasm32
    need /usr/lib/wasm32-wasi/libc++abi.a libc++abi-19-dev-wasm32
}

# Ends the script if something is missing.
stop_if_missing() {
    if [ ${#missing[@]} -ne 0 ]; then
        echo "build.sh: missing packages; install them with:" >&2
        echo "    apt-get install ${missing[*]}" >&2
        exit 1
    fi
}
