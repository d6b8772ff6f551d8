# Packs trees as archives and as Debian packages, with reproducible bytes. Sourced by release.sh.

# Prints a tar archive of everything in a directory. More arguments go to tar.
pack() {
    local directory=$1
    shift
    tar --create --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
        --directory "$directory" "$@" .
}

# Packs a tree below a directory of the archive's name.
archive() {
    pack "$1" --transform "s|^\.|$2|S" | gzip -9n >"$release/$2.tar.gz"
}

# Makes the Debian packages from a tree.
packages() {
    local tree=$1 debian=$2 multiarch=usr/lib/x86_64-linux-gnu
    local package=$debian/wasmaot
    mkdir -p "$package/usr/share/zsh"
    cp -a "$tree/bin" "$package/usr/"
    cp -a "$tree/share/bash-completion" "$tree/share/fish" "$tree/share/man" "$package/usr/share/"
    cp -a "$tree/share/zsh/site-functions" "$package/usr/share/zsh/vendor-completions"
    gzip -9n "$package"/usr/share/man/man1/*
    debian_package wasmaot "$package" devel '' \
        'ahead-of-time compiler and runtime for WebAssembly' \
        'Compiles WebAssembly modules and components to native shared objects, which it proves to obey the sandbox before it runs them.

The command also makes standalone executables and container images of programs, runs initialisations at compile time, and signs, inspects and rebuilds artifacts.'

    package=$debian/libwasmaot-dev
    mkdir -p "$package/$multiarch"
    cp -a "$tree/include" "$package/usr/"
    cp -a "$tree/lib/." "$package/$multiarch/"
    sed -i -e 's|^prefix=.*|prefix=/usr|' -e 's|^libdir=.*|libdir=${prefix}/lib/x86_64-linux-gnu|' \
        "$package/$multiarch"/pkgconfig/*.pc
    debian_package libwasmaot-dev "$package" libdevel "libc6 (>= $(needed_libc "$tree"/lib/*.so)), libgcc-s1" \
        'WebAssembly runtime wasmaot - libraries for C' \
        'Loads artifacts that wasmaot has compiled, and gives each request an instance of its own, within limits of time, memory and instructions.

A second library compiles WebAssembly modules to artifacts. Both have headers for C and C++ and descriptions for pkg-config.'
}

# The greatest version of the C library that shared libraries name.
needed_libc() {
    objdump -T "$@" | sed -n 's/.*(\?GLIBC_\([0-9.]*\).*/\1/p' | sort -uV | tail -1
}

# Completes a tree to a package and packs it: name, tree, section, dependencies, summary, description.
debian_package() {
    local name=$1 package=$2 section=$3 depends=$4 summary=$5 description=$6
    local doc=$package/usr/share/doc/$name
    mkdir -p "$doc" "$package/DEBIAN"
    cp "$stage/tree/share/doc/wasmaot/LICENSE" "$doc/copyright"
    cat "$stage/tree/share/doc/wasmaot/THIRD-PARTY-LICENCES" >>"$doc/copyright"
    gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
    {
        echo "Package: $name"
        echo "Version: $version"
        echo "Architecture: amd64"
        echo "Maintainer: The wasmaot developers <wasmaot@users.noreply.github.com>"
        echo "Homepage: https://github.com/wasmaot/wasmaot"
        echo "Section: $section"
        echo "Priority: optional"
        if [ -n "$depends" ]; then
            echo "Depends: $depends"
        fi
        echo "Installed-Size: $(du -k --apparent-size -s "$package/usr" | cut -f1)"
        echo "Description: $summary"
        # Lines of at most 80 columns; one with a dot alone divides paragraphs.
        echo "$description" | fold --spaces --width=78 | sed -e 's/ *$//' -e 's/^$/./' -e 's/^/ /'
    } >"$package/DEBIAN/control"
    (cd "$package" && find usr -type f | sort | xargs md5sum) >"$package/DEBIAN/md5sums"
    # Times beyond SOURCE_DATE_EPOCH become that one.
    find "$package" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz --build "$package" "$release/${name}_${version}_amd64.deb" >/dev/null
}
