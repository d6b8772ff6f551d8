# Builds what a release contains. Sourced by release.sh.
#
# A tree is laid out as below /usr/local: bin, include, lib and share.

# Fills a tree, and $stage/debug with the debug symbols.
build() {
    local tree=$1
    build_command "$tree"
    build_libraries "$tree"
    generate "$tree"
    install -Dm 644 README.md "$tree/share/doc/wasmaot/README.md"
    install -Dm 644 CHANGELOG.md "$tree/share/doc/wasmaot/CHANGELOG.md"
    install -Dm 644 SECURITY.md "$tree/share/doc/wasmaot/SECURITY.md"
}

# Options of the compiler that keep the names of this machine's directories out of a build, one a line.
remappings() {
    echo "--remap-path-prefix=$root=/usr/src/wasmaot"
    echo "--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/usr/src/cargo"
    echo "--remap-path-prefix=$built=/usr/src/target"
}

build_command() {
    local tree=$1 option flags=
    for option in $(remappings); do
        flags+="'$option', "
    done
    # Added to the flags in .cargo/config.toml, which make the program static.
    cargo build --quiet --locked --package wasmaot --profile dist --target-dir "$built/command" \
        --config "target.x86_64-unknown-linux-gnu.rustflags = [$flags'-Clink-arg=-Wl,--build-id=sha1']"
    install -Dm 755 "$built/command/x86_64-unknown-linux-gnu/dist/wasmaot" "$tree/bin/wasmaot"
    split_debug "$tree/bin/wasmaot" bin/wasmaot
}

build_libraries() {
    local tree=$1 name soname
    WASMAOT_RUSTFLAGS="$(remappings | tr '\n' ' ')-Clink-arg=-Wl,--build-id=sha1" \
        CARGO_TARGET_DIR=$built PROFILE=dist PREFIX=/ DESTDIR=$tree runtime-shim/capi/install.sh
    for name in wasmaot wasmaot-compiler; do
        soname=$(readlink "$tree/lib/lib$name.so")
        split_debug "$tree/lib/$soname" "lib/$soname"
        # Wherever the archive is unpacked.
        sed -i 's|^prefix=.*|prefix=${pcfiledir}/../..|' "$tree/lib/pkgconfig/$name.pc"
    done
    objcopy --strip-debug --enable-deterministic-archives "$tree/lib/libwasmaot.a"
}

# Moves the debug symbols of a file into one of their own, where debuggers look for them.
split_debug() {
    local file=$1 symbols=$stage/debug/$2.debug
    mkdir -p "$(dirname "$symbols")"
    objcopy --only-keep-debug "$file" "$symbols"
    chmod 644 "$symbols"
    strip --strip-all "$file"
    objcopy --add-gnu-debuglink="$symbols" "$file"
}

# Has the command write its completions and manual pages.
generate() {
    local wasmaot=$1/bin/wasmaot share=$1/share
    mkdir -p "$share/bash-completion/completions" "$share/zsh/site-functions" \
        "$share/fish/vendor_completions.d" "$share/man/man1"
    "$wasmaot" completions bash >"$share/bash-completion/completions/wasmaot"
    "$wasmaot" completions zsh >"$share/zsh/site-functions/_wasmaot"
    "$wasmaot" completions fish >"$share/fish/vendor_completions.d/wasmaot.fish"
    "$wasmaot" man "$share/man/man1"
}
